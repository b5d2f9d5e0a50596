#include "macfit/model/layout.hpp"

#include <functional>
#include <numeric>

#include "macfit/core/error.hpp"
#include "macfit/model/tensor_split.hpp"
#include "read/families.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;

namespace {

std::int64_t total(const char* name, const char* recipe) {
  return weight_layout(test::family(name), parse_recipe(recipe)).total().count();
}

std::int64_t checkpoint(const char* name, const char* recipe) {
  return checkpoint_bytes(test::family(name), parse_recipe(recipe)).value_or(Bytes()).count();
}

}  // namespace

TEST_CASE("layout: bytes and caches of one model of each family", "[model]") {
  for (const test::FamilyFact& fact : test::family_facts()) {
    if (fact.bytes_4bit == 0) {
      continue;
    }
    INFO(fact.name);
    const Architecture a = read::read_hf_config(fact.config);
    CHECK(weight_layout(a, parse_recipe("4bit")).total().count() == fact.bytes_4bit);
    CHECK(kv_bytes_per_token(a, CacheRule::mlx_lm).count() == fact.kv_per_token);
    CHECK(kv_constant_bytes(a, CacheRule::mlx_lm).count() == fact.kv_constant);
  }
}

TEST_CASE("layout: published checkpoints to the byte", "[model]") {
  // mlx-community repositories, as exo's cards quote their index files.
  CHECK(total("MiniMax-M2.5", "4bit") == 128666664960);
  CHECK(total("MiniMax-M2.5", "6bit") == 185826705408);
  CHECK(total("MiniMax-M2.5", "8bit") == 242986745856);
  CHECK(total("GLM-4.5", "8bit-gs32") == 396963397248);
  CHECK(total("GLM-5.1", "mxfp4-q8") == 405480321024);
  // gpt-oss as published: experts mxfp4, the rest bf16.
  CHECK(total("gpt-oss-120b", "mxfp4-experts") == 65248815744);
  CHECK(total("gpt-oss-120b", "4bit-gs128") == 233034574464);
  // Kimi's native int4: on disk with its tower, and in mlx-lm, where every scale gains a bias.
  CHECK(checkpoint("Kimi-K2.5", "int4-experts") == 595148192736);
  CHECK(total("Kimi-K2.5", "int4-experts-mlx") == 657623228416);
  // mlx-vlm keeps towers in bf16 and has other exceptions.
  CHECK(checkpoint("gemma-4-26B-A4B", "mlx-vlm-8bit") == 27953417372);
  CHECK(checkpoint("gemma-4-26B-A4B", "mlx-vlm-bf16") == 51611872412);
  CHECK(checkpoint("gemma-4-E2B-it", "mlx-vlm-4bit") == 3580765126);
  CHECK(checkpoint("gemma-4-E2B-it", "mlx-vlm-bf16") == 10246357958);
  CHECK(checkpoint("MiniMax-M2.5", "4bit") == 128666664960);
  CHECK_FALSE(
      checkpoint_bytes(read::read_hf_config(R"({"model_type": "qwen2_5_vl", "hidden_size": 64,
      "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 64,
      "vision_config": {}})"),
                       parse_recipe("mlx-vlm-4bit")));
}

TEST_CASE("layout: MiniMax-M2 layer by layer", "[model]") {
  const WeightLayout layout = weight_layout(test::family("MiniMax-M2.5"), parse_recipe("q4"));
  CHECK(layout.format == "mlx-4bit-g64");
  CHECK(layout.evidence == Evidence::exact);
  REQUIRE(layout.layers.size() == 62);
  for (const LayerBytes& layer : layout.layers) {
    CHECK(layer.total.count() == 2064116736);
    CHECK(layer.experts.count() == 3 * 679477248);
    CHECK(layer.experts_active.count() == 3 * 679477248 / 256 * 8);
    CHECK(layer.largest_tensor.count() == 679477248);
  }
  CHECK(layout.global().count() == 691427328);
}

TEST_CASE("layout: parts sum to the whole", "[model]") {
  for (const test::FamilyFact& fact : test::family_facts()) {
    const Architecture a = read::read_hf_config(fact.config);
    for (const char* recipe : {"bf16", "4bit", "mxfp8", "fp8", "f32"}) {
      INFO(fact.name << " " << recipe);
      const WeightLayout layout = weight_layout(a, parse_recipe(recipe));
      const Bytes classes =
          std::accumulate(layout.by_class.begin(), layout.by_class.end(), Bytes());
      CHECK(classes == layout.total());
      for (const LayerBytes& layer : layout.layers) {
        CHECK(layer.replicated <= layer.total);
        CHECK(layer.experts <= layer.total);
        CHECK(layer.experts_active <= layer.experts);
        CHECK(layer.largest_tensor <= layer.total);
      }
    }
  }
}

TEST_CASE("layout: more bits never weigh less", "[model]") {
  for (const test::FamilyFact& fact : test::family_facts()) {
    const Architecture a = read::read_hf_config(fact.config);
    Bytes last;
    for (const char* recipe : {"2bit", "3bit", "4bit", "5bit", "6bit", "8bit", "bf16", "f32"}) {
      INFO(fact.name << " " << recipe);
      const Bytes bytes = weight_layout(a, parse_recipe(recipe)).total();
      CHECK(bytes > last);
      last = bytes;
    }
  }
}

TEST_CASE("layout: formats that can't be applied", "[model]") {
  const Architecture dense = test::family("Meta-Llama-3.1-8B");
  CHECK_THROWS_WITH(weight_layout(dense, parse_recipe("mxfp4-q8")),
                    test::contains("this one has none"));
  CHECK_THROWS_WITH(weight_layout(dense, parse_recipe("Q4_K_M")),
                    test::contains("does not give tensors their sizes"));
  CHECK_THROWS_AS(weight_layout(dense, parse_recipe("4.5bpw")), Error);
  CHECK_NOTHROW(weight_layout(dense, parse_recipe("mixed_4_6")));
  Architecture odd = dense;
  odd.blocks[0].dense.reset();
  CHECK_THROWS_WITH(weight_layout(odd, parse_recipe("mixed_4_6")), test::contains("no down_proj"));
}

TEST_CASE("layout: caches per layer", "[model]") {
  // Elements a token: Llama 3.1 8B 8 x 128 keys; a latent is 512 + 64, its indexer 128 more.
  const auto first = [](const char* name) { return cache_shapes(test::family(name)).front(); };
  const LayerCache llama = first("Meta-Llama-3.1-8B");
  CHECK(llama.kind == LayerCache::Kind::attention);
  CHECK(llama.key_elements == 1024);
  CHECK(llama.value_elements == 1024);
  CHECK(llama.kv_heads == 8);
  const LayerCache latent = first("DeepSeek-V3.2");
  CHECK(latent.kind == LayerCache::Kind::latent);
  CHECK(latent.key_elements == 512);
  CHECK(latent.value_elements == 64);
  CHECK(latent.indexer_elements == 128);
  CHECK(latent.kv_heads == 1);
  const LayerCache delta = first("Qwen3-Next-80B-A3B-Instruct");
  CHECK(delta.kind == LayerCache::Kind::recurrent);
  CHECK(delta.state_bytes == 3 * 8192 * 2 + 32 * 128 * 128 * 4);
  const LayerCache mamba = first("Jamba-v0.1");
  CHECK(mamba.state_bytes == 3 * 8192 * 2 + 8192 * 16 * 2);
  const LayerCache mimo = first("MiMo-V2-Flash");
  CHECK(mimo.key_elements == 4 * 192);
  CHECK(mimo.value_elements == 4 * 128);
  // Layers of Gemma 4 E2B that read an earlier layer's cache have none; k_eq_v caches both.
  const Architecture e2b = test::family("gemma-4-E2B-it");
  int without = 0;
  for (const std::uint16_t index : e2b.layers) {
    without += cache_shapes(e2b)[index].kind == LayerCache::Kind::none ? 1 : 0;
  }
  CHECK(without == 20);
  for (const LayerCache& c : cache_shapes(test::family("gemma-4-26B-A4B"))) {
    CHECK(c.value_elements == c.key_elements);
  }
}

TEST_CASE("layout: lightning attention keeps one square a head", "[model]") {
  // Widths of MiniMax-M1: 64 heads of 128.
  const Architecture m1 = read::read_hf_config(R"({"model_type": "minimax_m1", "hidden_size": 6144,
      "num_hidden_layers": 2, "num_attention_heads": 64, "num_key_value_heads": 8,
      "head_dim": 128, "intermediate_size": 9216, "num_local_experts": 32,
      "num_experts_per_tok": 2, "vocab_size": 200064, "attn_type_list": [0, 0]})");
  const LayerCache cache = cache_shapes(m1).front();
  CHECK(cache.kind == LayerCache::Kind::recurrent);
  CHECK(cache.state_bytes == 64 * 128 * 128 * 4);
  CHECK(kv_bytes_per_token(m1) == Bytes{});
  CHECK(kv_constant_bytes(m1).count() == 2 * cache.state_bytes);
  // A split gives each rank whole heads.
  const Recipe recipe = parse_recipe("4bit");
  CHECK(tensor_split(m1, recipe, 2).refusals.empty());
  const TensorSplit three = tensor_split(m1, recipe, 3);
  REQUIRE_FALSE(three.refusals.empty());
  CHECK(three.refusals.front().text == "64 heads don't divide over 3 ranks");
}

TEST_CASE("layout: DeepSeek V2 keeps keys and values per head", "[model]") {
  // Shapes of DeepSeek-V2-Lite; mlx-lm caches 16 x (128 + 64 + 128) elements a layer.
  const Architecture a = read::read_hf_config(R"({"model_type": "deepseek_v2", "hidden_size": 2048,
      "num_hidden_layers": 27, "num_attention_heads": 16, "q_lora_rank": null, "kv_lora_rank": 512,
      "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 64,
      "n_shared_experts": 2, "moe_intermediate_size": 1408, "intermediate_size": 10944,
      "num_experts_per_tok": 6, "first_k_dense_replace": 1, "vocab_size": 102400})");
  CHECK(kv_bytes_per_token(a).count() == 27 * 16 * 320 * 2);
  CHECK(count_parameters(a).total == 15706484224);
}

TEST_CASE("layout: Gemma 2 slides, and mlx-lm caches it whole", "[model]") {
  const Architecture a = test::family("gemma-2-9b-it");
  CHECK(kv_bytes_per_token(a).count() == 21 * 8 * 256 * 2 * 2);
  CHECK(kv_constant_bytes(a).count() == 21LL * 4096 * 8 * 256 * 2 * 2);
  CHECK(kv_bytes_per_token(a, CacheRule::mlx_lm).count() == 42 * 8 * 256 * 2 * 2);
  CHECK(kv_constant_bytes(a, CacheRule::mlx_lm).count() == 0);
}
