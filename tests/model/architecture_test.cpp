// Shapes that contradict each other, each named at its place.

#include "macfit/model/architecture.hpp"

#include <functional>

#include "test.hpp"

using namespace macfit;
using namespace macfit::model;

namespace {

constexpr std::int64_t absurd = std::int64_t{1} << 60;

Architecture small() {
  Architecture a;
  a.type = "x";
  a.hidden = 64;
  a.vocabulary = 256;
  Block b;
  b.name = "full";
  b.attention = Attention{};
  b.attention->heads = b.attention->kv_heads = 4;
  b.attention->head_dim = b.attention->value_dim = 16;
  b.dense = Dense{};
  b.dense->width = 128;
  a.blocks.push_back(b);
  a.layers = {0, 0};
  return a;
}

/// All contradictions of the small model after a change, one a line.
std::string said(const std::function<void(Architecture&, Block&)>& change) {
  Architecture a = small();
  change(a, a.blocks.front());
  std::string lines;
  for (const Error& error : contradictions(a, "/m")) {
    lines +=
        (lines.empty() ? "" : "\n") + error.place().pointer.value_or("") + ": " + error.message();
  }
  return lines;
}

}  // namespace

TEST_CASE("architecture: a sound one says nothing", "[model]") {
  CHECK(contradictions(small()).empty());
  CHECK_NOTHROW(validate(small()));
}

TEST_CASE("architecture: contradictions at their place", "[model]") {
  struct Row {
    std::function<void(Architecture&, Block&)> change;
    std::string said;
  };
  const std::string large = std::to_string(absurd);
  const Row rows[] = {
      {[](auto& a, auto&) { a.hidden = 0; }, "/m/hidden: expected a positive size, found 0"},
      {[](auto& a, auto&) { a.vocabulary = absurd; },
       "/m/vocabulary: expected a positive size, found " + large},
      {[](auto& a, auto&) { a.context = -1; },
       "/m/context: expected 0 or a positive size, found -1"},
      {[](auto& a, auto&) { a.per_layer_vocabulary = absurd; },
       "/m/per_layer_vocabulary: expected 0 or a positive size, found " + large},
      {[](auto& a, auto&) { a.layers.clear(); }, "/m/layers: a model has at least one layer"},
      {[](auto& a, auto&) {
         a.layers = {0, 1};
       },
       "/m/layers/1: block 1 of 1"},
      {[](auto& a, auto&) { a.blocks.push_back(a.blocks.front()); },
       "/m/blocks/1/name: two blocks are named \"full\""},
      {[](auto&, auto& b) { b.attention->kv_heads = 3; },
       "/m/blocks/0/attention/heads: 4 is not divisible by kv_heads 3"},
      // Both are said where a divisor is wrong itself, not that nothing divides by it.
      {[](auto&, auto& b) { b.attention->kv_heads = 0; },
       "/m/blocks/0/attention/kv_heads: expected a positive size, found 0"},
      {[](auto&, auto& b) { b.attention->window = 8; },
       "/m/blocks/0/attention/window: full attention has no window"},
      {[](auto&, auto& b) { b.attention->span = Span::sliding; },
       "/m/blocks/0/attention/window: expected a positive size, found 0"},
      {[](auto&, auto& b) {
         b.attention.reset();
         b.latent = LatentAttention{};
         b.latent->heads = b.latent->kv_rank = b.latent->nope_dim = b.latent->value_dim = 4;
         b.latent->indexer = Indexer{2, 8};
       },
       "/m/blocks/0/latent/indexer: an indexer reads the query's latent, and query_rank is 0"},
      {[](auto&, auto& b) { b.linear = LinearMixer{}; },
       "/m/blocks/0: a block has one mixer, found 2"},
      {[](auto&, auto& b) {
         b.attention.reset();
         b.mamba2 = Mamba2{};
         b.mamba2->heads = 4;
         b.mamba2->head_dim = b.mamba2->state = 8;
         b.mamba2->groups = 3;
       },
       "/m/blocks/0/mamba2/heads: 4 is not divisible by groups 3"},
      {[](auto&, auto& b) {
         b.attention.reset();
         b.lightning = Lightning{4, 0};
       },
       "/m/blocks/0/lightning/head_dim: expected a positive size, found 0"},
      {[](auto&, auto& b) { b.dense->matrices = 0; },
       "/m/blocks/0/dense/matrices: expected 1 to 3, found 0"},
      {[](auto&, auto& b) { b.dense->matrices = 4; },
       "/m/blocks/0/dense/matrices: expected 1 to 3, found 4"},
      {[](auto&, auto& b) {
         b.experts = Experts{};
         b.experts->count = b.experts->width = 4;
         b.experts->per_token = 5;
         b.experts->matrices = 1;
       },
       "/m/blocks/0/experts/matrices: expected 2 to 3, found 1\n"
       "/m/blocks/0/experts/per_token: 5 experts a token of 4 experts in all"},
      {[](auto&, auto& b) { b.norms = -1; }, "/m/blocks/0/norms: expected 0 to 64 norms, found -1"},
      {[](auto&, auto& b) { b.norms = 65; }, "/m/blocks/0/norms: expected 0 to 64 norms, found 65"},
      {[](auto&, auto& b) { b.streams = -1; },
       "/m/blocks/0/streams: expected 0 to 1024 streams, found -1"},
      {[](auto&, auto& b) { b.streams = 1025; },
       "/m/blocks/0/streams: expected 0 to 1024 streams, found 1025"},
      {[](auto&, auto& b) { b.per_layer_input = -1; },
       "/m/blocks/0/per_layer_input: expected 0 or a positive size, found -1"},
  };
  for (const Row& row : rows) {
    CHECK(said(row.change) == row.said);
  }
  Architecture empty;
  empty.hidden = empty.vocabulary = 1;
  CHECK(contradictions(empty).size() == 2);
  CHECK_THROWS_WITH(validate(empty), test::contains("at least one kind of layer"));
}
