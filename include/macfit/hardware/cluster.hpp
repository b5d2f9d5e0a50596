#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/hardware/chip.hpp"
#include "macfit/hardware/gpu_limit.hpp"
#include "macfit/hardware/link.hpp"
#include "macfit/hardware/machine.hpp"
#include "macfit/hardware/macos.hpp"

namespace macfit::hardware {

class Catalog;

/// One machine in a cluster with its settings: all that a plan needs to know of it.
struct Node {
  std::string name;     ///< "node-1", or as the cluster file says; up to 64 bytes, no controls
  std::string machine;  ///< a Machine's id; empty where only chip and RAM are known
  std::string machine_label;  ///< "Mac Studio (2025), M4 Max, 128 GB"
  std::string chip;           ///< a Chip's id
  std::string chip_name;      ///< "M4 Max"
  int chip_generation = 0;    ///< 4 for M4; 0 for chips that are not Apple's
  int gpu_cores = 0;          ///< 0: not known
  bool mac = true;
  Bytes ram{};
  GpuLimit gpu_limit;    ///< default, or as the user states
  Bytes raised_limit{};  ///< >= gpu_limit.bytes; equal to it for a node that is not a Mac
  Bytes reserve{};       ///< kept for the person at the machine
  Bytes occupied{};      ///< by models that live there already (plan::settle)
  std::optional<Figure<Bandwidth>> bandwidth;  ///< the vendor's figure for on-chip memory
  std::optional<Figure<Bandwidth>> stream;     ///< a STREAM run on the GPU
  std::optional<Figure<double>> tflops;        ///< scaled to this node's GPU cores
  Ability neural_accelerators = Ability::unknown;
  std::optional<Power> power;  ///< from the wall; empty where not known
  Thunderbolt thunderbolt = Thunderbolt::unknown;
  std::optional<int> thunderbolt_ports;
  std::optional<int> rdma_ports;
  Ability rdma = Ability::unknown;  ///< by the machine alone; needs macOS 26.2 too
  Ethernet ethernet = Ethernet::unknown;
  bool wifi = true;
  bool qsfp = false;
  std::optional<Macos> macos;  ///< empty for a node that is not a Mac

  /// min(GPU limit, RAM - reserve) less what is occupied, at the default (or stated) limit or at
  /// the raised one; at least 0.
  [[nodiscard]] Bytes effective_whole(bool raised = false) const;
  /// min(GPU limit, RAM - reserve) less the cluster reserve, floored, less what is occupied.
  [[nodiscard]] Bytes effective_part(double cluster_reserve, bool raised = false) const;
};

/// A link between two nodes of a cluster, by their indices, first < second.
struct Link {
  std::size_t first = 0;
  std::size_t second = 0;
  LinkType type;
  LinkType tcp;                  ///< the best that the two nodes have by TCP
  std::optional<LinkType> rdma;  ///< by RDMA, where both can do it; may be `type` itself
};

enum class Topology : std::uint8_t { mesh, ring };
[[nodiscard]] std::string_view topology_name(Topology topology) noexcept;

/// Something asked for that the machines can't do; the cluster is planned all the same.
struct Problem {
  std::string code;  ///< "rdma-needs-thunderbolt-5"
  std::string text;  ///< names the nodes
};

/// A code that a cluster's problems may carry, with what it means, for `explain`.
struct ProblemCode {
  std::string_view code;
  std::string_view meaning;
};
[[nodiscard]] const std::vector<ProblemCode>& cluster_problem_codes();

struct Cluster {
  std::string spec;  ///< as given: "2x128"; for a file, its name or the nodes' machines joined by +
  std::string name;  ///< of a cluster file; empty otherwise
  std::vector<Node> nodes;
  std::vector<Link> links;  ///< every pair (mesh) or neighbours (ring), ordered by (first, second)
  Topology topology = Topology::mesh;
  Macos macos;                    ///< the oldest of the nodes'
  double cluster_reserve = 0.10;  ///< fraction in [0, 1)
  std::vector<Problem> problems;

  /// The link between two nodes, in either order; null where there is none.
  [[nodiscard]] const Link* link_between(std::size_t a, std::size_t b) const noexcept;
  [[nodiscard]] Bytes ram() const;
  /// Sum of what the nodes may hold of a sharded model (of a whole one, where there is one node):
  /// for show, nothing is compared with it.
  [[nodiscard]] Bytes effective_sum(bool raised = false) const;
};

/// What flags say. They go before what a cluster file says; nodes that are not Macs have no wired
/// limit to set and no macOS.
struct ClusterOptions {
  std::optional<Macos> macos;             ///< default: the newest 26.x known
  std::optional<Bytes> wired_limit;       ///< 0: the default limit
  std::optional<Bytes> reserve;           ///< default 0
  std::optional<double> cluster_reserve;  ///< fraction in [0, 1), default 0.10
  std::optional<std::string> link;        ///< "tb5-rdma"; default: the best both ends have, by TCP
};

inline constexpr std::size_t max_nodes = 64;

/// Reads "2x128", "1x128+2x64", "m4-max-128+m4-pro-64", "2xmac-studio-m3-ultra-512", "128".
/// Case-insensitive, blanks around parts allowed; nodes are named node-1, node-2 ….
/// A link that the machines can't do is kept and put down as a problem.
/// Throws Error: what was found, what was expected, nearest names.
[[nodiscard]] Cluster parse_cluster(std::string_view spec, const ClusterOptions& options,
                                    const Catalog& catalog);

/// Splits "2x128, 4x64" at commas into trimmed values. Throws Error on an empty value.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

/// Reads a macfit.cluster/1 text. `file` names it in errors, which carry JSON pointers.
/// A link not listed is as in parse_cluster. Throws Error on unknown keys, names and machines,
/// duplicate node names or links, sizes that make no sense.
[[nodiscard]] Cluster read_cluster_file(std::string_view text, const ClusterOptions& options,
                                        const Catalog& catalog, std::string_view file = {});

}  // namespace macfit::hardware
