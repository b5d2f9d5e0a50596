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
/// Orders of one group that the runtime's own split is tried in; 6! covers 6 unlike nodes.
constexpr std::size_t most_orders = 720;

constexpr std::size_t exact_nodes = 6;
constexpr std::size_t few_kinds = 3;

}  // namespace

const fit::Demand& Basis::demand(std::int64_t context, SplitKind split, std::size_t nodes,
                                 hardware::Transport transport) {
  for (const Known& known : known_) {
    if (known.context == context && known.split == split && known.nodes == nodes &&
        known.transport == transport) {
      return known.demand;
    }
  }
  known_.push_back({context, split, nodes, transport,
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

Group Shards::members(const std::vector<std::size_t>& order) const {
  Counts taken{};
  Group nodes;
  nodes.reserve(order.size());
  for (const std::size_t c : order) {
    nodes.push_back(scenario_.classes[c][taken[c]++]);
  }
  return nodes;
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

std::vector<fit::NodeKind> Shards::kinds_of(const Counts& group, std::vector<std::size_t>& which) {
  const std::vector<std::int64_t>& part = scenario_.capacity(target_.raised).part;
  const fit::LayerCosts& costs = basis_.costs();
  std::vector<fit::NodeKind> kinds;
  for (std::size_t c = 0; c < classes(); ++c) {
    if (group[c] == 0) {
      continue;
    }
    const std::int64_t effective = part[scenario_.classes[c].front()];
    kinds.push_back({target_.comfortable ? fit::comfortable_bound(effective) : effective, effective,
                     costs.empty() ? nullptr : &costs[c], group[c]});
    which.push_back(c);
  }
  if (kinds.size() == 1) {
    kinds.front().costs = nullptr;  // nothing to choose between
  }
  return kinds;
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

bool Shards::find_reach(const Counts& group) {
  const std::size_t size = size_of(group);
  if (!allowed(size) || !holds_weights(group, size)) {
    return false;
  }
  if (split_ == SplitKind::tensor) {
    return cut_reaches(group, size);
  }
  if (!scenario_.takes_split || !scenario_.given.empty()) {
    return stock(group).has_value();
  }
  if (!scenario_.mesh) {
    return best(group).has_value();
  }
  const Tests tests = this->tests(group, size);
  std::vector<std::size_t> which;
  return fit::arrangeable(*tests.demand, tests.load, kinds_of(group, which));
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

template <class F>
void Shards::extend_order(Counts& left, std::vector<std::size_t>& order, std::size_t size,
                          std::size_t& tried, const F& f) const {
  if (order.size() == size) {
    ++tried;
    f(order);
    return;
  }
  for (std::size_t c = 0; c < classes() && tried < most_orders; ++c) {
    const bool linked = order.empty() || scenario_.mesh ||
                        scenario_.cluster.link_between(scenario_.classes[order.back()].front(),
                                                       scenario_.classes[c].front()) != nullptr;
    if (left[c] > 0 && linked) {
      --left[c];
      order.push_back(c);
      extend_order(left, order, size, tried, f);
      order.pop_back();
      ++left[c];
    }
  }
}

template <class F>
void Shards::for_each_order(const Counts& group, const F& f) const {
  Counts left = group;
  std::vector<std::size_t> order;
  std::size_t tried = 0;
  extend_order(left, order, size_of(group), tried, f);
}

std::optional<Laid> Shards::lay(const std::vector<std::size_t>& order, fit::Split layers,
                                const Tests& tests) const {
  const std::vector<std::int64_t>& part = scenario_.capacity(target_.raised).part;
  Laid laid;
  std::size_t first = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto count = static_cast<std::size_t>(layers[i]);
    if (count == 0) {
      return std::nullopt;  // a node without a layer is not part of the group
    }
    const std::int64_t effective = part[scenario_.classes[order[i]].front()];
    const std::int64_t bytes = tests.demand->stage(first, count);
    if (bytes > (target_.comfortable ? fit::comfortable_bound(effective) : effective) ||
        (tests.load != nullptr && tests.load->stage(first, count) > effective)) {
      return std::nullopt;
    }
    laid.utilization =
        std::max(laid.utilization, static_cast<double>(bytes) / static_cast<double>(effective));
    first += count;
  }
  laid.order = order;
  laid.layers = std::move(layers);
  return laid;
}

std::optional<Laid> Shards::find_stock(const Counts& group) {
  const std::size_t size = size_of(group);
  const Tests tests = this->tests(group, size);
  if (split_ == SplitKind::tensor) {
    Laid laid;
    std::int64_t room = std::numeric_limits<std::int64_t>::max();
    for (std::size_t c = 0; c < classes(); ++c) {
      laid.order.insert(laid.order.end(), group[c], c);
      if (group[c] > 0) {
        room =
            std::min(room, scenario_.capacity(target_.raised).part[scenario_.classes[c].front()]);
      }
    }
    laid.utilization = static_cast<double>(tests.demand->stage(0, tests.demand->layers())) /
                       static_cast<double>(std::max<std::int64_t>(room, 1));
    return laid;
  }
  const fit::LayerCosts& costs = basis_.costs();
  std::optional<Laid> found;
  std::int64_t least = 0;
  for_each_order(group, [&](const std::vector<std::size_t>& order) {
    std::optional<Laid> laid = lay(order, runtime_split(scenario_, members(order)), tests);
    if (!laid) {
      return;
    }
    std::int64_t cost = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < order.size() && !costs.empty(); ++i) {
      const auto end = first + static_cast<std::size_t>(laid->layers[i]);
      cost += costs[order[i]][end] - costs[order[i]][first];
      first = end;
    }
    if (!found || cost < least || (cost == least && laid->utilization < found->utilization)) {
      found = std::move(laid);
      least = cost;
    }
  });
  return found;
}

std::optional<Laid> Shards::find_best(const Counts& group) {
  if (split_ == SplitKind::tensor || !scenario_.takes_split) {
    return stock(group);
  }
  const Tests tests = this->tests(group, size_of(group));
  std::vector<std::size_t> which;
  const std::vector<fit::NodeKind> kinds = kinds_of(group, which);
  std::optional<fit::Arrangement> found;
  if (scenario_.mesh) {
    found = fit::arrange(*tests.demand, tests.load, kinds);
  } else {
    for_each_order(group, [&](const std::vector<std::size_t>& order) {
      std::vector<std::size_t> local;
      local.reserve(order.size());
      for (const std::size_t c : order) {
        local.push_back(
            static_cast<std::size_t>(std::find(which.begin(), which.end(), c) - which.begin()));
      }
      auto mine = fit::arrange_in_order(*tests.demand, tests.load, kinds, std::move(local));
      if (mine && (!found || mine->cost < found->cost ||
                   (mine->cost == found->cost && mine->utilization < found->utilization))) {
        found = std::move(mine);
      }
    });
  }
  if (!found) {
    return std::nullopt;
  }
  for (std::size_t& kind : found->kinds) {
    kind = which[kind];
  }
  std::optional<Laid> laid = lay(found->kinds, std::move(found->layers), tests);
  if (laid) {
    laid->stock = laid->layers == runtime_split(scenario_, members(laid->order));
  }
  return laid;
}

const std::optional<Laid>& Shards::stock(const Counts& group) {
  if (!known(group).stock_known) {
    std::optional<Laid> found;
    if (allowed(size_of(group))) {
      found = find_stock(group);
    }
    Known& one = known(group);
    one.stock = std::move(found);
    one.stock_known = true;
  }
  return known(group).stock;
}

const std::optional<Laid>& Shards::best(const Counts& group) {
  if (!known(group).best_known) {
    std::optional<Laid> found;
    if (allowed(size_of(group))) {
      found = find_best(group);
    }
    Known& one = known(group);
    one.best = std::move(found);
    one.best_known = true;
  }
  return known(group).best;
}

std::optional<double> Shards::rate(const Counts& group, const Laid& laid) {
  Known& one = known(group);
  Laid* mine = one.stock && &*one.stock == &laid ? &*one.stock
               : one.best && &*one.best == &laid ? &*one.best
                                                 : nullptr;
  if (mine != nullptr && mine->rate) {
    return mine->rate;
  }
  const std::optional<double> rate =
      decode_rate(scenario_, basis_.workload(), members(laid.order), split_, laid.layers,
                  static_cast<double>(basis_.workload().sequences));
  if (mine != nullptr) {
    mine->rate = rate;
  }
  return rate;
}

void Shards::find_minimal() {
  // A part of a group has a lower number than the group, so small ones are seen first.
  for (std::size_t state = 1; state < states_; ++state) {
    const Counts group = counts_of(state);
    const std::size_t size = size_of(group);
    const bool spare = std::any_of(minimal_.begin(), minimal_.end(), [&](const Counts& part) {
      return contains(group, part, classes());
    });
    if (!spare && allowed(size) && reaches(group)) {
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

std::size_t Shards::count_replicas() {
  Counts all{};
  for (std::size_t c = 0; c < classes(); ++c) {
    all[c] = static_cast<std::uint8_t>(scenario_.classes[c].size());
  }
  const std::size_t nodes = scenario_.nodes();
  if (nodes < 2 || !scenario_.plannable()) {
    return 0;
  }
  if (!scenario_.given.empty() && split_ == SplitKind::pipeline) {
    fewest_ = nodes;
    return scenario_.given.size() == nodes && stock(all) ? 1 : 0;
  }
  if (classes() == 1) {
    for (std::size_t size = 2; size <= nodes && fewest_ == 0; ++size) {
      Counts group{};
      group[0] = static_cast<std::uint8_t>(size);
      if (allowed(size) && reaches(group)) {
        fewest_ = size;
        minimal_.push_back(group);
      }
    }
    return fewest_ == 0 ? 0 : nodes / fewest_;
  }
  if (!lattice_) {
    fill_from_largest();
    return one_by_one_.size();
  }
  find_minimal();
  std::vector<std::uint8_t> most(states_, 0);
  for (std::size_t state = 1; state < states_; ++state) {
    const Counts here = counts_of(state);
    for (const Counts& part : minimal_) {
      if (contains(here, part, classes())) {
        most[state] = std::max<std::uint8_t>(
            most[state], static_cast<std::uint8_t>(most[state - index_of(part)] + 1));
      }
    }
  }
  return minimal_.empty() ? 0 : most[states_ - 1];
}

std::size_t Shards::most_replicas() {
  if (!most_) {
    most_ = count_replicas();
  }
  return *most_;
}

bool Shards::any() {
  if (most_) {
    return *most_ > 0;
  }
  return most_replicas() > 0;
}

}  // namespace macfit::plan
