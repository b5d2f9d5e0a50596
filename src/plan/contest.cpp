// The contest between placements of one step that reach the same tier with as many replicas.

#include "contest.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace macfit::plan {
namespace {

/// An offer with each group as the runtime cuts it, or as well as can be.
std::optional<Contender> entry_of(const Pool& pool, const Offer& offer, bool stock) {
  Contender entry;
  entry.scenario = pool.scenario;
  entry.split = pool.shards->split();
  entry.shards = pool.shards;
  entry.groups = offer.groups;
  entry.nodes = offer.nodes;
  entry.stock = stock;
  for (const Counts& group : offer.groups) {
    const std::optional<Laid>& laid = stock ? pool.shards->stock(group) : pool.shards->best(group);
    if (!laid) {
      return std::nullopt;
    }
    entry.utilization = std::max(entry.utilization, laid->utilization);
  }
  return entry;
}

using Candidate = std::pair<const Pool*, const Offer*>;

std::vector<Candidate> candidates_of(const std::vector<Pool>& pools, double least_roof) {
  std::vector<Candidate> all;
  for (const Pool& pool : pools) {
    for (const Offer& offer : pool.offers) {
      if (offer.roof >= least_roof) {
        all.emplace_back(&pool, &offer);
      }
    }
  }
  return all;
}

/// The fastest rate, looking only at what could be it.
double fastest_of(const std::vector<Pool>& pools) {
  std::vector<Candidate> order = candidates_of(pools, 0.0);
  std::stable_sort(order.begin(), order.end(), [](const Candidate& a, const Candidate& b) {
    return a.second->roof > b.second->roof;
  });
  double fastest = 0.0;
  for (const auto& [pool, offer] : order) {
    if (offer->roof <= fastest) {
      break;
    }
    std::optional<Contender> entry = entry_of(*pool, *offer, true);
    if (entry) {
      fastest = std::max(fastest, rate_of(*entry).value_or(0.0));
    }
    // Where all chips are as fast another layout is too.
    if (!entry || !pool->shards->equal_speed()) {
      entry = entry_of(*pool, *offer, false);
      if (entry) {
        fastest = std::max(fastest, rate_of(*entry).value_or(0.0));
      }
    }
  }
  return fastest;
}

}  // namespace

bool goes_before(const Contender& a, const Contender& b) {
  if (a.stock != b.stock) {
    return a.stock;
  }
  if (a.nodes != b.nodes) {
    return a.nodes < b.nodes;
  }
  constexpr double same = 1e-9;
  if (std::abs(a.utilization - b.utilization) > same) {
    return a.utilization < b.utilization;
  }
  if (a.scenario != b.scenario) {
    return a.scenario < b.scenario;
  }
  return a.rate.value_or(0.0) > b.rate.value_or(0.0) * (1.0 + same);
}

std::optional<double> rate_of(const Contender& entry) {
  double sum = 0.0;
  for (const Counts& group : entry.groups) {
    const std::optional<Laid>& laid =
        entry.stock ? entry.shards->stock(group) : entry.shards->best(group);
    const std::optional<double> rate = entry.shards->rate(group, *laid);
    if (!rate) {
      return std::nullopt;
    }
    sum += *rate;
  }
  return sum;
}

std::optional<Contender> choose(const std::vector<Pool>& pools, double share) {
  const bool choice = candidates_of(pools, 0.0).size() > 1 || !pools.front().shards->equal_speed();
  const double least = choice ? share * fastest_of(pools) : 0.0;
  std::vector<Candidate> order = candidates_of(pools, least);
  std::stable_sort(order.begin(), order.end(), [](const Candidate& a, const Candidate& b) {
    return a.second->nodes < b.second->nodes;
  });
  std::optional<Contender> chosen;
  for (const bool stock : {true, false}) {
    for (const auto& [pool, offer] : order) {
      if (chosen && offer->nodes > chosen->nodes) {
        break;
      }
      std::optional<Contender> entry = entry_of(*pool, *offer, stock);
      if (!entry) {
        continue;
      }
      if (choice) {
        entry->rate = rate_of(*entry);
      }
      if (entry->rate.value_or(least) >= least && (!chosen || goes_before(*entry, *chosen))) {
        chosen = std::move(entry);
      }
    }
    if (chosen) {
      break;
    }
  }
  return chosen;
}

}  // namespace macfit::plan
