// Pipelines over unlike nodes, against every order and cut of every group tried one by one.

#include "macfit/fit/arrange.hpp"

#include <functional>
#include <numeric>
#include <random>

#include "test.hpp"

using namespace macfit;

namespace {

using Counts = std::vector<std::uint8_t>;

/// Layers of unlike sizes; `heavy`: some so large that small nodes can't take them.
runtime::Profile random_profile(std::mt19937_64& random, std::size_t layers, bool heavy) {
  runtime::Profile profile;
  profile.layers = layers;
  profile.weights = {0};
  profile.kinds = {{}};
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const auto bytes = static_cast<std::int64_t>(1'000 + random() % 8'000);
    profile.weights.push_back(profile.weights.back() +
                              (heavy && random() % 4 == 0 ? 3 * bytes : bytes));
  }
  profile.everywhere = static_cast<std::int64_t>(random() % 2'000);
  profile.last_weights = static_cast<std::int64_t>(random() % 6'000);
  profile.kind_counts.resize(layers + 1);
  std::iota(profile.kind_counts.begin(), profile.kind_counts.end(), 0U);
  return profile;
}

struct Nodes {
  std::vector<fit::NodeKind> kinds;
  fit::LayerCosts costs;
};

Nodes random_nodes(std::mt19937_64& random, std::size_t layers) {
  Nodes nodes;
  const std::size_t kinds = 1 + random() % 3;
  for (std::size_t k = 0; k < kinds; ++k) {
    const auto effective = static_cast<std::int64_t>(8'000 + random() % 30'000);
    nodes.kinds.push_back({effective * 85 / 100, effective, nullptr, 1 + random() % 2});
    const auto pace = static_cast<std::int64_t>(1 + random() % 5);
    nodes.costs.push_back({0});
    for (std::size_t layer = 0; layer < layers; ++layer) {
      nodes.costs.back().push_back(nodes.costs.back().back() + pace);
    }
  }
  for (std::size_t k = 0; k < kinds; ++k) {
    nodes.kinds[k].costs = &nodes.costs[k];
  }
  return nodes;
}

struct Best {
  bool found = false;
  std::int64_t cost = 0;
  double worst = 0.0;
};

/// All orders and cuts. Of one kind costs don't count, as the Arranger says.
Best tried(const fit::Demand& demand, const Nodes& nodes, const Counts& group) {
  const bool priced = std::count(group.begin(), group.end(), 0) + 1 < std::ssize(group);
  Best best;
  Counts left = group;
  const std::function<void(std::size_t, Best)> go = [&](std::size_t first, Best before) {
    const bool last = std::accumulate(left.begin(), left.end(), 0) == 1;
    for (std::size_t k = 0; k < left.size(); ++k) {
      for (std::size_t n = 1; left[k] > 0 && first + n <= demand.layers(); ++n) {
        const std::int64_t bytes = demand.stage(first, n);
        if ((last && first + n != demand.layers()) || bytes > nodes.kinds[k].bound) {
          continue;
        }
        const Best now{
            true, before.cost + (priced ? nodes.costs[k][first + n] - nodes.costs[k][first] : 0),
            std::max(before.worst,
                     static_cast<double>(bytes) / static_cast<double>(nodes.kinds[k].effective))};
        if (!last) {
          --left[k];
          go(first + n, now);
          ++left[k];
        } else if (!best.found || now.cost < best.cost ||
                   (now.cost == best.cost && now.worst < best.worst)) {
          best = now;
        }
      }
    }
  };
  go(0, {});
  return best;
}

/// Every group that these nodes hold.
std::vector<Counts> groups_of(const Counts& all) {
  std::vector<Counts> groups = {Counts(all.size(), 0)};
  for (std::size_t k = 0; k < all.size(); ++k) {
    std::vector<Counts> more;
    for (const Counts& group : groups) {
      for (std::uint8_t n = 0; n <= all[k]; ++n) {
        more.push_back(group);
        more.back()[k] = n;
      }
    }
    groups = more;
  }
  return groups;
}

std::size_t most_side_by_side(const std::vector<Counts>& reaching, const Counts& rest) {
  std::size_t most = 0;
  for (const Counts& group : reaching) {
    Counts left = rest;
    bool inside = true;
    for (std::size_t k = 0; k < rest.size(); ++k) {
      inside = inside && group[k] <= rest[k];
      left[k] = static_cast<std::uint8_t>(rest[k] - group[k]);
    }
    if (inside) {
      most = std::max(most, 1 + most_side_by_side(reaching, left));
    }
  }
  return most;
}

}  // namespace

TEST_CASE("an arranger finds what all orders and cuts have", "[fit]") {
  std::mt19937_64 random(20261128);
  std::size_t found = 0;
  std::size_t packed = 0;
  for (int round = 0; round < 300; ++round) {
    const std::size_t layers = 3 + random() % 6;
    const runtime::Profile profile = random_profile(random, layers, round % 2 == 0);
    const fit::Demand demand(profile, {}, 1, Bytes(0));
    const Nodes nodes = random_nodes(random, layers);
    Counts all;
    for (const fit::NodeKind& kind : nodes.kinds) {
      all.push_back(static_cast<std::uint8_t>(kind.count));
    }
    fit::Arranger arranger(demand, nullptr, nodes.kinds);
    std::vector<Counts> reaching;
    for (const Counts& group : groups_of(all)) {
      const std::size_t size = std::accumulate(group.begin(), group.end(), std::size_t{0});
      if (size < 2) {
        continue;
      }
      const Best best = tried(demand, nodes, group);
      REQUIRE(arranger.arrangeable(group) == best.found);
      const auto arranged = arranger.arrange(group);
      if (std::count(group.begin(), group.end(), 0) + 1 == std::ssize(group)) {
        continue;  // of one kind only the room is looked at, within no bound
      }
      REQUIRE(arranged.has_value() == best.found);
      if (best.found) {
        ++found;
        CHECK(arranged->cost == best.cost);
        CHECK(arranged->utilization == best.worst);
      }
    }
    for (const Counts& group : groups_of(all)) {
      if (std::accumulate(group.begin(), group.end(), 0) >= 2 && arranger.arrangeable(group)) {
        reaching.push_back(group);
      }
    }
    if (const auto most = arranger.most_groups()) {
      CHECK(*most == most_side_by_side(reaching, all));
      packed += *most > 1 ? 1 : 0;
    }
  }
  CHECK(found > 300);
  CHECK(packed > 10);
}
