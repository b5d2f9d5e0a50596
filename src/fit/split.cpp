#include "macfit/fit/split.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "utilization.hpp"

namespace macfit::fit {
namespace {

/// Most layers from `first` on that keep the node's demand within the test; 0 if not even one.
template <class Within>
std::size_t most_layers(std::size_t limit, const Within& within) {
  if (limit == 0 || !within(1)) {
    return 0;
  }
  std::size_t low = 1;
  std::size_t high = limit;
  while (low < high) {
    const std::size_t middle = low + (high - low + 1) / 2;
    if (within(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/// Fills nodes front to back, each as far as `within(node, demand)` lets it. `least` 1 leaves a
/// layer for every node behind; `least` 0 lets nodes stay empty. False where layers are left over.
template <class Within>
bool fill_greedily(const Demand& demand, std::size_t nodes, std::size_t least, Split& split,
                   const Within& within) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::size_t left = demand.layers() - first;
    if (i + 1 == nodes) {
      // All that is left, or it is no split.
      split[i] = static_cast<std::int64_t>(left);
      return left >= least && (left == 0 || within(i, demand.stage(first, left)));
    }
    const std::size_t behind = (nodes - 1 - i) * least;
    const std::size_t count = most_layers(
        left - behind, [&](std::size_t n) { return within(i, demand.stage(first, n)); });
    if (count < least) {
      return false;
    }
    split[i] = static_cast<std::int64_t>(count);
    first += count;
  }
  return false;
}

/// Tries every start that the nodes before can leave, node by node. Complete for any layers.
template <class Within>
bool fill_thoroughly(const Demand& demand, std::size_t nodes, Split& split, const Within& within) {
  const std::size_t layers = demand.layers();
  constexpr std::size_t unreached = std::numeric_limits<std::size_t>::max();
  // from[i][end]: where node i starts when nodes 0 to i hold exactly the layers before `end`.
  std::vector<std::vector<std::size_t>> from(nodes,
                                             std::vector<std::size_t>(layers + 1, unreached));
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::size_t behind = nodes - 1 - i;
    for (std::size_t start = i; start + behind < layers; ++start) {
      if (i == 0 ? start != 0 : from[i - 1][start] == unreached) {
        continue;
      }
      const std::size_t count = most_layers(layers - behind - start, [&](std::size_t n) {
        return within(i, demand.stage(start, n));
      });
      for (std::size_t n = 1; n <= count; ++n) {
        if (from[i][start + n] == unreached) {
          from[i][start + n] = start;
        }
      }
    }
  }
  std::size_t end = layers;
  for (std::size_t i = nodes; i-- > 0;) {
    if (from[i][end] == unreached) {
      return false;
    }
    split[i] = static_cast<std::int64_t>(end - from[i][end]);
    end = from[i][end];
  }
  return true;
}

/// Finds a split with at least one layer a node within the test, if there is one.
template <class Within>
bool fill(const Demand& demand, std::size_t nodes, Split& split, const Within& within) {
  if (fill_greedily(demand, nodes, 1, split, within)) {
    return true;
  }
  // Greed can leave a node before a layer that it can't take, where a shorter run before it would
  // not have. If even empty nodes would not help, nothing does.
  return nodes > 1 && fill_greedily(demand, nodes, 0, split, within) &&
         fill_thoroughly(demand, nodes, split, within);
}

/// As large as can be told where the sum leaves 64 bits.
std::int64_t total(const std::vector<std::int64_t>& bytes) {
  std::int64_t sum = 0;
  for (const std::int64_t each : bytes) {
    if (__builtin_add_overflow(sum, each, &sum)) {
      return std::numeric_limits<std::int64_t>::max();
    }
  }
  return sum;
}

double worst_share(const Demand& demand, const Split& split,
                   const std::vector<std::int64_t>& effective) {
  double worst = 0.0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const auto count = static_cast<std::size_t>(split[i]);
    worst = std::max(worst, fit::utilization(demand.stage(first, count), effective[i]));
    first += count;
  }
  return worst;
}

}  // namespace

Fullness fullest(const Demand& demand, const Split& split,
                 const std::vector<std::int64_t>& effective) {
  Fullness result;
  std::size_t first = 0;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const auto count = static_cast<std::size_t>(split[i]);
    const double used = fit::utilization(demand.stage(first, count), effective[i]);
    if (i == 0 || used > result.utilization) {
      result = {used, i};
    }
    first += count;
  }
  return result;
}

bool feasible(const Demand& demand, const std::vector<std::int64_t>& bound) {
  if (bound.empty() || demand.layers() < bound.size() ||
      demand.at_least(bound.size()) > total(bound)) {
    return false;
  }
  Split scratch(bound.size());
  return fill(demand, bound.size(), scratch,
              [&](std::size_t node, std::int64_t bytes) { return bytes <= bound[node]; });
}

std::optional<double> best_split_into(const Demand& demand,
                                      const std::vector<std::int64_t>& effective, Split& split) {
  const std::size_t nodes = effective.size();
  if (nodes == 0 || demand.layers() < nodes) {
    return std::nullopt;
  }
  for (const std::int64_t bytes : effective) {
    if (bytes <= 0) {
      return std::nullopt;
    }
  }
  split.assign(nodes, 0);
  const std::size_t layers = demand.layers();
  if (nodes == 2) {
    // The one cut: the first node's share grows with it and the second's falls, so the best stands
    // where they cross.
    std::size_t low = 1;
    std::size_t high = layers - 1;
    while (low < high) {
      const std::size_t cut = low + (high - low) / 2;
      if (fit::utilization(demand.stage(0, cut), effective[0]) >=
          fit::utilization(demand.stage(cut, layers - cut), effective[1])) {
        high = cut;
      } else {
        low = cut + 1;
      }
    }
    const auto worst = [&](std::size_t cut) {
      return std::max(fit::utilization(demand.stage(0, cut), effective[0]),
                      fit::utilization(demand.stage(cut, layers - cut), effective[1]));
    };
    double best = worst(low);
    if (low > 1) {
      if (const double before = worst(low - 1); before <= best) {
        best = before;
        --low;
      }
    }
    split[0] = static_cast<std::int64_t>(low);
    split[1] = static_cast<std::int64_t>(layers - low);
    return best;
  }
  // Start from an even cut, then ask for strictly better until there is none.
  for (std::size_t i = 0; i < nodes; ++i) {
    split[i] = static_cast<std::int64_t>(layers / nodes + (i >= nodes - layers % nodes ? 1 : 0));
  }
  double best = worst_share(demand, split, effective);
  Split trial(nodes);
  const auto try_below = [&](double bound, bool strictly) {
    const bool found = fill(demand, nodes, trial, [&](std::size_t node, std::int64_t bytes) {
      const double used = fit::utilization(bytes, effective[node]);
      return strictly ? used < bound : used <= bound;
    });
    if (found) {
      best = worst_share(demand, trial, effective);
      split = trial;
    }
    return found;
  };
  // Halve towards a lower bound first: a few big steps before the exact small ones.
  double floor_bound = 0.0;
  for (int i = 0; i < 8; ++i) {
    const double middle = floor_bound + (best - floor_bound) / 2.0;
    if (!try_below(middle, false)) {
      floor_bound = middle;
    }
  }
  while (try_below(best, true)) {
  }
  return best;
}

Split best_split(const Demand& demand, const std::vector<std::int64_t>& effective) {
  Split split;
  if (!best_split_into(demand, effective, split)) {
    split.clear();
  }
  return split;
}

Split cheapest_split(const Demand& demand, const std::vector<std::int64_t>& bound,
                     const std::vector<std::int64_t>& effective, const LayerCosts& costs) {
  const std::size_t nodes = bound.size();
  const std::size_t layers = demand.layers();
  if (nodes == 0 || layers < nodes) {
    return {};
  }
  struct State {
    bool reached = false;
    std::int64_t cost = 0;
    double worst = 0.0;
    std::size_t from = 0;
  };
  // best[i][end]: nodes 0 to i hold exactly the layers before `end`. A cheaper front never makes
  // the whole dearer, nor does a less full one at the same cost: so the best fronts are enough.
  std::vector<std::vector<State>> best(nodes, std::vector<State>(layers + 1));
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::size_t behind = nodes - 1 - i;
    for (std::size_t start = i; start + behind < layers; ++start) {
      if (i == 0 ? start != 0 : !best[i - 1][start].reached) {
        continue;
      }
      const State front = i == 0 ? State{} : best[i - 1][start];
      const std::size_t most = most_layers(layers - behind - start, [&](std::size_t n) {
        return demand.stage(start, n) <= bound[i];
      });
      // The last node takes all that is left, or can't be the last.
      const std::size_t least = i + 1 == nodes ? layers - start : 1;
      for (std::size_t n = least; n <= most; ++n) {
        const std::size_t end = start + n;
        const std::int64_t cost = front.cost + costs[i][end] - costs[i][start];
        State& known = best[i][end];
        if (known.reached && cost > known.cost) {
          continue;
        }
        const double worst =
            std::max(front.worst, fit::utilization(demand.stage(start, n), effective[i]));
        if (!known.reached || cost < known.cost || worst < known.worst) {
          known = {true, cost, worst, start};
        }
      }
    }
  }
  if (!best[nodes - 1][layers].reached) {
    return {};
  }
  Split split(nodes);
  std::size_t end = layers;
  for (std::size_t i = nodes; i-- > 0;) {
    split[i] = static_cast<std::int64_t>(end - best[i][end].from);
    end = best[i][end].from;
  }
  return split;
}

}  // namespace macfit::fit
