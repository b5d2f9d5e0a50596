// How a group of nodes is laid out: as the runtime cuts it by itself, or as well as can be. Of both
// the best order of its nodes is found; what was found is remembered.

#include <algorithm>
#include <limits>

#include "search.hpp"

namespace macfit::plan {
namespace {

/// Orders of one group that are tried one by one where nothing shorter is known; 6! covers 6
/// unlike nodes.
constexpr std::size_t most_orders = 720;

bool better(std::int64_t cost, double worst, std::int64_t known_cost, double known_worst) {
  return cost < known_cost || (cost == known_cost && worst < known_worst);
}

}  // namespace

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
                        scenario_.cluster->link_between(scenario_.classes[order.back()].front(),
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
  if (scenario_.mesh && sets_of(group) > fit::most_arranged_states) {
    std::vector<std::size_t> order = plain_order(group);
    f(order);
    std::reverse(order.begin(), order.end());
    f(order);
    return;
  }
  Counts left = group;
  std::vector<std::size_t> order;
  std::size_t tried = 0;
  extend_order(left, order, size_of(group), tried, f);
}

/// What share of its room a node uses that holds these layers; nothing where the target forbids it
/// or there are none: a node without a layer is not part of a group.
std::optional<double> Shards::used_share(std::size_t c, std::size_t first, std::size_t count,
                                         const Tests& tests) const {
  if (count == 0) {
    return std::nullopt;
  }
  const std::int64_t effective =
      scenario_.capacity(target_.raised).part[scenario_.classes[c].front()];
  const std::int64_t bytes = tests.demand->stage(first, count);
  if (bytes > (target_.comfortable ? fit::comfortable_bound(effective) : effective) ||
      (tests.load != nullptr && tests.load->stage(first, count) > effective)) {
    return std::nullopt;
  }
  return static_cast<double>(bytes) / static_cast<double>(effective);
}

std::optional<Laid> Shards::lay(const std::vector<std::size_t>& order, fit::Split layers,
                                const Tests& tests) const {
  Laid laid;
  std::size_t first = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto count = static_cast<std::size_t>(layers[i]);
    const std::optional<double> share = used_share(order[i], first, count, tests);
    if (!share) {
      return std::nullopt;
    }
    laid.utilization = std::max(laid.utilization, *share);
    first += count;
  }
  laid.order = order;
  laid.layers = std::move(layers);
  return laid;
}

std::optional<Laid> Shards::lay_stock(const std::vector<std::size_t>& order,
                                      const Tests& tests) const {
  return lay(order, runtime_split(scenario_, members_of(scenario_, order)), tests);
}

std::int64_t Shards::cost_of(std::size_t c, std::size_t first, std::size_t count) {
  const fit::LayerCosts& costs = basis_.costs();
  return costs.empty() ? 0 : costs[c][first + count] - costs[c][first];
}

/// A tensor split: every node holds the same.
Laid Shards::lay_tensor(const Counts& group, const Tests& tests) const {
  Laid laid;
  std::int64_t room = std::numeric_limits<std::int64_t>::max();
  laid.order = plain_order(group);
  for (std::size_t c = 0; c < classes(); ++c) {
    if (group[c] > 0) {
      room = std::min(room, scenario_.capacity(target_.raised).part[scenario_.classes[c].front()]);
    }
  }
  laid.utilization = static_cast<double>(tests.demand->stage(0, tests.demand->layers())) /
                     static_cast<double>(std::max<std::int64_t>(room, 1));
  return laid;
}

/// With a node of class k next behind the nodes of `state`.
Shards::Rest Shards::going_on(const StockCuts::Table& table, const std::vector<Rest>& rests,
                              std::size_t state, std::size_t k, const Tests& tests) {
  if (table.count(state, k) >= table.counts[k] || !rests[state + table.strides[k]].reached) {
    return {};
  }
  const auto [first, count] = table.cuts[state * table.classes.size() + k];
  const std::optional<double> share = used_share(table.classes[k], first, count, tests);
  if (!share) {
    return {};
  }
  const Rest& rest = rests[state + table.strides[k]];
  return {true, rest.cost + cost_of(table.classes[k], first, count), std::max(*share, rest.worst)};
}

/// Of all orders that the runtime's own cut of reaches the target in the cheapest, of those the
/// least full, of those the first; empty where there is none. Found from the last node backwards:
/// by the set of nodes that stand before, how best to go on.
std::vector<std::size_t> Shards::stock_order(const StockCuts::Table& table, const Tests& tests) {
  const std::size_t held = table.classes.size();
  std::vector<Rest> rests(table.states);
  rests.back().reached = true;
  for (std::size_t state = table.states - 1; state-- > 0;) {
    Rest& best = rests[state];
    for (std::size_t k = 0; k < held; ++k) {
      const Rest rest = going_on(table, rests, state, k, tests);
      if (rest.reached && (!best.reached || better(rest.cost, rest.worst, best.cost, best.worst))) {
        best = rest;
      }
    }
  }
  std::vector<std::size_t> order;
  if (!rests.front().reached) {
    return order;
  }
  for (std::size_t state = 0; state + 1 < table.states;) {
    std::size_t k = 0;
    for (;; ++k) {
      const Rest rest = going_on(table, rests, state, k, tests);
      // Whoever is fuller before may leave the rest fuller too.
      if (rest.reached && rest.cost == rests[state].cost && rest.worst <= rests.front().worst) {
        break;
      }
    }
    order.push_back(table.classes[k]);
    state += table.strides[k];
  }
  return order;
}

/// The same where links or too many nodes forbid the table: order by order, up to a bound.
std::optional<Laid> Shards::stock_by_orders(const Counts& group, const Tests& tests) {
  std::optional<Laid> found;
  std::int64_t least = 0;
  for_each_order(group, [&](const std::vector<std::size_t>& order) {
    std::optional<Laid> laid = lay_stock(order, tests);
    if (!laid) {
      return;
    }
    std::int64_t cost = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto count = static_cast<std::size_t>(laid->layers[i]);
      cost += cost_of(order[i], first, count);
      first += count;
    }
    if (!found || better(cost, laid->utilization, least, found->utilization)) {
      found = std::move(laid);
      least = cost;
    }
  });
  return found;
}

std::optional<Laid> Shards::find_stock(const Counts& group) {
  const Tests tests = this->tests(group, size_of(group));
  if (split_ == SplitKind::tensor) {
    return lay_tensor(group, tests);
  }
  if (scenario_.mesh && sets_of(group) <= fit::most_arranged_states) {
    const std::vector<std::size_t> order = stock_order(basis_.cuts(group), tests);
    std::optional<Laid> laid = order.empty() ? std::nullopt : lay_stock(order, tests);
    if (laid || order.empty()) {
      return laid;
    }
  }
  return stock_by_orders(group, tests);  // or the runtime rounds this order otherwise
}

std::optional<Laid> Shards::find_best(const Counts& group) {
  if (split_ == SplitKind::tensor || !scenario_.takes_split) {
    return stock(group);
  }
  const Tests tests = this->tests(group, size_of(group));
  fit::Arranger& arranger = this->arranger(tests);
  std::optional<fit::Arrangement> found;
  if (scenario_.mesh) {
    found = arranger.arrange(by_class(group));
  } else {
    for_each_order(group, [&](const std::vector<std::size_t>& order) {
      auto mine = arranger.arrange_in_order(order);
      if (mine &&
          (!found || better(mine->cost, mine->utilization, found->cost, found->utilization))) {
        found = std::move(mine);
      }
    });
  }
  if (!found) {
    return std::nullopt;
  }
  std::optional<Laid> laid = lay(found->kinds, std::move(found->layers), tests);
  if (laid) {
    laid->stock = laid->layers == runtime_split(scenario_, members_of(scenario_, laid->order));
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
      decode_rate(scenario_, basis_.workload(), members_of(scenario_, laid.order), split_,
                  laid.layers, static_cast<double>(basis_.workload().sequences));
  if (mine != nullptr) {
    mine->rate = rate;
  }
  return rate;
}

}  // namespace macfit::plan
