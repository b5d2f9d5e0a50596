#include "grouping.hpp"

#include <algorithm>
#include <numeric>

namespace macfit::plan {
namespace {

/// Most states that the search over unlike nodes visits before it settles for the largest first.
constexpr std::size_t most_states = 4096;

Group all_nodes(const Scenario& scenario) {
  Group group(scenario.nodes());
  std::iota(group.begin(), group.end(), std::size_t{0});
  return group;
}

/// Adds nodes that stand idle to groups that still reach the goal with them, smallest group first.
void take_in_idle(const Scenario& scenario, GroupCheck& check, std::vector<Group>& groups) {
  std::vector<bool> used(scenario.nodes(), false);
  for (const Group& group : groups) {
    for (const std::size_t node : group) {
      used[node] = true;
    }
  }
  for (std::size_t node = 0; node < scenario.nodes(); ++node) {
    if (used[node]) {
      continue;
    }
    std::vector<std::size_t> order(groups.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return groups[a].size() < groups[b].size();
    });
    for (const std::size_t g : order) {
      Group larger = groups[g];
      larger.insert(std::upper_bound(larger.begin(), larger.end(), node), node);
      if (check.allowed(larger.size()) && check.reaches(larger)) {
        groups[g] = std::move(larger);
        break;
      }
    }
  }
}

/// Equal nodes: the fewest that do decide how many replicas there are.
Grouping equal_groups(const Scenario& scenario, GroupCheck& check) {
  const std::size_t nodes = scenario.nodes();
  Grouping result;
  Group group;
  for (std::size_t size = 2; size <= nodes; ++size) {
    group.resize(size);
    std::iota(group.begin(), group.end(), std::size_t{0});
    if (!check.allowed(size) || !check.reaches(group)) {
      continue;
    }
    result.fewest = size;
    const std::size_t replicas = nodes / size;
    const std::size_t even = nodes / replicas;
    const std::size_t larger = nodes % replicas;
    const auto fits = [&](std::size_t count) {
      group.resize(count);
      std::iota(group.begin(), group.end(), std::size_t{0});
      return check.allowed(count) && check.reaches(group);
    };
    std::size_t base = even;
    while (base > size && !fits(base)) {
      --base;
    }
    const bool spread = larger > 0 && base == even && fits(even + 1);
    std::size_t next = 0;
    for (std::size_t r = 0; r < replicas; ++r) {
      const std::size_t count = base + (spread && r < larger ? 1 : 0);
      Group one(count);
      std::iota(one.begin(), one.end(), next);
      next += count;
      result.groups.push_back(std::move(one));
    }
    break;
  }
  return result;
}

/// Unlike nodes, pipeline: every kind of group that just reaches the goal, then as many of them as
/// the nodes allow.
class UnlikeGroups {
 public:
  UnlikeGroups(GroupCheck& check, const std::vector<Group>& classes)
      : check_(check), classes_(classes) {
    std::size_t states = 1;
    for (const Group& members : classes_) {
      strides_.push_back(states);
      states *= members.size() + 1;
    }
    states_ = states;
  }

  Grouping find() {
    find_minimal();
    Grouping result;
    if (minimal_.empty()) {
      return result;
    }
    result.fewest = size_of(minimal_.front());
    for (const std::size_t state : minimal_) {
      result.fewest = std::min(result.fewest, size_of(state));
    }
    most_.assign(states_, 0);
    choice_.assign(states_, 0);
    for (std::size_t state = 1; state < states_; ++state) {
      for (const std::size_t kind : minimal_) {
        if (contains(state, kind) && most_[state - kind] + 1 > most_[state]) {
          most_[state] = most_[state - kind] + 1;
          choice_[state] = kind;
        }
      }
    }
    std::vector<std::size_t> taken(classes_.size(), 0);
    std::size_t state = states_ - 1;
    while (most_[state] > 0) {
      const std::size_t kind = choice_[state];
      Group group;
      for (std::size_t c = 0; c < classes_.size(); ++c) {
        for (std::size_t i = 0; i < count(kind, c); ++i) {
          group.push_back(classes_[c][taken[c]++]);
        }
      }
      std::sort(group.begin(), group.end());
      result.groups.push_back(std::move(group));
      state -= kind;
    }
    std::sort(result.groups.begin(), result.groups.end());
    return result;
  }

 private:
  [[nodiscard]] std::size_t count(std::size_t state, std::size_t c) const {
    return state / strides_[c] % (classes_[c].size() + 1);
  }
  [[nodiscard]] std::size_t size_of(std::size_t state) const {
    std::size_t size = 0;
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      size += count(state, c);
    }
    return size;
  }
  [[nodiscard]] bool contains(std::size_t state, std::size_t part) const {
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      if (count(part, c) > count(state, c)) {
        return false;
      }
    }
    return true;
  }

  void find_minimal() {
    std::vector<std::size_t> order(states_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return size_of(a) < size_of(b); });
    for (const std::size_t state : order) {
      if (size_of(state) < 2 || !check_.allowed(size_of(state)) ||
          std::any_of(minimal_.begin(), minimal_.end(),
                      [&](std::size_t small) { return contains(state, small); })) {
        continue;
      }
      Group group;
      for (std::size_t c = 0; c < classes_.size(); ++c) {
        group.insert(group.end(), classes_[c].begin(),
                     classes_[c].begin() + static_cast<std::ptrdiff_t>(count(state, c)));
      }
      std::sort(group.begin(), group.end());
      if (check_.reaches(group)) {
        minimal_.push_back(state);
      }
    }
  }

  GroupCheck& check_;
  const std::vector<Group>& classes_;
  std::vector<std::size_t> strides_;
  std::size_t states_ = 1;
  std::vector<std::size_t> minimal_;
  std::vector<std::size_t> most_;
  std::vector<std::size_t> choice_;
};

/// Many unlike nodes: from the largest down, each group as few as reach the goal. The largest reach
/// it wherever as many others do.
Grouping largest_first(const Scenario& scenario, GroupCheck& check) {
  Group order = all_nodes(scenario);
  const std::vector<std::int64_t>& part = scenario.capacity(false).part;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return part[a] > part[b]; });
  Grouping result;
  Group group;
  for (const std::size_t node : order) {
    group.insert(std::upper_bound(group.begin(), group.end(), node), node);
    if (check.allowed(group.size()) && check.reaches(group)) {
      result.fewest = result.groups.empty() ? group.size() : std::min(result.fewest, group.size());
      result.groups.push_back(std::exchange(group, {}));
    }
  }
  return result;
}

Grouping pipeline_groups(const Scenario& scenario, GroupCheck& check) {
  if (!scenario.given.empty()) {
    Grouping result;
    const Group group = all_nodes(scenario);
    if (group.size() == scenario.given.size() && check.reaches(group)) {
      result.groups.push_back(group);
      result.fewest = group.size();
    }
    return result;
  }
  const std::vector<Group>& classes = scenario.classes;
  if (classes.size() == 1) {
    return equal_groups(scenario, check);
  }
  std::size_t states = 1;
  for (const Group& members : classes) {
    states = std::min(most_states + 1, states * (members.size() + 1));
  }
  Grouping result =
      states <= most_states ? UnlikeGroups(check, classes).find() : largest_first(scenario, check);
  if (result.groups.size() <= 1) {
    const Group group = all_nodes(scenario);
    if (check.allowed(group.size()) && check.reaches(group)) {
      result.groups = {group};
      result.fewest = result.fewest == 0 ? group.size() : result.fewest;
    }
  }
  if (!result.groups.empty()) {
    take_in_idle(scenario, check, result.groups);
  }
  return result;
}

/// Every rank of a tensor split holds the same, so a group is any nodes that hold one share.
Grouping tensor_groups(const Scenario& scenario, GroupCheck& check) {
  Grouping result;
  std::size_t best_size = 0;
  Group usable;
  for (std::size_t size = 2; size <= scenario.nodes(); ++size) {
    if (!check.allowed(size)) {
      continue;
    }
    Group able;
    for (std::size_t node = 0; node < scenario.nodes(); ++node) {
      if (check.reaches(Group(size, node))) {
        able.push_back(node);
      }
    }
    const std::size_t replicas = able.size() / size;
    if (replicas == 0) {
      continue;
    }
    result.fewest = result.fewest == 0 ? size : result.fewest;
    if (usable.empty() || replicas >= usable.size() / best_size) {
      best_size = size;
      usable = std::move(able);
    }
  }
  for (std::size_t r = 0; best_size > 0 && (r + 1) * best_size <= usable.size(); ++r) {
    const auto first = usable.begin() + static_cast<std::ptrdiff_t>(r * best_size);
    result.groups.emplace_back(first, first + static_cast<std::ptrdiff_t>(best_size));
  }
  return result;
}

}  // namespace

bool GroupCheck::allowed(std::size_t size) const {
  switch (split_) {
    case SplitKind::independent:
      return size == 1;
    case SplitKind::pipeline:
      return size >= 2 && size <= scenario_.profile.layers;
    case SplitKind::tensor:
      return size >= 2 && size < scenario_.tensor.size() && scenario_.tensor[size].ok;
  }
  return false;
}

const fit::Demand& Demands::at(std::int64_t context, SplitKind split, std::size_t nodes) {
  for (const Known& known : known_) {
    if (known.context == context && known.split == split && known.nodes == nodes) {
      return known.demand;
    }
  }
  known_.push_back({context, split, nodes, demand_of(scenario_, workload_, context, split, nodes)});
  return known_.back().demand;
}

const fit::Demand& GroupCheck::demand(std::size_t size, bool at_load) {
  const std::int64_t load = load_context(scenario_.profile);
  const std::int64_t asked = workload_.context.count();
  // What fits a short context but does not load is no use: the goal counts both.
  const std::int64_t context = at_load || goal_ == Goal::loads ? load
                               : goal_ == Goal::fits           ? std::max(asked, load)
                                                               : asked;
  return demands_.at(context, split_, size);
}

bool GroupCheck::holds_weights(const Group& group) const {
  const runtime::Profile& profile = scenario_.profile;
  const Scenario::Capacity& capacity = scenario_.capacity(raised_);
  const std::vector<std::int64_t>& effective = group.size() == 1 ? capacity.whole : capacity.part;
  const std::int64_t whole = profile.weights[profile.layers] + profile.last_weights;
  if (split_ == SplitKind::pipeline) {
    std::int64_t left = whole;
    for (const std::size_t node : group) {
      if (effective[node] < profile.everywhere) {
        return false;
      }
      left -= effective[node] - profile.everywhere;
    }
    return left <= 0;
  }
  const std::int64_t each =
      split_ == SplitKind::tensor ? profile.rank_weights[group.size()] : whole + profile.everywhere;
  return std::all_of(group.begin(), group.end(),
                     [&](std::size_t node) { return each <= effective[node]; });
}

bool GroupCheck::within(const Group& group, const fit::Demand& demand, bool comfortable) {
  const Scenario::Capacity& capacity = scenario_.capacity(raised_);
  const std::vector<std::int64_t>& effective = group.size() == 1 ? capacity.whole : capacity.part;
  const auto holds = [&](std::size_t node, std::int64_t bytes) {
    return comfortable ? fit::is_comfortable(bytes, effective[node]) : bytes <= effective[node];
  };
  if (split_ != SplitKind::pipeline) {
    const std::int64_t bytes = demand.stage(0, demand.layers());
    return std::all_of(group.begin(), group.end(),
                       [&](std::size_t node) { return holds(node, bytes); });
  }
  const fit::Split split = fixed_split(scenario_, group);
  if (!split.empty()) {
    std::size_t first = 0;
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto count = static_cast<std::size_t>(split[i]);
      if (!holds(group[i], demand.stage(first, count))) {
        return false;
      }
      first += count;
    }
    return true;
  }
  bound_.clear();
  for (const std::size_t node : group) {
    bound_.push_back(comfortable ? fit::comfortable_bound(effective[node]) : effective[node]);
  }
  return fit::feasible(demand, bound_);
}

bool GroupCheck::reaches(const Group& group) {
  if (!holds_weights(group)) {
    return false;
  }
  const std::size_t size = group.size();
  if (!within(group, demand(size, false), goal_ == Goal::comfortable)) {
    return false;
  }
  return goal_ != Goal::comfortable ||
         workload_.context.count() >= load_context(scenario_.profile) ||
         within(group, demand(size, true), false);
}

Grouping find_groups(const Scenario& scenario, const runtime::Workload& workload, SplitKind split,
                     Goal goal, bool raised) {
  Demands demands(scenario, workload);
  return find_groups(scenario, workload, split, goal, raised, demands);
}

Grouping find_groups(const Scenario& scenario, const runtime::Workload& workload, SplitKind split,
                     Goal goal, bool raised, Demands& demands) {
  if (!scenario.runs.ok || !scenario.kv.ok || !scenario.profile.cache_known) {
    return {};
  }
  GroupCheck check(scenario, workload, split, goal, raised, demands);
  switch (split) {
    case SplitKind::independent: {
      Grouping result;
      Group one(1);
      for (std::size_t node = 0; node < scenario.nodes(); ++node) {
        one.front() = node;
        if (check.reaches(one)) {
          result.groups.push_back(one);
          result.fewest = 1;
        }
      }
      return result;
    }
    case SplitKind::pipeline:
      return scenario.pipeline.ok && scenario.nodes() > 1 ? pipeline_groups(scenario, check)
                                                          : Grouping{};
    case SplitKind::tensor:
      return scenario.nodes() > 1 ? tensor_groups(scenario, check) : Grouping{};
  }
  return {};
}

}  // namespace macfit::plan
