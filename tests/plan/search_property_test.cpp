// The search against brute force: every grouping, order and cut of a few unlike nodes, ranked by
// the design's rules as they are written, must end with the placement that decide() chose.

#include <algorithm>
#include <map>
#include <numeric>

#include <rapidcheck.h>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/plan/speeds.hpp"
#include "macfit/runtime/catalog.hpp"
#include "test.hpp"

using namespace macfit;
using plan::Group;
using plan::SplitKind;

namespace {

/// A catalog model with few layers, so that all cuts can be tried.
model::Model short_model(const std::string& id, std::size_t layers) {
  model::Model model = model::Catalog::embedded().get(id);
  if (model.architecture.layers.size() > layers) {
    // From the end: the first layers of a mixture are often the odd ones.
    auto& all = model.architecture.layers;
    all.erase(all.begin() + 1, all.end() - static_cast<std::ptrdiff_t>(layers - 1));
  }
  return model;
}

struct Target {
  std::int64_t context = 0;
  bool comfortable = false;
  bool raised = false;
};

struct Laid {
  bool found = false;
  double utilization = 0.0;
  double rate = 0.0;
};

struct Choice {
  bool found = false;
  SplitKind split = SplitKind::independent;
  fit::Tier tier = fit::Tier::not_practical;
  std::size_t scenario = 0;
  std::size_t replicas = 0;
  std::size_t nodes = 0;
  bool stock = true;
  bool raised = false;
  bool fits = false;
  double utilization = 0.0;
  double rate = 0.0;
};

/// Everything tried, nothing clever.
class BruteForce {
 public:
  BruteForce(const std::vector<plan::Scenario>& scenarios, const runtime::Workload& workload)
      : scenarios_(scenarios), workload_(workload), nodes_(scenarios.front().nodes()) {}

  Choice run() {
    const std::int64_t asked = plan::judged_context(scenarios_.front().profile, workload_);
    Choice first = step({asked, false, false}, true);
    if (first.found) {
      if (first.split != SplitKind::independent && first.tier == fit::Tier::borderline) {
        const Choice second = step({asked, false, true}, true);
        if (second.found && (second.replicas > first.replicas || second.nodes < first.nodes)) {
          return second;
        }
      }
      return first;
    }
    first = step({asked, false, true}, true);
    for (const bool raised : {false, true}) {
      if (!first.found) {
        if (const std::int64_t cap = longest(raised); cap > 0) {
          const auto near = static_cast<std::int64_t>(0.9 * static_cast<double>(cap));
          first = step({std::max(load(), near), false, raised}, false);
        }
      }
    }
    return first;
  }

 private:
  [[nodiscard]] std::int64_t load() const { return plan::load_context(scenarios_.front().profile); }

  [[nodiscard]] bool holds(std::size_t s, std::size_t node, bool whole, std::int64_t asked,
                           std::int64_t loaded, const Target& target) const {
    const auto& capacity = scenarios_[s].capacity(target.raised);
    const std::int64_t room = whole ? capacity.whole[node] : capacity.part[node];
    return loaded <= room &&
           (target.comfortable ? fit::is_comfortable(asked, room) : asked <= room);
  }

  /// All orders and cuts of a group; `stock`: the runtime's own cut of each order alone.
  Laid lay(std::size_t s, std::size_t mask, const Target& target, bool stock) {
    const auto key = std::tuple(s, mask, target.context, target.comfortable, target.raised, stock);
    if (const auto known = known_.find(key); known != known_.end()) {
      return known->second;
    }
    const plan::Scenario& scenario = scenarios_[s];
    Group order;
    for (std::size_t node = 0; node < nodes_; ++node) {
      if ((mask >> node & 1U) != 0) {
        order.push_back(node);
      }
    }
    const std::size_t size = order.size();
    const std::size_t layers = scenario.profile.layers;
    Laid best;
    if (size < 2 || !scenario.pipeline.ok || layers < size) {
      return known_[key] = best;
    }
    const auto by = plan::transport_of(scenario, order);
    const fit::Demand asked =
        plan::demand_of(scenario, workload_, target.context, SplitKind::pipeline, size, by);
    const fit::Demand loaded = plan::demand_of(
        scenario, workload_, std::max(target.context, load()), SplitKind::pipeline, size, by);
    do {
      const auto consider = [&](const fit::Split& split) {
        double worst = 0.0;
        std::size_t first = 0;
        for (std::size_t i = 0; i < size; ++i) {
          const auto count = static_cast<std::size_t>(split[i]);
          if (count == 0 || !holds(s, order[i], false, asked.stage(first, count),
                                   loaded.stage(first, count), target)) {
            return;
          }
          // A target that is not comfort is measured where it must hold: at loading, if later.
          const std::int64_t bytes =
              target.comfortable ? asked.stage(first, count) : loaded.stage(first, count);
          worst = std::max(
              worst, static_cast<double>(bytes) /
                         static_cast<double>(scenario.capacity(target.raised).part[order[i]]));
          first += count;
        }
        const double rate = plan::decode_rate(scenario, workload_, order, SplitKind::pipeline,
                                              split, static_cast<double>(workload_.sequences))
                                .value_or(0.0);
        constexpr double same = 1e-7;
        if (!best.found || rate > best.rate * (1.0 + same) ||
            (rate > best.rate * (1.0 - same) && worst < best.utilization)) {
          best = {true, worst, rate};
        }
      };
      if (stock) {
        consider(plan::runtime_split(scenario, order));
      } else {
        every_cut(layers, size, consider);
      }
    } while (std::next_permutation(order.begin(), order.end()));
    return known_[key] = best;
  }

  template <class F>
  static void every_cut(std::size_t layers, std::size_t nodes, const F& f) {
    fit::Split split(nodes, 1);
    const auto total = static_cast<std::int64_t>(layers);
    const auto go = [&](auto&& self, std::size_t node, std::int64_t left) -> void {
      if (node + 1 == nodes) {
        split[node] = left;
        f(split);
        return;
      }
      const auto behind = static_cast<std::int64_t>(nodes - node - 1);
      for (std::int64_t n = 1; n + behind <= left; ++n) {
        split[node] = n;
        self(self, node + 1, left - n);
      }
    };
    go(go, 0, total);
  }

  /// Every way to lay disjoint groups on the nodes, idle ones allowed.
  template <class F>
  void every_grouping(const F& f) const {
    std::vector<std::size_t> groups;
    const auto go = [&](auto&& self, std::size_t node) -> void {
      if (node == nodes_) {
        f(groups);
        return;
      }
      self(self, node + 1);  // idle
      for (std::size_t g = 0; g < groups.size(); ++g) {
        groups[g] |= std::size_t{1} << node;
        self(self, node + 1);
        groups[g] &= ~(std::size_t{1} << node);
      }
      groups.push_back(std::size_t{1} << node);
      self(self, node + 1);
      groups.pop_back();
    };
    go(go, 0);
  }

  std::vector<Choice> shards(const Target& target) {
    std::vector<Choice> all;
    for (std::size_t s = 0; s < scenarios_.size(); ++s) {
      if (!scenarios_[s].plannable()) {
        continue;
      }
      every_grouping([&](const std::vector<std::size_t>& groups) {
        if (groups.empty()) {
          return;
        }
        for (const bool stock : {true, false}) {
          if (!stock && !scenarios_[s].takes_split) {
            continue;
          }
          Choice choice;
          choice.found = true;
          choice.split = SplitKind::pipeline;
          choice.scenario = s;
          choice.replicas = groups.size();
          choice.stock = stock;
          choice.raised = target.raised;
          choice.tier = target.comfortable ? fit::Tier::comfortable : fit::Tier::borderline;
          for (const std::size_t mask : groups) {
            const Laid laid = lay(s, mask, target, stock);
            choice.found = choice.found && laid.found;
            choice.rate += laid.rate;
            choice.utilization = std::max(choice.utilization, laid.utilization);
            choice.nodes += static_cast<std::size_t>(__builtin_popcountll(mask));
          }
          if (choice.found) {
            all.push_back(choice);
          }
        }
      });
    }
    return all;
  }

  std::vector<Choice> workers(const Target& target, bool comfort) {
    std::vector<Choice> all;
    for (std::size_t s = 0; s < scenarios_.size(); ++s) {
      const plan::Scenario& scenario = scenarios_[s];
      if (!scenario.plannable()) {
        continue;
      }
      const auto whole = [&](std::int64_t context) {
        const fit::Demand demand = plan::demand_of(
            scenario, workload_, context, SplitKind::independent, 1, hardware::Transport::tcp);
        return demand.stage(0, demand.layers());
      };
      const std::int64_t asked = whole(target.context);
      const std::int64_t loaded = whole(std::max(target.context, load()));
      Choice choice;
      choice.scenario = s;
      choice.raised = target.raised;
      choice.tier = fit::Tier::borderline;
      for (std::size_t node = 0; node < nodes_; ++node) {
        if (!holds(s, node, true, asked, loaded, target)) {
          continue;
        }
        choice.found = true;
        ++choice.replicas;
        ++choice.nodes;
        const auto room = static_cast<double>(scenario.capacity(target.raised).whole[node]);
        choice.utilization = std::max(choice.utilization, static_cast<double>(asked) / room);
        choice.rate += plan::decode_rate(scenario, workload_, {node}, SplitKind::independent, {},
                                         static_cast<double>(workload_.sequences))
                           .value_or(0.0);
        if (comfort && !target.raised &&
            holds(s, node, true, asked, loaded, {target.context, true, false})) {
          choice.tier = fit::Tier::comfortable;
        }
      }
      if (choice.found) {
        all.push_back(choice);
      }
    }
    return all;
  }

  /// Rule 4.
  static Choice best_of(std::vector<Choice> all) {
    const auto keep = [&](const auto& value) {
      auto most = value(all.front());
      for (const Choice& choice : all) {
        most = std::max(most, value(choice));
      }
      std::erase_if(all, [&](const Choice& choice) { return value(choice) < most; });
    };
    if (all.empty()) {
      return {};
    }
    keep([](const Choice& c) { return static_cast<double>(c.tier); });
    keep([](const Choice& c) { return static_cast<double>(c.replicas); });
    double fastest = 0.0;
    for (const Choice& choice : all) {
      fastest = std::max(fastest, choice.rate);
    }
    std::erase_if(all, [&](const Choice& c) { return c.rate < 0.9 * fastest; });
    keep([](const Choice& c) { return c.stock ? 1.0 : 0.0; });
    keep([](const Choice& c) { return -static_cast<double>(c.nodes); });
    const auto roomiest =
        std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
          return a.utilization < b.utilization;
        })->utilization;
    std::erase_if(all, [&](const Choice& c) { return c.utilization > roomiest + 1e-9; });
    keep([](const Choice& c) { return -static_cast<double>(c.scenario); });
    keep([](const Choice& c) { return c.rate; });
    return all.front();
  }

  Choice step(Target target, bool fits) {
    const Choice lone = best_of(workers(target, fits));
    std::vector<Choice> all;
    for (const bool comfortable : {true, false}) {
      if (comfortable && (target.raised || !fits)) {
        continue;
      }
      for (const Choice& choice : shards({target.context, comfortable, target.raised})) {
        const bool more = lone.found && lone.replicas > 1 ? choice.replicas > lone.replicas : true;
        if (more) {
          all.push_back(choice);
        }
      }
    }
    Choice best = best_of(all);
    if (lone.found && !(best.found && (best.tier > lone.tier || (best.tier == lone.tier &&
                                                                 best.replicas > lone.replicas)))) {
      best = lone;
    }
    best.fits = fits && target.context >= workload_.context.count();
    return best;
  }

  std::int64_t longest(bool raised) {
    const auto some = [&](std::int64_t context) {
      const Target target{context, false, raised};
      return !workers(target, false).empty() || !shards(target).empty();
    };
    if (!some(load())) {
      return 0;
    }
    std::int64_t low = load();
    std::int64_t high =
        std::max(load(), plan::judged_context(scenarios_.front().profile, workload_));
    while (low < high) {
      const std::int64_t middle = low + (high - low + 1) / 2;
      some(middle) ? low = middle : high = middle - 1;
    }
    return low;
  }

  const std::vector<plan::Scenario>& scenarios_;
  const runtime::Workload& workload_;
  std::size_t nodes_;
  std::map<std::tuple<std::size_t, std::size_t, std::int64_t, bool, bool, bool>, Laid> known_;
};

const std::vector<std::string> machines = {
    "m4-max-128", "m4-pro-64", "m4-max-64", "mac-studio-m3-ultra-256",
    "m4-pro-48",  "m4-max-36", "m4-pro-24", "m2-ultra-192",
    "m1-max-64",  "m4-32"};

std::vector<std::string> random_machines(int least, int most) {
  std::vector<std::string> chosen;
  const int count = *rc::gen::inRange(least, most + 1);
  for (int i = 0; i < count; ++i) {
    chosen.push_back(machines[*rc::gen::inRange<std::size_t>(0, machines.size())]);
  }
  return chosen;
}

std::string spec_of(const std::vector<std::string>& names) {
  std::string spec;
  for (const std::string& name : names) {
    spec += (spec.empty() ? "" : "+") + name;
  }
  return spec;
}

plan::Request random_request(std::size_t layers) {
  const std::vector<std::string> ids = {"glm-4.5",         "deepseek-v3.1", "llama-3.1-70b",
                                        "qwen3-235b-a22b", "minimax-m2.5",  "gemma-3-27b",
                                        "devstral-2-123b"};
  plan::Request request;
  const std::string id = ids[*rc::gen::inRange<std::size_t>(0, ids.size())];
  request.model = layers > 0 ? short_model(id, layers) : model::Catalog::embedded().get(id);
  const std::vector<const char*> formats = {"q4", "q8", "bf16", "q6"};
  request.recipe = model::parse_recipe(formats[*rc::gen::inRange<std::size_t>(0, formats.size())]);
  request.workload.context = Tokens(*rc::gen::inRange(256, 150'000));
  request.workload.sequences = *rc::gen::inRange(1, 9);
  request.runtimes = runtime::Catalog::embedded().all();
  return request;
}

void set_nodes(plan::Request& request, const std::vector<std::string>& names) {
  request.cluster = hardware::parse_cluster(spec_of(names), {}, hardware::Catalog::embedded());
}

struct Ranked {
  int step = 5;
  fit::Tier tier = fit::Tier::not_practical;
  std::size_t replicas = 0;
  bool workers = false;
  double rate = 0.0;
  std::size_t nodes = 0;
  std::int64_t cap = 0;  ///< where the context does not fit
};

Ranked ranked(const plan::Request& request) {
  const auto scenarios = plan::make_scenarios(request);
  const plan::Decision decision = plan::decide(scenarios, request.workload, {});
  Ranked result;
  if (!decision.found()) {
    return result;
  }
  // A context above the model's longest never fits, and is judged at the longest: so is its step.
  runtime::Workload judged = request.workload;
  if (const std::int64_t longest = request.model.architecture.context; longest > 0) {
    judged.context = Tokens(std::min(judged.context.count(), longest));
  }
  const plan::Decision same = plan::decide(scenarios, judged, {});
  RC_ASSERT(same.split == decision.split);
  RC_ASSERT(same.tier == decision.tier);
  RC_ASSERT(same.raised == decision.raised);
  RC_ASSERT(same.replicas.size() == decision.replicas.size());
  const bool fits = same.fits;
  result.step = (fits ? 1 : 3) + (decision.raised ? 1 : 0);
  result.cap = fits ? 0 : plan::longest_cap(scenarios, request.workload, {}, decision.raised);
  result.tier = decision.tier;
  result.replicas = decision.replicas.size();
  result.workers = decision.split == SplitKind::independent;
  for (const plan::Replica& replica : decision.replicas) {
    result.nodes += replica.nodes.size();
    result.rate += plan::decode_rate(scenarios[decision.scenario], request.workload, replica.nodes,
                                     decision.split, replica.layers,
                                     static_cast<double>(request.workload.sequences))
                       .value_or(0.0);
  }
  return result;
}

}  // namespace

TEST_CASE("the decision is what the rules choose from the full enumeration", "[plan]") {
  CHECK(rc::check("against brute force", [] {
    plan::Request request = random_request(9);
    set_nodes(request, random_machines(2, 4));
    // Formats grow with what nine layers leave, so that all steps are seen.
    const auto scenarios = plan::make_scenarios(request);
    RC_PRE(scenarios.front().profile.cache_known);
    const plan::Decision decision = plan::decide(scenarios, request.workload, {});
    const Choice expected = BruteForce(scenarios, request.workload).run();
    RC_LOG() << request.cluster.spec << " " << request.model.id << " " << request.recipe.name << " "
             << request.workload.context.count() << " x " << request.workload.sequences
             << std::endl;
    const Ranked found = ranked(request);
    RC_LOG() << "found: scenario " << decision.scenario << ", " << decision.replicas.size()
             << " replicas on " << found.nodes << " nodes, rate " << found.rate
             << "; expected: scenario " << expected.scenario << ", " << expected.replicas
             << " replicas on " << expected.nodes << " nodes, rate " << expected.rate << ", used "
             << expected.utilization << (expected.stock ? ", stock" : ", by hand") << std::endl;
    for (const plan::Replica& replica : decision.replicas) {
      for (std::size_t i = 0; i < replica.nodes.size(); ++i) {
        RC_LOG() << " node " << replica.nodes[i] << ": "
                 << (replica.layers.empty() ? 0 : replica.layers[i]) << " layers";
      }
      RC_LOG() << (replica.layout == plan::Layout::best ? ", by hand" : ", stock") << std::endl;
    }
    if (decision.last_resort) {
      RC_ASSERT(!expected.found);
      return;
    }
    RC_ASSERT(decision.found() == expected.found);
    if (!expected.found) {
      return;
    }
    RC_ASSERT(decision.split == expected.split);
    RC_ASSERT(decision.tier == expected.tier);
    RC_ASSERT(decision.replicas.size() == expected.replicas);
    RC_ASSERT(decision.raised == expected.raised);
    RC_ASSERT(decision.fits == expected.fits);
    RC_ASSERT(decision.scenario == expected.scenario);
    RC_ASSERT(found.nodes == expected.nodes);
    RC_ASSERT(std::abs(found.rate - expected.rate) <= 1e-3 * expected.rate);
  }));
}

TEST_CASE("a node more never ranks the answer lower", "[plan]") {
  CHECK(rc::check("one more", [] {
    plan::Request request = random_request(0);
    std::vector<std::string> names = random_machines(1, 4);
    set_nodes(request, names);
    const Ranked before = ranked(request);
    names.insert(names.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(names) + 1),
                 machines[*rc::gen::inRange<std::size_t>(0, machines.size())]);
    set_nodes(request, names);
    const Ranked after = ranked(request);
    RC_LOG() << request.cluster.spec << " " << request.model.id << " "
             << request.workload.context.count() << std::endl;
    RC_ASSERT(after.step <= before.step);
    if (after.step < before.step) {
      return;
    }
    if (after.step >= 3) {
      RC_ASSERT(after.cap >= before.cap);  // the longest cap wins first
      return;
    }
    if (after.workers != before.workers || after.tier != before.tier) {
      // Two workers may take the place of a shard of a better tier, and more replicas of a worker.
      RC_ASSERT(after.tier > before.tier || after.replicas > before.replicas ||
                (after.workers && after.tier == before.tier));
      return;
    }
    RC_ASSERT(after.replicas >= before.replicas);
    if (after.replicas == before.replicas && before.rate > 0.0) {
      RC_ASSERT(after.rate >= 0.9 * before.rate * 0.999);
    }
  }));
}

TEST_CASE("the order in which a cluster names its nodes changes nothing", "[plan]") {
  CHECK(rc::check("permuted", [] {
    plan::Request request = random_request(0);
    std::vector<std::string> names = random_machines(2, 6);
    set_nodes(request, names);
    const Ranked one = ranked(request);
    std::rotate(names.begin(),
                names.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(names)),
                names.end());
    if (*rc::gen::arbitrary<bool>()) {
      std::reverse(names.begin(), names.end());
    }
    set_nodes(request, names);
    const Ranked other = ranked(request);
    RC_ASSERT(one.step == other.step);
    RC_ASSERT(one.tier == other.tier);
    RC_ASSERT(one.replicas == other.replicas);
    RC_ASSERT(one.nodes == other.nodes);
    RC_ASSERT(std::abs(one.rate - other.rate) <= 1e-9 * one.rate);
  }));
}
