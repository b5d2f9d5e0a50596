#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "macfit/fit/split.hpp"

namespace macfit::fit {

/// Nodes that nothing tells apart, as stages of a pipeline see them. Bytes.
struct NodeKind {
  std::int64_t bound = 0;      ///< the demand must stay within this
  std::int64_t effective = 0;  ///< what utilization is measured against
  /// Prefix sums of what layers cost here (see LayerCosts); null: layers cost the same everywhere.
  const std::vector<std::int64_t>* costs = nullptr;
  std::size_t count = 0;  ///< nodes of this kind
};

/// An order of nodes and how many layers each holds.
struct Arrangement {
  std::vector<std::size_t> kinds;  ///< of the nodes, first layers first; indices of kinds
  Split layers;
  std::int64_t cost = 0;     ///< summed over layers; 0 without costs
  double utilization = 0.0;  ///< of the fullest node
};

/// States (sub-multisets of the nodes) up to which arrange() is exact over all orders.
inline constexpr std::size_t most_arranged_states = 256;

/// Whether all nodes together, in some order and with at least one layer each, hold the model:
/// every node's demand within its bound and, where `load` is given, its demand of `load` within its
/// effective memory. Exact up to most_arranged_states; beyond, two orders are tried.
[[nodiscard]] bool arrangeable(const Demand& demand, const Demand* load,
                               const std::vector<NodeKind>& kinds);

/// Of all such orders and splits the cheapest; of equally cheap ones that whose fullest node is
/// least full; of those always the same. As exact as arrangeable(). Empty where there is none.
[[nodiscard]] std::optional<Arrangement> arrange(const Demand& demand, const Demand* load,
                                                 const std::vector<NodeKind>& kinds);

/// The same with the nodes in one order, given as indices of kinds.
[[nodiscard]] std::optional<Arrangement> arrange_in_order(const Demand& demand, const Demand* load,
                                                          const std::vector<NodeKind>& kinds,
                                                          std::vector<std::size_t> order);

}  // namespace macfit::fit
