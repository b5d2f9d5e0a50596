#pragma once

#include <cstdint>
#include <vector>

#include "macfit/plan/decide.hpp"

namespace macfit::plan {

/// The demands of one scenario at one workload, each built once: a decision asks for the same ones
/// under several goals and limits. What it gives is good until it is asked again.
class Demands {
 public:
  Demands(const Scenario& scenario, const runtime::Workload& workload)
      : scenario_(scenario), workload_(workload) {}

  [[nodiscard]] const fit::Demand& at(std::int64_t context, SplitKind split, std::size_t nodes);

 private:
  struct Known {
    std::int64_t context = 0;
    SplitKind split = SplitKind::independent;
    std::size_t nodes = 0;
    fit::Demand demand;
  };
  const Scenario& scenario_;
  const runtime::Workload& workload_;
  std::vector<Known> known_;
};

/// Answers whether a group of nodes reaches a goal.
class GroupCheck {
 public:
  GroupCheck(const Scenario& scenario, const runtime::Workload& workload, SplitKind split,
             Goal goal, bool raised, Demands& demands)
      : scenario_(scenario),
        workload_(workload),
        split_(split),
        goal_(goal),
        raised_(raised),
        demands_(demands) {}

  [[nodiscard]] bool reaches(const Group& group);
  /// Can a replica lie on this many nodes at all?
  [[nodiscard]] bool allowed(std::size_t size) const;

 private:
  /// False where the weights alone are too much, which saves building a demand.
  [[nodiscard]] bool holds_weights(const Group& group) const;
  [[nodiscard]] bool within(const Group& group, const fit::Demand& demand, bool comfortable);
  [[nodiscard]] const fit::Demand& demand(std::size_t size, bool at_load);

  const Scenario& scenario_;
  const runtime::Workload& workload_;
  SplitKind split_;
  Goal goal_;
  bool raised_;
  Demands& demands_;
  std::vector<std::int64_t> bound_;
};

/// find_groups for a caller that asks more than once about one workload.
[[nodiscard]] Grouping find_groups(const Scenario& scenario, const runtime::Workload& workload,
                                   SplitKind split, Goal goal, bool raised, Demands& demands);

}  // namespace macfit::plan
