// What a search has to offer once it is known how many replicas there can be: every set of groups,
// each with a bound on its speed, so that layouts are worked out for few of them.

#include <algorithm>
#include <limits>
#include <numeric>

#include "search.hpp"

namespace macfit::plan {
namespace {

/// Ways to so many replicas that are compared by speed.
constexpr std::size_t most_offers = 20'000;
/// Floats on different ways to the same figure.
constexpr double rounding = 1.000001;

}  // namespace

void Shards::partitions(const std::vector<Counts>& kinds, std::size_t first, std::size_t left,
                        Counts& rest, Offer& offer, std::vector<Offer>& found) const {
  if (left == 0) {
    found.push_back(offer);
    return;
  }
  for (std::size_t k = first; k < kinds.size() && found.size() < most_offers; ++k) {
    if (!contains(rest, kinds[k], classes())) {
      continue;
    }
    for (std::size_t c = 0; c < classes(); ++c) {
      rest[c] = static_cast<std::uint8_t>(rest[c] - kinds[k][c]);
    }
    offer.groups.push_back(kinds[k]);
    partitions(kinds, k, left - 1, rest, offer, found);
    offer.groups.pop_back();
    for (std::size_t c = 0; c < classes(); ++c) {
      rest[c] = static_cast<std::uint8_t>(rest[c] + kinds[k][c]);
    }
  }
}

/// Beyond the exact bound: of the groups that can't spare a node, those that sum to the most speed.
Offer Shards::most_and_fastest(std::size_t replicas) {
  struct Way {
    std::size_t replicas = 0;
    double roof = 0.0;
    std::size_t kind = 0;
    bool used = false;
  };
  std::vector<double> roofs;
  roofs.reserve(minimal_.size());
  for (const Counts& group : minimal_) {
    roofs.push_back(roof(group));
  }
  std::vector<Way> ways(states_);
  for (std::size_t state = 1; state < states_; ++state) {
    const Counts here = counts_of(state);
    for (std::size_t k = 0; k < minimal_.size(); ++k) {
      if (!contains(here, minimal_[k], classes())) {
        continue;
      }
      const Way& before = ways[state - index_of(minimal_[k])];
      const std::size_t count = before.replicas + 1;
      const double sum = before.roof + roofs[k];
      Way& way = ways[state];
      if (count <= replicas &&
          (count > way.replicas || (count == way.replicas && sum > way.roof * rounding))) {
        way = {count, sum, k, true};
      }
    }
  }
  Offer offer;
  std::size_t state = states_ - 1;
  while (ways[state].used) {
    offer.groups.push_back(minimal_[ways[state].kind]);
    state -= index_of(minimal_[ways[state].kind]);
  }
  return offer;
}

/// Equal groups of equal nodes: a pipeline is no faster over more of them.
std::vector<Offer> Shards::equal_offers(std::size_t replicas) {
  std::vector<Offer> found;
  for (std::size_t size = fewest_; size * replicas <= scenario_.nodes(); ++size) {
    Counts group{};
    group[0] = static_cast<std::uint8_t>(size);
    if (allowed(size) && reaches(group)) {
      found.push_back({std::vector<Counts>(replicas, group), 0, 0.0});
    }
  }
  return found;
}

/// Every set of so many groups.
std::vector<Offer> Shards::every_offer(std::size_t replicas) {
  std::vector<Counts> kinds;
  const std::size_t largest = scenario_.nodes() - (replicas - 1) * fewest();
  for (std::size_t state = 1; state < states_; ++state) {
    const Counts group = counts_of(state);
    const std::size_t size = size_of(group);
    if (size <= largest && allowed(size) && reaches(group)) {
      kinds.push_back(group);
    }
  }
  std::vector<Offer> found;
  Counts rest = all();
  Offer offer;
  partitions(kinds, 0, replicas, rest, offer, found);
  return found;
}

/// Beyond the exact bound: groups that can't spare a node.
std::vector<Offer> Shards::minimal_offers(std::size_t replicas) {
  find_minimal();
  if (replicas > 1) {
    return {most_and_fastest(replicas)};
  }
  std::vector<Offer> found;
  for (const Counts& group : minimal_) {
    found.push_back({{group}, 0, 0.0});
  }
  return found;
}

std::vector<Offer> Shards::offers(std::size_t replicas) {
  std::vector<Offer> found;
  if (most_replicas() < replicas || replicas == 0) {
    return found;
  }
  if (!scenario_.given.empty() && split_ == SplitKind::pipeline) {
    found.push_back({{all()}, 0, 0.0});
  } else if (!lattice_) {
    Offer offer;
    offer.groups.assign(one_by_one_.begin(),
                        one_by_one_.begin() + static_cast<std::ptrdiff_t>(replicas));
    found.push_back(std::move(offer));
  } else if (classes() == 1 && scenario_.nodes() > nodes_of_few_kinds) {
    found = equal_offers(replicas);
  } else {
    found = exact_ ? every_offer(replicas) : minimal_offers(replicas);
  }
  const bool several = found.size() > 1;
  for (Offer& offer : found) {
    offer.roof = several ? 0.0 : std::numeric_limits<double>::infinity();
    for (const Counts& group : offer.groups) {
      offer.nodes += size_of(group);
      offer.roof += several ? roof(group) : 0.0;
    }
  }
  return found;
}

/// At least the tokens a second of every layout of a group; infinite where no bound is known.
double Shards::roof(const Counts& group) {
  constexpr double none = std::numeric_limits<double>::infinity();
  const std::size_t size = size_of(group);
  if (split_ == SplitKind::tensor) {
    const std::optional<Laid>& laid = stock(group);
    const std::optional<double> known = laid ? rate(group, *laid) : std::nullopt;
    return known ? *known * rounding : none;
  }
  if (!scenario_.work || !scenario_.work->known) {
    return none;
  }
  if (basis_.costs().empty()) {
    // Equally fast chips: a layer costs the same on each.
    const auto layers = static_cast<std::int64_t>(scenario_.profile.layers);
    const auto nodes = static_cast<std::int64_t>(size);
    fit::Split even;
    for (std::int64_t i = 0; i < nodes; ++i) {
      even.push_back(layers / nodes + (i < layers % nodes ? 1 : 0));
    }
    const std::optional<double> known =
        decode_rate(scenario_, basis_.workload(), members(group), split_, even,
                    static_cast<double>(basis_.workload().sequences));
    return known ? *known * rounding : none;
  }
  return memory_roof(group, size);
}

/// The fastest nodes filled with bytes as if those could be cut anywhere, plus the hops.
double Shards::memory_roof(const Counts& group, std::size_t size) {
  const speed::Calibration& calibration =
      scenario_.calibration ? *scenario_.calibration : speed::Calibration::embedded();
  if (!calibration.anchors.empty()) {
    return std::numeric_limits<double>::infinity();  // own results may pull a figure up
  }
  const fit::LayerCosts& costs = basis_.costs();
  if (pace_.empty()) {
    const fit::Demand& demand = *tests(group, size).demand;
    std::vector<double> held;
    for (std::size_t layer = 0; layer < demand.layers(); ++layer) {
      const fit::Parts parts = demand.parts(layer, 1);
      const std::int64_t fixed =
          scenario_.profile.everywhere +
          (layer + 1 == demand.layers() ? scenario_.profile.last_weights : 0);
      held.push_back(std::max(
          1.0, static_cast<double>(parts.weights.count() - fixed + parts.kv_cache.count())));
    }
    bytes_ = std::accumulate(held.begin(), held.end(), 0.0);
    for (std::size_t c = 0; c < classes(); ++c) {
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t layer = 0; layer < held.size(); ++layer) {
        least = std::min(least,
                         static_cast<double>(costs[c][layer + 1] - costs[c][layer]) / held[layer]);
      }
      pace_.push_back(least);
    }
  }
  std::vector<std::size_t> order;
  for (std::size_t c = 0; c < classes(); ++c) {
    if (group[c] > 0) {
      order.push_back(c);
    }
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return pace_[a] < pace_[b]; });
  double left = bytes_;
  double time = 0.0;
  for (const std::size_t c : order) {
    const std::int64_t effective =
        scenario_.capacity(target_.raised).part[scenario_.classes[c].front()];
    const double room =
        static_cast<double>(target_.comfortable ? fit::comfortable_bound(effective) : effective) *
        group[c];
    const double taken = std::min(left, room);
    time += taken * pace_[c];
    left -= taken;
  }
  constexpr double femtoseconds = 1e15;
  const Group nodes = members(group);
  const auto sequences = static_cast<double>(basis_.workload().sequences);
  const double hops =
      static_cast<double>(size - 1) *
      speed::hop_seconds(*scenario_.work,
                         link_within(scenario_, nodes, transport_of(scenario_, nodes)), sequences,
                         calibration.values);
  return sequences / (time / femtoseconds + hops) * rounding;
}

}  // namespace macfit::plan
