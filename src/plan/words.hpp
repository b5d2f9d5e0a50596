#pragma once

#include <vector>

#include "macfit/plan/decide.hpp"
#include "macfit/plan/plan.hpp"

namespace macfit::plan {

/// The verdict's sentence and reasons, and the plan's notes, put into words.
/// `plan.placements` and the verdict's kind, tier, workers and placement are filled in already.
void put_into_words(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision);

/// What has to be done for the plan to run, then what would raise its tier, cheapest first.
/// Every remedy is planned again before it is offered.
[[nodiscard]] std::vector<Action> find_actions(const Plan& plan);

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
