#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/hardware/cluster.hpp"
#include "macfit/runtime/backend.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

// What a transport demands of the machines and cables that carry it. Sources: docs/runtimes.md.

inline constexpr std::size_t jaccl_mesh_ranks = 8;  ///< mesh_impl.h: MESH_MAX_PEERS

/// Two nodes with a cable between them, as positions in a group, first < second.
struct Cable {
  std::size_t first = 0;
  std::size_t second = 0;
  bool operator==(const Cable&) const = default;
};

/// RDMA where every link that the group would use is RDMA, else TCP.
[[nodiscard]] hardware::Transport group_transport(const hardware::Cluster& cluster,
                                                  const std::vector<std::size_t>& group);

[[nodiscard]] bool has_backend(const Runtime& runtime, Backend backend);

/// The backend that a runtime takes for a group; `group` holds indices of the cluster's nodes.
[[nodiscard]] Backend backend_of(const hardware::Cluster& cluster, const Runtime& runtime,
                                 hardware::Transport transport,
                                 const std::vector<std::size_t>& group);

/// The cables that a backend needs: n(n-1)/2 for a mesh, n for a ring (one for two nodes), n-1 for
/// llama.cpp, whose client is the last node.
[[nodiscard]] std::vector<Cable> cables_of(Backend backend, std::size_t nodes);

/// Something about the machines or their cables that keeps a backend from working, or (not fatal)
/// makes it worse.
struct TopologyProblem {
  std::string code;  ///< "tb4-in-ring"
  std::string text;  ///< names the nodes
  std::string remedy;
  bool fatal = true;
};

/// Everything that keeps one replica over `group` from running, worst first. Cluster::problems
/// hold what is wrong with links whoever uses them; these are the backend's own demands.
[[nodiscard]] std::vector<TopologyProblem> topology_problems(const hardware::Cluster& cluster,
                                                             const Runtime& runtime,
                                                             hardware::Transport transport,
                                                             const std::vector<std::size_t>& group);

/// Every code that topology_problems() may return, with what it means, for `explain`.
[[nodiscard]] const std::vector<hardware::ProblemCode>& topology_problem_codes();

}  // namespace macfit::runtime
