#include "macfit/fit/split.hpp"

#include <limits>
#include <numeric>
#include <random>

#include "macfit/fit/tier.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/runtime/runtime.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

/// A profile with the given bytes per layer, two kinds of layer in turn.
runtime::Profile profile_of(const std::vector<std::int64_t>& layers) {
  runtime::Profile profile;
  profile.layers = layers.size();
  profile.weights = {0};
  for (const std::int64_t bytes : layers) {
    profile.weights.push_back(profile.weights.back() + bytes);
  }
  runtime::LayerKind full;
  full.growth = runtime::LayerKind::Growth::slots;
  full.slot_bytes = 3;
  runtime::LayerKind state;
  state.constant_bytes = 900;
  state.score_bytes = 1;
  profile.kinds = {full, state};
  for (std::size_t layer = 0; layer <= layers.size(); ++layer) {
    profile.kind_counts.push_back(static_cast<std::uint32_t>(layer - layer / 3));
    profile.kind_counts.push_back(static_cast<std::uint32_t>(layer / 3));
  }
  profile.everywhere = 5000;
  profile.base_bytes = 100;
  return profile;
}

/// The least worst share over every contiguous split, tried one by one.
double brute_force(const fit::Demand& demand, const std::vector<std::int64_t>& effective,
                   std::size_t node = 0, std::size_t first = 0) {
  const std::size_t left = demand.layers() - first;
  const std::size_t behind = effective.size() - node - 1;
  const auto share = [&](std::size_t count) {
    return static_cast<double>(demand.stage(first, count)) / static_cast<double>(effective[node]);
  };
  if (behind == 0) {
    return share(left);
  }
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t count = 1; count + behind <= left; ++count) {
    best = std::min(
        best, std::max(share(count), brute_force(demand, effective, node + 1, first + count)));
  }
  return best;
}

}  // namespace

TEST_CASE("the best split is the best of all splits", "[fit]") {
  std::mt19937_64 random(20261122);
  const auto up_to = [&](std::int64_t high) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high)) + 1;
  };
  for (int round = 0; round < 400; ++round) {
    const auto nodes = static_cast<std::size_t>(up_to(4));
    const auto count = nodes + static_cast<std::size_t>(up_to(24 - 4));
    std::vector<std::int64_t> layers(count);
    for (std::int64_t& bytes : layers) {
      bytes = round % 3 == 0 ? 1000 : up_to(4000);
    }
    std::vector<std::int64_t> effective(nodes);
    for (std::int64_t& bytes : effective) {
      bytes = round % 2 == 0 ? 40'000 : 5000 + up_to(60'000);
    }
    const runtime::Profile profile = profile_of(layers);
    const fit::Demand demand(profile, {}, 500, Bytes(7));
    const fit::Split split = fit::best_split(demand, effective);
    CAPTURE(round, nodes, count);
    REQUIRE(split.size() == nodes);
    REQUIRE(std::accumulate(split.begin(), split.end(), std::int64_t{0}) ==
            static_cast<std::int64_t>(count));
    const double found = fit::fullest(demand, split, effective).utilization;
    const double best = brute_force(demand, effective);
    REQUIRE(found == best);
    REQUIRE(fit::feasible(demand, effective) == (best <= 1.0));
  }
}

TEST_CASE("unequal nodes get unequal shares", "[fit]") {
  const runtime::Profile profile = profile_of(std::vector<std::int64_t>(24, 1000));
  const fit::Demand demand(profile, {}, 1, Bytes(0));
  const fit::Split split = fit::best_split(demand, {40'000, 20'000, 20'000});
  CHECK(split[0] > split[1]);
  CHECK(std::accumulate(split.begin(), split.end(), std::int64_t{0}) == 24);
}

TEST_CASE("128 + 64 + 64 GB: the best of all splits", "[fit]") {
  // gpt-oss-20b has 24 layers of two kinds; two 64 GB Macs beside one of 128 GB, each with a tenth
  // of its GPU limit kept free, and all of that scaled down until the model needs them all.
  const model::Model& model = model::Catalog::embedded().get("gpt-oss-20b");
  for (const char* format : {"bf16", "8bit", "4bit"}) {
    const runtime::Profile profile =
        test::mlx_lm().profile(model, model::parse_recipe(format), runtime::KvFormat::bf16, 1);
    REQUIRE(profile.layers == 24);
    for (const std::int64_t context : {4096, 131072}) {
      for (const std::int64_t scale : {1, 3, 8}) {
        const std::vector<std::int64_t> effective = {115'448'725'504 / 10 * 9 / scale,
                                                     55'662'788'608 / 10 * 9 / scale,
                                                     55'662'788'608 / 10 * 9 / scale};
        const fit::Demand demand(profile, {}, context, Bytes(0));
        const fit::Split split = fit::best_split(demand, effective);
        CAPTURE(format, context, scale);
        REQUIRE(split.size() == 3);
        CHECK(fit::fullest(demand, split, effective).utilization == brute_force(demand, effective));
        CHECK(split[0] > split[1]);
      }
    }
  }
}

TEST_CASE("a pipeline needs a layer for every node", "[fit]") {
  const runtime::Profile profile = profile_of({1000, 1000});
  const fit::Demand demand(profile, {}, 1, Bytes(0));
  CHECK(fit::best_split(demand, {50'000, 50'000}) == fit::Split{1, 1});
  CHECK(fit::best_split(demand, {50'000, 50'000, 50'000}).empty());
  CHECK_FALSE(fit::feasible(demand, {50'000, 50'000, 50'000}));
  CHECK(fit::best_split(demand, {50'000, 0}).empty());
  CHECK(fit::best_split(demand, {}).empty());
}

TEST_CASE("parts sum to the demand", "[fit]") {
  const runtime::Profile profile = profile_of({1000, 3000, 500, 700});
  runtime::Workload workload;
  workload.sequences = 3;
  const fit::Demand demand(profile, workload, 1000, Bytes(64));
  for (std::size_t first = 0; first < 4; ++first) {
    for (std::size_t count = 1; first + count <= 4; ++count) {
      CHECK(demand.parts(first, count).demand().count() == demand.stage(first, count));
    }
  }
}

TEST_CASE("tiers have their words and their bound", "[fit]") {
  CHECK(fit::parse_tier("Comfortable") == fit::Tier::comfortable);
  CHECK(fit::tier_name(fit::Tier::not_practical) == "not-practical");
  CHECK_THROWS_WITH(fit::parse_tier("comfy"), test::contains("unknown tier \"comfy\""));
  CHECK(fit::is_comfortable(85, 100));
  CHECK_FALSE(fit::is_comfortable(86, 100));
  CHECK(fit::comfortable_bound(std::numeric_limits<std::int64_t>::max()) > 0);
}

TEST_CASE("a demand beyond 2^63 is an error, not a small number", "[fit]") {
  runtime::Profile profile = profile_of({1000});
  runtime::Workload workload;
  workload.sequences = 1'000'000;
  profile.kinds[0].slot_bytes = 1'000'000'000;
  CHECK_THROWS_WITH(fit::Demand(profile, workload, 1'000'000'000, Bytes(0)),
                    test::contains("larger than 2^63"));
}
