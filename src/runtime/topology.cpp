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
  Findings(const Cluster& cluster, Id runtime, Backend backend, Transport transport,
           const std::vector<std::size_t>& group)
      : cluster_(cluster),
        runtime_(runtime),
        backend_(backend),
        rdma_(transport == Transport::rdma),
        group_(group) {}

  std::vector<TopologyProblem> find() {
    if (runtime_ != Id::llama_cpp) {
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
          runtime_ == Id::mlx_lm
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

  void macs() {
    const std::string others = names([&](std::size_t i) { return !node(i).mac; });
    if (!others.empty()) {
      add(needs_mac,
          fmt::format("{} runs on Macs only, {} {} none", id_name(runtime_), others,
                      others.find(' ') == std::string::npos ? "is" : "are"),
          "plan with --runtime llama.cpp, whose rpc-server runs there, or without that node");
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
          runtime_ == Id::mlx_lm
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
  Id runtime_;
  Backend backend_;
  bool rdma_;
  const std::vector<std::size_t>& group_;
  std::vector<TopologyProblem> found_;
};

}  // namespace

std::string_view backend_name(Backend backend) noexcept {
  switch (backend) {
    case Backend::none:
      return "none";
    case Backend::mlx_ring:
      return "ring";
    case Backend::jaccl_mesh:
      return "jaccl";
    case Backend::jaccl_ring:
      return "jaccl-ring";
    case Backend::llama_rpc:
      return "rpc";
  }
  return "";
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

Backend backend_of(const Cluster& cluster, Id runtime, Transport transport,
                   const std::vector<std::size_t>& group) {
  if (group.size() < 2) {
    return Backend::none;
  }
  if (runtime == Id::llama_cpp) {
    return Backend::llama_rpc;
  }
  if (transport == Transport::tcp) {
    return Backend::mlx_ring;
  }
  // EXO refuses RDMA without all-to-all connections; a ring of two or three is a mesh.
  return cluster.topology == hardware::Topology::ring && runtime == Id::mlx_lm && group.size() > 3
             ? Backend::jaccl_ring
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

std::vector<TopologyProblem> topology_problems(const Cluster& cluster, Id runtime,
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

const std::vector<Demand>& backend_demands() {
  static const std::vector<Demand> demands{
      {Backend::mlx_ring, "an IP address of its own subnet for every cable: 192.168.a.b/30",
       "mlx/_distributed_utils/config.py"},
      {Backend::mlx_ring, "the same number of addresses on every host of the hostfile",
       "mlx/distributed/ring/ring.cpp:390"},
      {Backend::mlx_ring,
       "the Thunderbolt bridge down (ifconfig bridge0 down), again after every reboot",
       "mlx/_distributed_utils/config.py"},
      {Backend::mlx_ring, "n cables and two ports a node; one cable for two nodes",
       "mlx docs: distributed"},
      {Backend::mlx_ring, "ssh without a password and the same Python path on every host",
       "mlx docs: launching_distributed"},
      {Backend::jaccl_mesh,
       "Thunderbolt 5 ports and cables at both ends; a TB4 node rules RDMA out",
       "Apple TN3205; exo README"},
      {Backend::jaccl_mesh,
       "macOS 26.2 or later on every node, the same build; 26.3 for frames "
       "above 4 KiB",
       "Apple TN3205; jaccl/rdma.h"},
      {Backend::jaccl_mesh,
       "RDMA enabled on each node from Recovery (rdma_ctl enable): not possible remotely",
       "mlx docs: distributed"},
      {Backend::jaccl_mesh, "n(n-1)/2 cables and n-1 ports that can do RDMA on each node",
       "jaccl/mesh_impl.h"},
      {Backend::jaccl_mesh, "at most 8 ranks", "jaccl/mesh_impl.h: MESH_MAX_PEERS"},
      {Backend::jaccl_mesh, "the bridge down and an IPv4 address on every Thunderbolt port used",
       "mlx#3412"},
      {Backend::jaccl_mesh, "one address of rank 0 that all nodes reach (the coordinator)",
       "mlx/_distributed_utils/launch.py"},
      {Backend::jaccl_ring,
       "as jaccl, but n cables and two ports a node, with as many cables to the left as to the "
       "right; any number of ranks",
       "jaccl/ring.cpp; mlx#3094"},
      {Backend::llama_rpc,
       "an rpc-server on every node but the client; never on an open network, it has no "
       "authentication",
       "llama.cpp tools/rpc/README.md"},
      {Backend::llama_rpc,
       "a way from the client to each server; servers do not talk to each other",
       "llama.cpp tools/rpc/README.md"},
      {Backend::llama_rpc,
       "for RDMA: Thunderbolt 5, macOS 26.2 or later, rdma_ctl enable; it is negotiated by itself",
       "llama.cpp tools/rpc/README.md"},
      {Backend::llama_rpc, "the model file on the client only; weights travel to the servers",
       "llama.cpp tools/rpc/README.md"},
  };
  return demands;
}

std::vector<Backend> backends_of(Id runtime) {
  switch (runtime) {
    case Id::mlx_lm:
      return {Backend::mlx_ring, Backend::jaccl_mesh, Backend::jaccl_ring};
    case Id::exo:
      return {Backend::mlx_ring, Backend::jaccl_mesh};
    case Id::llama_cpp:
      return {Backend::llama_rpc};
  }
  return {};
}

}  // namespace macfit::runtime
