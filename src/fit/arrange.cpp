// Pipelines over unlike nodes: which node comes first decides what fits, so every order counts.
// A front of the pipeline is known by which nodes it used and where it ends; the best way to each
// such front is enough to find the best whole, which spares trying n! orders one by one.

#include "macfit/fit/arrange.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "utilization.hpp"

namespace macfit::fit {
namespace {

std::size_t nodes_of(const std::vector<NodeKind>& kinds) {
  std::size_t nodes = 0;
  for (const NodeKind& kind : kinds) {
    nodes += kind.count;
  }
  return nodes;
}

std::size_t states_of(const std::vector<NodeKind>& kinds) {
  std::size_t states = 1;
  for (const NodeKind& kind : kinds) {
    states *= kind.count + 1;
    if (states > most_arranged_states) {
      return most_arranged_states + 1;
    }
  }
  return states;
}

/// Says whether a run of layers may lie on a node, and how long a run may be.
class Test {
 public:
  Test(const Demand& demand, const Demand* load, const std::vector<NodeKind>& kinds)
      : demand_(demand), load_(load), kinds_(kinds) {}

  [[nodiscard]] bool holds(std::size_t kind, std::size_t first, std::size_t count) const {
    return demand_.stage(first, count) <= kinds_[kind].bound &&
           (load_ == nullptr || load_->stage(first, count) <= kinds_[kind].effective);
  }

  /// Most layers from `first` on, up to `limit`; 0 where not even one.
  [[nodiscard]] std::size_t most(std::size_t kind, std::size_t first, std::size_t limit) const {
    if (limit == 0 || !holds(kind, first, 1)) {
      return 0;
    }
    std::size_t low = 1;
    std::size_t high = limit;
    while (low < high) {
      const std::size_t middle = low + (high - low + 1) / 2;
      if (holds(kind, first, middle)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /// The sum of all bounds is enough for what all nodes together need whatever the split.
  [[nodiscard]] bool sum_suffices() const {
    std::int64_t sum = 0;
    for (const NodeKind& kind : kinds_) {
      std::int64_t part = 0;
      if (__builtin_mul_overflow(kind.bound, static_cast<std::int64_t>(kind.count), &part) ||
          __builtin_add_overflow(sum, part, &sum)) {
        return true;
      }
    }
    return demand_.at_least(nodes_of(kinds_)) <= sum;
  }

  /// Nodes in this order, each as full as it goes while leaving one layer for every node behind.
  [[nodiscard]] bool fills(const std::vector<std::size_t>& order) const {
    std::size_t first = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::size_t left = demand_.layers() - first;
      const std::size_t behind = order.size() - 1 - i;
      if (behind == 0) {
        return left >= 1 && holds(order[i], first, left);
      }
      const std::size_t count = left > behind ? most(order[i], first, left - behind) : 0;
      if (count == 0) {
        return false;
      }
      first += count;
    }
    return false;
  }

 private:
  const Demand& demand_;
  const Demand* load_;
  const std::vector<NodeKind>& kinds_;
};

/// Kinds one after the other, each as often as it counts.
std::vector<std::size_t> plain_order(const std::vector<NodeKind>& kinds) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    order.insert(order.end(), kinds[k].count, k);
  }
  return order;
}

/// The best way to every front. Fronts are numbered by the nodes they used (mixed radix over the
/// kinds' counts) and by the layer they end before.
class Fronts {
 public:
  Fronts(const Demand& demand, const Test& test, const std::vector<NodeKind>& kinds)
      : demand_(demand), test_(test), kinds_(kinds), nodes_(nodes_of(kinds)) {
    for (const NodeKind& kind : kinds) {
      strides_.push_back(states_);
      states_ *= kind.count + 1;
    }
    fronts_.assign(states_ * (demand.layers() + 1), {});
    fronts_[0].reached = true;
  }

  std::optional<Arrangement> find() {
    for (std::size_t state = 0; state + 1 < states_; ++state) {
      std::size_t used = 0;
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        used += count(state, k);
      }
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        if (count(state, k) < kinds_[k].count) {
          extend(state, used, k);
        }
      }
    }
    const std::size_t layers = demand_.layers();
    if (!at(states_ - 1, layers).reached) {
      return std::nullopt;
    }
    return trace(layers);
  }

 private:
  struct Front {
    bool reached = false;
    std::uint16_t kind = 0;   ///< of the last node
    std::uint32_t start = 0;  ///< of its layers
    std::int64_t cost = 0;
    double worst = 0.0;
  };

  [[nodiscard]] std::size_t count(std::size_t state, std::size_t k) const {
    return state / strides_[k] % (kinds_[k].count + 1);
  }
  [[nodiscard]] Front& at(std::size_t state, std::size_t end) {
    return fronts_[state * (demand_.layers() + 1) + end];
  }

  /// One more node of kind `k` behind every front of `state`.
  void extend(std::size_t state, std::size_t used, std::size_t k) {
    const std::size_t layers = demand_.layers();
    const std::size_t behind = nodes_ - used - 1;
    const std::size_t next = state + strides_[k];
    const NodeKind& kind = kinds_[k];
    for (std::size_t start = used; start + behind < layers; ++start) {
      const Front front = at(state, start);
      if (!front.reached) {
        continue;
      }
      const std::size_t limit = layers - behind - start;
      const std::size_t most = test_.most(k, start, limit);
      // The last node takes all that is left, or can't be the last.
      for (std::size_t n = behind == 0 ? limit : 1; n <= most; ++n) {
        const std::size_t end = start + n;
        const std::int64_t cost =
            front.cost + (kind.costs == nullptr ? 0 : (*kind.costs)[end] - (*kind.costs)[start]);
        Front& known = at(next, end);
        if (known.reached && cost > known.cost) {
          continue;
        }
        const double worst =
            std::max(front.worst, fit::utilization(demand_.stage(start, n), kind.effective));
        if (!known.reached || cost < known.cost || worst < known.worst) {
          known = {true, static_cast<std::uint16_t>(k), static_cast<std::uint32_t>(start), cost,
                   worst};
        }
      }
    }
  }

  [[nodiscard]] Arrangement trace(std::size_t end) {
    Arrangement result;
    std::size_t state = states_ - 1;
    result.cost = at(state, end).cost;
    result.utilization = at(state, end).worst;
    result.kinds.resize(nodes_);
    result.layers.resize(nodes_);
    for (std::size_t i = nodes_; i-- > 0;) {
      const Front& front = at(state, end);
      result.kinds[i] = front.kind;
      result.layers[i] = static_cast<std::int64_t>(end - front.start);
      end = front.start;
      state -= strides_[front.kind];
    }
    return result;
  }

  const Demand& demand_;
  const Test& test_;
  const std::vector<NodeKind>& kinds_;
  std::size_t nodes_;
  std::size_t states_ = 1;
  std::vector<std::size_t> strides_;
  std::vector<Front> fronts_;
};

/// Which ends the fronts of every state can have: as Fronts, without costs.
bool some_order(const Demand& demand, const Test& test, const std::vector<NodeKind>& kinds) {
  const std::size_t layers = demand.layers();
  const std::size_t nodes = nodes_of(kinds);
  // Reach of a kind from every start, once for all states.
  std::vector<std::vector<std::size_t>> most(kinds.size());
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    for (std::size_t start = 0; start < layers; ++start) {
      most[k].push_back(test.most(k, start, layers - start));
    }
  }
  std::vector<std::size_t> strides;
  std::size_t states = 1;
  for (const NodeKind& kind : kinds) {
    strides.push_back(states);
    states *= kind.count + 1;
  }
  std::vector<std::uint8_t> reached(states * (layers + 1), 0);
  reached[0] = 1;
  for (std::size_t state = 0; state + 1 < states; ++state) {
    const std::uint8_t* from = &reached[state * (layers + 1)];
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (state / strides[k] % (kinds[k].count + 1) >= kinds[k].count) {
        continue;
      }
      std::uint8_t* to = &reached[(state + strides[k]) * (layers + 1)];
      std::size_t filled = 0;  // ends up to here are marked already
      for (std::size_t start = 0; start < layers; ++start) {
        if (from[start] != 0) {
          const std::size_t last = start + most[k][start];
          for (std::size_t end = std::max(start + 1, filled); end <= last; ++end) {
            to[end] = 1;
          }
          filled = std::max(filled, last + 1);
        }
      }
    }
  }
  return nodes > 0 && reached[(states - 1) * (layers + 1) + layers] != 0;
}

std::optional<Arrangement> ordered(const Demand& demand, const Test& test,
                                   const std::vector<NodeKind>& kinds,
                                   std::vector<std::size_t> order) {
  std::vector<std::int64_t> bound;
  std::vector<std::int64_t> effective;
  LayerCosts costs;
  for (const std::size_t k : order) {
    bound.push_back(kinds[k].bound);
    effective.push_back(kinds[k].effective);
    if (kinds[k].costs != nullptr) {
      costs.push_back(*kinds[k].costs);
    }
  }
  Arrangement result;
  result.layers = costs.size() == order.size() ? cheapest_split(demand, bound, effective, costs)
                                               : best_split(demand, effective);
  if (result.layers.empty()) {
    return std::nullopt;
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto count = static_cast<std::size_t>(result.layers[i]);
    if (!test.holds(order[i], first, count)) {
      return std::nullopt;
    }
    if (!costs.empty()) {
      result.cost += costs[i][first + count] - costs[i][first];
    }
    first += count;
  }
  result.utilization = fullest(demand, result.layers, effective).utilization;
  result.kinds = std::move(order);
  return result;
}

/// For many unlike nodes: the given order and its reverse.
std::optional<Arrangement> by_plain_orders(const Demand& demand, const Test& test,
                                           const std::vector<NodeKind>& kinds) {
  std::vector<std::size_t> order = plain_order(kinds);
  std::optional<Arrangement> best = ordered(demand, test, kinds, order);
  std::reverse(order.begin(), order.end());
  std::optional<Arrangement> other = ordered(demand, test, kinds, std::move(order));
  const bool better =
      other && (!best || other->cost < best->cost ||
                (other->cost == best->cost && other->utilization < best->utilization));
  return better ? other : best;
}

}  // namespace

bool arrangeable(const Demand& demand, const Demand* load, const std::vector<NodeKind>& kinds) {
  const std::size_t nodes = nodes_of(kinds);
  const Test test(demand, load, kinds);
  if (nodes == 0 || demand.layers() < nodes || !test.sum_suffices()) {
    return false;
  }
  std::vector<std::size_t> order = plain_order(kinds);
  if (test.fills(order)) {
    return true;
  }
  if (states_of(kinds) <= most_arranged_states) {
    return some_order(demand, test, kinds);
  }
  std::reverse(order.begin(), order.end());
  return test.fills(order) || by_plain_orders(demand, test, kinds).has_value();
}

std::optional<Arrangement> arrange(const Demand& demand, const Demand* load,
                                   const std::vector<NodeKind>& kinds) {
  const std::size_t nodes = nodes_of(kinds);
  const Test test(demand, load, kinds);
  if (nodes == 0 || demand.layers() < nodes || !test.sum_suffices()) {
    return std::nullopt;
  }
  if (kinds.size() == 1) {
    // Equal nodes: the order is nothing and layers cost the same everywhere; only room is left.
    std::optional<Arrangement> equal =
        ordered(demand, test, kinds, std::vector<std::size_t>(nodes, 0));
    if (equal || load == nullptr) {
      return equal;
    }
  }
  return states_of(kinds) <= most_arranged_states ? Fronts(demand, test, kinds).find()
                                                  : by_plain_orders(demand, test, kinds);
}

std::optional<Arrangement> arrange_in_order(const Demand& demand, const Demand* load,
                                            const std::vector<NodeKind>& kinds,
                                            std::vector<std::size_t> order) {
  if (order.empty() || demand.layers() < order.size()) {
    return std::nullopt;
  }
  return ordered(demand, Test(demand, load, kinds), kinds, std::move(order));
}

}  // namespace macfit::fit
