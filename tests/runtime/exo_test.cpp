#include "macfit/core/error.hpp"
#include "macfit/runtime/exo_rules.hpp"
#include "macfit/runtime/runtime.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::runtime;

namespace {

std::vector<Bytes> gigabytes(const std::vector<std::int64_t>& counts) {
  std::vector<Bytes> bytes;
  for (const std::int64_t count : counts) {
    bytes.emplace_back(count * 1'000'000'000);
  }
  return bytes;
}

/// MiniMax-M2 at 4 bit.
ExoRequest minimax(const std::vector<std::int64_t>& free_gb) {
  ExoRequest request;
  request.storage = Bytes(128'666'664'960);
  request.layers = 62;
  request.hidden = 3072;
  request.kv_heads = 8;
  request.available = gigabytes(free_gb);
  return request;
}

}  // namespace

// Source of all: EXO@b5375f8c, placement.py and placement_utils.py; worked numbers in
// docs/runtimes.md.

TEST_CASE("EXO: largest remainder, at least one layer", "[runtime]") {
  struct Row {
    std::int64_t layers;
    std::vector<std::int64_t> memory;
    std::vector<std::int64_t> split;
  };
  const Row rows[] = {
      {62, {110, 55}, {41, 21}},      {61, {100, 50, 25}, {35, 17, 9}},
      {48, {300, 10, 5}, {46, 1, 1}}, {32, {1, 1, 1}, {11, 11, 10}},
      {3, {1000, 1, 1}, {1, 1, 1}},
  };
  for (const Row& row : rows) {
    CHECK(exo_layers(row.layers, gigabytes(row.memory)) == row.split);
    CHECK(test::exo().default_split(row.layers, gigabytes(row.memory)) == row.split);
  }
  CHECK_THROWS_AS(exo_layers(2, gigabytes({1, 1, 1})), Error);
  CHECK_THROWS_AS(exo_layers(2, gigabytes({0, 0})), Error);
  CHECK(test::exo().default_split(2, gigabytes({5, 5, 5})) == std::vector<std::int64_t>{1, 1, 0});
  CHECK(test::exo().default_split(4, gigabytes({0, 0})) == std::vector<std::int64_t>{2, 2});
}

TEST_CASE("EXO: the smallest group whose memory sums up", "[runtime]") {
  // One node would do: the pipeline is not used however many there are.
  CHECK(exo_place(minimax({60, 200, 60})).nodes == std::vector<std::size_t>{1});
  // Two of three, the roomiest.
  const ExoPlacement two = exo_place(minimax({60, 100, 70}));
  CHECK(two.nodes == std::vector<std::size_t>{1, 2});
  CHECK(two.accepted);
  CHECK(two.layers == std::vector<std::int64_t>{36, 26});
  CHECK(two.preview == Bytes(64'333'332'480));  // half each, whatever the layers
  // Asked for more nodes, it takes more.
  ExoRequest more = minimax({60, 100, 70});
  more.min_nodes = 3;
  CHECK(exo_place(more).nodes.size() == 3);
  // Short in sum.
  const ExoPlacement none = exo_place(minimax({60, 60}));
  CHECK_FALSE(none.accepted);
  CHECK_THAT(none.refusal, test::contains("128.7 GB"));
}

TEST_CASE("EXO: a pipeline compares each node, a tensor split none", "[runtime]") {
  // 62 layers over 128.7 GB and 1 GB: the small node must take one layer of 2.1 GB.
  ExoRequest request = minimax({128, 1});
  const ExoPlacement pipeline = exo_place(request);
  CHECK_FALSE(pipeline.accepted);
  CHECK(pipeline.layers == std::vector<std::int64_t>{61, 1});
  CHECK(pipeline.compared[1] == Bytes(128'666'664'960 / 62));
  CHECK_THAT(pipeline.refusal, test::contains("node 2"));
  request.tensor = true;
  const ExoPlacement tensor = exo_place(request);
  CHECK(tensor.accepted);
  CHECK(tensor.layers.empty());
  CHECK(tensor.compared.empty());
  // Heads and hidden size must divide; a card may say no.
  ExoRequest three = minimax({50, 50, 50});
  three.tensor = true;
  CHECK_THAT(exo_place(three).refusal, test::contains("8 key-value heads"));
  three.kv_heads.reset();
  CHECK(exo_place(three).accepted);
  three.hidden = 3073;
  CHECK_THAT(exo_place(three).refusal, test::contains("hidden size"));
  three.supports_tensor = false;
  CHECK_THAT(exo_place(three).refusal, test::contains("card"));
}

TEST_CASE("EXO: accepts what then overflows", "[runtime]") {
  // Two Macs of 64 GB with 55 GB free and a third of 128 GB: 31 layers and their share are fine by
  // the sum; with 25 GB of cache and embeddings on every node the second one is over.
  const ExoPlacement placement = exo_place(minimax({72, 70}));
  REQUIRE(placement.accepted);
  CHECK(placement.layers == std::vector<std::int64_t>{31, 31});
  // Its own comparison leaves out embedding and head on each node and the cache: 64.7 GB and 8.4.
  const std::vector<Bytes> demand(2, Bytes(64'679'046'144 + 8'400'000'000));
  const auto overflow = exo_overflow(demand, gigabytes({74, 70}));
  REQUIRE(overflow);
  CHECK(overflow->node == 1);
  CHECK(format_gb(overflow->missing) == "3.08 GB");
  CHECK_FALSE(exo_overflow(demand, gigabytes({74, 74})));
}
