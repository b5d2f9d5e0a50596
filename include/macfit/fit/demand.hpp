#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/runtime/profile.hpp"
#include "macfit/runtime/workload.hpp"

namespace macfit::fit {

/// What a node needs at its peak. `demand()` is the sum of the five parts.
struct Parts {
  Bytes weights;
  Bytes kv_cache;
  Bytes activations;    ///< prefill transient and logits
  Bytes communication;  ///< buffers of the transport
  Bytes runtime;        ///< process and Metal base
  [[nodiscard]] Bytes demand() const {
    return weights + kv_cache + activations + communication + runtime;
  }
};

inline constexpr std::size_t max_kinds = 24;

/// The demand of one profile at one workload and context, ready to be asked for any run of layers.
/// All figures are bytes. Build once, ask often: a question costs a few additions.
class Demand {
 public:
  /// `nodes` is how many nodes hold one replica; `communication` what the transport pins on each;
  /// `ranks` > 1 cuts every layer. Throws Error where the cache rule is not known or on overflow.
  Demand(const runtime::Profile& profile, const runtime::Workload& workload, std::int64_t context,
         Bytes communication, std::int64_t ranks = 1);

  /// A node that holds layers [first, first + count). With ranks > 1: every layer's share.
  [[nodiscard]] std::int64_t stage(std::size_t first, std::size_t count) const {
    std::int64_t bytes = weights(first, count) + fixed_[place(first, count)];
    std::int64_t attention = 0;
    const std::uint32_t* low = counts_ + first * kinds_;
    const std::uint32_t* high = counts_ + (first + count) * kinds_;
    for (std::size_t k = 0; k < kinds_; ++k) {
      const auto layers = static_cast<std::int64_t>(high[k] - low[k]);
      bytes += layers * cache_[k];
      attention = layers > 0 && attention_[k] > attention ? attention_[k] : attention;
    }
    return bytes + attention;
  }

  /// What all nodes of a pipeline (ranks 1) together need whatever the split: weights and caches.
  [[nodiscard]] std::int64_t at_least(std::size_t nodes) const {
    std::int64_t once = 0;
    if (__builtin_mul_overflow(everywhere_, static_cast<std::int64_t>(nodes), &once) ||
        __builtin_add_overflow(once, divided_, &once)) {
      return std::numeric_limits<std::int64_t>::max();
    }
    return once;
  }

  /// The same, taken apart.
  [[nodiscard]] Parts parts(std::size_t first, std::size_t count) const;

  [[nodiscard]] std::size_t layers() const { return layers_; }

 private:
  [[nodiscard]] std::int64_t weights(std::size_t first, std::size_t count) const {
    return rank_weights_ >= 0 ? rank_weights_
                              : weights_[first + count] - weights_[first] + everywhere_ +
                                    (first + count == layers_ ? last_weights_ : 0);
  }
  /// Index of a stage's runtime::Place.
  [[nodiscard]] std::size_t place(std::size_t first, std::size_t count) const {
    const bool last = first + count == layers_;
    return first == 0 ? (last ? 0U : 1U) : (last ? 3U : 2U);
  }

  std::size_t layers_ = 0;
  std::size_t kinds_ = 0;
  const std::int64_t* weights_ = nullptr;
  const std::uint32_t* counts_ = nullptr;
  std::int64_t everywhere_ = 0;
  std::int64_t rank_weights_ = -1;
  std::int64_t divided_ = 0;  ///< weights and caches of all layers, each held once
  std::int64_t last_weights_ = 0;
  std::array<std::int64_t, 4> fixed_{};  ///< by place: activations, communication, base
  std::array<std::int64_t, 4> step_{};   ///< by place: activations of a step, logits
  std::int64_t communication_ = 0;
  std::int64_t base_ = 0;
  std::array<std::int64_t, max_kinds> cache_{};
  std::array<std::int64_t, max_kinds> attention_{};
};

}  // namespace macfit::fit
