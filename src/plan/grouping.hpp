#pragma once

#include <optional>
#include <vector>

#include "macfit/plan/decide.hpp"

namespace macfit::plan {

/// Answers whether a group of nodes reaches a goal; remembers the demand of each group size.
class GroupCheck {
 public:
  GroupCheck(const Scenario& scenario, const runtime::Workload& workload, SplitKind split,
             Goal goal, bool raised)
      : scenario_(scenario), workload_(workload), split_(split), goal_(goal), raised_(raised) {}

  [[nodiscard]] bool reaches(const Group& group);
  /// Can a replica lie on this many nodes at all?
  [[nodiscard]] bool allowed(std::size_t size) const;

 private:
  [[nodiscard]] bool within(const Group& group, const fit::Demand& demand, bool comfortable);
  [[nodiscard]] const fit::Demand& demand(std::size_t size, bool at_load);

  const Scenario& scenario_;
  const runtime::Workload& workload_;
  SplitKind split_;
  Goal goal_;
  bool raised_;
  std::vector<std::optional<fit::Demand>> asked_;
  std::vector<std::optional<fit::Demand>> load_;
  std::vector<std::int64_t> bound_;
};

}  // namespace macfit::plan
