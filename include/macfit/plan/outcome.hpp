#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "macfit/plan/decide.hpp"
#include "macfit/plan/plan.hpp"

namespace macfit::plan {

/// What a decision's placement comes to on its fullest node: the figures of the Placement that
/// make_plan would fill in, without budgets and words.
struct Outcome {
  std::size_t node = 0;  ///< the fullest, an index into the cluster's nodes
  std::int64_t demand = 0;
  std::int64_t effective = 0;
  double utilization = 0.0;
  std::size_t nodes = 0;           ///< used
  std::vector<fit::Split> layers;  ///< of every replica; empty splits but for a pipeline
  std::int64_t max_context = 0;    ///< tokens that every node used can hold; if wanted
  std::int64_t comfortable_context = 0;
  Speed speed;  ///< if wanted; needs add_work
};

/// What costs more than the rest.
struct Wanted {
  bool contexts = false;
  bool speed = false;
};

/// `decision` must not be won't-fit. The same as a plan's where the scenario has had add_work, or
/// where its nodes are alike. Pure.
[[nodiscard]] Outcome outcome_of(const Scenario& scenario, const runtime::Workload& workload,
                                 const Decision& decision, Wanted wanted);

}  // namespace macfit::plan
