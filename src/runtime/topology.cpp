#include "macfit/runtime/topology.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {
namespace {

using hardware::Ability;
using hardware::Cluster;
using hardware::Node;
using hardware::Thunderbolt;
using hardware::Transport;

constexpr std::string_view tb4_in_ring = "tb4-in-ring";
constexpr std::string_view too_many_ranks = "jaccl-too-many-ranks";
constexpr std::string_view mesh_ports = "mesh-without-ports";
constexpr std::string_view ring_ports = "ring-without-ports";
constexpr std::string_view star_ports = "client-without-ports";
constexpr std::string_view needs_macos = "jaccl-needs-macos-26.2";
constexpr std::string_view macos_differs = "jaccl-macos-differs";
constexpr std::string_view small_frames = "jaccl-small-frames";
constexpr std::string_view needs_mac = "runtime-needs-mac";
constexpr std::string_view wifi = "wifi-in-split";

class Findings {
 public:
  Findings(const Cluster& cluster, const Runtime& runtime, Backend backend, Transport transport,
           const std::vector<std::size_t>& group)
      : cluster_(cluster),
        runtime_(runtime),
        backend_(backend),
        rdma_(transport == Transport::rdma),
        group_(group) {}

  std::vector<TopologyProblem> find() {
    if (runtime_.needs_macs()) {
      macs();
    }
    if (group_.size() < 2) {
      return std::move(found_);
    }
    if (rdma_ && uses_thunderbolt()) {
      thunderbolt();
      macos();
    }
    if (backend_ == Backend::jaccl_mesh && group_.size() > jaccl_mesh_ranks) {
      add(too_many_ranks,
          fmt::format("a JACCL mesh has at most {} ranks, these are {}", jaccl_mesh_ranks,
                      group_.size()),
          can_ring()
              ? "run replicas over at most 8 nodes each, or cable the nodes as a ring (topology "
                "\"ring\" in a cluster file: mlx.launch --backend jaccl-ring)"
              : "run replicas over at most 8 nodes each, or plan with --link tb5-tcp");
    }
    ports();
    wireless();
    return std::move(found_);
  }

 private:
  [[nodiscard]] const Node& node(std::size_t position) const {
    return cluster_.nodes[group_[position]];
  }

  template <class Wanted>
  [[nodiscard]] std::string names(const Wanted& wanted) const {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < group_.size(); ++i) {
      if (wanted(i)) {
        found.push_back(printable(node(i).name, 64));
      }
    }
    return join_words(found);
  }

  void add(std::string_view code, std::string text, std::string remedy, bool fatal = true) {
    found_.push_back({std::string(code), std::move(text), std::move(remedy), fatal});
  }

  /// RDMA between neighbours alone, where a mesh is out of reach.
  [[nodiscard]] bool can_ring() const { return has_backend(runtime_, Backend::jaccl_ring); }

  void macs() {
    const std::string others = names([&](std::size_t i) { return !node(i).mac; });
    if (!others.empty()) {
      add(needs_mac,
          fmt::format("{} runs on Macs only, {} {} none", runtime_.name(), others,
                      others.find(' ') == std::string::npos ? "is" : "are"),
          "plan with --runtime llama.cpp, whose RPC server runs there, or without that node");
    }
  }

  void thunderbolt() {
    const auto lacks = [&](std::size_t i) {
      const Node& at = node(i);
      return (at.thunderbolt != Thunderbolt::tb5 && at.thunderbolt != Thunderbolt::unknown) ||
             at.rdma == Ability::no;
    };
    const std::string slow = names(lacks);
    if (slow.empty()) {
      return;
    }
    add(tb4_in_ring,
        fmt::format("RDMA needs Thunderbolt 5 at both ends of every cable, and one node without it "
                    "rules it out for all: {}. There rdma_ctl may say \"enabled\" while "
                    "ibv_devices stays empty",
                    slow),
        fmt::format("plan with --link tb4 (TCP over the same cables, a pipeline rather than "
                    "tensor), or leave {} out",
                    slow));
  }

  void macos() {
    const std::string old = names(
        [&](std::size_t i) { return node(i).macos && !hardware::macos_has_rdma(*node(i).macos); });
    if (!old.empty()) {
      add(needs_macos,
          fmt::format("RDMA needs macOS 26.2 or later on every node, not so on {}", old),
          "update those nodes, then enable RDMA from Recovery (rdma_ctl enable), or plan with "
          "--link tb5-tcp");
      return;
    }
    const std::string first = names([&](std::size_t i) {
      return node(i).macos && node(i).macos->minor_stated && !node(i).macos->at_least(26, 3);
    });
    const auto& reference = node(0).macos;
    const std::string unlike = names([&](std::size_t i) {
      return reference && node(i).macos &&
             (node(i).macos->major != reference->major || node(i).macos->minor != reference->minor);
    });
    if (!unlike.empty()) {
      add(macos_differs,
          fmt::format("nodes of one RDMA group should run the same build of macOS; {} {} another "
                      "than {}",
                      unlike, unlike.find(' ') == std::string::npos ? "has" : "have",
                      printable(node(0).name, 64)),
          "update all nodes to the same version", false);
    }
    if (!first.empty() && backend_ != Backend::llama_rpc) {
      add(small_frames,
          fmt::format("macOS 26.2 moves RDMA messages in frames of 4 KiB, later versions in up to "
                      "512 KiB: {}",
                      first),
          "update to macOS 26.3 or later", false);
    }
  }

  void ports() {
    const bool thunderbolt_links = uses_thunderbolt();
    if (!thunderbolt_links) {
      return;
    }
    std::vector<int> cables(group_.size(), 0);
    for (const Cable& cable : cables_of(backend_, group_.size())) {
      ++cables[cable.first];
      ++cables[cable.second];
    }
    int needed = 0;
    const std::string few = names([&](std::size_t i) {
      const std::optional<int> has = rdma_ ? node(i).rdma_ports : node(i).thunderbolt_ports;
      const bool lacks = has && cables[i] > *has;
      needed = lacks ? std::max(needed, cables[i]) : needed;
      return lacks;
    });
    if (few.empty()) {
      return;
    }
    if (backend_ == Backend::jaccl_mesh) {
      add(mesh_ports,
          fmt::format("a mesh of {} nodes needs {} cables and {} ports that can do RDMA on each "
                      "node, more than {} {}",
                      group_.size(), group_.size() * (group_.size() - 1) / 2, group_.size() - 1,
                      few, few.find(' ') == std::string::npos ? "has" : "have"),
          can_ring()
              ? "cable the nodes as a ring (topology \"ring\" in a cluster file): two ports a node"
              : "plan with --link tb5-tcp (a ring of two ports a node), or with fewer nodes");
    } else if (backend_ == Backend::llama_rpc) {
      add(star_ports,
          fmt::format("the llama.cpp client needs a cable to each of {} servers, more than the "
                      "ports of {}",
                      group_.size() - 1, few),
          "let a node with more ports be the client (the last of the cluster), or use Ethernet");
    } else {
      add(ring_ports,
          fmt::format("a ring of {} nodes needs {} ports on each, more than {} {}", group_.size(),
                      needed, few, few.find(' ') == std::string::npos ? "has" : "have"),
          "use fewer nodes, or --link 10gbe");
    }
  }

  [[nodiscard]] bool uses_thunderbolt() const {
    for (const Cable& cable : cables_of(backend_, group_.size())) {
      const hardware::Link* link = cluster_.link_between(group_[cable.first], group_[cable.second]);
      if (link != nullptr && (link->type.kind == hardware::LinkKind::thunderbolt_5 ||
                              link->type.kind == hardware::LinkKind::thunderbolt_4 ||
                              link->type.kind == hardware::LinkKind::thunderbolt_3)) {
        return true;
      }
    }
    return false;
  }

  void wireless() {
    for (const Cable& cable : cables_of(backend_, group_.size())) {
      const hardware::Link* link = cluster_.link_between(group_[cable.first], group_[cable.second]);
      if (link != nullptr && link->type.kind == hardware::LinkKind::wifi) {
        add(wifi,
            fmt::format("{} and {} would talk over Wi-Fi, where one message takes 5 to 77 ms",
                        printable(node(cable.first).name, 64),
                        printable(node(cable.second).name, 64)),
            "join them by Thunderbolt or Ethernet", false);
        return;
      }
    }
  }

  const Cluster& cluster_;
  const Runtime& runtime_;
  Backend backend_;
  bool rdma_;
  const std::vector<std::size_t>& group_;
  std::vector<TopologyProblem> found_;
};

}  // namespace

bool has_backend(const Runtime& runtime, Backend backend) {
  const std::vector<Backend>& known = runtime.backends();
  return std::find(known.begin(), known.end(), backend) != known.end();
}

Transport group_transport(const Cluster& cluster, const std::vector<std::size_t>& group) {
  bool any = false;
  for (const hardware::Link& link : cluster.links) {
    const auto inside = [&](std::size_t node) {
      return std::find(group.begin(), group.end(), node) != group.end();
    };
    if (inside(link.first) && inside(link.second)) {
      if (link.type.transport == Transport::tcp) {
        return Transport::tcp;
      }
      any = true;
    }
  }
  return any ? Transport::rdma : Transport::tcp;
}

Backend backend_of(const Cluster& cluster, const Runtime& runtime, Transport transport,
                   const std::vector<std::size_t>& group) {
  if (group.size() < 2 || runtime.backends().empty()) {
    return Backend::none;
  }
  if (transport == Transport::tcp || !has_backend(runtime, Backend::jaccl_mesh)) {
    return runtime.backends().front();
  }
  // A ring of two or three is a mesh.
  const bool ring = cluster.topology == hardware::Topology::ring && group.size() > 3;
  return ring && has_backend(runtime, Backend::jaccl_ring) ? Backend::jaccl_ring
                                                           : Backend::jaccl_mesh;
}

std::vector<Cable> cables_of(Backend backend, std::size_t nodes) {
  std::vector<Cable> cables;
  if (nodes < 2) {
    return cables;
  }
  switch (backend) {
    case Backend::none:
      break;
    case Backend::jaccl_mesh:
      for (std::size_t a = 0; a < nodes; ++a) {
        for (std::size_t b = a + 1; b < nodes; ++b) {
          cables.push_back({a, b});
        }
      }
      break;
    case Backend::mlx_ring:
    case Backend::jaccl_ring:
      for (std::size_t a = 0; a + 1 < nodes; ++a) {
        cables.push_back({a, a + 1});
      }
      if (nodes > 2) {
        cables.push_back({0, nodes - 1});
      }
      break;
    case Backend::llama_rpc:
      for (std::size_t a = 0; a + 1 < nodes; ++a) {
        cables.push_back({a, nodes - 1});
      }
      break;
  }
  return cables;
}

std::vector<TopologyProblem> topology_problems(const Cluster& cluster, const Runtime& runtime,
                                               Transport transport,
                                               const std::vector<std::size_t>& group) {
  return Findings(cluster, runtime, backend_of(cluster, runtime, transport, group), transport,
                  group)
      .find();
}

const std::vector<hardware::ProblemCode>& topology_problem_codes() {
  static const std::vector<hardware::ProblemCode> codes{
      {tb4_in_ring,
       "a node without Thunderbolt 5 in a group that should talk by RDMA: RDMA is out for all of "
       "them, TCP over the same cables works"},
      {too_many_ranks, "a JACCL mesh of more than eight ranks"},
      {mesh_ports, "a JACCL mesh needs a port that can do RDMA for every other node"},
      {ring_ports, "a ring needs two Thunderbolt ports a node (one where there are two nodes)"},
      {star_ports, "the llama.cpp client needs a port for every server"},
      {needs_macos, "RDMA over Thunderbolt begins with macOS 26.2"},
      {macos_differs, "nodes of one RDMA group run different versions of macOS"},
      {small_frames, "macOS 26.2 moves RDMA messages in frames of 4 KiB, later ones in 512 KiB"},
      {needs_mac, "mlx-lm and EXO plans are for Macs; other machines can be llama.cpp servers"},
      {wifi, "a split model over Wi-Fi waits 5 to 77 ms for every message"},
  };
  return codes;
}

}  // namespace macfit::runtime
