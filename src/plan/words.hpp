#pragma once

#include <vector>

#include "macfit/plan/decide.hpp"
#include "macfit/plan/plan.hpp"

namespace macfit::plan {

/// The verdict's sentence and reasons, and the plan's notes, put into words.
/// `plan.placements` and the verdict's kind, tier, workers and placement are filled in already.
void put_into_words(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision);

/// The verdict's headline; all else of the plan is there already.
void write_headline(Plan& plan);

/// What has to be done for the plan to run, then what would raise its tier, cheapest first.
/// Every remedy is planned again before it is offered.
[[nodiscard]] std::vector<Action> find_actions(const Plan& plan);

}  // namespace macfit::plan
