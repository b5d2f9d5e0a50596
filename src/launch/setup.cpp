#include "setup.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/launch/shell.hpp"
#include "macfit/plan/measure.hpp"

namespace macfit::launch {
namespace {

using plan::Placement;
using plan::SplitKind;

void refuse(const plan::Plan& plan) {
  const model::Model& model = plan.request.model;
  if (model.nominal) {
    const std::vector<std::string>& near = model.nominal->nearest;
    throw Error(printable(model.id) + " is a size, not a model: there is nothing to download", {},
                near.empty() ? "name a model of the catalog (macfit models list)"
                             : "the nearest real models are " + join_words(near));
  }
  if (!plan.verdict.placement) {
    throw Error("there is nothing to launch: " + plan.verdict.summary, {},
                plan.actions.empty() ? "macfit plan says what would help"
                                     : "this would help: " + plan.actions.front().command);
  }
}

bool is_thunderbolt(hardware::LinkKind kind) {
  return kind == hardware::LinkKind::thunderbolt_5 || kind == hardware::LinkKind::thunderbolt_4 ||
         kind == hardware::LinkKind::thunderbolt_3;
}

UsedNode used_node(const plan::Plan& plan, const Placement& placement,
                   const plan::NodeBudget& budget, std::size_t position) {
  const hardware::Node& node = plan.request.cluster.nodes[budget.node];
  UsedNode used;
  used.node = budget.node;
  used.replica = budget.replica;
  used.name = printable(node.name, 64);
  used.ssh = is_host(node.name) ? node.name : mark(fmt::format("ssh-{}", position + 1));
  if (node.mac && placement.standing.raised() && node.raised_limit > node.gpu_limit.bytes) {
    used.wired_mb = node.raised_limit.count() / mib;
  } else if (node.mac && node.gpu_limit.stated) {
    used.wired_mb = node.gpu_limit.bytes.count() / mib;
  }
  used.demand = budget.parts.demand();
  used.download = budget.download;
  for (const Placement& other : plan.placements) {
    if (other.split != SplitKind::independent || other.runtime != placement.runtime ||
        !other.standing.supported) {
      continue;
    }
    for (const plan::NodeBudget& whole : other.nodes) {
      used.alone = used.alone || (whole.node == budget.node && whole.max_context >= 4096);
    }
  }
  return used;
}

/// mlx-lm's rank 0 has the last layers; EXO's and llama.cpp's first device the first.
std::vector<Replica> replicas_of(const Placement& placement) {
  std::vector<Replica> replicas(placement.replicas);
  for (std::size_t i = 0; i < placement.nodes.size(); ++i) {
    Replica& replica = replicas[placement.nodes[i].replica];
    replica.ranks.push_back(i);
    if (placement.split == SplitKind::pipeline) {
      replica.layers.push_back(placement.nodes[i].layer_count);
    }
  }
  if (placement.split == SplitKind::pipeline && placement.runtime->facts().last_layers_first) {
    for (Replica& replica : replicas) {
      std::reverse(replica.ranks.begin(), replica.ranks.end());
      std::reverse(replica.layers.begin(), replica.layers.end());
    }
  }
  return replicas;
}

/// A /30 of its own for every cable, numbered as mlx.distributed_config does.
class Addresses {
 public:
  AddressedCable next(std::size_t first, std::size_t second) {
    AddressedCable cable{first, second, fmt::format("192.168.{}.{}", net_, host_ + 1),
                         fmt::format("192.168.{}.{}", net_, host_ + 2)};
    host_ += 4;
    if (host_ > 255) {
      ++net_;
      host_ = 0;
    }
    return cable;
  }

 private:
  int net_ = 0;
  int host_ = 0;
};

void lay_cables(Setup& setup) {
  Addresses addresses;
  for (const Replica& replica : setup.replicas) {
    std::vector<std::size_t> group;
    for (const std::size_t position : replica.ranks) {
      group.push_back(setup.nodes[position].node);
    }
    const auto transport = runtime::group_transport(setup.cluster(), group);
    setup.transport = transport;
    setup.backend =
        runtime::backend_of(setup.cluster(), *setup.placement->runtime, transport, group);
    for (runtime::TopologyProblem& problem :
         runtime::topology_problems(setup.cluster(), *setup.placement->runtime, transport, group)) {
      setup.problems.push_back(std::move(problem));
    }
    for (const runtime::Cable& cable : runtime::cables_of(setup.backend, group.size())) {
      const hardware::Link* link =
          setup.cluster().link_between(group[cable.first], group[cable.second]);
      if (link != nullptr && is_thunderbolt(link->type.kind)) {
        setup.thunderbolt = true;
        setup.cables.push_back(
            addresses.next(replica.ranks[cable.first], replica.ranks[cable.second]));
      }
    }
  }
}

/// Caches of past prompts that the fullest node has room for beside the plan's demand.
std::int64_t cache_entries(const Setup& setup) {
  constexpr std::int64_t servers_own = 10;
  std::int64_t entries = servers_own;
  for (const plan::NodeBudget& budget : setup.placement->nodes) {
    const std::int64_t each = budget.parts.kv_cache.count() /
                              std::max<std::int64_t>(1, setup.plan->request.workload.sequences);
    if (each > 0) {
      entries = std::min(entries, budget.headroom.count() / each);
    }
  }
  return std::max<std::int64_t>(entries, 1);
}

}  // namespace

std::string mark(std::string_view what) { return fmt::format("@EDIT-{}@", what); }

bool Setup::raises_limit() const {
  return std::any_of(nodes.begin(), nodes.end(),
                     [](const UsedNode& node) { return node.wired_mb > 0; });
}

std::string Setup::planned() const {
  return fmt::format("{} {} {}", printable(plan->request.model.id, 200),
                     printable(placement->format, 60), placement->runtime->name());
}

bool Setup::told_split() const {
  return launched_by("mlx-lm") && placement->split == SplitKind::pipeline &&
         placement->layout != plan::Layout::runtime_default;
}

const AddressedCable* Setup::cable(std::size_t a, std::size_t b) const {
  for (const AddressedCable& cable : cables) {
    if ((cable.first == a && cable.second == b) || (cable.first == b && cable.second == a)) {
      return &cable;
    }
  }
  return nullptr;
}

std::string Setup::address(std::size_t at, std::size_t from) const {
  if (const AddressedCable* found = cable(at, from)) {
    return found->first == at ? found->first_address : found->second_address;
  }
  return mark(fmt::format("lan-{}", at + 1));
}

Setup make_setup(const plan::Plan& plan, const std::string& given) {
  refuse(plan);
  Setup setup;
  setup.plan = &plan;
  setup.placement = &plan.placements[*plan.verdict.placement];
  for (const plan::NodeBudget& budget : setup.placement->nodes) {
    setup.nodes.push_back(used_node(plan, *setup.placement, budget, setup.nodes.size()));
  }
  setup.replicas = replicas_of(*setup.placement);
  lay_cables(setup);
  setup.model_given = !given.empty();
  setup.model =
      setup.model_given ? given : plan::repository_of(plan.request.model, *setup.placement);
  setup.model_known = setup.model_given || is_repository(setup.model);
  if (!setup.model_known) {
    setup.model = mark("model");
  }
  const std::int64_t asked = plan.request.workload.context.count();
  const std::int64_t most = setup.placement->max_context;
  constexpr std::int64_t step = 1024;
  setup.context = setup.placement->standing.fits() ? asked
                  : most >= step                   ? most / step * step
                                                   : most;
  setup.cache_entries = cache_entries(setup);
  return setup;
}

}  // namespace macfit::launch
