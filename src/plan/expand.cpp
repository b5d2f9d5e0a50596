#include "expand.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/fit/split.hpp"
#include "macfit/plan/speeds.hpp"
#include "macfit/runtime/exo_rules.hpp"
#include "macfit/runtime/llama_fit.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::plan {
namespace {

std::vector<std::int64_t> bounds(const Scenario& scenario, const Group& group, bool raised) {
  const Scenario::Capacity& capacity = scenario.capacity(raised);
  std::vector<std::int64_t> result;
  for (const std::size_t node : group) {
    result.push_back(group.size() == 1 ? capacity.whole[node] : capacity.part[node]);
  }
  return result;
}

fit::Split runtime_split(const Scenario& scenario, const Group& group) {
  std::vector<Bytes> free_memory;
  for (const std::size_t node : group) {
    free_memory.push_back(scenario.free_memory[node]);
  }
  return scenario.runtime->default_split(static_cast<std::int64_t>(scenario.profile.layers),
                                         free_memory, scenario.profile.unloaded_layers);
}

/// What a runtime that tells CPU and GPU memory apart keeps on the CPU's side of the last node.
Bytes host_bytes(const Request& request, const Scenario& scenario, std::size_t nodes) {
  if (!scenario.profile.graph) {
    return Bytes(0);
  }
  const runtime::LlamaContext context =
      runtime::llama_context(request.workload, request.workload.context.count());
  return Bytes(scenario.profile.host_weights) +
         Bytes(runtime::llama_host_compute(*scenario.profile.graph, context, nodes > 1)) +
         Bytes(scenario.profile.graph->vocabulary * 4 * request.workload.sequences);
}

/// Budgets of the nodes of one replica; `split` is empty but for a pipeline.
void budget_group(const Request& request, const Scenario& scenario, Placement& placement,
                  const Group& group, std::size_t replica, const fit::Split& split, bool raised) {
  const std::vector<std::int64_t> effective = bounds(scenario, group, raised);
  const std::size_t nodes = group.size();
  const auto demand_at = [&](std::int64_t context) {
    return demand_of(scenario, request.workload, context, placement.split, nodes);
  };
  const fit::Demand asked = demand_at(request.workload.context.count());
  const fit::Demand load = demand_at(load_context(scenario.profile));
  std::size_t first = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::size_t begin = split.empty() ? 0 : first;
    const std::size_t count =
        split.empty() ? scenario.profile.layers : static_cast<std::size_t>(split[i]);
    first += split.empty() ? 0 : count;
    if (count == 0) {
      continue;  // a default split may leave a small node without a layer: it stays idle
    }
    NodeBudget budget;
    budget.node = group[i];
    budget.replica = replica;
    budget.first_layer = static_cast<std::int64_t>(begin);
    budget.layer_count = static_cast<std::int64_t>(count);
    budget.parts = asked.parts(begin, count);
    budget.effective = Bytes(effective[i]);
    budget.headroom = budget.effective - budget.parts.demand();
    budget.utilization = effective[i] > 0
                             ? budget.parts.demand().as_double() / budget.effective.as_double()
                             : std::numeric_limits<double>::infinity();
    const bool tensor = placement.split == SplitKind::tensor;
    if (i + 1 == nodes) {
      budget.host = host_bytes(request, scenario, nodes);
    }
    // A whole tensor and its slice are live together while a tensor split loads.
    budget.load_peak = budget.parts.weights + budget.parts.runtime +
                       (tensor ? Bytes(scenario.profile.largest_tensor) : Bytes(0));
    budget.download = tensor ? Bytes(scenario.profile.total_weights()) : budget.parts.weights;
    const auto most = [&](std::int64_t bound) {
      return largest_context(longest_context(scenario.profile), [&](std::int64_t tokens) {
        return demand_at(tokens).stage(begin, count) <= bound;
      });
    };
    budget.max_context = most(effective[i]);
    const std::int64_t comfortable = most(fit::comfortable_bound(effective[i]));
    const bool is_first = placement.nodes.empty();
    placement.max_context =
        is_first ? budget.max_context : std::min(placement.max_context, budget.max_context);
    placement.comfortable_context =
        is_first ? comfortable : std::min(placement.comfortable_context, comfortable);
    placement.utilization = std::max(placement.utilization, budget.utilization);
    placement.fits = (is_first || placement.fits) && budget.headroom >= Bytes(0);
    placement.loads = (is_first || placement.loads) && load.stage(begin, count) <= effective[i];
    placement.nodes.push_back(budget);
  }
}

fit::Tier tier_of(const Placement& placement, bool raised) {
  const auto node_tier = [&](const NodeBudget& budget) {
    const std::int64_t demand = budget.parts.demand().count();
    return !raised && fit::is_comfortable(demand, budget.effective.count()) ? fit::Tier::comfortable
                                                                            : fit::Tier::borderline;
  };
  if (!placement.loads) {
    return fit::Tier::not_practical;
  }
  // Workers stand alone: the best one speaks for them. A shard is as good as its fullest node.
  fit::Tier best = fit::Tier::not_practical;
  fit::Tier worst = fit::Tier::comfortable;
  for (const NodeBudget& budget : placement.nodes) {
    best = std::max(best, node_tier(budget));
    worst = std::min(worst, node_tier(budget));
  }
  return placement.split == SplitKind::independent ? best : worst;
}

Group all_nodes(const Scenario& scenario) {
  Group group(scenario.nodes());
  std::iota(group.begin(), group.end(), std::size_t{0});
  return group;
}

/// The groups to show for a split: the best that can be reached, else all nodes as they are.
struct Shown {
  std::vector<Group> groups;
  bool raised = false;
};

Shown groups_to_show(const Request& request, const Scenario& scenario, SplitKind split) {
  for (const bool raised : {false, true}) {
    for (const Goal goal : {Goal::comfortable, Goal::fits, Goal::loads}) {
      if (split == SplitKind::independent && goal == Goal::comfortable) {
        continue;
      }
      Grouping grouping = find_groups(scenario, request.workload, split, goal, raised);
      if (!grouping.groups.empty()) {
        return {std::move(grouping.groups), raised};
      }
    }
  }
  if (split == SplitKind::independent) {
    Shown shown;
    for (std::size_t node = 0; node < scenario.nodes(); ++node) {
      shown.groups.push_back({node});
    }
    return shown;
  }
  return {{all_nodes(scenario)}, false};
}

}  // namespace

std::int64_t longest_context(const runtime::Profile& profile) {
  constexpr std::int64_t beyond_any_model = std::int64_t{1} << 24;
  return profile.longest_context > 0 ? profile.longest_context : beyond_any_model;
}

Placement expand(const Request& request, const Scenario& scenario, SplitKind split,
                 const std::vector<Group>& groups, Layout layout, bool raised) {
  Placement placement;
  placement.split = split;
  placement.runtime = scenario.runtime->id();
  placement.layout = layout;
  placement.format = scenario.profile.format;
  placement.weight_bytes = Bytes(scenario.profile.total_weights());
  placement.weight_evidence = scenario.profile.weight_evidence;
  placement.replicas = groups.size();
  placement.collectives_per_token =
      split == SplitKind::tensor ? scenario.profile.collectives_per_token : 0;
  std::vector<bool> used(scenario.nodes(), false);
  bool all_stated = true;
  for (std::size_t replica = 0; replica < groups.size(); ++replica) {
    const Group& group = groups[replica];
    fit::Split layers;
    if (split == SplitKind::pipeline) {
      const fit::Split fixed = fixed_split(scenario, group);
      const fit::Split own = runtime_split(scenario, group);
      if (layout == Layout::given) {
        layers = scenario.given;
      } else if (layout == Layout::runtime_default || !fixed.empty()) {
        layers = own;
      } else {
        layers = choose_split(scenario, request.workload, group, raised);
      }
      if (layout == Layout::best && layers != own) {
        placement.how = scenario.runtime->manual_split(layers, scenario.profile.unloaded_layers);
      }
    }
    budget_group(request, scenario, placement, group, replica, layers, raised);
  }
  for (const NodeBudget& budget : placement.nodes) {
    used[budget.node] = true;
    all_stated = all_stated && request.cluster.nodes[budget.node].gpu_limit.stated;
  }
  for (std::size_t node = 0; node < used.size(); ++node) {
    if (!used[node]) {
      placement.idle.push_back(node);
    }
  }
  placement.limit = raised ? Limit::raised : all_stated ? Limit::stated : Limit::standard;
  placement.tier = tier_of(placement, raised);
  return placement;
}

namespace {

/// What the runtime itself would do with a placement that macfit finds too tight.
void foresee(const Request& request, const Scenario& scenario, Placement& placement) {
  if (placement.nodes.empty() || !placement.supported) {
    return;
  }
  const NodeBudget& tightest = *std::min_element(
      placement.nodes.begin(), placement.nodes.end(),
      [](const NodeBudget& a, const NodeBudget& b) { return a.headroom < b.headroom; });
  const std::string node = printable(request.cluster.nodes[tightest.node].name, 64);
  if (scenario.runtime->id() == runtime::Id::exo && placement.split != SplitKind::independent &&
      !placement.fits) {
    runtime::ExoRequest asked;
    asked.storage = placement.weight_bytes;
    asked.layers = static_cast<std::int64_t>(scenario.profile.layers);
    asked.hidden = scenario.profile.hidden;
    asked.tensor = placement.split == SplitKind::tensor;
    std::vector<Bytes> demand;
    std::vector<Bytes> effective;
    for (const NodeBudget& budget : placement.nodes) {
      if (budget.replica == 0) {
        asked.available.push_back(scenario.ram[budget.node]);
        demand.push_back(budget.parts.demand());
        effective.push_back(budget.effective);
      }
    }
    asked.min_nodes = asked.available.size();
    const auto overflow = runtime::exo_overflow(demand, effective);
    if (overflow && runtime::exo_place(asked).accepted) {
      const std::string full =
          printable(request.cluster.nodes[placement.nodes[overflow->node].node].name, 64);
      placement.problems.push_back(
          {"accepted-but-overflows",
           fmt::format("EXO compares free memory with the checkpoint's size and forgets caches and "
                       "activations, so it would accept this, and {} would run out by {}",
                       full, format_gb(overflow->missing))});
    }
  }
  if (scenario.profile.graph) {
    const Bytes limit = request.cluster.nodes[tightest.node].gpu_limit.bytes;
    const Bytes left = limit - tightest.parts.demand() + tightest.parts.runtime;
    if (left >= Bytes(0) && left < Bytes(runtime::llama_fit_margin)) {
      placement.problems.push_back(
          {"fit-margin",
           fmt::format("llama.cpp keeps 1 GiB of every device free by itself (--fit): "
                       "with {} left on {} it would cut the context unless -c is "
                       "given",
                       format_gb(left), node)});
    }
  }
}

/// What the machines or cables of the groups keep a backend from, or make worse, with the remedy.
void cables(const Request& request, const Scenario& scenario, const std::vector<Group>& groups,
            Placement& placement) {
  const runtime::Id id = scenario.runtime->id();
  std::vector<Group> wired = groups;
  if (scenario.transport == hardware::Transport::rdma) {
    wired.push_back(all_nodes(scenario));  // the mesh that was asked for, whoever uses it
  }
  for (const Group& group : wired) {
    const hardware::Transport asked = runtime::group_transport(request.cluster, group);
    for (const runtime::TopologyProblem& problem :
         runtime::topology_problems(request.cluster, id, asked, group)) {
      const auto known = std::find_if(placement.problems.begin(), placement.problems.end(),
                                      [&](const Reason& r) { return r.code == problem.code; });
      if (known == placement.problems.end()) {
        placement.problems.push_back({problem.code, problem.text + "; " + problem.remedy});
      }
    }
  }
}

/// Better tier, then faster, then less full.
bool better(const Placement& a, const Placement& b) {
  if (a.tier != b.tier) {
    return a.tier > b.tier;
  }
  if (a.speed.aggregate && b.speed.aggregate) {
    constexpr double same = 1e-6;
    const double ratio = a.speed.aggregate->value / b.speed.aggregate->value;
    if (std::abs(ratio - 1.0) > same) {
      return ratio > 1.0;
    }
  }
  return a.utilization < b.utilization;
}

}  // namespace

std::vector<Placement> placements_of(const Request& request, const Scenario& scenario) {
  std::vector<Placement> result;
  const std::size_t nodes = scenario.nodes();
  const auto base_problems = [&](Placement& placement) {
    for (const runtime::Support* support : {&scenario.runs, &scenario.kv}) {
      if (!support->ok) {
        placement.problems.push_back({support->code, support->reason});
        placement.supported = false;
      }
    }
    if (scenario.profile.longest_context > 0 &&
        request.workload.context.count() > scenario.profile.longest_context) {
      placement.problems.push_back(
          {"context-above-longest",
           fmt::format("the asked context of {} tokens is above the model's longest, {}",
                       format_tokens(request.workload.context),
                       format_tokens(Tokens(scenario.profile.longest_context)))});
    }
    placement.may_win = placement.supported;
    foresee(request, scenario, placement);
  };
  const auto unsupported = [](Placement& placement, const runtime::Support& support) {
    if (!support.ok) {
      placement.problems.push_back({support.code, support.reason});
      placement.supported = false;
      placement.may_win = false;
    }
  };
  const auto bare = [&](SplitKind split) {
    Placement placement;
    placement.split = split;
    placement.runtime = scenario.runtime->id();
    placement.format = scenario.profile.format;
    if (scenario.profile.layers > 0) {
      placement.weight_bytes = Bytes(scenario.profile.total_weights());
    }
    placement.weight_evidence = scenario.profile.weight_evidence;
    return placement;
  };
  if (!scenario.profile.cache_known) {
    Placement placement = bare(SplitKind::independent);
    base_problems(placement);
    placement.supported = placement.may_win = false;
    if (!scenario.runs.ok) {
      return {placement};
    }
    placement.problems.push_back(
        {"cache-unknown",
         "the size of this architecture's cache is not known, so no demand can be "
         "computed; the weights are"});
    return {placement};
  }

  {
    const Shown shown = groups_to_show(request, scenario, SplitKind::independent);
    Placement placement = expand(request, scenario, SplitKind::independent, shown.groups,
                                 Layout::runtime_default, shown.raised);
    base_problems(placement);
    placement.speed = placement_speed(scenario, request.workload, placement);
    result.push_back(std::move(placement));
  }
  if (nodes < 2) {
    return result;
  }
  if (scenario.profile.layers >= nodes) {
    const Shown shown = groups_to_show(request, scenario, SplitKind::pipeline);
    const bool given = !scenario.given.empty();
    Placement own = expand(request, scenario, SplitKind::pipeline, shown.groups,
                           Layout::runtime_default, shown.raised);
    Placement best = expand(request, scenario, SplitKind::pipeline, shown.groups,
                            given ? Layout::given : Layout::best, shown.raised);
    const auto same = [](const Placement& a, const Placement& b) {
      return std::equal(
          a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
          [](const NodeBudget& x, const NodeBudget& y) { return x.layer_count == y.layer_count; });
    };
    for (Placement* placement : {&own, &best}) {
      placement->speed = placement_speed(scenario, request.workload, *placement);
    }
    const bool as_good = !given && best.fits && !better(best, own);
    for (Placement* placement : {&own, &best}) {
      base_problems(*placement);
      cables(request, scenario, shown.groups, *placement);
      unsupported(*placement, scenario.pipeline);
      const std::string warning = scenario.runtime->split_warning(
          static_cast<std::int64_t>(scenario.profile.layers), shown.groups.front().size());
      if (!warning.empty() && scenario.pipeline.ok) {
        placement->problems.push_back({"drops-layers", warning});
      }
    }
    if (as_good || (!given && same(own, best))) {
      result.push_back(std::move(own));
    } else {
      own.may_win = false;  // the better layout speaks for the split
      result.push_back(std::move(best));
      result.push_back(std::move(own));
    }
  }
  {
    std::size_t size = nodes;
    while (size > 2 && !scenario.tensor[size].ok) {
      --size;
    }
    const bool legal = scenario.tensor[size].ok;
    Placement placement = bare(SplitKind::tensor);
    const Shown shown = groups_to_show(request, scenario, SplitKind::tensor);
    const std::size_t shown_size = shown.groups.front().size();
    if (legal && shown_size < scenario.tensor.size() && scenario.tensor[shown_size].ok) {
      placement = expand(request, scenario, SplitKind::tensor, shown.groups,
                         Layout::runtime_default, shown.raised);
    } else if (scenario.profile.rank_weights.size() > nodes &&
               scenario.profile.rank_weights[nodes] >= 0) {
      // No code to run it, but its budget is known.
      placement = expand(request, scenario, SplitKind::tensor, {all_nodes(scenario)},
                         Layout::runtime_default, false);
    }
    base_problems(placement);
    unsupported(placement, scenario.tensor[legal ? size : nodes]);
    if (legal && size < nodes) {
      placement.problems.push_back(
          {scenario.tensor[nodes].code,
           fmt::format("{}; {} nodes can", scenario.tensor[nodes].reason, size)});
    }
    cables(request, scenario, shown.groups, placement);
    const bool rdma =
        std::all_of(shown.groups.begin(), shown.groups.end(), [&](const Group& group) {
          return transport_of(scenario, group) == hardware::Transport::rdma;
        });
    if (!rdma) {
      placement.may_win = placement.supported && request.only && *request.only == SplitKind::tensor;
    }
    placement.speed = placement_speed(scenario, request.workload, placement);
    result.push_back(std::move(placement));
  }
  return result;
}

}  // namespace macfit::plan
