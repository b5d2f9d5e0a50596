#pragma once

#include <vector>

#include "macfit/plan/decide.hpp"
#include "macfit/plan/plan.hpp"

namespace macfit::plan {

/// Fills in one placement: budgets per node, contexts, tier. `groups` may be any, also such as do
/// not load.
[[nodiscard]] Placement expand(const Request& request, const Scenario& scenario, SplitKind split,
                               const std::vector<Group>& groups, Layout layout, bool raised);

/// Every placement worth showing for one runtime, in the order independent, pipeline, tensor.
[[nodiscard]] std::vector<Placement> placements_of(const Request& request,
                                                   const Scenario& scenario);

/// Largest context in [1, longest] for which `holds` is true, which must fall with the context;
/// 0 where it holds for none.
template <class Holds>
[[nodiscard]] std::int64_t largest_context(std::int64_t longest, const Holds& holds) {
  if (!holds(std::int64_t{1})) {
    return 0;
  }
  std::int64_t low = 1;
  std::int64_t high = longest;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (holds(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/// The model's longest context, or a bound beyond any known model's where it states none.
[[nodiscard]] std::int64_t longest_context(const runtime::Profile& profile);

}  // namespace macfit::plan
