#pragma once

#include <cstdint>

#include "macfit/model/gguf/shape.hpp"

namespace macfit::test {

// Parts of a GGUF shape, set together.

inline void experts(model::GgufShape& s, std::int64_t count, std::int64_t used, std::int64_t width,
                    std::int64_t shared = 0) {
  s.experts = count;
  s.experts_used = used;
  s.expert_feed_forward = width;
  s.experts_shared = shared;
}

inline void state(model::GgufShape& s, std::int64_t size, std::int64_t groups, std::int64_t rank,
                  std::int64_t inner) {
  s.ssm_conv = 4;
  s.ssm_state = size;
  s.ssm_groups = groups;
  s.ssm_rank = rank;
  s.ssm_inner = inner;
}

}  // namespace macfit::test
