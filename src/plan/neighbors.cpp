#include "macfit/plan/neighbors.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/plan/placement.hpp"

namespace macfit::plan {
namespace {

/// The nodes a neighbor may use, as indices into the cluster's.
std::vector<std::size_t> homes(const Neighbor& neighbor, const hardware::Cluster& cluster) {
  std::vector<std::size_t> found;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < cluster.nodes.size(); ++i) {
    names.push_back(cluster.nodes[i].name);
    if (neighbor.node.empty() || same_name(neighbor.node, cluster.nodes[i].name)) {
      found.push_back(i);
    }
  }
  if (found.empty()) {
    throw unknown_name("node of --beside", neighbor.node, names, {},
                       "the nodes are " + join_words(names));
  }
  return found;
}

Request alone(const Request& request, const Neighbor& neighbor,
              const std::vector<std::size_t>& nodes) {
  Request asked;
  asked.model = neighbor.model;
  asked.recipe = neighbor.recipe;
  asked.workload = neighbor.workload;
  asked.cluster = request.cluster;
  if (nodes.size() < request.cluster.nodes.size()) {
    asked.cluster.nodes = {request.cluster.nodes[nodes.front()]};
    asked.cluster.links.clear();
  }
  asked.runtimes = request.runtimes;
  asked.replicas = 1;
  asked.calibration = request.calibration;
  asked.known_runtimes = request.known_runtimes;
  return asked;
}

}  // namespace

void settle(Request& request) {
  for (hardware::Node& node : request.cluster.nodes) {
    node.occupied = Bytes(0);
  }
  for (Neighbor& neighbor : request.beside) {
    const std::vector<std::size_t> nodes = homes(neighbor, request.cluster);
    const Request asked = alone(request, neighbor, nodes);
    const std::vector<Scenario> scenarios = make_scenarios(asked);
    const Decision decision = decide(scenarios, asked.workload, {{}, Goal::jobs, 1});
    if (!decision.found() || !decision.fits) {
      throw Error(fmt::format("--beside: {} does not fit on {} at {} tokens", neighbor.model.id,
                              neighbor.node.empty() ? "these nodes" : neighbor.node,
                              format_whole(neighbor.workload.context.count())),
                  {},
                  "plan it by itself first: macfit plan --model " + shell_word(neighbor.model.id) +
                      " --nodes …");
    }
    Placement placement;
    place(scenarios[decision.scenario], asked.workload, decision.split, decision.replicas,
          decision.raised, {}, placement);
    neighbor.format = placement.format;
    neighbor.runtime = placement.runtime->name();
    neighbor.lives.clear();
    for (const NodeBudget& budget : placement.nodes) {
      const std::size_t node = nodes[budget.node];
      neighbor.lives.emplace_back(node, budget.parts.demand());
      request.cluster.nodes[node].occupied =
          request.cluster.nodes[node].occupied + budget.parts.demand();
    }
  }
}

std::string occupied_words(const hardware::Node& node) {
  return node.occupied > Bytes(0)
             ? fmt::format(" − {} occupied", format_whole(node.occupied.count()))
             : std::string();
}

}  // namespace macfit::plan
