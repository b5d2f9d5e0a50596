// Pipelines over unlike nodes: which node comes first decides what fits, so every order counts.
// A front of the pipeline is known by which nodes it used and where it ends; the best way to each
// such front is enough to find the best whole, which spares trying n! orders one by one. Whether a
// group holds the model at all needs less: of its fronts the longest, and that for all groups at
// once, as a front of a group is a front of every larger one.

#include "macfit/fit/arrange.hpp"

#include <algorithm>
#include <numeric>

#include "utilization.hpp"

namespace macfit::fit {
namespace {

/// States of all nodes up to which they are numbered.
constexpr std::size_t most_numbered_states = 4096;

std::size_t nodes_of(Arranger::Members group) {
  return std::accumulate(group.begin(), group.end(), std::size_t{0});
}

/// Sub-multisets of a group; one more than `most` where there are more.
std::size_t states_of(Arranger::Members group, std::size_t most) {
  std::size_t states = 1;
  for (const std::uint8_t count : group) {
    states *= count + std::size_t{1};
    if (states > most) {
      return most + 1;
    }
  }
  return states;
}

std::vector<std::size_t> kinds_in(Arranger::Members group) {
  std::vector<std::size_t> kinds;
  for (std::size_t k = 0; k < group.size(); ++k) {
    if (group[k] > 0) {
      kinds.push_back(k);
    }
  }
  return kinds;
}

/// Kinds one after the other, each as often as it counts.
std::vector<std::size_t> plain_order(Arranger::Members group) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < group.size(); ++k) {
    order.insert(order.end(), group[k], k);
  }
  return order;
}

}  // namespace

/// The best way to every front of one group. Fronts are numbered by the nodes they used (mixed
/// radix over the group's kinds) and by the layer they end before.
class Arranger::Fronts {
 public:
  Fronts(Arranger& all, Members group)
      : all_(all),
        kinds_(kinds_in(group)),
        layers_(all.demand_.layers()),
        nodes_(nodes_of(group)),
        priced_(kinds_.size() > 1) {
    for (const std::size_t kind : kinds_) {
      strides_.push_back(states_);
      counts_.push_back(group[kind]);
      states_ *= group[kind] + std::size_t{1};
      longest_.push_back(all.longest_run(kind));
    }
    fronts_.assign(states_ * (layers_ + 1), {});
    fronts_[0].reached = true;
  }

  std::optional<Arrangement> find() {
    for (std::size_t state = 0; state + 1 < states_; ++state) {
      std::size_t used = 0;
      std::size_t cover = 0;
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        used += count(state, k);
        cover += (counts_[k] - count(state, k)) * longest_[k];
      }
      for (std::size_t k = 0; k < kinds_.size(); ++k) {
        if (count(state, k) < counts_[k]) {
          extend(state, k, nodes_ - used - 1, cover - longest_[k]);
        }
      }
    }
    if (!at(states_ - 1, layers_).reached) {
      return std::nullopt;
    }
    return trace(layers_);
  }

 private:
  struct Front {
    std::int64_t cost = 0;
    double worst = 0.0;
    std::uint32_t start = 0;  ///< of the last node's layers
    std::uint16_t kind = 0;   ///< of the last node
    bool reached = false;
  };

  [[nodiscard]] std::size_t count(std::size_t state, std::size_t k) const {
    return state / strides_[k] % (counts_[k] + 1);
  }
  [[nodiscard]] Front& at(std::size_t state, std::size_t end) {
    return fronts_[state * (layers_ + 1) + end];
  }

  /// One more node of kind `k` behind every front of `state`. `behind` more nodes will follow,
  /// which hold `cover` layers at most.
  void extend(std::size_t state, std::size_t k, std::size_t behind, std::size_t cover) {
    const NodeKind& kind = all_.kinds_[kinds_[k]];
    const std::vector<std::int64_t>* costs = priced_ ? kind.costs : nullptr;
    const std::size_t next = state + strides_[k];
    const std::size_t least_end = layers_ > cover ? layers_ - cover : 0;
    for (std::size_t start = 0; start + behind < layers_; ++start) {
      const Front front = at(state, start);
      if (!front.reached) {
        continue;
      }
      const std::size_t last = std::min(start + all_.most(kinds_[k], start), layers_ - behind);
      // The last node takes all that is left, or can't be the last.
      for (std::size_t end = std::max(start + 1, behind == 0 ? layers_ : least_end); end <= last;
           ++end) {
        const std::int64_t cost =
            front.cost + (costs == nullptr ? 0 : (*costs)[end] - (*costs)[start]);
        Front& known = at(next, end);
        if (known.reached && cost > known.cost) {
          continue;
        }
        const double worst = std::max(
            front.worst, utilization(all_.demand_.stage(start, end - start), kind.effective));
        if (!known.reached || cost < known.cost || worst < known.worst) {
          known = {cost, worst, static_cast<std::uint32_t>(start), static_cast<std::uint16_t>(k),
                   true};
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
      result.kinds[i] = kinds_[front.kind];
      result.layers[i] = static_cast<std::int64_t>(end - front.start);
      end = front.start;
      state -= strides_[front.kind];
    }
    return result;
  }

  Arranger& all_;
  std::vector<std::size_t> kinds_;  ///< of the group, as indices of the arranger's
  std::size_t layers_;
  std::size_t nodes_;
  bool priced_;  ///< of one kind there is nothing to choose between
  std::size_t states_ = 1;
  std::vector<std::size_t> strides_;
  std::vector<std::size_t> counts_;
  std::vector<std::size_t> longest_;  ///< longest_run() by kind
  std::vector<Front> fronts_;
};

Arranger::Arranger(const Demand& demand, const Demand* load, std::vector<NodeKind> kinds)
    : demand_(demand), load_(load), kinds_(std::move(kinds)), most_(kinds_.size()) {
  for (const NodeKind& kind : kinds_) {
    strides_.push_back(states_);
    states_ *= kind.count + 1;
    if (states_ > most_numbered_states) {
      states_ = 0;
      break;
    }
  }
}

bool Arranger::holds(std::size_t kind, std::size_t first, std::size_t count) const {
  return demand_.stage(first, count) <= kinds_[kind].bound &&
         (load_ == nullptr || load_->stage(first, count) <= kinds_[kind].effective);
}

/// Most layers from `first` on; 0 where not even one.
std::size_t Arranger::most(std::size_t kind, std::size_t first) {
  if (most_[kind].empty()) {
    most_[kind].assign(demand_.layers() + 1, -1);
    most_[kind].back() = 0;
  }
  std::int32_t& known = most_[kind][first];
  if (known < 0) {
    std::size_t low = 0;
    std::size_t high = demand_.layers() - first;
    while (low < high) {
      const std::size_t middle = low + (high - low + 1) / 2;
      if (holds(kind, first, middle)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    known = static_cast<std::int32_t>(low);
  }
  return static_cast<std::size_t>(known);
}

std::size_t Arranger::longest_run(std::size_t kind) {
  std::size_t longest = 0;
  for (std::size_t first = 0; first < demand_.layers(); ++first) {
    longest = std::max(longest, most(kind, first));
  }
  return longest;
}

/// The sum of all bounds is enough for what all nodes together need whatever the split.
bool Arranger::sum_suffices(Members group) const {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < group.size(); ++k) {
    std::int64_t part = 0;
    if (__builtin_mul_overflow(kinds_[k].bound, static_cast<std::int64_t>(group[k]), &part) ||
        __builtin_add_overflow(sum, part, &sum)) {
      return true;
    }
  }
  return demand_.at_least(nodes_of(group)) <= sum;
}

/// Nodes in this order, each as full as it goes while leaving one layer for every node behind.
bool Arranger::fills(const std::vector<std::size_t>& order) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t left = demand_.layers() - first;
    const std::size_t behind = order.size() - 1 - i;
    if (behind == 0) {
      return left >= 1 && holds(order[i], first, left);
    }
    const std::size_t count = left > behind ? std::min(most(order[i], first), left - behind) : 0;
    if (count == 0) {
      return false;
    }
    first += count;
  }
  return false;
}

/// Which ends the fronts of every state can have: as Fronts, without costs.
bool Arranger::some_order(Members group) {
  const std::size_t layers = demand_.layers();
  const std::vector<std::size_t> kinds = kinds_in(group);
  std::vector<std::size_t> strides;
  std::size_t states = 1;
  for (const std::size_t kind : kinds) {
    strides.push_back(states);
    states *= group[kind] + std::size_t{1};
  }
  std::vector<std::uint8_t> reached(states * (layers + 1), 0);
  reached[0] = 1;
  for (std::size_t state = 0; state + 1 < states; ++state) {
    const std::uint8_t* from = &reached[state * (layers + 1)];
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (state / strides[k] % (group[kinds[k]] + std::size_t{1}) >= group[kinds[k]]) {
        continue;
      }
      std::uint8_t* to = &reached[(state + strides[k]) * (layers + 1)];
      std::size_t filled = 0;  // ends up to here are marked already
      for (std::size_t start = 0; start < layers; ++start) {
        if (from[start] != 0) {
          const std::size_t last = start + most(kinds[k], start);
          for (std::size_t end = std::max(start + 1, filled); end <= last; ++end) {
            to[end] = 1;
          }
          filled = std::max(filled, last + 1);
        }
      }
    }
  }
  return reached[(states - 1) * (layers + 1) + layers] != 0;
}

/// The longest front of every state. One that begins later never ends earlier, as a part of a run
/// of layers needs no more than the run, so longer fronts are enough; but where a node can't take
/// the layer that follows one, a shorter front might have found it another.
void Arranger::find_furthest() {
  furthest_.assign(states_, -1);
  answers_.assign(states_, Answer::no);
  furthest_[0] = 0;
  for (std::size_t state = 1; state < states_; ++state) {
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      if (count(state, k) > 0) {
        extend_furthest(state, k);
      }
    }
  }
}

/// The longest front of `state` whose last node is of kind `k`.
void Arranger::extend_furthest(std::size_t state, std::size_t k) {
  const auto layers = static_cast<std::int32_t>(demand_.layers());
  const std::size_t before = state - strides_[k];
  const std::int32_t start = furthest_[before];
  if (start < 0) {
    return;
  }
  if (start >= layers) {  // one node fewer is enough: whether each finds a layer is not told here
    answers_[state] = answers_[state] == Answer::yes ? Answer::yes : Answer::unknown;
    furthest_[state] = layers;
    return;
  }
  const auto taken = static_cast<std::int32_t>(most(k, static_cast<std::size_t>(start)));
  // A pipeline has two nodes at least.
  const std::int32_t end = before == 0 ? std::min(taken, layers - 1) : start + taken;
  if (taken == 0) {
    sure_ = sure_ && longest_run(k) == 0;
  } else {
    furthest_[state] = std::max(furthest_[state], end);
    answers_[state] = end >= layers ? Answer::yes : answers_[state];
  }
}

Arranger::Answer Arranger::told_by_furthest(Members group) {
  if (states_ == 0 || kinds_.size() < 2) {
    return Answer::unknown;
  }
  if (furthest_.empty()) {
    find_furthest();
  }
  std::size_t state = 0;
  for (std::size_t k = 0; k < group.size(); ++k) {
    state += group[k] * strides_[k];
  }
  return answers_[state] == Answer::no && !sure_ ? Answer::unknown : answers_[state];
}

std::optional<std::size_t> Arranger::most_groups() {
  if (states_ == 0) {
    return std::nullopt;
  }
  const std::size_t layers = demand_.layers();
  // What a set of nodes does at best: most whole groups, then the longest front of one more.
  struct Best {
    std::size_t groups = 0;
    std::size_t end = 0;
  };
  std::vector<Best> best(states_);
  for (std::size_t state = 1; state < states_; ++state) {
    Best& mine = best[state];
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      if (count(state, k) == 0) {
        continue;
      }
      Best now = best[state - strides_[k]];  // with the node idle
      const std::size_t taken = most(k, now.end);
      if (taken == 0 && longest_run(k) > 0) {
        return std::nullopt;
      }
      now.end += now.end == 0 ? std::min(taken, layers - 1) : taken;
      now = now.end >= layers ? Best{now.groups + 1, 0} : now;
      if (now.groups > mine.groups || (now.groups == mine.groups && now.end > mine.end)) {
        mine = now;
      }
    }
  }
  return best.back().groups;
}

std::optional<Arrangement> Arranger::arrange_in_order(std::vector<std::size_t> order) {
  if (order.empty() || demand_.layers() < order.size()) {
    return std::nullopt;
  }
  const bool priced =
      std::any_of(order.begin(), order.end(), [&](std::size_t k) { return k != order.front(); });
  std::vector<std::int64_t> bound;
  std::vector<std::int64_t> effective;
  LayerCosts costs;
  for (const std::size_t k : order) {
    bound.push_back(kinds_[k].bound);
    effective.push_back(kinds_[k].effective);
    if (priced && kinds_[k].costs != nullptr) {
      costs.push_back(*kinds_[k].costs);
    }
  }
  Arrangement result;
  result.layers = costs.size() == order.size() ? cheapest_split(demand_, bound, effective, costs)
                                               : best_split(demand_, effective);
  if (result.layers.empty()) {
    return std::nullopt;
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto count = static_cast<std::size_t>(result.layers[i]);
    if (!holds(order[i], first, count)) {
      return std::nullopt;
    }
    if (!costs.empty()) {
      result.cost += costs[i][first + count] - costs[i][first];
    }
    first += count;
  }
  result.utilization = fullest(demand_, result.layers, effective).utilization;
  result.kinds = std::move(order);
  return result;
}

/// For many unlike nodes: the given order and its reverse.
std::optional<Arrangement> Arranger::by_plain_orders(Members group) {
  std::vector<std::size_t> order = plain_order(group);
  std::optional<Arrangement> best = arrange_in_order(order);
  std::reverse(order.begin(), order.end());
  std::optional<Arrangement> other = arrange_in_order(std::move(order));
  const bool better =
      other && (!best || other->cost < best->cost ||
                (other->cost == best->cost && other->utilization < best->utilization));
  return better ? other : best;
}

bool Arranger::arrangeable(Members group) {
  const std::size_t nodes = nodes_of(group);
  if (nodes == 0 || demand_.layers() < nodes || !sum_suffices(group)) {
    return false;
  }
  if (const Answer told = told_by_furthest(group); told != Answer::unknown) {
    return told == Answer::yes;
  }
  std::vector<std::size_t> order = plain_order(group);
  if (fills(order)) {
    return true;
  }
  // Equal nodes have no other order, and of their fronts the longest are enough: a layer that
  // follows one and that no node can take is too large for all of them.
  if (order.front() == order.back()) {
    return false;
  }
  if (states_of(group, most_arranged_states) <= most_arranged_states) {
    return some_order(group);
  }
  std::reverse(order.begin(), order.end());
  return fills(order) || by_plain_orders(group).has_value();
}

std::optional<Arrangement> Arranger::arrange(Members group) {
  const std::size_t nodes = nodes_of(group);
  if (nodes == 0 || demand_.layers() < nodes || !sum_suffices(group)) {
    return std::nullopt;
  }
  if (const std::vector<std::size_t> kinds = kinds_in(group); kinds.size() == 1) {
    // Equal nodes: the order is nothing and layers cost the same everywhere; only room is left.
    std::optional<Arrangement> equal =
        arrange_in_order(std::vector<std::size_t>(nodes, kinds.front()));
    if (equal || load_ == nullptr) {
      return equal;
    }
  }
  return states_of(group, most_arranged_states) <= most_arranged_states
             ? Fronts(*this, group).find()
             : by_plain_orders(group);
}

}  // namespace macfit::fit
