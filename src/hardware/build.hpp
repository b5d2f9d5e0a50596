#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "macfit/hardware/catalog.hpp"
#include "macfit/hardware/cluster.hpp"

namespace macfit::hardware {

/// What is said of one node, flags and cluster file already weighed against each other.
struct NodeSettings {
  std::optional<Macos> macos;
  std::optional<Bytes> wired_limit;  ///< 0: the default
  std::optional<Bytes> reserve;
  bool measured = false;  ///< the wired limit was read from the Mac, not typed
};

/// A node for a machine. Throws Error where a stated size is out of range.
[[nodiscard]] Node build_node(std::string name, const Machine& machine,
                              const NodeSettings& settings, const Catalog& catalog);

/// A link that a cluster file names; first < second.
struct StatedLink {
  std::size_t first = 0;
  std::size_t second = 0;
  const LinkType* type = nullptr;
};

/// The pairs that a topology joins, ordered.
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> topology_pairs(Topology topology,
                                                                              std::size_t nodes);

/// Fills in links and problems. `override_link` goes before stated links; what neither names is the
/// best that both ends have, by TCP.
void build_links(Cluster& cluster, const Catalog& catalog, const LinkType* override_link,
                 const std::vector<StatedLink>& stated);

/// The link type that a flag names. Throws Error for one that clusters can't use.
[[nodiscard]] const LinkType& usable_link(std::string_view name, const Catalog& catalog);

/// Fills in what follows from the nodes: the cluster's macOS; checks their number.
void finish_cluster(Cluster& cluster, const ClusterOptions& options);

}  // namespace macfit::hardware
