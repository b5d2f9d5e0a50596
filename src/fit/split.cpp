#include "macfit/fit/split.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace macfit::fit {
namespace {

double share(std::int64_t demand, std::int64_t effective) {
  return effective > 0 ? static_cast<double>(demand) / static_cast<double>(effective)
                       : std::numeric_limits<double>::infinity();
}

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

/// Fills nodes front to back, each as far as `within(node, demand)` lets it, leaving one layer for
/// every node behind. False where the layers do not all find a place.
template <class Within>
bool fill(const Demand& demand, std::size_t nodes, Split& split, const Within& within) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::size_t left = demand.layers() - first;
    const std::size_t behind = nodes - 1 - i;
    if (behind == 0) {
      split[i] = static_cast<std::int64_t>(left);
      return within(i, demand.stage(first, left));
    }
    const std::size_t count =
        most_layers(left - behind, [&](std::size_t n) { return within(i, demand.stage(first, n)); });
    if (count == 0) {
      return false;
    }
    split[i] = static_cast<std::int64_t>(count);
    first += count;
  }
  return false;
}

double worst_share(const Demand& demand, const Split& split,
                   const std::vector<std::int64_t>& effective) {
  double worst = 0.0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const auto count = static_cast<std::size_t>(split[i]);
    worst = std::max(worst, share(demand.stage(first, count), effective[i]));
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
    const double used = share(demand.stage(first, count), effective[i]);
    if (i == 0 || used > result.utilization) {
      result = {used, i};
    }
    first += count;
  }
  return result;
}

bool feasible(const Demand& demand, const std::vector<std::int64_t>& bound) {
  if (bound.empty() || demand.layers() < bound.size()) {
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
      if (share(demand.stage(0, cut), effective[0]) >=
          share(demand.stage(cut, layers - cut), effective[1])) {
        high = cut;
      } else {
        low = cut + 1;
      }
    }
    const auto worst = [&](std::size_t cut) {
      return std::max(share(demand.stage(0, cut), effective[0]),
                      share(demand.stage(cut, layers - cut), effective[1]));
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
    const bool found =
        fill(demand, nodes, trial, [&](std::size_t node, std::int64_t bytes) {
          const double used = share(bytes, effective[node]);
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

}  // namespace macfit::fit
