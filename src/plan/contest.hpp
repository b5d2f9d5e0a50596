#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "search.hpp"

namespace macfit::plan {

/// Placements this near to the fastest (or to the longest context) count as equal.
inline constexpr double near_share = 0.9;
/// The same where one answer's speed is all that is asked for.
inline constexpr double as_fast = 0.99;

/// One of what competes in a step, laid out far enough to be compared.
struct Contender {
  std::size_t scenario = 0;
  SplitKind split = SplitKind::independent;
  bool stock = true;
  std::size_t nodes = 0;
  double utilization = 0.0;
  std::optional<double> rate;
  std::vector<Counts> groups;  ///< of shards
  Shards* shards = nullptr;
  Group workers;  ///< of independent ones
};

/// Stock before by hand, fewest nodes, least full, then the order of preference.
[[nodiscard]] bool goes_before(const Contender& a, const Contender& b);

/// What one runtime offers by one split.
struct Pool {
  Shards* shards = nullptr;
  std::size_t scenario = 0;
  std::vector<Offer> offers;
};

/// Of what is within `share` of the fastest the first by the rules: the runtimes' own behavior,
/// then splits passed by hand, those over few nodes first. Layouts and rates are worked out only
/// where they decide. Nothing where no offer can be laid out.
[[nodiscard]] std::optional<Contender> choose(const std::vector<Pool>& pools, double share);

/// Tokens a second of an entry's groups together; nothing where that is not known.
[[nodiscard]] std::optional<double> rate_of(const Contender& entry);

}  // namespace macfit::plan
