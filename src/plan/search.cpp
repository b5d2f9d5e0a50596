// The search over placements: which groups of nodes hold a replica, how many such groups lie side
// by side, and how fast each could be. Equal nodes are one class, so a group is a count per class,
// and what is found out of it is remembered. Bounds come before figures: weights before demands,
// the sum of room before orders, the least time that memory allows before layouts.

#include "search.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace macfit::plan {
namespace {

/// Groups that are numbered, so that each is looked at once.
constexpr std::size_t most_states = 4096;
constexpr std::size_t exact_nodes = 6;
constexpr std::size_t few_kinds = 3;

}  // namespace

const fit::Demand& Basis::demand(std::int64_t context, SplitKind split, std::size_t nodes,
                                 hardware::Transport transport) {
  const Bytes communication = scenario_.runtime->communication(nodes, transport);
  const std::int64_t step = split == SplitKind::pipeline
                                ? scenario_.runtime->prefill_step(workload_.prefill_step, nodes)
                                : workload_.prefill_step;
  const std::size_t ranks = split == SplitKind::tensor ? nodes : 1;
  for (const Known& known : known_) {
    if (known.context == context && known.split == split && known.prefill_step == step &&
        known.communication == communication && known.ranks == ranks) {
      return known.demand;
    }
  }
  known_.push_back({context, split, step, communication, ranks,
                    demand_of(scenario_, workload_, context, split, nodes, transport)});
  return known_.back().demand;
}

const fit::LayerCosts& Basis::costs() {
  if (!costs_) {
    costs_ = layer_costs(scenario_, workload_);
  }
  return *costs_;
}

Shards::Shards(Basis& basis, SplitKind split, Target target, bool over_tcp)
    : basis_(basis),
      scenario_(basis.scenario()),
      split_(split),
      target_(target),
      over_tcp_(over_tcp) {
  const std::size_t nodes = scenario_.nodes();
  exact_ = nodes <= exact_nodes || classes() == 1 ||
           (nodes <= nodes_of_few_kinds && classes() <= few_kinds);
  for (const Group& members : scenario_.classes) {
    strides_.push_back(states_);
    states_ *= members.size() + 1;
    if (states_ > most_states) {
      lattice_ = false;
      break;
    }
  }
  if (lattice_) {
    known_.resize(states_);
  }
}

std::size_t Shards::size_of(const Counts& group) const {
  std::size_t size = 0;
  for (std::size_t c = 0; c < classes(); ++c) {
    size += group[c];
  }
  return size;
}

std::size_t Shards::index_of(const Counts& group) const {
  std::size_t index = 0;
  for (std::size_t c = 0; c < classes(); ++c) {
    index += group[c] * strides_[c];
  }
  return index;
}

Counts Shards::counts_of(std::size_t state) const {
  Counts group{};
  for (std::size_t c = 0; c < classes(); ++c) {
    group[c] = static_cast<std::uint8_t>(state / strides_[c] % (scenario_.classes[c].size() + 1));
  }
  return group;
}

bool Shards::contains(const Counts& whole, const Counts& part, std::size_t classes) {
  for (std::size_t c = 0; c < classes; ++c) {
    if (part[c] > whole[c]) {
      return false;
    }
  }
  return true;
}

/// Nodes that stand for the group: the first of each class.
Group Shards::members(const Counts& group) const {
  Group nodes;
  for (std::size_t c = 0; c < classes(); ++c) {
    const Group& all = scenario_.classes[c];
    nodes.insert(nodes.end(), all.begin(), all.begin() + group[c]);
  }
  return nodes;
}

Counts Shards::all() const {
  Counts group{};
  for (std::size_t c = 0; c < classes(); ++c) {
    group[c] = static_cast<std::uint8_t>(scenario_.classes[c].size());
  }
  return group;
}

/// Classes one after the other, the roomiest first.
std::vector<std::size_t> Shards::plain_order(const Counts& group) const {
  std::vector<std::size_t> order;
  for (std::size_t c = 0; c < classes(); ++c) {
    order.insert(order.end(), group[c], c);
  }
  return order;
}

/// Sets of nodes that a group's parts can be, up to one more than can be arranged one by one.
std::size_t Shards::sets_of(const Counts& group) const {
  std::size_t sets = 1;
  for (std::size_t c = 0; c < classes() && sets <= fit::most_arranged_states; ++c) {
    sets *= group[c] + std::size_t{1};
  }
  return sets;
}

Shards::Known& Shards::known(const Counts& group) {
  if (lattice_) {
    return known_[index_of(group)];
  }
  for (auto& [counts, one] : known_beyond_) {
    if (counts == group) {
      return one;
    }
  }
  known_beyond_.push_back({group, {}});
  return known_beyond_.back().second;
}

bool Shards::allowed(std::size_t size) const {
  if (size < 2) {
    return false;
  }
  if (split_ == SplitKind::pipeline) {
    return scenario_.pipeline.ok && size <= scenario_.profile.layers;
  }
  return size < scenario_.tensor.size() && scenario_.tensor[size].ok;
}

bool Shards::holds_weights(const Counts& group, std::size_t size) const {
  const runtime::Profile& profile = scenario_.profile;
  const std::vector<std::int64_t>& part = scenario_.capacity(target_.raised).part;
  const bool pipeline = split_ == SplitKind::pipeline;
  std::int64_t left = profile.weights[profile.layers] + profile.last_weights;
  for (std::size_t c = 0; c < classes(); ++c) {
    if (group[c] == 0) {
      continue;
    }
    const std::int64_t room = part[scenario_.classes[c].front()];
    const std::int64_t least = pipeline ? profile.everywhere : profile.rank_weights[size];
    if (room < least) {
      return false;
    }
    left -= (room - least) * group[c];
  }
  return !pipeline || left <= 0;
}

hardware::Transport Shards::transport(const Counts& group) const {
  return scenario_.all_tcp ? hardware::Transport::tcp : transport_of(scenario_, members(group));
}

Shards::Tests Shards::tests(const Counts& group, std::size_t size) {
  const std::int64_t load = load_context(scenario_.profile);
  const hardware::Transport by = transport(group);
  Tests tests;
  const bool both = target_.comfortable && target_.context < load;
  tests.demand = &basis_.demand(
      target_.comfortable ? target_.context : std::max(target_.context, load), split_, size, by);
  if (both) {
    tests.load = &basis_.demand(load, split_, size, by);
  }
  return tests;
}

bool Shards::cut_reaches(const Counts& group, std::size_t size) {
  if (transport(group) == hardware::Transport::tcp && !over_tcp_) {
    return false;
  }
  const Tests tests = this->tests(group, size);
  const std::int64_t bytes = tests.demand->stage(0, tests.demand->layers());
  const std::int64_t loaded = tests.load ? tests.load->stage(0, tests.load->layers()) : 0;
  const std::vector<std::int64_t>& part = scenario_.capacity(target_.raised).part;
  for (std::size_t c = 0; c < classes(); ++c) {
    const std::int64_t effective = part[scenario_.classes[c].front()];
    const std::int64_t bound = target_.comfortable ? fit::comfortable_bound(effective) : effective;
    if (group[c] > 0 && (bytes > bound || loaded > effective)) {
      return false;
    }
  }
  return true;
}

/// What cuts one model's layers by hand for any group of these nodes.
fit::Arranger& Shards::arranger(const Tests& tests) {
  for (auto& [known, one] : arrangers_) {
    if (known.demand == tests.demand && known.load == tests.load) {
      return one;
    }
  }
  const std::vector<std::int64_t>& part = scenario_.capacity(target_.raised).part;
  const fit::LayerCosts& costs = basis_.costs();
  std::vector<fit::NodeKind> kinds;
  for (std::size_t c = 0; c < classes(); ++c) {
    const std::int64_t effective = part[scenario_.classes[c].front()];
    kinds.push_back({target_.comfortable ? fit::comfortable_bound(effective) : effective, effective,
                     costs.empty() ? nullptr : &costs[c], scenario_.classes[c].size()});
  }
  return arrangers_
      .emplace_back(std::piecewise_construct, std::forward_as_tuple(tests),
                    std::forward_as_tuple(*tests.demand, tests.load, std::move(kinds)))
      .second;
}

bool Shards::find_reach(const Counts& group) {
  const std::size_t size = size_of(group);
  if (!allowed(size) || !holds_weights(group, size)) {
    return false;
  }
  if (split_ == SplitKind::tensor) {
    return cut_reaches(group, size);
  }
  if (!scenario_.given.empty()) {
    return stock(group).has_value();
  }
  if (!scenario_.mesh) {
    return best(group).has_value();
  }
  const bool by_hand = arranger(tests(group, size)).arrangeable(by_class(group));
  return by_hand && (scenario_.takes_split || stock_reaches(group));
}

/// Whether the runtime's own cut does. Of very many groups few are worth looking at every order.
bool Shards::stock_reaches(const Counts& group) {
  if (exact_) {
    return stock(group).has_value();
  }
  const Tests tests = this->tests(group, size_of(group));
  std::vector<std::size_t> order = plain_order(group);
  const fit::Split split = runtime_split(scenario_, members_of(scenario_, order));
  if (lay(order, split, tests)) {
    return true;
  }
  // In another order a node gets a layer fewer at best.
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (static_cast<std::int64_t>(arranger(tests).longest_run(order[i])) < split[i] - 1) {
      return false;
    }
  }
  std::reverse(order.begin(), order.end());
  return lay_stock(order, tests) ||
         (sets_of(group) <= fit::most_arranged_states && stock(group).has_value());
}

bool Shards::reaches(const Counts& group) {
  Known& one = known(group);
  if (one.reaches < 0) {
    const bool found = find_reach(group);
    known(group).reaches = found ? 1 : 0;
    return found;
  }
  return one.reaches == 1;
}

void Shards::find_minimal() {
  if (fewest_ > 0 || !minimal_.empty()) {
    return;
  }
  // A part of a group has a lower number than the group, so small ones are seen first.
  std::vector<bool> holds(states_, false);  // it or a part of it
  for (std::size_t state = 1; state < states_; ++state) {
    const Counts group = counts_of(state);
    for (std::size_t c = 0; c < classes() && !holds[state]; ++c) {
      holds[state] = group[c] > 0 && holds[state - strides_[c]];
    }
    const std::size_t size = size_of(group);
    if (!holds[state] && allowed(size) && reaches(group)) {
      holds[state] = true;
      minimal_.push_back(group);
      fewest_ = fewest_ == 0 ? size : std::min(fewest_, size);
    }
  }
}

/// Many unlike nodes: from the largest down, each group as few as reach the target. The largest
/// reach it wherever as many others do.
void Shards::fill_from_largest() {
  Counts group{};
  std::size_t size = 0;
  for (std::size_t c = 0; c < classes(); ++c) {
    for (std::size_t i = 0; i < scenario_.classes[c].size(); ++i) {
      ++group[c];
      ++size;
      if (allowed(size) && reaches(group)) {
        one_by_one_.push_back(group);
        fewest_ = fewest_ == 0 ? size : std::min(fewest_, size);
        group = {};
        size = 0;
      }
    }
  }
}

/// The number of nodes in a group changes nothing about what each of them needs.
bool Shards::same_in_every_size() {
  if (split_ != SplitKind::pipeline || !scenario_.takes_split || !scenario_.mesh ||
      !scenario_.all_tcp) {
    return false;
  }
  const fit::Demand* first = nullptr;
  for (std::size_t size = 2; size <= scenario_.nodes(); ++size) {
    const fit::Demand& demand =
        basis_.demand(target_.context, split_, size, hardware::Transport::tcp);
    if (first != nullptr && first != &demand) {
      return false;
    }
    first = &demand;
  }
  return true;
}

/// Most minimal groups side by side.
std::size_t Shards::pack() {
  find_minimal();
  std::vector<std::uint8_t> most(states_, 0);
  for (const Counts& part : minimal_) {
    const std::size_t index = index_of(part);
    for (std::size_t state = index; state < states_; ++state) {
      if (most[state - index] + 1 > most[state] && contains(counts_of(state), part, classes())) {
        most[state] = static_cast<std::uint8_t>(most[state - index] + 1);
      }
    }
  }
  return minimal_.empty() ? 0 : *std::max_element(most.begin(), most.end());
}

/// Of equal nodes: as many groups as the fewest that are enough for one go into them.
std::size_t Shards::count_equal() {
  for (std::size_t size = 2; size <= scenario_.nodes() && fewest_ == 0; ++size) {
    Counts group{};
    group[0] = static_cast<std::uint8_t>(size);
    if (allowed(size) && reaches(group)) {
      fewest_ = size;
      minimal_.push_back(group);
    }
  }
  return fewest_ == 0 ? 0 : scenario_.nodes() / fewest_;
}

std::size_t Shards::count_replicas() {
  const std::size_t nodes = scenario_.nodes();
  if (nodes < 2 || !scenario_.plannable()) {
    return 0;
  }
  if (!scenario_.given.empty() && split_ == SplitKind::pipeline) {
    fewest_ = nodes;
    return scenario_.given.size() == nodes && stock(all()) ? 1 : 0;
  }
  if (classes() == 1) {
    return count_equal();
  }
  if (!lattice_) {
    fill_from_largest();
    return one_by_one_.size();
  }
  if (same_in_every_size()) {
    const std::optional<std::size_t> most = arranger(tests(all(), nodes)).most_groups();
    if (most) {
      return *most;
    }
  }
  return pack();
}

std::size_t Shards::most_replicas() {
  if (!most_) {
    most_ = count_replicas();
  }
  return *most_;
}

std::size_t Shards::fewest() {
  if (lattice_ && classes() > 1 && most_replicas() > 0) {
    find_minimal();
  }
  return fewest_;
}

bool Shards::holds(std::size_t replicas) {
  if (most_ || replicas != 1 || !lattice_ || classes() == 1 || !scenario_.given.empty() ||
      same_in_every_size()) {
    return most_replicas() >= replicas;
  }
  for (std::size_t state = 1; state < states_; ++state) {
    if (reaches(counts_of(state))) {
      return true;
    }
  }
  return false;
}

}  // namespace macfit::plan
