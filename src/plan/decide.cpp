// The design's section 2 in figures: four steps, and in each the rules between workers, pipelines
// and tensor splits. What groups of nodes can do is search.cpp's.

#include "macfit/plan/decide.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <list>
#include <numeric>
#include <tuple>

#include "contest.hpp"

namespace macfit::plan {
namespace {

/// What the whole model takes on one node.
struct WholeDemand {
  std::int64_t asked = 0;  ///< at the target's context, loading included
  std::int64_t roomy = 0;  ///< at the context alone: what comfort is measured by
  std::int64_t loaded = 0;
};

WholeDemand whole_demand(Basis& basis, std::int64_t context) {
  const Scenario& scenario = basis.scenario();
  const std::int64_t load = load_context(scenario.profile);
  const auto bytes = [&](std::int64_t tokens) {
    const fit::Demand& demand =
        basis.demand(tokens, SplitKind::independent, 1, hardware::Transport::tcp);
    return demand.stage(0, demand.layers());
  };
  WholeDemand whole;
  whole.roomy = bytes(context);
  whole.loaded = context < load ? bytes(load) : whole.roomy;
  whole.asked = std::max(whole.roomy, whole.loaded);
  return whole;
}

/// Chooses among what the runtimes reach, step by step.
class Chooser {
 public:
  Chooser(const std::vector<Scenario>& scenarios, const runtime::Workload& workload,
          const Terms& terms, bool over_tcp, Memo& memo)
      : scenarios_(scenarios), workload_(workload), terms_(terms), over_tcp_(over_tcp) {
    std::vector<StockCuts>& cuts = memo.parts().cuts;
    cuts.resize(scenarios.size());
    bases_.reserve(scenarios.size());
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
      bases_.emplace_back(scenarios[i], workload, cuts[i]);
    }
  }

  Decision run() {
    Decision best = step(asked(), false, true);
    if (best.found()) {
      // A tight shard gives way to what a raised limit does with fewer nodes or more replicas.
      if (best.split != SplitKind::independent && best.tier == fit::Tier::borderline) {
        Decision raised = step(asked(), true, true);
        if (raised.found() &&
            (raised.replicas.size() > best.replicas.size() || nodes_of(raised) < nodes_of(best))) {
          return raised;
        }
      }
      return best;
    }
    best = step(asked(), true, true);
    for (const bool raised : {false, true}) {
      if (!best.found()) {
        const std::int64_t longest = cap(raised);
        if (longest > 0) {
          best =
              step(std::max(least_cap(),
                            static_cast<std::int64_t>(near_share * static_cast<double>(longest))),
                   raised, false);
        }
      }
    }
    return best;
  }

  /// The longest context that one replica can hold (or so many replicas as are asked for); 0: none.
  std::int64_t cap(bool raised, bool roomy = false) {
    const auto some = [&](std::int64_t context) { return reaches(context, raised, roomy); };
    return some(least_cap()) ? largest_context(longest(),
                                               [&](std::int64_t tokens) {
                                                 return tokens <= least_cap() || some(tokens);
                                               })
                             : 0;
  }

 private:
  [[nodiscard]] static std::size_t nodes_of(const Decision& decision) {
    std::size_t nodes = 0;
    for (const Replica& replica : decision.replicas) {
      nodes += replica.nodes.size();
    }
    return nodes;
  }

  [[nodiscard]] const runtime::Profile* profile() const {
    for (const Scenario& scenario : scenarios_) {
      if (scenario.plannable()) {
        return &scenario.profile;
      }
    }
    return nullptr;
  }
  [[nodiscard]] std::int64_t asked() const {
    const runtime::Profile* known = profile();
    return known != nullptr ? judged_context(*known, workload_) : workload_.context.count();
  }
  [[nodiscard]] std::int64_t longest() const {
    const runtime::Profile* known = profile();
    return std::min(known != nullptr ? longest_context(*known) : workload_.context.count(),
                    std::max(asked(), least_cap()));
  }
  [[nodiscard]] std::int64_t least_cap() const {
    const runtime::Profile* known = profile();
    return known != nullptr ? load_context(*known) : fit::load_context;
  }

  [[nodiscard]] bool splits_by(SplitKind split) const {
    return !terms_.only || *terms_.only == split;
  }
  [[nodiscard]] bool tcp_allowed() const {
    return over_tcp_ || (terms_.only && *terms_.only == SplitKind::tensor);
  }

  [[nodiscard]] bool reaches(std::int64_t context, bool raised, bool roomy) {
    const std::size_t wanted = std::max<std::size_t>(terms_.replicas, 1);
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      if (splits_by(SplitKind::independent)) {
        const Group able = workers(i, context, raised);
        const auto holding = std::count_if(able.begin(), able.end(), [&](std::size_t node) {
          return !roomy || comfortable(i, node, context);
        });
        if (static_cast<std::size_t>(holding) >= wanted) {
          return true;
        }
      }
      for (const SplitKind split : {SplitKind::pipeline, SplitKind::tensor}) {
        if (!may_shard(i, split)) {
          continue;
        }
        Shards shards(bases_[i], split, {context, roomy, raised}, tcp_allowed());
        if (shards.holds(wanted)) {
          return true;
        }
      }
    }
    return false;
  }

  [[nodiscard]] bool may_shard(std::size_t i, SplitKind split) const {
    const Scenario& scenario = scenarios_[i];
    if (!splits_by(split) || scenario.nodes() < 2 || !scenario.plannable()) {
      return false;
    }
    if (split == SplitKind::pipeline) {
      return scenario.pipeline.ok;
    }
    if (scenario.all_tcp && !tcp_allowed()) {
      return false;
    }
    return std::any_of(scenario.tensor.begin() + 2, scenario.tensor.end(),
                       [](const runtime::Support& cut) { return cut.ok; });
  }

  /// Nodes that hold the whole model, in the cluster's order.
  [[nodiscard]] Group workers(std::size_t i, std::int64_t context, bool raised) {
    const Scenario& scenario = scenarios_[i];
    Group able;
    if (!scenario.plannable()) {
      return able;
    }
    const std::vector<std::int64_t>& whole = scenario.capacity(raised).whole;
    const std::int64_t weights = scenario.profile.weights[scenario.profile.layers] +
                                 scenario.profile.everywhere + scenario.profile.last_weights;
    if (*std::max_element(whole.begin(), whole.end()) < weights) {
      return able;  // which saves building a demand
    }
    const WholeDemand demand = whole_demand(bases_[i], context);
    for (std::size_t node = 0; node < scenario.nodes(); ++node) {
      if (demand.asked <= whole[node]) {
        able.push_back(node);
      }
    }
    return able;
  }

  [[nodiscard]] bool comfortable(std::size_t i, std::size_t node, std::int64_t context) {
    const std::int64_t room = scenarios_[i].standard.whole[node];
    const WholeDemand demand = whole_demand(bases_[i], context);
    return fit::is_comfortable(demand.roomy, room) && demand.loaded <= room;
  }

  /// Of the nodes that could work, as many as are asked for: comfortable ones first, then fast
  /// ones.
  void choose_workers(std::size_t i, std::int64_t context, bool raised, std::size_t wanted,
                      Group& able) {
    const Scenario& scenario = scenarios_[i];
    std::stable_sort(able.begin(), able.end(), [&](std::size_t a, std::size_t b) {
      const auto key = [&](std::size_t node) {
        const bool roomy = !raised && comfortable(i, node, context);
        return std::tuple(!roomy, -scenario.chips[node].bandwidth, scenario.class_of[node]);
      };
      return key(a) < key(b);
    });
    able.resize(wanted);
    std::sort(able.begin(), able.end());
  }

  [[nodiscard]] std::optional<double> worker_rate(std::size_t i, const Group& nodes) {
    double sum = 0.0;
    std::size_t before = 0;
    std::optional<double> last;
    for (const std::size_t node : nodes) {
      const bool same = last && scenarios_[i].class_of[node] == scenarios_[i].class_of[before];
      if (!same) {
        last = decode_rate(scenarios_[i], workload_, {node}, SplitKind::independent, {},
                           static_cast<double>(workload_.sequences));
      }
      if (!last) {
        return std::nullopt;
      }
      before = node;
      sum += *last;
    }
    return sum;
  }

  /// The best of the entries: of those near the fastest the first by the rules. Rates are worked
  /// out only where there is a choice.
  template <class Rate>
  [[nodiscard]] std::size_t best_of(std::vector<Contender>& entries, double share,
                                    const Rate& rate) {
    if (entries.size() == 1) {
      return 0;
    }
    double fastest = 0.0;
    for (Contender& entry : entries) {
      entry.rate = rate(entry);
      fastest = std::max(fastest, entry.rate.value_or(0.0));
    }
    std::optional<std::size_t> best;
    for (std::size_t e = 0; e < entries.size(); ++e) {
      const bool near = !entries[e].rate || *entries[e].rate >= share * fastest;
      if (near && (!best || goes_before(entries[e], entries[*best]))) {
        best = e;
      }
    }
    return *best;
  }

  [[nodiscard]] double fullest(std::size_t i, const Group& nodes, std::int64_t context,
                               bool raised) {
    const WholeDemand demand = whole_demand(bases_[i], context);
    double most = 0.0;
    for (const std::size_t node : nodes) {
      most = std::max(most, static_cast<double>(demand.roomy) /
                                static_cast<double>(scenarios_[i].capacity(raised).whole[node]));
    }
    return most;
  }

  /// Independent workers: every node that holds the model.
  [[nodiscard]] Decision best_workers(std::int64_t context, bool raised, bool comfort) {
    Decision best;
    std::vector<Contender> entries;
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      Group able = workers(i, context, raised);
      if (able.empty() || able.size() < terms_.replicas) {
        continue;
      }
      if (terms_.replicas > 0) {
        choose_workers(i, context, raised, terms_.replicas, able);
      }
      const bool roomy =
          comfort && !raised && std::any_of(able.begin(), able.end(), [&](std::size_t node) {
            return comfortable(i, node, context);
          });
      const fit::Tier tier = roomy ? fit::Tier::comfortable : fit::Tier::borderline;
      const bool better = entries.empty() || tier > best.tier ||
                          (tier == best.tier && able.size() > entries.front().nodes);
      const bool equal =
          !entries.empty() && tier == best.tier && able.size() == entries.front().nodes;
      if (better) {
        entries.clear();
        best.tier = tier;
      }
      if (better || equal) {
        Contender entry;
        entry.scenario = i;
        entry.nodes = able.size();
        entry.utilization = fullest(i, able, context, raised);
        entry.workers = std::move(able);
        entries.push_back(std::move(entry));
      }
    }
    if (entries.empty()) {
      return {};
    }
    const std::size_t chosen = best_of(entries, near_share, [&](const Contender& entry) {
      return worker_rate(entry.scenario, entry.workers);
    });
    best.scenario = entries[chosen].scenario;
    best.split = SplitKind::independent;
    best.raised = raised;
    best.fewest = 1;
    for (const std::size_t node : entries[chosen].workers) {
      best.replicas.push_back({{node}, {}, Layout::runtime_default});
    }
    return best;
  }

  /// The nodes of the chosen groups, each used once.
  [[nodiscard]] Decision decision_of(const Contender& entry, fit::Tier tier, bool raised) {
    const Scenario& scenario = scenarios_[entry.scenario];
    Decision decision;
    decision.split = entry.split;
    decision.scenario = entry.scenario;
    decision.tier = tier;
    decision.raised = raised;
    decision.fewest = entry.shards->fewest();
    decision.exact = entry.shards->exact();
    decision.last_resort = over_tcp_;
    std::vector<std::size_t> taken(scenario.classes.size(), 0);
    const bool given = !scenario.given.empty() && entry.split == SplitKind::pipeline;
    for (const Counts& group : entry.groups) {
      const Laid& laid = entry.stock ? *entry.shards->stock(group) : *entry.shards->best(group);
      Replica replica;
      replica.layers = laid.layers;
      replica.layout = given                       ? Layout::given
                       : entry.stock || laid.stock ? Layout::runtime_default
                                                   : Layout::best;
      for (const std::size_t c : laid.order) {
        replica.nodes.push_back(scenario.classes[c][taken[c]++]);
      }
      decision.replicas.push_back(std::move(replica));
    }
    if (given) {
      decision.replicas.front().nodes.resize(scenario.nodes());
      std::iota(decision.replicas.front().nodes.begin(), decision.replicas.front().nodes.end(),
                std::size_t{0});
      decision.replicas.front().layers = scenario.given;
    }
    return decision;
  }

  /// The best shards that reach a tier with at least so many replicas.
  [[nodiscard]] Decision best_shards(Target target, std::size_t least) {
    if (scenarios_.front().nodes() / 2 < least) {
      return {};  // every shard takes two nodes
    }
    std::list<Shards> all;
    std::vector<std::size_t> owners;
    std::size_t most = 0;
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      for (const SplitKind split : {SplitKind::pipeline, SplitKind::tensor}) {
        if (may_shard(i, split)) {
          all.emplace_back(bases_[i], split, target, tcp_allowed());
          owners.push_back(i);
          most = std::max(most, all.back().most_replicas());
        }
      }
    }
    const std::size_t wanted = terms_.replicas > 0 ? terms_.replicas : most;
    if (most < wanted || wanted < least || most == 0) {
      return {};
    }
    std::vector<Pool> pools;
    std::size_t s = 0;
    for (Shards& shards : all) {
      Pool pool{&shards, owners[s++], shards.offers(wanted)};
      if (!pool.offers.empty()) {
        pools.push_back(std::move(pool));
      }
    }
    if (pools.empty()) {
      return {};
    }
    const std::optional<Contender> chosen = choose(pools, near_share);
    return chosen ? decision_of(*chosen,
                                target.comfortable ? fit::Tier::comfortable : fit::Tier::borderline,
                                target.raised)
                  : Decision{};
  }

  [[nodiscard]] Decision step(std::int64_t context, bool raised, bool fits) {
    Decision best = terms_.goal == Goal::answer ? one_answer(context, raised, fits)
                                                : most_jobs(context, raised, fits);
    best.fits = fits && context >= workload_.context.count();
    return best;
  }

  [[nodiscard]] Decision most_jobs(std::int64_t context, bool raised, bool comfort) {
    Decision workers;
    if (splits_by(SplitKind::independent)) {
      workers = best_workers(context, raised, comfort);
    }
    const std::size_t count = workers.replicas.size();
    const bool roomy = workers.found() && workers.tier == fit::Tier::comfortable;
    if (comfort && !raised && !over_tcp_) {
      const std::size_t least = count > 1 ? count + 1 : roomy ? 2 : 1;
      Decision shards = best_shards({context, true, false}, least);
      if (shards.found()) {
        return shards;
      }
    }
    if (!roomy) {
      Decision shards = best_shards({context, false, raised}, count > 0 ? count + 1 : 1);
      if (shards.found()) {
        return shards;
      }
    }
    return workers;
  }

  /// The fastest single answer, of the best tier that one replica reaches.
  [[nodiscard]] Decision one_answer(std::int64_t context, bool raised, bool comfort) {
    for (const bool comfortable : {true, false}) {
      if (comfortable && (raised || !comfort || over_tcp_)) {
        continue;
      }
      Decision best = fastest_answer(context, raised, comfortable);
      if (best.found()) {
        return best;
      }
    }
    return {};
  }

  [[nodiscard]] Decision fastest_answer(std::int64_t context, bool raised, bool roomy) {
    Decision best;
    double fastest = 0.0;
    const auto tier = roomy ? fit::Tier::comfortable : fit::Tier::borderline;
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      if (!splits_by(SplitKind::independent)) {
        break;
      }
      for (const std::size_t node : workers(i, context, raised)) {
        if (roomy && !comfortable(i, node, context)) {
          continue;
        }
        const double rate = worker_rate(i, {node}).value_or(0.0);
        if (!best.found() || rate * as_fast > fastest) {
          best = {};
          best.scenario = i;
          best.tier = tier;
          best.raised = raised;
          best.fewest = 1;
          best.replicas = {{{node}, {}, Layout::runtime_default}};
          fastest = rate;
        }
      }
    }
    std::list<Shards> all;
    std::vector<Pool> pools;
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      for (const SplitKind split : {SplitKind::pipeline, SplitKind::tensor}) {
        if (!may_shard(i, split)) {
          continue;
        }
        all.emplace_back(bases_[i], split, Target{context, roomy, raised}, tcp_allowed());
        Pool pool{&all.back(), i, all.back().offers(1)};
        if (!pool.offers.empty()) {
          pools.push_back(std::move(pool));
        }
      }
    }
    if (!pools.empty()) {
      const std::optional<Contender> chosen = choose(pools, as_fast);
      const std::optional<double> rate = chosen ? rate_of(*chosen) : std::nullopt;
      if (chosen && (!best.found() || rate.value_or(0.0) * as_fast > fastest)) {
        best = decision_of(*chosen, tier, raised);
      }
    }
    return best;
  }

  const std::vector<Scenario>& scenarios_;
  const runtime::Workload& workload_;
  const Terms& terms_;
  bool over_tcp_;
  std::vector<Basis> bases_;  ///< one a scenario
};

}  // namespace

Decision decide(const std::vector<Scenario>& scenarios, const runtime::Workload& workload,
                const Terms& terms, Memo* memo) {
  Memo own;
  Memo& shared = memo != nullptr ? *memo : own;
  Decision best = Chooser(scenarios, workload, terms, false, shared).run();
  // Where nothing else loads, a tensor split over TCP is better than nothing.
  const bool cut = std::any_of(scenarios.begin(), scenarios.end(), [](const Scenario& scenario) {
    return scenario.tensor.size() > 2 && scenario.plannable();
  });
  if (best.found() || terms.only || !cut) {
    return best;
  }
  return Chooser(scenarios, workload, terms, true, shared).run();
}

std::int64_t longest_cap(const std::vector<Scenario>& scenarios, const runtime::Workload& workload,
                         const Terms& terms, bool raised, bool comfortable) {
  runtime::Workload endless = workload;
  endless.context = Tokens(std::numeric_limits<std::int32_t>::max());
  Memo memo;
  return Chooser(scenarios, endless, terms, false, memo).cap(raised, comfortable);
}

std::size_t holders(const Scenario& scenario, const runtime::Workload& workload, bool comfortable) {
  if (!scenario.plannable()) {
    return 0;
  }
  StockCuts cuts;
  Basis basis(scenario, workload, cuts);
  const WholeDemand demand = whole_demand(basis, judged_context(scenario.profile, workload));
  const std::vector<std::int64_t>& whole = scenario.standard.whole;
  return static_cast<std::size_t>(std::count_if(whole.begin(), whole.end(), [&](std::int64_t room) {
    return comfortable ? fit::is_comfortable(demand.roomy, room) && demand.loaded <= room
                       : demand.asked <= room;
  }));
}

}  // namespace macfit::plan
