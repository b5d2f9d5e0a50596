#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "macfit/fit/demand.hpp"

namespace macfit::fit {

/// Layers per node, first layers first. Every node of a pipeline holds at least one.
using Split = std::vector<std::int64_t>;

/// Demand over effective memory, of the fullest node.
struct Fullness {
  double utilization = 0.0;
  std::size_t node = 0;  ///< index of the fullest
};

/// `effective` in bytes, one a node, in the nodes' order; as many as the split has parts.
[[nodiscard]] Fullness fullest(const Demand& demand, const Split& split,
                               const std::vector<std::int64_t>& effective);

/// True where some split keeps every node's demand within its `bound`.
[[nodiscard]] bool feasible(const Demand& demand, const std::vector<std::int64_t>& bound);

/// The split whose fullest node is least full, over all contiguous splits in the nodes' order with
/// at least one layer each. Exact: it lowers a bound until no split lies below it; demands grow
/// with their run of layers, so every run within a bound is found by bisection. Empty where there
/// are fewer layers than nodes. Of equally good ones the same is always taken.
[[nodiscard]] Split best_split(const Demand& demand, const std::vector<std::int64_t>& effective);

/// As best_split, writing into `split` so that a caller in a loop allocates nothing.
/// Returns the fullest node's utilization, or nothing.
[[nodiscard]] std::optional<double> best_split_into(const Demand& demand,
                                                    const std::vector<std::int64_t>& effective,
                                                    Split& split);

/// What layers cost on each node, as prefix sums: costs[node][l] is the sum over layers before l.
/// Any additive unit; integers, so that equal nodes tie exactly.
using LayerCosts = std::vector<std::vector<std::int64_t>>;

/// Of all contiguous splits that keep every node within its `bound`, the one of least summed cost;
/// of equally cheap ones the one whose fullest node (against `effective`) is least full. Exact.
/// Empty where no split is within the bounds.
[[nodiscard]] Split cheapest_split(const Demand& demand, const std::vector<std::int64_t>& bound,
                                   const std::vector<std::int64_t>& effective,
                                   const LayerCosts& costs);

}  // namespace macfit::fit
