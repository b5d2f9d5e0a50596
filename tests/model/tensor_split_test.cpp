#include "macfit/model/tensor_split.hpp"

#include "macfit/core/error.hpp"
#include "macfit/model/layout.hpp"
#include "read/families.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;

namespace {

std::string refusal(const char* name, const char* recipe, std::int64_t ranks) {
  const TensorSplit split = tensor_split(test::family(name), parse_recipe(recipe), ranks);
  const auto first = first_refusal(test::family(name), parse_recipe(recipe), ranks);
  CHECK(first == (split.refusals.empty() ? std::nullopt : std::optional(split.refusals.front())));
  return split.refusals.empty() ? "none" : split.refusals.front().text;
}

}  // namespace

TEST_CASE("tensor split: bytes per rank", "[model]") {
  // mlx-lm's shard(): MiniMax-M2 4 bit (mlx-and-exo 3.3).
  struct Row {
    const char* name;
    std::int64_t ranks;
    std::int64_t bytes;
  };
  const Row rows[] = {
      {"MiniMax-M2.5", 1, 128666664960},
      {"MiniMax-M2.5", 2, 64706885632},
      {"MiniMax-M2.5", 4, 32726995968},
      {"MiniMax-M2.5", 8, 16737051136},
      {"GLM-4.5", 2, 99788840576},
      {"GLM-4.5", 8, 25712776832},
      // Two key-value heads on four and eight ranks: each holds one.
      {"Qwen3.5-35B-A3B", 2, 10051818816},
      {"Qwen3.5-35B-A3B", 4, 5326282656},
      {"Qwen3.5-35B-A3B", 8, 2963514576},
  };
  for (const Row& row : rows) {
    INFO(row.name << " on " << row.ranks);
    CHECK(tensor_rank_bytes(test::family(row.name), parse_recipe("4bit"), row.ranks)
              .value_or(Bytes())
              .count() == row.bytes);
  }
}

TEST_CASE("tensor split: refusals say why", "[model]") {
  CHECK(refusal("MiniMax-M2.5", "4bit", 3) == "8 key-value heads don't divide over 3 ranks");
  CHECK(refusal("Qwen2.5-7B-Instruct", "4bit", 8) == "28 query heads don't divide over 8 ranks");
  CHECK(refusal("gpt-oss-120b", "mxfp4", 2) == "none");
  CHECK(refusal("gpt-oss-120b", "mxfp4", 3) == "64 query heads don't divide over 3 ranks");
  CHECK(refusal("gpt-oss-120b", "4bit", 2) ==
        "2880 inputs of mlp.switch_mlp.down_proj leave 1440 on each of 2 ranks, which groups of 64 "
        "don't divide");
  CHECK(refusal("gpt-oss-120b", "mxfp4", 4) ==
        "2880 inputs of mlp.switch_mlp.down_proj leave 720 on each of 4 ranks, which groups of 32 "
        "don't divide");
  CHECK(refusal("gpt-oss-120b", "bf16", 4) == "none");
  CHECK(refusal("DeepSeek-V3.1-NVFP4", "4bit", 3) == "128 query heads don't divide over 3 ranks");
  CHECK(refusal("Qwen3.5-35B-A3B", "4bit", 3) == "32 value heads don't divide over 3 ranks");
  CHECK(refusal("Qwen3.5-35B-A3B", "bf16", 16) == "none");
  CHECK(refusal("Qwen3.5-35B-A3B", "bf16", 32) == "16 key heads don't divide over 32 ranks");
  const TensorSplit split = tensor_split(test::family("MiniMax-M2.5"), parse_recipe("4bit"), 3);
  REQUIRE_FALSE(split.refusals.empty());
  CHECK(split.refusals.front().rule == SplitRule::kv_heads);
  CHECK(split.refusals.front().block == "full-moe");
  CHECK(split.refusals.front().size == 8);
  CHECK(split.refusals.front().divisor == 3);
  CHECK(split_rule_name(SplitRule::kv_heads) == "kv-heads");
  CHECK_THROWS_AS(tensor_split(test::family("MiniMax-M2.5"), parse_recipe("4bit"), 0), Error);
}

TEST_CASE("tensor split: shares sum to the model", "[model]") {
  for (const test::FamilyFact& fact : test::family_facts()) {
    const Architecture a = read::read_hf_config(fact.config);
    for (const char* recipe : {"4bit", "bf16"}) {
      INFO(fact.name << " " << recipe);
      const WeightLayout whole = weight_layout(a, parse_recipe(recipe));
      const TensorSplit one = tensor_split(a, parse_recipe(recipe), 1);
      REQUIRE(one.rank);
      CHECK(one.rank->total() == whole.total());
      const TensorSplit two = tensor_split(a, parse_recipe(recipe), 2);
      if (!two.rank) {
        continue;
      }
      Bytes replicated = whole.global();
      for (const LayerBytes& layer : whole.layers) {
        replicated += layer.replicated;
      }
      CHECK(two.rank->replicated == replicated);
      // What is cut, twice, and what is not, once. One key-value head on two ranks is copied.
      const bool copied = std::any_of(a.blocks.begin(), a.blocks.end(), [](const Block& b) {
        return b.attention && b.attention->kv_heads < 2;
      });
      if (!copied) {
        CHECK(2 * two.rank->total() - replicated == whole.total());
      }
    }
  }
}

TEST_CASE("tensor split: key-value heads of one rank", "[model]") {
  const Architecture qwen = test::family("Qwen3.5-35B-A3B");
  const Architecture llama = test::family("Meta-Llama-3.1-8B");
  Attention a;
  a.heads = 16;
  a.kv_heads = 2;
  CHECK(rank_kv_heads(qwen, a, 2) == 1);
  CHECK(rank_kv_heads(qwen, a, 8) == 1);
  CHECK(rank_kv_heads(qwen, a, 3) == 0);
  CHECK(rank_kv_heads(llama, a, 8) == 0);
  CHECK(repeats_kv_heads(qwen));
  CHECK_FALSE(repeats_kv_heads(llama));
}
