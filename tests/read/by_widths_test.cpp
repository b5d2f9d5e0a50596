#include "header_bytes.hpp"
#include "macfit/core/error.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/read/mlx_checkpoint.hpp"
#include "macfit/runtime/catalog.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::contains;

namespace {

/// Two layers of a model that no reader knows, with `more` in each.
Model unknown(const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& more,
              const std::optional<std::string>& config = R"({"model_type": "of_tomorrow"})") {
  test::SafetensorsBytes s;
  s.bf16("model.embed_tokens.weight", {1000, 256});
  s.bf16("model.norm.weight", {256});
  for (const char* layer : {"model.layers.0.", "model.layers.1."}) {
    for (const auto& [name, shape] : more) {
      s.bf16(layer + name + ".weight", shape);
    }
  }
  return checkpoint_model(read_safetensors_header(MemorySource(s.bytes())).tensors, config, "m");
}

}  // namespace

TEST_CASE("widths: safetensors of an unknown model tell its cache", "[read]") {
  struct Row {
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors;
    std::int64_t per_token;  ///< elements a layer
  };
  const Row rows[] = {
      {{{"self_attn.k_proj", {64, 256}}, {"self_attn.v_proj", {96, 256}}}, 160},
      {{{"self_attn.k_proj", {64, 256}}}, 128},  // values are the keys
      {{{"self_attn.kv_a_proj_with_mqa", {72, 256}}, {"mlp.up_proj", {512, 256}}}, 72},
  };
  for (const Row& row : rows) {
    for (const bool has_config : {true, false}) {
      const Model m = has_config ? unknown(row.tensors) : unknown(row.tensors, std::nullopt);
      CHECK(m.evidence == Evidence::estimated);
      CHECK_THAT(m.notes.front(), contains("are an estimate"));
      CHECK(kv_bytes_per_token(m.architecture) == Bytes(2 * 2 * row.per_token));
      CHECK(m.stored->evidence == Evidence::exact);
      // What is not told is not made up.
      CHECK(parameters_of(m).total == 0);
      CHECK_THROWS_WITH(weights_of(m, parse_recipe("4bit")), contains("are not known"));
    }
  }
}

TEST_CASE("widths: a state that nothing tells leaves the cache unknown", "[read]") {
  for (const char* name : {"linear_attn.conv1d", "mixer.in_proj", "self_attn.qkv_proj"}) {
    CAPTURE(name);
    const Model m = unknown({{"self_attn.k_proj", {64, 256}}, {name, {64, 256}}});
    CHECK(m.architecture.layers.empty());
    CHECK_THAT(m.notes.front(), contains("caches can't be computed"));
  }
}

TEST_CASE("widths: a class that the runtime has is planned, and not cut", "[read]") {
  // mlx-lm has the class, no reader has its shapes.
  const Model m = unknown({{"self_attn.k_proj", {64, 256}}, {"self_attn.v_proj", {64, 256}}},
                          R"({"model_type": "muse_spark"})");
  const runtime::Runtime& mlx_lm = runtime::Catalog::embedded().get("mlx-lm");
  CHECK(mlx_lm.runs(m).ok);
  CHECK_FALSE(mlx_lm.tensor(m, *m.default_recipe, 2).ok);
  const runtime::Profile profile = mlx_lm.profile(m, *m.default_recipe, runtime::KvFormat::bf16, 2);
  CHECK(profile.cache_known);
  CHECK(profile.rank_weights[2] == -1);
}

TEST_CASE("widths: an MLX folder is cut as its shapes say", "[read]") {
  const std::string config = R"({"model_type": "qwen3", "hidden_size": 256, "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
      "intermediate_size": 512, "vocab_size": 1000, "tie_word_embeddings": false,
      "quantization": {"group_size": 64, "bits": 4}})";
  const Model stored = config_model(config, "m");
  Model formula = stored;
  formula.stored.reset();
  const runtime::Runtime& mlx_lm = runtime::Catalog::embedded().get("mlx-lm");
  const Recipe recipe = parse_recipe("4bit");
  const auto ranks = [&](const Model& m) {
    return mlx_lm.profile(m, recipe, runtime::KvFormat::bf16, 2).rank_weights[2];
  };
  CHECK(mlx_lm.tensor(stored, recipe, 2).ok);
  CHECK(ranks(stored) == ranks(formula));
  CHECK(ranks(stored) > 0);
}
