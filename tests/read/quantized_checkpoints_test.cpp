// What mlx-lm 0.32.2 makes of checkpoints that other tools quantized: its load_model() given files
// of the right names and shapes, Qwen3-8B throughout.

#include "macfit/core/error.hpp"
#include "macfit/read/mlx_checkpoint.hpp"
#include "macfit/runtime/catalog.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::contains;

namespace {

std::string qwen3_8b(const std::string& block) {
  return R"({"model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288,
    "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "vocab_size": 151936, "tie_word_embeddings": false, "max_position_embeddings": 40960,)" +
         block + "}";
}

struct Loaded {
  const char* block;
  std::int64_t bytes;
};

struct Refused {
  const char* block;
  const char* words;  ///< mlx-lm's
};

}  // namespace

TEST_CASE("quantized checkpoints: bytes that mlx-lm holds", "[read]") {
  const Loaded rows[] = {
      // Embedding and head stay in 16 bits; scales and biases too.
      {R"("quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128})",
       6'179'874'816},
      {R"("quantization_config": {"quant_method": "awq"})", 6'179'874'816},
      // Only experts would be packed, and there are none.
      {R"("quantization_config": {"quant_method": "mxfp4"})", 16'381'470'720},
      {R"("quantization_config": {"quant_method": "bitnet", "modules_to_not_convert": ["lm_head"]})",
       4'226'378'232},
      {R"("quantization": {"group_size": 64, "bits": 4})", 4'607'731'712},
      {R"("quantization": {"group_size": 32, "bits": 8, "mode": "mxfp8"})", 8'446'994'432},
      {R"("quantization": {"group_size": 64, "bits": 4, "lm_head": false,
          "model.embed_tokens": false})",
       6'396'930'048},
      // A block of MLX's own wins over another tool's.
      {R"("quantization": {"group_size": 64, "bits": 4},
          "quantization_config": {"quant_method": "gptq", "bits": 4})",
       4'607'731'712},
  };
  for (const Loaded& row : rows) {
    CAPTURE(row.block);
    const Model m = config_model(qwen3_8b(row.block), "m");
    CHECK(m.refusal.empty());
    REQUIRE(m.default_recipe);
    CHECK(weights_of(m, *m.default_recipe).total() == Bytes(row.bytes));
  }
}

TEST_CASE("quantized checkpoints: refusals in the loader's words", "[read]") {
  const Refused rows[] = {
      {R"({"quant_method": "gptq", "bits": 4, "group_size": 128})",
       "Models with non-contiguous group indices (g_idx) are not currently supported"},
      {R"({"quant_method": "gptq", "bits": 8, "group_size": 32})",
       "Only bits=8 is supported for AutoAWQ/GPTQ models."},
      {R"({"quant_method": "awq", "bits": 8})",
       "Only bits=8 is supported for AutoAWQ/GPTQ models."},
      {R"({"quant_method": "awq", "bits": 4, "group_size": 256})", "group size 256"},
      {R"({"quant_method": "bitsandbytes", "load_in_4bit": true})",
       "Received 1260 parameters not in model"},
      {R"({"quant_method": "fp8", "weight_block_size": [128, 128]})",
       "Received 252 parameters not in model: model.layers.0.mlp.down_proj.weight_scale_inv"},
      {R"({"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups":
          {"group_0": {"weights": {"num_bits": 4, "group_size": 128}}}, "ignore": ["lm_head"]})",
       "Received 756 parameters not in model: model.layers.0.mlp.down_proj.weight_packed"},
      {R"({"quant_method": "compressed-tensors", "format": "float-quantized"})",
       "unsupported compressed-tensors format 'float-quantized'"},
      {R"({"quant_method": "compressed-tensors", "format": "int-quantized"})",
       "unsupported compressed-tensors format 'int-quantized'"},
      {R"({"quant_method": "modelopt", "quant_algo": "NVFP4"})",
       "Received 756 parameters not in model"},
      {R"({"quant_method": "modelopt", "quant_algo": "FP8"})",
       "Unsupported modelopt quant_algo: FP8"},
      {R"({"quant_method": "modelopt", "quantization": {"quant_algo": "FP8"}})",
       "Unsupported modelopt quant_algo: FP8"},
      {R"({"quant_method": "hqq", "quant_config": {}})", "Received 756 parameters not in model"},
      {R"({"quant_method": "auto-round", "bits": 4})", "parameters not in model"},
      {R"({"quant_method": "exl3", "bits": 4.25})", "parameters not in model"},
      {R"({"quant_method": "bitnet"})", "Missing 1 parameters: lm_head.weight_scale."},
      {R"({"quant_method": "of-tomorrow", "bits": 3})", "parameters not in model"},
  };
  const runtime::Runtime& mlx_lm = runtime::Catalog::embedded().get("mlx-lm");
  for (const Refused& row : rows) {
    CAPTURE(row.block);
    const Model m =
        config_model(qwen3_8b(R"("quantization_config":)" + std::string(row.block)), "m");
    CHECK_THAT(m.refusal, contains(row.words));
    REQUIRE(m.default_recipe);
    // Nobody runs it as it is stored; what it weighs is an estimate, and a conversion is not
    // refused.
    CHECK(weights_of(m, *m.default_recipe).evidence == Evidence::estimated);
    const runtime::Support stored = mlx_lm.format(m, *m.default_recipe);
    CHECK_FALSE(stored.ok);
    CHECK_THAT(stored.reason, contains(row.words));
    CHECK(mlx_lm.format(m, parse_recipe("4bit")).ok);
  }
}

TEST_CASE("quantized checkpoints: what mixtures' routers have is an estimate", "[read]") {
  const Model m = config_model(R"({"model_type": "qwen3_moe", "hidden_size": 256,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
    "intermediate_size": 512, "moe_intermediate_size": 128, "num_experts": 8,
    "num_experts_per_tok": 2, "vocab_size": 1000, "tie_word_embeddings": false,
    "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}})",
                               "m");
  REQUIRE(m.default_recipe);
  CHECK(weights_of(m, *m.default_recipe).evidence == Evidence::estimated);
}

TEST_CASE("quantized checkpoints: fp8 is 16 bits where the class multiplies its scales", "[read]") {
  // DeepSeek-V3.1 cut to two layers and eight experts, as mlx-lm loads it.
  const Model m = config_model(R"({"model_type": "deepseek_v3", "hidden_size": 7168,
    "num_hidden_layers": 2, "num_attention_heads": 128, "num_key_value_heads": 128,
    "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
    "v_head_dim": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048,
    "n_routed_experts": 8, "num_experts_per_tok": 8, "n_shared_experts": 1,
    "first_k_dense_replace": 1, "vocab_size": 129280, "tie_word_embeddings": false,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}})",
                               "m");
  REQUIRE(m.default_recipe);
  CHECK(m.refusal.empty());
  CHECK(count_parameters(m.architecture).total == 3'020'389'384);
  CHECK(weights_of(m, *m.default_recipe).total() == Bytes(6'040'778'784));
}
