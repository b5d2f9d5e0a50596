// Nodes and links as a plan sees them: limits, reserves, and who can talk to whom.

#include "macfit/hardware/cluster.hpp"

#include <algorithm>
#include <utility>

#include "build.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::hardware {
namespace {

constexpr std::string_view rdma_thunderbolt = "rdma-needs-thunderbolt-5";
constexpr std::string_view rdma_macos = "rdma-needs-macos-26.2";
constexpr std::string_view rdma_unknown = "rdma-not-confirmed";
constexpr std::string_view rdma_ports = "rdma-ports";
constexpr std::string_view rdma_mesh = "rdma-mesh-nodes";
constexpr std::string_view link_missing = "link-not-available";
constexpr std::string_view link_unknown = "link-not-confirmed";
constexpr std::string_view thunderbolt_ports = "thunderbolt-ports";

constexpr std::size_t max_rdma_mesh = 8;  // JACCL's mesh

/// One end's share in a problem: problems that differ only in their nodes become one.
class Findings {
 public:
  void add(std::string_view code, std::string subject, const Node& node) {
    for (Finding& finding : findings_) {
      if (finding.code == code && finding.subject == subject) {
        if (std::find(finding.nodes.begin(), finding.nodes.end(), node.name) ==
            finding.nodes.end()) {
          finding.nodes.push_back(node.name);
        }
        return;
      }
    }
    findings_.push_back({code, std::move(subject), {node.name}});
  }

  [[nodiscard]] std::vector<Problem> problems() const {
    std::vector<Problem> result;
    for (const Finding& finding : findings_) {
      std::vector<std::string> shown;
      for (const std::string& name : finding.nodes) {
        shown.push_back(printable(name, 64));
      }
      result.push_back({std::string(finding.code), finding.subject + ": " + join_words(shown)});
    }
    return result;
  }

 private:
  struct Finding {
    std::string_view code;
    std::string subject;
    std::vector<std::string> nodes;
  };
  std::vector<Finding> findings_;
};

/// The Thunderbolt generation that a port can speak by TCP; 0 where there is none or none known.
int generation(Thunderbolt thunderbolt) {
  switch (thunderbolt) {
    case Thunderbolt::usb4:
    case Thunderbolt::tb3:
      return 3;
    case Thunderbolt::tb4:
      return 4;
    case Thunderbolt::tb5:
      return 5;
    case Thunderbolt::none:
    case Thunderbolt::unknown:
      break;
  }
  return 0;
}

int generation(LinkKind kind) {
  switch (kind) {
    case LinkKind::thunderbolt_3:
      return 3;
    case LinkKind::thunderbolt_4:
      return 4;
    case LinkKind::thunderbolt_5:
      return 5;
    default:
      return 0;
  }
}

/// Built-in Ethernet in tenths of Gb/s; 0 where there is none or none known.
int ethernet_rate(Ethernet ethernet) {
  switch (ethernet) {
    case Ethernet::gigabit:
      return 10;
    case Ethernet::gigabit_2_5:
      return 25;
    case Ethernet::ten_gigabit:
      return 100;
    case Ethernet::none:
    case Ethernet::unknown:
      break;
  }
  return 0;
}

const LinkType& by_kind(const Catalog& catalog, LinkKind kind, Transport transport) {
  for (const LinkType& link : catalog.links()) {
    if (link.kind == kind && link.transport == transport) {
      return link;
    }
  }
  throw Error("the catalog has no link of kind " + std::string(link_kind_name(kind)) + " over " +
              std::string(transport_name(transport)));
}

const LinkType& best_tcp_link(const Node& a, const Node& b, const Catalog& catalog) {
  switch (std::min(generation(a.thunderbolt), generation(b.thunderbolt))) {
    case 5:
      return by_kind(catalog, LinkKind::thunderbolt_5, Transport::tcp);
    case 4:
      return by_kind(catalog, LinkKind::thunderbolt_4, Transport::tcp);
    case 3:
      return by_kind(catalog, LinkKind::thunderbolt_3, Transport::tcp);
    default:
      break;
  }
  const int rate = std::min(ethernet_rate(a.ethernet), ethernet_rate(b.ethernet));
  if (rate >= 10) {
    return by_kind(catalog, rate >= 100 ? LinkKind::ethernet_10g : LinkKind::ethernet_1g,
                   Transport::tcp);
  }
  return by_kind(catalog, LinkKind::wifi, Transport::tcp);
}

const LinkType& best_link(const Node& a, const Node& b, const Catalog& catalog) {
  return a.qsfp && b.qsfp ? by_kind(catalog, LinkKind::qsfp_200g, Transport::rdma)
                          : best_tcp_link(a, b, catalog);
}

std::optional<LinkType> rdma_link(const Node& a, const Node& b, const Catalog& catalog) {
  if (a.qsfp && b.qsfp) {
    return by_kind(catalog, LinkKind::qsfp_200g, Transport::rdma);
  }
  const auto able = [](const Node& node) {
    return node.thunderbolt == Thunderbolt::tb5 && node.rdma != Ability::no && node.macos &&
           macos_has_rdma(*node.macos);
  };
  if (!able(a) || !able(b)) {
    return std::nullopt;
  }
  return by_kind(catalog, LinkKind::thunderbolt_5, Transport::rdma);
}

void check_rdma(const Node& node, Findings& findings) {
  if (node.thunderbolt != Thunderbolt::tb5 && node.thunderbolt != Thunderbolt::unknown) {
    findings.add(rdma_thunderbolt,
                 "RDMA needs Thunderbolt 5, found " +
                     std::string(thunderbolt_name(node.thunderbolt)) + " on",
                 node);
    return;
  }
  if (node.rdma == Ability::no) {
    findings.add(rdma_thunderbolt, "RDMA over Thunderbolt is not possible on", node);
  } else if (node.rdma == Ability::unknown || node.thunderbolt == Thunderbolt::unknown) {
    findings.add(rdma_unknown, "no source confirms RDMA over Thunderbolt on", node);
  }
  if (node.macos && !macos_has_rdma(*node.macos)) {
    findings.add(rdma_macos, "RDMA needs macOS 26.2, found " + node.macos->text() + " on", node);
  }
}

void check_end(const Node& node, const LinkType& link, Findings& findings) {
  if (const int wanted = generation(link.kind); wanted != 0) {
    if (link.transport == Transport::rdma) {
      check_rdma(node, findings);
    } else if (node.thunderbolt == Thunderbolt::unknown) {
      findings.add(link_unknown, "no source confirms the port for " + link.name + " on", node);
    } else if (generation(node.thunderbolt) < wanted) {
      findings.add(link_missing,
                   "no port for " + link.name + ", found " +
                       std::string(thunderbolt_name(node.thunderbolt)) + ", on",
                   node);
    }
    return;
  }
  if (link.kind == LinkKind::ethernet_10g || link.kind == LinkKind::ethernet_1g) {
    const int wanted = link.kind == LinkKind::ethernet_10g ? 100 : 10;
    if (node.ethernet == Ethernet::unknown) {
      findings.add(link_unknown, "no source confirms the port for " + link.name + " on", node);
    } else if (ethernet_rate(node.ethernet) < wanted) {
      findings.add(link_missing,
                   "no port for " + link.name +
                       " as sold (an option or an adapter may add one), "
                       "found " +
                       std::string(ethernet_name(node.ethernet)) + ", on",
                   node);
    }
  } else if (link.kind == LinkKind::qsfp_200g && !node.qsfp) {
    findings.add(link_missing, "no port for " + link.name + " on", node);
  }
}

void check_ports(const Cluster& cluster, Findings& findings) {
  for (std::size_t i = 0; i < cluster.nodes.size(); ++i) {
    const Node& node = cluster.nodes[i];
    int cables = 0;
    int fast = 0;
    for (const Link& link : cluster.links) {
      if ((link.first == i || link.second == i) && generation(link.type.kind) != 0) {
        ++cables;
        fast += link.type.transport == Transport::rdma ? 1 : 0;
      }
    }
    if (node.thunderbolt_ports && cables > *node.thunderbolt_ports) {
      findings.add(thunderbolt_ports,
                   std::to_string(cables) + " Thunderbolt cables for " +
                       std::to_string(*node.thunderbolt_ports) + " ports (a ring needs two) on",
                   node);
    } else if (node.rdma_ports && fast > *node.rdma_ports) {
      findings.add(rdma_ports,
                   std::to_string(fast) + " RDMA cables for " + std::to_string(*node.rdma_ports) +
                       " ports that can do RDMA (a ring needs two) on",
                   node);
    }
  }
}

}  // namespace

std::string_view topology_name(Topology topology) noexcept {
  return topology == Topology::mesh ? "mesh" : "ring";
}

const std::vector<ProblemCode>& cluster_problem_codes() {
  static const std::vector<ProblemCode> codes{
      {rdma_thunderbolt,
       "RDMA was asked for between machines of which one can't do it: it needs "
       "Thunderbolt 5 at both ends"},
      {rdma_macos, "RDMA was asked for on a macOS before 26.2"},
      {rdma_unknown, "RDMA was asked for on a machine for which no source confirms it"},
      {rdma_ports,
       "more RDMA cables than a machine has ports that can do RDMA; on a Mac Studio "
       "the port beside Ethernet can't"},
      {rdma_mesh, "an RDMA mesh of more than eight nodes; a ring has no such limit"},
      {link_missing, "a link was asked for that a machine has no port for"},
      {link_unknown, "a link was asked for that no source confirms a port for"},
      {thunderbolt_ports,
       "more Thunderbolt cables than a machine has ports; a ring or a daisy "
       "chain needs two"},
  };
  return codes;
}

Bytes Node::effective_whole(bool raised) const {
  const Bytes whole = effective_memory_whole(raised ? raised_limit : gpu_limit.bytes, ram, reserve);
  return std::max(Bytes(0), whole - occupied);
}

Bytes Node::effective_part(double cluster_reserve, bool raised) const {
  const Bytes part =
      effective_memory_part(raised ? raised_limit : gpu_limit.bytes, ram, reserve, cluster_reserve);
  return std::max(Bytes(0), part - occupied);
}

const Link* Cluster::link_between(std::size_t a, std::size_t b) const noexcept {
  const auto wanted = std::minmax(a, b);
  const auto found =
      std::lower_bound(links.begin(), links.end(), wanted, [](const Link& link, const auto& pair) {
        return std::pair(link.first, link.second) < std::pair(pair.first, pair.second);
      });
  const bool same =
      found != links.end() && found->first == wanted.first && found->second == wanted.second;
  return same ? &*found : nullptr;
}

Bytes Cluster::ram() const {
  Bytes sum{};
  for (const Node& node : nodes) {
    sum += node.ram;
  }
  return sum;
}

Bytes Cluster::effective_sum(bool raised) const {
  Bytes sum{};
  for (const Node& node : nodes) {
    sum += nodes.size() == 1 ? node.effective_whole(raised)
                             : node.effective_part(cluster_reserve, raised);
  }
  return sum;
}

std::vector<std::pair<std::size_t, std::size_t>> topology_pairs(Topology topology,
                                                                std::size_t nodes) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t a = 0; a < nodes; ++a) {
    for (std::size_t b = a + 1; b < nodes; ++b) {
      if (topology == Topology::mesh || b == a + 1 || (a == 0 && b + 1 == nodes)) {
        pairs.emplace_back(a, b);
      }
    }
  }
  return pairs;
}

void build_links(Cluster& cluster, const Catalog& catalog, const LinkType* override_link,
                 const std::vector<StatedLink>& stated) {
  Findings findings;
  bool rdma = false;
  for (const auto& [a, b] : topology_pairs(cluster.topology, cluster.nodes.size())) {
    const Node& first = cluster.nodes[a];
    const Node& second = cluster.nodes[b];
    const LinkType* type = override_link;
    for (const StatedLink& link : stated) {
      if (type == nullptr && link.first == a && link.second == b) {
        type = link.type;
      }
    }
    if (type == nullptr) {
      type = &best_link(first, second, catalog);
    } else {
      check_end(first, *type, findings);
      check_end(second, *type, findings);
    }
    rdma = rdma || (type->kind == LinkKind::thunderbolt_5 && type->transport == Transport::rdma);
    cluster.links.push_back(
        {a, b, *type, best_tcp_link(first, second, catalog), rdma_link(first, second, catalog)});
  }
  check_ports(cluster, findings);
  if (rdma && cluster.topology == Topology::mesh && cluster.nodes.size() > max_rdma_mesh) {
    findings.add(rdma_mesh,
                 "an RDMA mesh holds at most 8 nodes, found " +
                     std::to_string(cluster.nodes.size()) + ", beginning with",
                 cluster.nodes.front());
  }
  cluster.problems = findings.problems();
}

const LinkType& usable_link(std::string_view name, const Catalog& catalog) {
  std::vector<std::string> known;
  for (const LinkType& link : catalog.links()) {
    if (link.usable) {
      known.push_back(link.id);
    }
  }
  const LinkType* found = catalog.find_link(name);
  if (found == nullptr || !found->usable) {
    throw unknown_name("link", name, known, {}, "known: " + join_words(known));
  }
  return *found;
}

}  // namespace macfit::hardware
