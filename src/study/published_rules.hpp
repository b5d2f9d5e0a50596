#pragma once

#include <cstdint>
#include <string>

#include "macfit/model/architecture.hpp"

namespace macfit::study {

/// What a published total comes to when counted as its publisher did.
struct PublishedTotal {
  std::int64_t parameters = 0;  ///< macfit's count, rules applied
  std::string reason;           ///< "text + MTP", "fp8-block-scales: …", "rounded by …"
  std::int64_t low = 0;
  std::int64_t high = 0;
  bool rounded = false;  ///< the published figure has no digits to compare the last ones with
};

/// Parts that a checkpoint holds and publishers count or don't.
struct CountedParts {
  std::int64_t text = 0;
  std::int64_t mtp = 0;
  std::int64_t vision = 0;
};

/// The published total explained: as a sum of parts, else by the first rule that makes it to the
/// last parameter (docs/validation.md), else the nearest sum.
[[nodiscard]] PublishedTotal explain_total(const model::Architecture& architecture,
                                           const CountedParts& parts, std::int64_t published);

}  // namespace macfit::study
