#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "macfit/plan/plan.hpp"

namespace macfit::study {

struct ContextPoint {
  Tokens context;
  Bytes demand;
  double utilization = 0.0;                   ///< of effective memory
  fit::Tier tier = fit::Tier::not_practical;  ///< of this node at this context, as a plan has it
  bool fits = false;
  bool marked = false;  ///< a power of two, the asked context or a limit: worth a row in a table
};

/// What the node of a placement that binds first needs as the context grows.
struct ContextCurve {
  std::size_t node = 0;  ///< index into the placement's nodes
  Bytes effective;
  Bytes comfortable;             ///< the largest demand that is comfortable
  std::int64_t max_context = 0;  ///< of that node, tokens; 0: not even one fits
  std::int64_t comfortable_context = 0;
  std::vector<ContextPoint> points;  ///< ascending
};

/// From no context to somewhat beyond the longest that fits, at most the model's longest. Empty
/// where the placement has no budget.
[[nodiscard]] std::optional<ContextCurve> context_curve(const plan::Plan& plan,
                                                        const plan::Placement& placement);

}  // namespace macfit::study
