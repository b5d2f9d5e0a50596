#include "macfit/plan/outcome.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "expand.hpp"
#include "macfit/plan/speeds.hpp"

namespace macfit::plan {
namespace {

/// The groups of one decision, one after the other; a group like the one before costs nothing.
class Reckoning {
 public:
  Reckoning(const Scenario& scenario, const runtime::Workload& workload, const Decision& decision)
      : scenario_(scenario), workload_(workload), decision_(decision) {}

  Outcome run(Wanted wanted) {
    const std::vector<Group>& groups = decision_.grouping.groups;
    Outcome best = place(groups, false);
    if (wanted.speed || scenario_.work) {
      add_speed(best);
    }
    if (decision_.split == SplitKind::pipeline && scenario_.takes_split &&
        scenario_.given.empty() && best.demand <= best.effective) {
      // As a plan does: the runtime's own cut where it is as good.
      Outcome own = place(groups, true);
      if (scenario_.work) {
        add_speed(own);
      }
      if (!better(best, own)) {
        best = std::move(own);
      }
    }
    if (wanted.contexts) {
      add_contexts(best);
    }
    return best;
  }

 private:
  [[nodiscard]] const fit::Demand& demand(std::size_t size) {
    if (size != size_) {
      demand_.emplace(
          demand_of(scenario_, workload_, workload_.context.count(), decision_.split, size));
      size_ = size;
    }
    return *demand_;
  }

  [[nodiscard]] const fit::Demand& at_load(std::size_t size) {
    if (size != load_size_) {
      load_.emplace(
          demand_of(scenario_, workload_, load_context(scenario_.profile), decision_.split, size));
      load_size_ = size;
    }
    return *load_;
  }

  [[nodiscard]] std::vector<std::int64_t> bounds(const Group& group) const {
    const Scenario::Capacity& capacity = scenario_.capacity(decision_.raised);
    std::vector<std::int64_t> result;
    result.reserve(group.size());
    for (const std::size_t node : group) {
      result.push_back(group.size() == 1 ? capacity.whole[node] : capacity.part[node]);
    }
    return result;
  }

  [[nodiscard]] fit::Split runtime_split(const Group& group) const {
    std::vector<Bytes> free_memory;
    free_memory.reserve(group.size());
    for (const std::size_t node : group) {
      free_memory.push_back(scenario_.free_memory[node]);
    }
    return scenario_.runtime->default_split(static_cast<std::int64_t>(scenario_.profile.layers),
                                            free_memory, scenario_.profile.unloaded_layers);
  }

  [[nodiscard]] fit::Split split_of(const Group& group, bool own) const {
    if (decision_.split != SplitKind::pipeline) {
      return {};
    }
    if (own) {
      return runtime_split(group);
    }
    fit::Split fixed = fixed_split(scenario_, group);
    if (!fixed.empty()) {
      return fixed;
    }
    return choose_split(scenario_, workload_, group, decision_.raised);
  }

  /// A pipeline's tier: that of its fullest node.
  [[nodiscard]] fit::Tier tier_of(const Outcome& outcome) {
    bool comfortable = !decision_.raised;
    for (std::size_t g = 0; g < outcome.layers.size(); ++g) {
      const Group& group = decision_.grouping.groups[g];
      const std::vector<std::int64_t> effective = bounds(group);
      const fit::Demand& load = at_load(group.size());
      std::size_t first = 0;
      for (std::size_t i = 0; i < group.size(); ++i) {
        const auto count = static_cast<std::size_t>(outcome.layers[g][i]);
        if (count == 0) {
          continue;
        }
        if (load.stage(first, count) > effective[i]) {
          return fit::Tier::not_practical;
        }
        comfortable = comfortable &&
                      fit::is_comfortable(demand(group.size()).stage(first, count), effective[i]);
        first += count;
      }
    }
    return comfortable ? fit::Tier::comfortable : fit::Tier::borderline;
  }

  /// Better tier, then faster, then less full: placements_of's own order.
  [[nodiscard]] bool better(const Outcome& a, const Outcome& b) {
    const fit::Tier tier_a = tier_of(a);
    const fit::Tier tier_b = tier_of(b);
    if (tier_a != tier_b) {
      return tier_a > tier_b;
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

  void add_speed(Outcome& outcome) const {
    Placement placement;
    placement.split = decision_.split;
    placement.loads = true;
    placement.replicas = decision_.grouping.groups.size();
    for (std::size_t g = 0; g < decision_.grouping.groups.size(); ++g) {
      const Group& group = decision_.grouping.groups[g];
      for (std::size_t i = 0; i < group.size(); ++i) {
        NodeBudget budget;
        budget.node = group[i];
        budget.replica = g;
        budget.layer_count = outcome.layers.empty()
                                 ? static_cast<std::int64_t>(scenario_.profile.layers)
                                 : outcome.layers[g][i];
        if (budget.layer_count > 0) {
          placement.nodes.push_back(budget);
        }
      }
    }
    outcome.speed = placement_speed(scenario_, workload_, placement);
  }

  Outcome place(const std::vector<Group>& groups, bool own) {
    Outcome outcome;
    outcome.layers.resize(decision_.split == SplitKind::pipeline ? groups.size() : 0);
    std::vector<std::int64_t> last_effective;
    bool first_node = true;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const Group& group = groups[g];
      std::vector<std::int64_t> effective = bounds(group);
      if (g > 0 && effective == last_effective && scenario_.takes_split) {
        outcome.nodes += group.size();
        if (!outcome.layers.empty()) {
          outcome.layers[g] = outcome.layers[g - 1];
        }
        continue;
      }
      const fit::Split split = split_of(group, own);
      std::size_t first = 0;
      for (std::size_t i = 0; i < group.size(); ++i) {
        const std::size_t count =
            split.empty() ? scenario_.profile.layers : static_cast<std::size_t>(split[i]);
        const std::size_t begin = split.empty() ? 0 : first;
        first += count;
        if (count == 0) {
          continue;
        }
        ++outcome.nodes;
        const std::int64_t bytes = demand(group.size()).stage(begin, count);
        const double used =
            effective[i] > 0 ? static_cast<double>(bytes) / static_cast<double>(effective[i]) : 0.0;
        if (first_node || used > outcome.utilization) {
          outcome.node = group[i];
          outcome.demand = bytes;
          outcome.effective = effective[i];
          outcome.utilization = used;
        }
        first_node = false;
      }
      if (!outcome.layers.empty()) {
        outcome.layers[g] = split;
      }
      last_effective = std::move(effective);
    }
    return outcome;
  }

  void add_contexts(Outcome& outcome) const {
    const std::vector<Group>& groups = decision_.grouping.groups;
    bool first_node = true;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const Group& group = groups[g];
      const std::vector<std::int64_t> effective = bounds(group);
      std::size_t first = 0;
      for (std::size_t i = 0; i < group.size(); ++i) {
        const bool cut = !outcome.layers.empty();
        const std::size_t count =
            cut ? static_cast<std::size_t>(outcome.layers[g][i]) : scenario_.profile.layers;
        const std::size_t begin = cut ? first : 0;
        first += count;
        if (count == 0) {
          continue;
        }
        const auto most = [&](std::int64_t bound) {
          return largest_context(longest_context(scenario_.profile), [&](std::int64_t tokens) {
            return demand_of(scenario_, workload_, tokens, decision_.split, group.size())
                       .stage(begin, count) <= bound;
          });
        };
        const std::int64_t most_tokens = most(effective[i]);
        const std::int64_t comfortable = most(fit::comfortable_bound(effective[i]));
        outcome.max_context = first_node ? most_tokens : std::min(outcome.max_context, most_tokens);
        outcome.comfortable_context =
            first_node ? comfortable : std::min(outcome.comfortable_context, comfortable);
        first_node = false;
      }
    }
  }

  const Scenario& scenario_;
  const runtime::Workload& workload_;
  const Decision& decision_;
  std::size_t size_ = 0;
  std::optional<fit::Demand> demand_;  ///< of `size_` nodes
  std::size_t load_size_ = 0;
  std::optional<fit::Demand> load_;
};

}  // namespace

Outcome outcome_of(const Scenario& scenario, const runtime::Workload& workload,
                   const Decision& decision, Wanted wanted) {
  return Reckoning(scenario, workload, decision).run(wanted);
}

}  // namespace macfit::plan
