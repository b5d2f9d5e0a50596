// Worked figures of MLX and mlx-lm, skipped where the data is absent.

#include "macfit/model/layout.hpp"
#include "macfit/model/tensor_split.hpp"
#include "model/families.hpp"
#include "model/truth.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;

namespace {

Mode mode_of(const std::string& name) {
  return name == "mxfp4"   ? Mode::mxfp4
         : name == "nvfp4" ? Mode::nvfp4
         : name == "mxfp8" ? Mode::mxfp8
                           : Mode::affine;
}

}  // namespace

TEST_CASE("mlx vectors: bits per weight and matrices", "[model]") {
  const auto vectors = test::mlx_vectors();
  if (!vectors) {
    MACFIT_SKIP("no shared data");
  }
  for (const auto& [name, bits] : vectors->bits_per_weight) {
    INFO(name);
    const std::size_t dash = name.find('-');
    const std::size_t group = name.find("-g");
    const WeightFormat format = {mode_of(name.substr(0, dash)), std::stoi(name.substr(dash + 1)),
                                 std::stoi(name.substr(group + 2))};
    CHECK(bits_per_weight(format) == bits);
  }
  for (const auto& m : vectors->matrices) {
    INFO(m.out << " x " << m.in);
    CHECK(matrix_bytes({mode_of(m.mode), m.bits, m.group}, m.stack, m.out, m.in, m.scale_bytes)
              .count() == m.bytes);
  }
}

TEST_CASE("mlx vectors: layers with the high bits of a mixed recipe", "[model]") {
  const auto vectors = test::mlx_vectors();
  if (!vectors) {
    MACFIT_SKIP("no shared data");
  }
  Tensor down;
  down.name = "mlp.down_proj";
  down.rows = 64;
  down.columns = 64;
  down.quantized = Quantized::base;
  const Recipe recipe = parse_recipe("mixed_2_6");
  const auto high = [&](int layers) {
    std::vector<std::int64_t> result;
    for (int i = 0; i < layers; ++i) {
      if (format_of(recipe, down, static_cast<std::size_t>(i), static_cast<std::size_t>(layers))
              ->bits == 6) {
        result.push_back(i);
      }
    }
    return result;
  };
  for (const auto& [layers, which] : vectors->high_layers) {
    CHECK(high(layers) == which);
  }
  for (const auto& [layers, count] : vectors->high_layer_counts) {
    CHECK(static_cast<std::int64_t>(high(layers).size()) == count);
  }
}

TEST_CASE("mlx vectors: caches", "[model]") {
  const auto vectors = test::mlx_vectors();
  if (!vectors) {
    MACFIT_SKIP("no shared data");
  }
  struct Row {
    const char* vector;
    const char* model;
  };
  const Row growing[] = {
      {"minimax_m2 (62L,kv8,hd128)", "MiniMaxAI--MiniMax-M2.5"},
      {"llama3-70b (80,8,128)", "meta-llama--Meta-Llama-3.1-70B"},
      {"qwen3-235b (94,4,128)", "Qwen--Qwen3-235B-A22B"},
      {"deepseek_v3/kimi_k2 MLA 61x(512+64)", "moonshotai--Kimi-K2-Instruct"},
      {"deepseek_v32 61x(512+64+128)", "deepseek-ai--DeepSeek-V3.2"},
      {"gpt-oss-120b full layers only 18x8x64", "openai--gpt-oss-120b"},
      {"qwen3_next 12 full x2x256", "Qwen--Qwen3-Next-80B-A3B-Instruct"},
      {"gemma3-27b 10 full x16x128", "google--gemma-3-27b-it"},
      {"kimi_linear 7 MLA", "moonshotai--Kimi-Linear-48B-A3B-Instruct"},
  };
  for (const Row& row : growing) {
    INFO(row.vector);
    const auto config = test::stored_config(row.model);
    REQUIRE(config);
    CHECK(kv_bytes_per_token(read_hf_config(*config)).count() ==
          vectors->kv_bytes_per_token.at(row.vector));
  }
  const Row constant[] = {
      {"gpt-oss-120b 18 sliding W=128", "openai--gpt-oss-120b"},
      {"gemma3-27b 52 sliding W=1024", "google--gemma-3-27b-it"},
      {"qwen3_next 36 linear (32x128x128 f32 + 3x8192 bf16)", "Qwen--Qwen3-Next-80B-A3B-Instruct"},
      {"kimi_linear 20 KDA", "moonshotai--Kimi-Linear-48B-A3B-Instruct"},
  };
  for (const Row& row : constant) {
    INFO(row.vector);
    const auto config = test::stored_config(row.model);
    REQUIRE(config);
    CHECK(kv_constant_bytes(read_hf_config(*config)).count() ==
          vectors->kv_constant_bytes.at(row.vector));
  }
}

TEST_CASE("mlx vectors: tensor splits", "[model]") {
  const auto vectors = test::mlx_vectors();
  if (!vectors) {
    MACFIT_SKIP("no shared data");
  }
  struct Case {
    const char* start;
    const char* recipe;
    Architecture architecture;
  };
  // GLM-4.5-Air's shapes: hidden 4096, 46 layers, 128 experts (mlx-and-exo 3.3).
  const Case cases[] = {
      {"gpt-oss-120b", "mxfp4", test::family("gpt-oss-120b")},
      {"minimax-m2", "4bit", test::family("MiniMax-M2.5")},
      {"glm-4.5-air", "4bit", read_hf_config(R"({"model_type": "glm4_moe", "hidden_size": 4096,
          "num_hidden_layers": 46, "num_attention_heads": 96, "num_key_value_heads": 8,
          "head_dim": 128, "intermediate_size": 10944, "moe_intermediate_size": 1408,
          "n_routed_experts": 128, "n_shared_experts": 1, "num_experts_per_tok": 8,
          "first_k_dense_replace": 1, "attention_bias": true, "vocab_size": 151552})")},
      {"qwen3-235b", "4bit", read_hf_config(R"({"model_type": "qwen3_moe", "hidden_size": 4096,
          "num_hidden_layers": 94, "num_attention_heads": 64, "num_key_value_heads": 4,
          "head_dim": 128, "intermediate_size": 12288, "moe_intermediate_size": 1536,
          "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151936})")},
  };
  int checked = 0;
  for (const auto& row : vectors->splits) {
    INFO(row.model << " on " << row.ranks);
    for (const Case& c : cases) {
      if (row.model.rfind(c.start, 0) != 0) {
        continue;
      }
      const TensorSplit split = tensor_split(c.architecture, parse_recipe(c.recipe), row.ranks);
      CHECK(split.refusals.empty() == row.errors.empty());
      CHECK(split.rank.has_value() == row.errors.empty());
      for (const std::string& error : row.errors) {
        INFO(error);
        const SplitRule rule = error.rfind("n_heads", 0) == 0             ? SplitRule::heads
                               : error.rfind("n_kv_heads", 0) == 0        ? SplitRule::kv_heads
                               : error.rfind("q_out", 0) == 0             ? SplitRule::rows
                               : error.find("group") != std::string::npos ? SplitRule::group
                                                                          : SplitRule::columns;
        CHECK(std::any_of(split.refusals.begin(), split.refusals.end(),
                          [&](const SplitRefusal& r) { return r.rule == rule; }));
      }
      ++checked;
    }
  }
  CHECK(checked == static_cast<int>(vectors->splits.size()));
  for (const auto& [ranks, bytes] : vectors->minimax_per_rank) {
    CHECK(tensor_rank_bytes(test::family("MiniMax-M2.5"), parse_recipe("4bit"), ranks)
              .value_or(Bytes())
              .count() == bytes);
  }
}
