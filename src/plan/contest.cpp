// The contest between placements of one step that reach the same tier with as many replicas.

#include "contest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
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

/// The fastest rate of all candidates, known from below and above and narrowed down only as far as
/// somebody has to be compared with it.
class Fastest {
 public:
  explicit Fastest(const std::vector<Pool>& pools) : order_(candidates_of(pools, 0.0)) {
    std::stable_sort(order_.begin(), order_.end(), [](const Candidate& a, const Candidate& b) {
      return a.second->roof > b.second->roof;
    });
  }

  /// Whether this rate is at least so great a share of the fastest.
  bool near(double rate, double share) {
    while (rate >= share * known_ && rate < share * bound() && narrow()) {
    }
    return rate >= share * known_;
  }

 private:
  [[nodiscard]] double bound() const {
    return next_ < order_.size() ? std::max(known_, order_[next_].second->roof) : known_;
  }

  /// Works out the candidate that could be the fastest; false where none could be any more.
  bool narrow() {
    if (next_ == order_.size() || order_[next_].second->roof <= known_) {
      return false;
    }
    const auto& [pool, offer] = order_[next_++];
    std::optional<Contender> entry = entry_of(*pool, *offer, true);
    if (entry) {
      known_ = std::max(known_, rate_of(*entry).value_or(0.0));
    }
    // Where all chips are as fast another layout is too.
    if (!entry || !pool->shards->equal_speed()) {
      entry = entry_of(*pool, *offer, false);
      if (entry) {
        known_ = std::max(known_, rate_of(*entry).value_or(0.0));
      }
    }
    return true;
  }

  std::vector<Candidate> order_;  ///< those first that could be fastest
  std::size_t next_ = 0;          ///< the first not worked out
  double known_ = 0.0;            ///< the fastest found
};

/// The candidate laid out, where it is near the fastest and goes before what is chosen.
std::optional<Contender> ahead(const Candidate& candidate, bool stock, double share,
                               Fastest* fastest, const std::optional<Contender>& chosen) {
  const auto& [pool, offer] = candidate;
  if (fastest != nullptr && !fastest->near(offer->roof, share)) {
    return std::nullopt;
  }
  std::optional<Contender> entry = entry_of(*pool, *offer, stock);
  if (!entry) {
    return entry;
  }
  const auto goes = [&] { return !chosen || goes_before(*entry, *chosen); };
  // Its rate decides last between two, so it is not worked out for one that is behind before.
  entry->rate = std::numeric_limits<double>::infinity();
  if (goes()) {
    entry->rate = fastest != nullptr ? rate_of(*entry) : std::nullopt;
    if (goes() && (!entry->rate || fastest->near(*entry->rate, share))) {
      return entry;
    }
  }
  return std::nullopt;
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
  std::vector<Candidate> order = candidates_of(pools, 0.0);
  const bool choice = order.size() > 1 || !pools.front().shards->equal_speed();
  Fastest fastest(pools);
  std::stable_sort(order.begin(), order.end(), [](const Candidate& a, const Candidate& b) {
    return a.second->nodes < b.second->nodes;
  });
  std::optional<Contender> chosen;
  for (const bool stock : {true, false}) {
    for (const Candidate& candidate : order) {
      if (chosen && candidate.second->nodes > chosen->nodes) {
        break;
      }
      auto entry = ahead(candidate, stock, share, choice ? &fastest : nullptr, chosen);
      if (entry) {
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
