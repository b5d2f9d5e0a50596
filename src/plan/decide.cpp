#include "macfit/plan/decide.hpp"

#include <algorithm>
#include <numeric>

#include "grouping.hpp"
#include "macfit/plan/speeds.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::plan {

std::int64_t load_context(const runtime::Profile& profile) {
  return profile.longest_context > 0 ? std::min(fit::load_context, profile.longest_context)
                                     : fit::load_context;
}

namespace {

std::vector<Group> classes_of(const Scenario& scenario) {
  const auto alike = [&](std::size_t a, std::size_t b) {
    const auto same = [&](const std::vector<std::int64_t>& bytes) { return bytes[a] == bytes[b]; };
    return same(scenario.standard.whole) && same(scenario.standard.part) &&
           same(scenario.raised.whole) && same(scenario.raised.part) &&
           scenario.ram[a] == scenario.ram[b];
  };
  std::vector<Group> classes;
  for (std::size_t node = 0; node < scenario.nodes(); ++node) {
    const auto known = std::find_if(classes.begin(), classes.end(), [&](const Group& members) {
      return alike(members.front(), node);
    });
    if (known == classes.end()) {
      classes.push_back({node});
    } else {
      known->push_back(node);
    }
  }
  return classes;
}

}  // namespace

Scenario make_scenario(const Request& request, runtime::Id runtime) {
  Scenario scenario;
  const runtime::Runtime& rules = runtime::get(runtime);
  scenario.runtime = &rules;
  scenario.runs = rules.runs(request.model);
  if (scenario.runs.ok) {
    scenario.runs = rules.format(request.recipe);
  }
  scenario.kv = runtime::kv_pair(runtime, request.workload.kv,
                                 request.workload.kv_values.value_or(request.workload.kv));
  if (scenario.kv.ok) {
    scenario.kv = rules.kv(request.model, request.workload.kv);
  }
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
  scenario.cluster = request.cluster;
  scenario.calibration = request.calibration;
  if (nodes > 1 && scenario.transport == hardware::Transport::rdma) {
    Group all(nodes);
    std::iota(all.begin(), all.end(), std::size_t{0});
    const auto problems =
        runtime::topology_problems(request.cluster, runtime, scenario.transport, all);
    scenario.rdma_sound = std::none_of(problems.begin(), problems.end(),
                                       [](const auto& problem) { return problem.fatal; });
  }
  for (const hardware::Node& node : request.cluster.nodes) {
    scenario.chips.push_back(speed::chip_of(node));
    scenario.ram.push_back(node.ram);
    scenario.free_memory.push_back(rules.divides_by_gpu_limit() ? node.gpu_limit.bytes : node.ram);
    for (const bool raised : {false, true}) {
      Scenario::Capacity& capacity = raised ? scenario.raised : scenario.standard;
      const bool able = node.mac || !rules.needs_macs();
      capacity.whole.push_back(able ? node.effective_whole(raised).count() : 0);
      capacity.part.push_back(
          able ? node.effective_part(request.cluster.cluster_reserve, raised).count() : 0);
    }
  }
  scenario.classes = classes_of(scenario);
  const bool tensor = std::any_of(
      scenario.tensor.begin() + std::min<std::ptrdiff_t>(2, std::ssize(scenario.tensor)),
      scenario.tensor.end(), [](const runtime::Support& cut) { return cut.ok; });
  if (tensor && scenario.transport == hardware::Transport::rdma) {
    add_work(scenario, request);
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

namespace {

/// What the runtimes reach with one split, the best of them first in tier, then in replicas, then
/// in the order of preference.
class Chooser {
 public:
  Chooser(const std::vector<Scenario>& scenarios, const runtime::Workload& workload,
          std::optional<SplitKind> only)
      : scenarios_(scenarios), workload_(workload), only_(only) {
    demands_.reserve(scenarios.size());
    for (const Scenario& scenario : scenarios) {
      demands_.emplace_back(scenario, workload);
    }
  }

  [[nodiscard]] Decision best(bool fits, bool raised) {
    if (only_) {
      return best_of(*only_, fits, raised);
    }
    Decision workers = best_of(SplitKind::independent, fits, raised);
    if (!workers.wont_fit) {
      return workers;
    }
    Decision pipeline = best_of(SplitKind::pipeline, fits, raised);
    Decision tensor = best_of(SplitKind::tensor, fits, raised);
    return tensor_wins(tensor, pipeline) ? tensor : pipeline;
  }

 private:
  [[nodiscard]] Decision best_of(SplitKind split, bool fits, bool raised) {
    const fit::Tier highest = fits && !raised ? fit::Tier::comfortable : fit::Tier::borderline;
    Decision best;
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      if (split == SplitKind::tensor && !only_ &&
          scenarios_[i].transport == hardware::Transport::tcp) {
        continue;
      }
      Decision mine = reached(i, split, fits, raised);
      if (!mine.wont_fit && (best.wont_fit || mine.tier > best.tier ||
                             (mine.tier == best.tier && mine.replicas > best.replicas))) {
        best = std::move(mine);
      }
      if (!best.wont_fit && best.tier == highest &&
          best.replicas == most_replicas(scenarios_[i], split)) {
        break;  // a later runtime would have to be better
      }
    }
    return best;
  }

  [[nodiscard]] static std::size_t most_replicas(const Scenario& scenario, SplitKind split) {
    return split == SplitKind::independent ? scenario.nodes() : scenario.nodes() / 2;
  }

  [[nodiscard]] Decision reached(std::size_t scenario, SplitKind split, bool fits, bool raised) {
    const auto reach = [&](Goal goal, fit::Tier tier) {
      Grouping grouping =
          find_groups(scenarios_[scenario], workload_, split, goal, raised, demands_[scenario]);
      if (grouping.groups.empty() || !may_win(scenarios_[scenario], split, grouping)) {
        return Decision{};
      }
      const std::size_t replicas = grouping.groups.size();
      return Decision{false, split, scenario, tier, replicas, raised, fits, std::move(grouping)};
    };
    if (!fits) {
      return reach(Goal::loads, fit::Tier::borderline);
    }
    Decision comfortable = raised ? Decision{} : reach(Goal::comfortable, fit::Tier::comfortable);
    if (!comfortable.wont_fit &&
        (split != SplitKind::independent ||
         comfortable.replicas == most_replicas(scenarios_[scenario], split))) {
      return comfortable;
    }
    // Every node that holds it works; a borderline worker does not lower a comfortable one.
    return reach(Goal::fits, comfortable.wont_fit ? fit::Tier::borderline : fit::Tier::comfortable);
  }

  [[nodiscard]] bool may_win(const Scenario& scenario, SplitKind split,
                             const Grouping& grouping) const {
    return split != SplitKind::tensor || only_ ||
           std::all_of(grouping.groups.begin(), grouping.groups.end(), [&](const Group& group) {
             return transport_of(scenario, group) == hardware::Transport::rdma;
           });
  }

  [[nodiscard]] bool tensor_wins(const Decision& tensor, const Decision& pipeline) const {
    if (tensor.wont_fit || pipeline.wont_fit) {
      return pipeline.wont_fit;
    }
    if (tensor.tier != pipeline.tier) {
      return tensor.tier > pipeline.tier;
    }
    if (tensor.replicas != pipeline.replicas) {
      return tensor.replicas > pipeline.replicas;
    }
    const std::optional<double> cut = rate(tensor);
    const std::optional<double> row = rate(pipeline);
    return cut && row && *cut > *row;
  }

  /// Tokens a second of all replicas.
  [[nodiscard]] std::optional<double> rate(const Decision& decision) const {
    const Scenario& scenario = scenarios_[decision.scenario];
    const speed::Exchange exchange = speed::exchange_of(workload_);
    double sum = 0.0;
    for (const Group& group : decision.grouping.groups) {
      fit::Split layers;
      if (decision.split == SplitKind::pipeline) {
        layers = fixed_split(scenario, group);
        if (layers.empty()) {
          layers = choose_split(scenario, workload_, group, decision.raised);
        }
      }
      const speed::Answer answer =
          replica_speed(scenario, group, decision.split, layers, {0.0, exchange.generated},
                        static_cast<double>(workload_.sequences), exchange.prompt);
      if (!answer.aggregate_decode) {
        return std::nullopt;
      }
      sum += answer.aggregate_decode->value;
    }
    return sum;
  }

  const std::vector<Scenario>& scenarios_;
  const runtime::Workload& workload_;
  std::optional<SplitKind> only_;
  std::vector<Demands> demands_;  ///< one a scenario
};

}  // namespace

Decision decide(const std::vector<Scenario>& scenarios, const runtime::Workload& workload,
                std::optional<SplitKind> only) {
  Chooser chooser(scenarios, workload, only);
  for (const bool raised : {false, true}) {
    for (const bool fits : {true, false}) {
      Decision best = chooser.best(fits, raised);
      if (!best.wont_fit) {
        return best;
      }
    }
  }
  return {};
}

}  // namespace macfit::plan
