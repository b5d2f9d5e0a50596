// The cheapest split within bounds, against every split tried one by one.

#include <limits>
#include <numeric>
#include <random>

#include "macfit/fit/split.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

runtime::Profile random_profile(std::mt19937_64& random, std::size_t layers) {
  std::uniform_int_distribution<std::int64_t> bytes(1'000, 9'000);
  runtime::Profile profile;
  profile.layers = layers;
  profile.weights = {0};
  profile.kinds = {{}};
  for (std::size_t layer = 0; layer < layers; ++layer) {
    profile.weights.push_back(profile.weights.back() + bytes(random));
  }
  profile.kind_counts.resize(layers + 1);
  std::iota(profile.kind_counts.begin(), profile.kind_counts.end(), 0U);
  return profile;
}

struct Best {
  std::int64_t cost = std::numeric_limits<std::int64_t>::max();
  double worst = std::numeric_limits<double>::infinity();
  [[nodiscard]] bool found() const { return cost != std::numeric_limits<std::int64_t>::max(); }
};

void try_all(const fit::Demand& demand, const std::vector<std::int64_t>& bound,
             const std::vector<std::int64_t>& effective, const fit::LayerCosts& costs,
             std::size_t node, std::size_t first, Best so_far, Best& best) {
  const std::size_t left = demand.layers() - first;
  const std::size_t behind = bound.size() - node - 1;
  for (std::size_t count = behind == 0 ? left : 1; count + behind <= left && count > 0; ++count) {
    const std::int64_t bytes = demand.stage(first, count);
    if (bytes > bound[node]) {
      continue;
    }
    const Best mine{
        so_far.cost + costs[node][first + count] - costs[node][first],
        std::max(so_far.worst, static_cast<double>(bytes) / static_cast<double>(effective[node]))};
    if (behind > 0) {
      try_all(demand, bound, effective, costs, node + 1, first + count, mine, best);
    } else if (mine.cost < best.cost || (mine.cost == best.cost && mine.worst < best.worst)) {
      best = mine;
    }
  }
}

}  // namespace

TEST_CASE("the cheapest split is the cheapest of all splits, then the least full", "[fit]") {
  std::mt19937_64 random(20261123);
  std::size_t found = 0;
  for (int round = 0; round < 400; ++round) {
    const std::size_t layers = 4 + random() % 21;
    const std::size_t nodes = 1 + random() % 4;
    const runtime::Profile profile = random_profile(random, layers);
    const fit::Demand demand(profile, {}, 1, Bytes(0));
    std::vector<std::int64_t> effective;
    std::vector<std::int64_t> bound;
    fit::LayerCosts costs;
    for (std::size_t node = 0; node < nodes; ++node) {
      effective.push_back(static_cast<std::int64_t>(20'000 + random() % 60'000));
      bound.push_back(effective.back() * 85 / 100);
      // Half of the nodes are as fast as the first: ties must be settled by room.
      const std::int64_t pace = node > 0 && random() % 2 == 0 ? costs[0][1] : 1 + random() % 9;
      costs.push_back({0});
      for (std::size_t layer = 0; layer < layers; ++layer) {
        costs.back().push_back(costs.back().back() + pace);
      }
    }
    Best best;
    try_all(demand, bound, effective, costs, 0, 0, {0, 0.0}, best);
    const fit::Split split = fit::cheapest_split(demand, bound, effective, costs);
    REQUIRE(split.empty() == !best.found());
    if (split.empty()) {
      continue;
    }
    ++found;
    std::int64_t cost = 0;
    double worst = 0.0;
    std::size_t first = 0;
    for (std::size_t node = 0; node < nodes; ++node) {
      const auto count = static_cast<std::size_t>(split[node]);
      REQUIRE(count >= 1);
      REQUIRE(demand.stage(first, count) <= bound[node]);
      cost += costs[node][first + count] - costs[node][first];
      worst = std::max(worst, static_cast<double>(demand.stage(first, count)) /
                                  static_cast<double>(effective[node]));
      first += count;
    }
    CHECK(first == layers);
    CHECK(cost == best.cost);
    CHECK(worst == best.worst);
  }
  CHECK(found > 100);
}
