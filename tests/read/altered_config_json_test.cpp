// No config may be misread and called exact: every key of the small configs in tests/validation is
// renamed and altered, and the answer changes, is no longer exact, or is refused.

#include <nlohmann/json.hpp>

#include "macfit/core/error.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/read/hf_config.hpp"
#include "test.hpp"

using namespace macfit;
using nlohmann::json;

namespace {

std::vector<std::filesystem::path> small_configs() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::source_path("tests/validation/configs"))) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// The members that describe the text model.
json& text_of(json& config) {
  return config.contains("text_config") ? config["text_config"] : config;
}

std::optional<read::ConfigReading> reading_of(const json& config) {
  try {
    return read::read_config(config.dump());
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Keys that decide no bytes; all else must be noticed.
bool decides_nothing(const std::string& key) {
  static const std::vector<std::string> words = {"_act",
                                                 "alpha",
                                                 "attn_temperature",
                                                 "beta",
                                                 "clip",
                                                 "coef",
                                                 "dim_model_base",
                                                 "eps",
                                                 "factor",
                                                 "freq",
                                                 "fp32",
                                                 "group",
                                                 "limit",
                                                 "max_seq",
                                                 "max_position",
                                                 "model_type",
                                                 "multiplier",
                                                 "norm_topk",
                                                 "output_",
                                                 "position_embedding",
                                                 "query_pre",
                                                 "rope",
                                                 "rotary",
                                                 "router_activation",
                                                 "scal",
                                                 "scoring",
                                                 "softcap",
                                                 "theta",
                                                 "time_step_m",
                                                 "topk_method",
                                                 "torch_dtype",
                                                 "_token",
                                                 "chunk_size",
                                                 "use_cache",
                                                 "renormalize",
                                                 "neg_eigval",
                                                 "act_fn",
                                                 "index_topk",
                                                 "index_block",
                                                 "index_local",
                                                 "swiglu",
                                                 "loop_window",
                                                 "yarn",
                                                 "mamba_expand",
                                                 "expand",
                                                 "dense_attention_every"};
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return key.find(word) != std::string::npos; });
}

/// Sizes that a family's class is given and does without: heads of keys where there is one latent,
/// dense widths where no layer is dense, tables of a part that is switched off.
bool does_without(const std::string& config, const std::string& key, const model::Architecture& a) {
  const auto any = [&](auto part) {
    return std::any_of(a.blocks.begin(), a.blocks.end(),
                       [&](const model::Block& b) { return (b.*part).has_value(); });
  };
  static const std::vector<std::string> others = {
      "attn_res_block_size",    "block_dim",
      "block_multiple_of",      "block_size",
      "mamba_d_head",           "model_max_length",
      "moe_layer_end_index",    "n_ctx",
      "num_transformer_layers", "time_step_rank",
      "attention_window_size",  "vocab_size_per_layer_input"};
  return (key == "num_key_value_heads" && (any(&model::Block::latent) || config == "plamo")) ||
         (key == "intermediate_size" && !any(&model::Block::dense)) ||
         (key == "head_dim" && any(&model::Block::kimi_delta)) ||
         (key == "intermediate_size" && config == "nemotron-nas") ||
         (key == "sliding_window" && config == "mimo_v2_flash") ||
         (key == "vocab_size" && config == "gemma3") ||
         // One of four layers attends either way; of no experts none is as wide.
         (key == "attn_layer_period" && config == "jamba") ||
         (key == "intermediate_size" && config == "llama4_text") ||
         std::find(others.begin(), others.end(), key) != others.end();
}

}  // namespace

TEST_CASE("altered configs: a key of another name is never passed over", "[read]") {
  for (const std::filesystem::path& path : small_configs()) {
    const json config = json::parse(test::read_text(path));
    const auto whole = reading_of(config);
    if (!whole) {
      continue;  // a class that is refused by name
    }
    json copy = config;
    for (const auto& [key, value] : text_of(copy).items()) {
      if (decides_nothing(key) || value.is_null()) {
        continue;
      }
      CAPTURE(path.filename().string(), key);
      json altered = config;
      text_of(altered).erase(key);
      text_of(altered)["unheard_of_" + key] = 7;
      const auto reading = reading_of(altered);
      CHECK((!reading || reading->evidence != Evidence::exact));
    }
  }
}

TEST_CASE("altered configs: a size of another value changes the answer", "[read]") {
  for (const std::filesystem::path& path : small_configs()) {
    const json config = json::parse(test::read_text(path));
    const auto whole = reading_of(config);
    if (!whole || whole->evidence != Evidence::exact) {
      continue;
    }
    json copy = config;
    for (const auto& [key, value] : text_of(copy).items()) {
      if (decides_nothing(key) || !value.is_number_integer() || value.get<int>() < 2) {
        continue;
      }
      if (does_without(path.stem().string(), key, whole->architecture)) {
        continue;
      }
      CAPTURE(path.filename().string(), key);
      json altered = config;
      text_of(altered)[key] = 2 * value.get<int>();
      const auto reading = reading_of(altered);
      CHECK((!reading || reading->evidence != Evidence::exact ||
             reading->architecture != whole->architecture));
    }
  }
}

TEST_CASE("altered configs: a mixture without a count of experts is an error", "[read]") {
  int mixtures = 0;
  for (const std::filesystem::path& path : small_configs()) {
    const json config = json::parse(test::read_text(path));
    const auto whole = reading_of(config);
    const bool sparse =
        whole && std::any_of(whole->architecture.blocks.begin(), whole->architecture.blocks.end(),
                             [](const auto& block) { return block.experts.has_value(); });
    if (!sparse) {
      continue;
    }
    ++mixtures;
    json less = config;
    for (json* part : {&less, &text_of(less)}) {
      for (const char* key :
           {"num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"}) {
        part->erase(key);
        if (part->contains("ffn_config")) {
          (*part)["ffn_config"].erase(key);
        }
      }
    }
    CAPTURE(path.filename().string());
    CHECK_FALSE(reading_of(less));
  }
  CHECK(mixtures > 30);
}

TEST_CASE("altered configs: as transformers 5 saves them again", "[read]") {
  struct Saved {
    const char* config;
    const char* key;
    const char* saved_as;
  };
  const Saved rows[] = {
      {"qwen3_moe", "num_experts", "num_local_experts"},
      {"qwen3_vl_moe", "num_experts", "num_local_experts"},
      {"qwen3_5_moe", "num_experts", "num_local_experts"},
      {"qwen3_next", "num_experts", "num_local_experts"},
      {"olmoe", "num_experts", "num_local_experts"},
      {"deepseek_v3", "n_routed_experts", "num_local_experts"},
      {"glm4_moe", "n_routed_experts", "num_local_experts"},
      {"step3p5", "moe_num_experts", "n_routed_experts"},
      {"lfm2_moe", "num_experts", "num_local_experts"},
      {"exaone", "num_layers", "num_hidden_layers"},
      {"gpt2", "n_embd", "hidden_size"},
      {"gpt2", "n_layer", "num_hidden_layers"},
      {"gpt2", "n_head", "num_attention_heads"},
  };
  for (const Saved& row : rows) {
    CAPTURE(row.config, row.saved_as);
    const json config = json::parse(test::read_text(
        test::source_path("tests/validation/configs/" + std::string(row.config) + ".json")));
    json saved = config;
    json& text = text_of(saved);
    text[row.saved_as] = text[row.key];
    text.erase(row.key);
    const auto before = reading_of(config);
    const auto after = reading_of(saved);
    REQUIRE(before);
    REQUIRE(after);
    CHECK(after->architecture == before->architecture);
    CHECK(after->evidence == Evidence::exact);
  }
}

TEST_CASE("altered configs: widths of single layers", "[read]") {
  json config =
      json::parse(test::read_text(test::source_path("tests/validation/configs/gemma4.json")));
  json saved = config;
  json& text = saved["text_config"];
  // The full layer's widths, as transformers 5 writes them: keyed by layer, zeros in front.
  text.erase("global_head_dim");
  text.erase("num_global_key_value_heads");
  text["per_layer_config"] = {{"03", {{"head_dim", 64}, {"num_key_value_heads", 1}}}};
  const auto before = reading_of(config);
  const auto after = reading_of(saved);
  REQUIRE(before);
  REQUIRE(after);
  CHECK(after->architecture == before->architecture);
  text["per_layer_config"]["03"]["of_tomorrow"] = 1;
  CHECK_FALSE(reading_of(saved));
}
