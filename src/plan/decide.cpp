#include "macfit/plan/decide.hpp"

#include <algorithm>
#include <array>

namespace macfit::plan {

std::int64_t load_context(const runtime::Profile& profile) {
  return profile.longest_context > 0 ? std::min(fit::load_context, profile.longest_context)
                                     : fit::load_context;
}

Scenario make_scenario(const Request& request, runtime::Id runtime) {
  Scenario scenario;
  const runtime::Runtime& rules = runtime::get(runtime);
  scenario.runtime = &rules;
  scenario.runs = rules.runs(request.model);
  if (scenario.runs.ok) {
    scenario.runs = rules.format(request.recipe);
  }
  scenario.kv = rules.kv(request.model, request.workload.kv);
  const std::size_t nodes = request.cluster.nodes.size();
  if (scenario.runs.ok) {
    scenario.profile = rules.profile(request.model, rules.recipe(request.model, request.recipe),
                                     request.workload.kv, std::min<std::size_t>(nodes, 16));
  } else {
    scenario.profile.format = request.recipe.name;
    scenario.profile.cache_known = false;
  }
  scenario.pipeline = rules.pipeline(request.model, nodes);
  scenario.tensor.resize(nodes + 1);
  for (std::size_t size = 2; size <= nodes; ++size) {
    scenario.tensor[size] =
        size < scenario.profile.rank_weights.size()
            ? rules.tensor(request.model, scenario.profile.recipe, size)
            : runtime::Support::no("too-many-ranks", "no runtime cuts a layer over so many nodes");
    if (scenario.tensor[size].ok && scenario.profile.rank_weights[size] < 0) {
      scenario.tensor[size] = runtime::Support::no(
          "shapes-unknown", "the tensors' shapes are not known, so they can't be cut on paper");
    }
  }
  scenario.takes_split = !rules.manual_split({1, 1}, 0).empty();
  scenario.given = request.layers;
  for (const hardware::Link& link : request.cluster.links) {
    scenario.transport = link.type.transport;
    if (link.type.transport == hardware::Transport::tcp) {
      break;  // one slow link holds everybody up
    }
  }
  for (const hardware::Node& node : request.cluster.nodes) {
    scenario.ram.push_back(node.ram);
    scenario.free_memory.push_back(rules.divides_by_gpu_limit() ? node.gpu_limit.bytes : node.ram);
    for (const bool raised : {false, true}) {
      Scenario::Capacity& capacity = raised ? scenario.raised : scenario.standard;
      capacity.whole.push_back(node.effective_whole(raised).count());
      capacity.part.push_back(node.effective_part(request.cluster.cluster_reserve, raised).count());
    }
  }
  return scenario;
}

fit::Demand demand_of(const Scenario& scenario, const runtime::Workload& workload,
                      std::int64_t context, SplitKind split, std::size_t nodes) {
  const Bytes communication = scenario.runtime->communication(nodes, scenario.transport);
  if (split == SplitKind::pipeline) {
    runtime::Workload chunked = workload;
    chunked.prefill_step = scenario.runtime->prefill_step(workload.prefill_step, nodes);
    return {scenario.profile, chunked, context, communication, 1};
  }
  const std::int64_t ranks = split == SplitKind::tensor ? static_cast<std::int64_t>(nodes) : 1;
  return {scenario.profile, workload, context, communication, ranks};
}

fit::Split fixed_split(const Scenario& scenario, const Group& group) {
  if (!scenario.given.empty()) {
    return scenario.given;
  }
  if (scenario.takes_split) {
    return {};
  }
  std::vector<Bytes> free_memory;
  free_memory.reserve(group.size());
  for (const std::size_t node : group) {
    free_memory.push_back(scenario.free_memory[node]);
  }
  return scenario.runtime->default_split(static_cast<std::int64_t>(scenario.profile.layers),
                                         free_memory, scenario.profile.unloaded_layers);
}

Decision decide(const std::vector<Scenario>& scenarios, const runtime::Workload& workload,
                std::optional<SplitKind> only) {
  constexpr std::array<SplitKind, 2> order = {SplitKind::independent, SplitKind::pipeline};
  const auto try_split = [&](SplitKind split, bool fits, bool raised, Decision& best) {
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
      const auto reach = [&](Goal goal, fit::Tier tier) {
        Grouping grouping = find_groups(scenarios[i], workload, split, goal, raised);
        if (grouping.groups.empty()) {
          return false;
        }
        const std::size_t replicas = grouping.groups.size();
        if (best.wont_fit || tier > best.tier || (tier == best.tier && replicas > best.replicas)) {
          best = {false, split, i, tier, replicas, raised, fits, std::move(grouping)};
        }
        return true;
      };
      if (!fits) {
        reach(Goal::loads, fit::Tier::borderline);
        continue;
      }
      if (split == SplitKind::independent) {
        // Every node that holds it works; a borderline one does not lower the others.
        Decision mine;
        std::swap(mine, best);
        const bool comfortable =
            !raised &&
            !find_groups(scenarios[i], workload, split, Goal::comfortable, raised).groups.empty();
        reach(Goal::fits, comfortable ? fit::Tier::comfortable : fit::Tier::borderline);
        if (!mine.wont_fit && (best.wont_fit || mine.tier > best.tier ||
                               (mine.tier == best.tier && mine.replicas >= best.replicas))) {
          best = std::move(mine);
        }
        continue;
      }
      if (raised || !reach(Goal::comfortable, fit::Tier::comfortable)) {
        reach(Goal::fits, fit::Tier::borderline);
      }
    }
  };
  for (const bool raised : {false, true}) {
    for (const bool fits : {true, false}) {
      Decision best;
      if (only) {
        try_split(*only, fits, raised, best);
      } else {
        for (const SplitKind split : order) {
          try_split(split, fits, raised, best);
          if (!best.wont_fit) {
            break;
          }
        }
      }
      if (!best.wont_fit) {
        return best;
      }
    }
  }
  return {};
}

}  // namespace macfit::plan
