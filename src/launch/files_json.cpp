#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json, int indent) { return dump_json(json, indent); }

/// The RDMA device at `at`'s end of the cable to `to`.
std::string device(const Setup& setup, std::size_t at, std::size_t to) {
  for (std::size_t i = 0; i < setup.cables.size(); ++i) {
    const AddressedCable& cable = setup.cables[i];
    if (cable.first == at && cable.second == to) {
      return "rdma_" + mark(fmt::format("port-{}a", i + 1));
    }
    if (cable.second == at && cable.first == to) {
      return "rdma_" + mark(fmt::format("port-{}b", i + 1));
    }
  }
  return {};
}

}  // namespace

std::string hostfile(const Setup& setup, const Replica& replica) {
  const std::size_t ranks = replica.ranks.size();
  Json hosts = Json::array();
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const std::size_t at = replica.ranks[rank];
    Json host{{"ssh", setup.nodes[at].ssh}, {"ips", Json::array()}, {"rdma", Json::array()}};
    if (setup.backend == runtime::Backend::mlx_ring) {
      // A rank listens for the one before it.
      host["ips"].push_back(setup.address(at, replica.ranks[(rank + ranks - 1) % ranks]));
    } else {
      host["ips"].push_back(mark(fmt::format("lan-{}", at + 1)));
      for (std::size_t peer = 0; peer < ranks; ++peer) {
        const std::string name =
            peer == rank ? std::string() : device(setup, at, replica.ranks[peer]);
        host["rdma"].push_back(name.empty() ? Json(nullptr) : Json(name));
      }
    }
    hosts.push_back(std::move(host));
  }
  const Json file{{"backend", runtime::backend_name(setup.backend)},
                  {"envs", Json::array()},
                  {"hosts", std::move(hosts)}};
  return text_of(file, 4) + "\n";
}

std::string place_instance(const Setup& setup, const Replica& replica) {
  const bool tensor = setup.placement->split == plan::SplitKind::tensor;
  const Json request{{"model_id", setup.model},
                     {"sharding", tensor ? "Tensor" : "Pipeline"},
                     {"instance_meta", setup.rdma() ? "MlxJaccl" : "MlxRing"},
                     {"min_nodes", replica.ranks.size()}};
  return text_of(request, 2) + "\n";
}

std::string spike_head(const Setup& setup) {
  Json head{{"schema", "macfit.spike/1"},
            {"model", setup.plan->request.model.id},
            {"format", setup.placement->format},
            {"runtime", setup.placement->runtime->name()}};
  std::string text = text_of(head, -1);
  text.pop_back();
  return text;
}

std::string machine_json(const Setup& setup, const std::vector<std::size_t>& positions) {
  std::vector<std::string> machines;
  for (const std::size_t position : positions) {
    const hardware::Node& node = setup.cluster().nodes[setup.nodes[position].node];
    machines.push_back(node.machine.empty()
                           ? fmt::format("{}-{}", node.chip, node.ram.count() / gib)
                           : node.machine);
  }
  const bool alike = std::all_of(machines.begin(), machines.end(), [&](const std::string& machine) {
    return machine == machines.front();
  });
  std::string name = machines.front();
  for (std::size_t i = 1; i < machines.size() && !alike; ++i) {
    name += "+" + machines[i];
  }
  return text_of(name, -1);
}

}  // namespace macfit::launch
