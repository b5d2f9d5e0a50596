#include "macfit/model/gguf/shape.hpp"

#include <functional>

#include "macfit/core/error.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "shapes.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using macfit::test::contains;
using macfit::test::experts;
using macfit::test::state;

namespace {

/// Llama 3.1 8B and what `change` makes of it.
Architecture changed(const std::function<void(GgufShape&)>& change) {
  GgufShape s;
  s.arch = "llama";
  s.layers = 32;
  s.hidden = 4096;
  s.heads = {32};
  s.kv_heads = {8};
  s.key_length = s.value_length = 128;
  s.feed_forward = {14336};
  s.vocabulary = 128256;
  change(s);
  return architecture_from_gguf_shape(s);
}

void latent(GgufShape& s, std::int64_t key) {
  s.kv_rank = 512;
  s.rotary = 64;
  s.key_length_mla = key;
  s.value_length_mla = 128;
}

}  // namespace

TEST_CASE("gguf shape: sizes that contradict each other are refused by name", "[model]") {
  struct Fact {
    std::function<void(GgufShape&)> change;
    const char* text;
  };
  const Fact facts[] = {
      {[](auto& s) { s.layers = 513; }, "number of layers is 513; expected a number from 1 to 512"},
      {[](auto& s) { s.layers = 0; }, "number of layers is 0"},
      {[](auto& s) { s.mtp_layers = 32; }, "number of MTP layers is 32"},
      {[](auto& s) { s.hidden = (1LL << 30) + 1; }, "embedding length is 1073741825"},
      {[](auto& s) { s.heads.clear(); }, "number of heads is 0"},
      {[](auto& s) { s.kv_heads = {3}; }, "32 heads, which 3 key/value heads do not divide"},
      {[](auto& s) { s.feed_forward.clear(); }, "feed-forward width is 0"},
      {[](auto& s) { s.value_length = 1LL << 31; }, "value head width is 2147483648"},
      {[](auto& s) { s.context = -1; }, "context length is -1"},
      {[](auto& s) { s.rope_factors = -1; }, "number of rope factors is -1"},
      {[](auto& s) { experts(s, 65537, 8, 64); }, "number of experts is 65537"},
      {[](auto& s) { experts(s, 8, 9, 64); }, "number of experts used is 9"},
      {[](auto& s) {
         experts(s, 8, 2, 64);
         s.experts_shared = 1LL << 30;
       },
       "shared expert width is 68719476736"},
      {[](auto& s) {
         s.arch = "nemotron_h";
         s.kv_heads = s.feed_forward = {0};
       },
       "convolution width is 0"},
      {[](auto& s) {
         s.arch = "granitehybrid";
         s.kv_heads = {0};
         state(s, 128, 1, 3, 8192);
       },
       "inner width 8192 is not divisible by its 3 heads"},
      {[](auto& s) {
         s.arch = "deepseek2";
         latent(s, 64);
       },
       "key width without its rotated part is 0"},
      {[](auto& s) {
         s.arch = "glm-dsa";
         latent(s, 192);
         s.indexer_heads = 4;
       },
       "indexer width is 0"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.text);
    CHECK_THROWS_WITH(changed(fact.change), contains(fact.text));
  }
}

TEST_CASE("gguf shape: where a shape says nothing, the usual holds", "[model]") {
  // The head's width is the hidden width's share; of experts a token uses at least one.
  const Architecture plain = changed([](auto& s) { s.key_length = s.value_length = 0; });
  CHECK(plain.blocks.front().attention->head_dim == 4096 / 32);
  CHECK(plain.blocks.front().attention->value_dim == 4096 / 32);
  const Architecture one = changed([](auto& s) { experts(s, 8, 0, 64); });
  CHECK(one.blocks.front().experts->per_token == 1);
  // A list that is too short goes on with its last number, a list of flags with false.
  const Architecture lists = changed([](auto& s) {
    s.feed_forward = {1024, 2048};
    experts(s, 8, 2, 64);
    s.moe = {false, false, true};
  });
  CHECK(lists.block_of(0).dense->width == 1024);
  CHECK(lists.block_of(1).dense->width == 2048);
  CHECK(lists.block_of(2).experts.has_value());
  CHECK(lists.block_of(3).dense->width == 2048);
  // Blocks that differ in sizes alone are numbered.
  CHECK(lists.block_of(0).name == "full");
  CHECK(lists.block_of(1).name == "full-2");
  // A window slides nothing in an architecture without a pattern.
  const Architecture still = changed([](auto& s) { s.window = 512; });
  CHECK(still.blocks.front().attention->span == Span::full);
  // Llama 4 chunks by its own width where one is stated.
  const Architecture chunked = changed([](auto& s) {
    s.arch = "llama4";
    s.window = 4096;
  });
  CHECK(chunked.block_of(0).attention->window == 4096);
  CHECK(chunked.block_of(3).attention->span == Span::full);
  // A list of the recurrent layers wins over the interval.
  const Architecture listed = changed([](auto& s) {
    s.arch = "qwen35";
    state(s, 64, 4, 8, 512);
    s.recurrent = {true, false, true, false};
  });
  CHECK(listed.block_of(0).delta_net.has_value());
  CHECK(listed.block_of(1).attention.has_value());
}

TEST_CASE("gguf shape: what is never quantized keeps 16 bits, as the mixture has them", "[model]") {
  const Architecture a = changed([](auto& s) {
    s.arch = "gemma4";
    s.per_layer_input = 256;
  });
  const auto tensors = gguf_tensors(a);
  const auto found = std::find_if(tensors.begin(), tensors.end(), [](const GgufTensor& t) {
    return t.name == "per_layer_model_proj.weight";
  });
  REQUIRE(found != tensors.end());
  const auto at = static_cast<std::size_t>(found - tensors.begin());
  CHECK(gguf_types(a, tensors, "F16", {})[at] == GgmlType::f16);
  CHECK(gguf_types(a, tensors, "BF16", {})[at] == GgmlType::bf16);
  CHECK(gguf_types(a, tensors, "Q4_K_M", {})[at] == GgmlType::bf16);
  CHECK(gguf_types(a, tensors, "F32", {})[at] == GgmlType::f32);
}
