#pragma once

#include <vector>

#include "macfit/plan/plan.hpp"

namespace macfit::plan {

/// Every placement worth showing: of each runtime the best workers, pipeline (beside it the
/// runtime's own split, where another won) and tensor split, the decision's among them. Where a
/// split can't be run or does not load, what memory would make of it.
[[nodiscard]] std::vector<Placement> shown_placements(const Request& request,
                                                      const std::vector<Scenario>& scenarios,
                                                      const Decision& decision);

/// How far the nearest placement that may win is from loading.
struct Shortfall {
  std::size_t placement = 0;
  std::size_t node = 0;  ///< index into the cluster's nodes
  Bytes demand;          ///< at the load context
  Bytes effective;       ///< with the raised limit
  Bytes short_by;
};
[[nodiscard]] std::optional<Shortfall> find_shortfall(const Plan& plan,
                                                      const std::vector<Scenario>& scenarios);

}  // namespace macfit::plan
