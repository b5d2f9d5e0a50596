// What single fields of a config.json change: parameters worked out by hand on small sizes, kinds
// of layers, and refusals at their place.

#include "macfit/core/error.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/read/hf_config.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;

namespace {

/// Four layers of width 64: 4 heads of 16, 2 of keys and values, a feed-forward part of 128; where
/// `more` counts experts, they are 32 wide.
std::string config(const std::string& type, const std::string& more = "", int layers = 4) {
  const char* width =
      more.find("experts\"") == std::string::npos ? "" : R"(, "moe_intermediate_size": 32)";
  return R"({"model_type": ")" + type + R"(", "num_hidden_layers": )" + std::to_string(layers) +
         R"(, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 128, "vocab_size": 256)" +
         width + (more.empty() ? "" : ", " + more) + "}";
}

constexpr std::int64_t table = 256 * 64;                      // embedding, and head as large
constexpr std::int64_t attention = (64 + 32 + 32 + 64) * 64;  // q, k, v, o
constexpr std::int64_t qkv_bias = 64 + 32 + 32;
constexpr std::int64_t mlp = 3 * 64 * 128;
constexpr std::int64_t mlp_bias = 128 + 128 + 64;
constexpr std::int64_t norms = 2 * 64;
constexpr std::int64_t expert = 3 * 64 * 32;
constexpr std::int64_t router = 8 * 64;
constexpr std::int64_t layer = attention + mlp + norms;
constexpr std::int64_t untied = 2 * table + 64;
constexpr std::int64_t tied = table + 64;

const std::string latent = R"("kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8,
    "v_head_dim": 16)";

constexpr const char* eight = R"("num_experts": 8, "num_experts_per_tok": 2)";

std::int64_t parameters(const std::string& text) {
  return count_parameters(read_hf_config(text)).total;
}

std::string kinds(const std::string& text) {
  const Architecture a = read_hf_config(text);
  std::string names;
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    names += (i == 0 ? "" : " ") + a.block_of(i).name;
  }
  return names;
}

std::string error_of(const std::string& text) {
  try {
    (void)read_hf_config(text);
  } catch (const Error& error) {
    return error.place().pointer.value_or("no pointer") + ": " + error.message();
  }
  return "none";
}

}  // namespace

TEST_CASE("hf flags: biases and norms by hand", "[read]") {
  struct Row {
    std::string config;
    std::int64_t parameters;
  };
  const Row rows[] = {
      {config("seed_oss"), tied + 4 * layer},
      {config("seed_oss", R"("attention_bias": true)"), tied + 4 * (layer + qkv_bias)},
      {config("seed_oss", R"("attention_bias": true, "attention_out_bias": true)"),
       tied + 4 * (layer + qkv_bias + 64)},
      // InternLM 2 has biases unless it says otherwise, InternLM 3 where it says so.
      {config("internlm2"), untied + 4 * (layer + qkv_bias + 64)},
      {config("internlm2", R"("bias": false)"), untied + 4 * layer},
      {config("internlm3"), untied + 4 * layer},
      {config("internlm3", R"("qkv_bias": true)"), untied + 4 * (layer + qkv_bias + 64)},
      {config("internlm3", R"("bias": true)"), untied + 4 * (layer + mlp_bias)},
      {config("hunyuan_v1_dense"), untied + 4 * (layer + 2 * 16)},
      {config("hunyuan_v1_dense", R"("use_qk_norm": false)"), untied + 4 * layer},
      {config("ernie4_5"), tied + 4 * layer},
      {config("ernie4_5", R"("use_bias": true)"), tied + 4 * (layer + qkv_bias + 64 + mlp_bias)},
      {config("cohere", R"("use_qk_norm": true)"),
       tied + 4 * (attention + mlp + 64 + (4 + 2) * 16)},
      {config("exaone4", R"("attention_bias": true)"), untied + 4 * (layer + 2 * 16)},
      {config("granitemoe", R"("num_local_experts": 8, "num_experts_per_tok": 2)"),
       tied + 4 * (attention + 8 * mlp + router + norms)},
      {config("granitemoe", R"("num_local_experts": 8, "num_experts_per_tok": 2,
                               "tie_word_embeddings": false)"),
       untied + 4 * (attention + 8 * mlp + router + norms)},
      // Step's gates, one row a head, are there unless switched off.
      {config("step3p5", std::string(eight) + R"(, "first_k_dense_replace": 4,
          "layer_types": ["full_attention", "full_attention", "full_attention", "full_attention"])"),
       untied + 4 * (layer + 2 * 16 + 4 * 64)},
      {config("step3p5", std::string(eight) + R"(, "first_k_dense_replace": 4,
          "use_head_wise_attn_gate": false,
          "layer_types": ["full_attention", "full_attention", "full_attention", "full_attention"])"),
       untied + 4 * (layer + 2 * 16)},
      {config("glm4_moe", R"("n_routed_experts": 8, "num_experts_per_tok": 2)"),
       untied + 4 * (attention + 8 * expert + router + 8 + norms)},
  };
  for (const Row& row : rows) {
    INFO(row.config);
    CHECK(parameters(row.config) == row.parameters);
  }
}

TEST_CASE("hf flags: models of the generations that the flags tell apart", "[read]") {
  struct Row {
    const char* name;
    std::int64_t parameters;
    const char* config;
  };
  const Row rows[] = {
      // One key/value head for all, one norm for both halves.
      {"tiiuae/falcon-7b", 6921720704,
       R"({"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "bias": false,
           "num_attention_heads": 71, "multi_query": true, "parallel_attn": true,
           "vocab_size": 65024, "tie_word_embeddings": true})"},
      // A key/value head for each query head, both halves in turn, biases everywhere.
      {"tiiuae/falcon-rw-1b", 1311625216,
       R"({"model_type": "falcon", "hidden_size": 2048, "num_hidden_layers": 24, "bias": true,
           "num_attention_heads": 32, "multi_query": false, "parallel_attn": false,
           "vocab_size": 50304, "tie_word_embeddings": true})"},
      // The grouped decoder with one norm: 32 heads of 128, 8 of keys and of values.
      {"tiiuae/falcon-11B",
       2LL * 65024 * 4096 + 2 * 4096 +
           60LL * ((32 + 8 + 8 + 32) * 128 * 4096 + 8 * 4096 * 4096 + 2 * 4096),
       R"({"model_type": "falcon", "hidden_size": 4096, "num_hidden_layers": 60, "bias": false,
           "num_attention_heads": 32, "num_kv_heads": 8, "new_decoder_architecture": true,
           "num_ln_in_parallel_attn": 1, "vocab_size": 65024})"},
      {"stabilityai/stablelm-3b-4e1t", 2795443200,
       R"({"model_type": "stablelm", "hidden_size": 2560, "num_hidden_layers": 32,
           "num_attention_heads": 32, "intermediate_size": 6912, "vocab_size": 50304,
           "use_qkv_bias": false})"},
      // One norm for both halves, and one weight an element of 32 + 8 heads of 160.
      {"stabilityai/stablelm-2-12b",
       2LL * 100352 * 5120 + 2 * 5120 +
           40LL * ((32 + 8 + 8 + 32) * 160 * 5120 + 3 * 5120 * 13824 + 40 * 160 + 2 * 5120),
       R"({"model_type": "stablelm", "hidden_size": 5120, "num_hidden_layers": 40,
           "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 13824,
           "vocab_size": 100352, "qk_layernorm": true, "use_parallel_residual": true})"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(parameters(row.config) == row.parameters);
  }
}

TEST_CASE("hf flags: which layers are which", "[read]") {
  const std::string experts(eight);
  const std::string local = R"("num_local_experts": 8, "num_experts_per_tok": 2)";
  const std::string routed = R"("n_routed_experts": 8, "num_experts_per_tok": 2)";
  const std::string mamba = R"("mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 8)";
  const std::string delta = R"("linear_num_key_heads": 2, "linear_num_value_heads": 4,
      "linear_key_head_dim": 16, "linear_value_head_dim": 16)";
  const std::string kimi = R"("kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8,
      "v_head_dim": 16, "linear_attn_config": {"num_heads": 4, "head_dim": 16,
      "kda_layers": [1, 3]})";
  const std::string nemotron = R"("mamba_num_heads": 8, "mamba_head_dim": 16, "ssm_state_size": 8)";
  struct Row {
    std::string config;
    const char* kinds;
  };
  const Row rows[] = {
      {config("qwen3_moe", experts), "full-moe full-moe full-moe full-moe"},
      {config("qwen3_moe", experts + R"(, "mlp_only_layers": [1, 3])"),
       "full-moe full full-moe full"},
      {config("qwen3_moe", experts + R"(, "decoder_sparse_step": 2)"),
       "full full-moe full full-moe"},
      {config("qwen3_moe", R"("num_experts": 0)"), "full full full full"},
      {config("qwen3_next", delta + ", " + experts + R"(, "mlp_only_layers": [1],
          "layer_types": ["full_attention", "full_attention", "linear_attention",
                          "linear_attention"])"),
       "full-moe full delta-moe delta-moe"},
      {config("qwen3_next", delta + ", " + experts + R"(, "decoder_sparse_step": 2,
          "full_attention_interval": 2)"),
       "delta full-moe delta full-moe"},
      {config("kimi_linear", kimi + ", " + experts + R"(, "moe_layer_freq": 2)"),
       "kimi-delta-moe latent kimi-delta-moe latent"},
      {config("kimi_linear", kimi), "kimi-delta latent kimi-delta latent"},
      {config("minimax_m1", local + R"(, "layer_types": ["linear_attention", "full_attention",
          "linear_attention", "full_attention"])"),
       "lightning-moe full-moe lightning-moe full-moe"},
      {config("minimax", local), "full-moe full-moe full-moe full-moe"},
      {config("llama4", local + R"(, "intermediate_size_mlp": 128, "no_rope_layers": [],
          "interleave_moe_layer_step": 1)"),
       "chunked-moe chunked-moe chunked-moe full-moe"},
      {config("llama4", local + R"(, "intermediate_size_mlp": 128, "no_rope_layers": [0, 1, 1, 0],
          "interleave_moe_layer_step": 2)"),
       "full chunked-moe chunked full-moe"},
      {config("hunyuan_v1_moe", experts + R"(, "moe_layer_num_skipped": 1)"),
       "full full-moe full-moe full-moe"},
      {config("hunyuan_v1_moe", R"("num_experts": 1)"), "full full full full"},
      {config("ernie4_5_moe", R"("moe_num_experts": 8, "moe_k": 2, "moe_layer_start_index": 1,
          "moe_layer_end_index": 2)"),
       "full full-moe full-moe full"},
      // Two numbers: of the text model and of its pictures; the widest range counts.
      {config("ernie4_5_moe", R"("moe_num_experts": 8, "moe_k": 2, "moe_layer_start_index": [2, 1],
          "moe_layer_end_index": [2, 3])"),
       "full full-moe full-moe full-moe"},
      {config("ernie4_5_moe", R"("moe_num_experts": 8, "moe_k": 2, "moe_layer_interval": 2,
          "moe_layer_end_index": -1)"),
       "full full-moe full full-moe"},
      {config("step3p5", experts + R"(, "moe_layers_enum": "1, 3", "sliding_window": 32)"),
       "sliding full-moe sliding full-moe"},
      {config("mimo_v2_flash", routed), "full full full full"},
      {config("dots1", routed + R"(, "moe_layer_freq": 2, "first_k_dense_replace": 1)"),
       "full full full-moe full"},
      {config("exaone_moe", experts + R"(, "is_moe_layer": [false, true, true, false])"),
       "full full-moe full-moe full"},
      {config("deepseek"), "full full full full"},
      {config("deepseek_v3", latent + ", " + routed + R"(, "moe_layer_freq": 2)"),
       "latent-moe latent latent-moe latent"},
      {config("deepseek_v3", latent + ", " + routed + R"(, "mlp_layer_types": ["dense", "sparse",
          "sparse", "dense"])"),
       "latent latent-moe latent-moe latent"},
      {config("llama4", local + R"(, "intermediate_size_mlp": 128, "layer_types":
          ["full_attention", "chunked_attention", "chunked_attention", "full_attention"])"),
       "full-moe chunked-moe chunked-moe full-moe"},
      {config("jamba", experts + R"(, "layers_block_type": ["attention", "mamba", "mamba",
          "attention"])"),
       "full mamba-moe mamba full-moe"},
      {config("granitemoehybrid", mamba + R"(, "layer_types": ["attention", "mamba", "mamba",
          "attention"])"),
       "full mamba mamba full"},
      {config("nemotron_h", nemotron + R"(, "hybrid_override_pattern": ["M", "-", "*", "M"])"),
       "mamba mlp full mamba"},
      {config("nemotron_h", nemotron + ", " + routed + R"(, "layers_block_type": ["mamba", "mlp",
          "moe", "attention"])"),
       "mamba mlp moe full"},
      {config("exaone4", R"("sliding_window": 0, "sliding_window_pattern": 2)"),
       "full full full full"},
      {config("olmo3", R"("sliding_window": 32, "layer_types": ["full_attention",
          "sliding_attention", "sliding_attention", "full_attention"])"),
       "full sliding sliding full"},
  };
  for (const Row& row : rows) {
    INFO(row.config);
    CHECK(kinds(row.config) == row.kinds);
  }
}

TEST_CASE("hf flags: sizes of some layers alone", "[read]") {
  // Step's sliding layers: three heads for two without a setting, else what it states.
  const std::string step = std::string(eight) + R"(, "sliding_window": 32)";
  const Architecture plain = read_hf_config(config("step3p5", step));
  CHECK(plain.block_of(0).attention->heads == 6);
  CHECK(plain.block_of(1).attention->heads == 4);
  const Architecture other = read_hf_config(
      config("step3p5", step + R"(, "attention_other_setting": {"num_attention_heads": 8,
                              "num_attention_groups": 4})"));
  CHECK(other.block_of(0).attention->heads == 8);
  CHECK(other.block_of(0).attention->kv_heads == 4);
  CHECK(other.block_of(1).attention->heads == 4);
  // Hunyuan states experts a token and shared experts for all layers or for each.
  const std::string per_layer = R"("num_experts": 8, "moe_topk": [1, 2, 3, 4],
      "num_shared_expert": [0, 1, 2, 0])";
  const Architecture hunyuan = read_hf_config(config("hunyuan_v1_moe", per_layer));
  CHECK(hunyuan.block_of(2).experts->per_token == 3);
  CHECK(hunyuan.block_of(2).experts->shared_width == 2 * 128);
  CHECK(hunyuan.block_of(3).experts->shared_width == 0);
  // MiniMax's norm of heads: over the whole width, or one for a head.
  const std::string local = R"("num_local_experts": 8, "num_experts_per_tok": 2)";
  const std::string head = R"(, "use_qk_norm": true, "qk_norm_type": "per_head")";
  CHECK(read_hf_config(config("minimax_m2", local)).blocks.front().attention->norm ==
        HeadNorm::full_width);
  CHECK(read_hf_config(config("minimax_m2", local + head)).blocks.front().attention->norm ==
        HeadNorm::per_head);
  CHECK(read_hf_config(config("minimax_m1", local + R"(, "attn_type_list": [1, 0, 1, 0])"))
            .block_of(0)
            .attention->norm == HeadNorm::none);
  // Gemma 4 whose last layer, a full one without values of its own, reads another's cache: the
  // checkpoint holds its keys, one head of 32, and their norm for nothing.
  const std::string gemma = R"("head_dim": 16, "global_head_dim": 32, "attention_k_eq_v": true,
      "num_global_key_value_heads": 1, "num_kv_shared_layers": 1, "sliding_window": 32,
      "sliding_window_pattern": 4)";
  const Architecture shared = read_hf_config(config("gemma4_text", gemma));
  CHECK(shared.block_of(3).attention->shared_kv);
  CHECK_FALSE(shared.block_of(2).attention->shared_kv);
  CHECK(shared.extras.unused_kv_parameters == 32 * 64 + 32);
  // Granite's Mamba heads share twice the hidden width where their own is not stated.
  const Architecture granite = read_hf_config(
      config("granitemoehybrid",
             R"("mamba_n_heads": 8, "mamba_d_head": "auto", "n_attention_layers": 1)"));
  CHECK(granite.block_of(0).mamba2->head_dim == 2 * 64 / 8);
  CHECK(granite.block_of(2).attention.has_value());
}

TEST_CASE("hf flags: convolutions of recurrent layers without a bias", "[read]") {
  // Two of four layers are recurrent: Mamba-1 convolves twice the hidden width; Mamba-2 that, 8
  // heads of 16, and two states of 8.
  const std::string jamba = R"("layers_block_type": ["attention", "mamba", "mamba", "attention"],
      "mamba_conv_bias": )";
  CHECK(parameters(config("jamba", jamba + "true")) -
            parameters(config("jamba", jamba + "false")) ==
        2 * 128);
  const std::string granite = R"("layer_types": ["attention", "mamba", "mamba", "attention"],
      "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_conv_bias": )";
  CHECK(parameters(config("granitemoehybrid", granite + "true")) -
            parameters(config("granitemoehybrid", granite + "false")) ==
        2 * (128 + 2 * 8));
  // GGUF's tensors say the same.
  const auto biases = [](const std::string& type, const std::string& text) {
    const auto tensors = gguf_tensors(read_hf_config(config(type, text)));
    return std::count_if(tensors.begin(), tensors.end(),
                         [](const GgufTensor& t) { return t.name.ends_with("ssm_conv1d.bias"); });
  };
  CHECK(biases("jamba", jamba + "true") == 2);
  CHECK(biases("jamba", jamba + "false") == 0);
  CHECK(biases("granitemoehybrid", granite + "true") == 2);
  CHECK(biases("granitemoehybrid", granite + "false") == 0);
}

TEST_CASE("hf flags: Llama 3's scaling has a factor for each rotated pair", "[read]") {
  const auto factors = [](const std::string& type, const std::string& more) {
    return read_hf_config(config(type, more)).rope_factors;
  };
  CHECK(factors("llama", R"("rope_scaling": {"rope_type": "llama3"})") == 16 / 2);
  CHECK(factors("llama", R"("rope_scaling": {"type": "llama3"})") == 16 / 2);
  CHECK(factors("llama", R"("rope_parameters": {"rope_type": "llama3"})") == 16 / 2);
  CHECK(factors("llama", R"("rope_scaling": {"rope_type": "yarn"})") == 0);
  CHECK(factors("llama", R"("rope_scaling": {"rope_type": 3})") == 0);
  CHECK(factors("llama", R"("rope_scaling": "llama3")") == 0);
  // No plain attention: nothing of its kind is rotated.
  CHECK(factors("deepseek_v3", latent + R"(, "rope_scaling": {"rope_type": "llama3"})") == 0);
}

TEST_CASE("hf flags: prediction layers that a config counts and does not describe", "[read]") {
  const std::string mtp = R"("num_nextn_predict_layers": 2)";
  const std::string experts(eight);
  const std::string kimi = R"("kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8,
      "v_head_dim": 16, "linear_attn_config": {"num_heads": 4, "head_dim": 16,
      "kda_layers": [1, 3]})";
  const std::string nemotron = R"("mamba_num_heads": 8, "mamba_head_dim": 16, "ssm_state_size": 8,
      "hybrid_override_pattern": "M*-M")";
  for (const auto& [type, more] :
       std::vector<std::pair<std::string, std::string>>{{"mimo", ""},
                                                        {"kimi_linear", kimi},
                                                        {"bailing_moe_v2", experts},
                                                        {"exaone_moe", experts},
                                                        {"nemotron_h", nemotron}}) {
    INFO(type);
    const std::string comma = more.empty() ? "" : ", ";
    const Extras none = read_hf_config(config(type, more)).extras;
    CHECK(none.mtp_layers == 0);
    CHECK(none.mtp_parameters == 0);
    const Extras two = read_hf_config(config(type, more + comma + mtp)).extras;
    CHECK(two.mtp_layers == 2);
    CHECK_FALSE(two.mtp_parameters);
  }
  // ERNIE's: a dense layer, the join of two hidden states, and two norms before it.
  const Architecture ernie = read_hf_config(config("ernie4_5", mtp));
  CHECK(ernie.extras.mtp_parameters == 2 * (layer + 2 * 64 * 64 + 2 * 64));
  // A list with an entry for each layer may go on with the prediction layers', which need no
  // window.
  const std::string types = R"(, "layer_types": ["full_attention", "full_attention",
      "full_attention", "full_attention", "sliding_attention", "sliding_attention"])";
  CHECK(kinds(config("exaone_moe", experts + ", " + mtp + types)) ==
        "full-moe full-moe full-moe full-moe");
}

TEST_CASE("hf flags: a wrapper's vision part whose shape is not known", "[read]") {
  const std::string text = config("glm4_moe", R"("n_routed_experts": 8, "num_experts_per_tok": 2)");
  const Architecture alone = read_hf_config(text);
  CHECK(alone.extras.vision_parameters == 0);
  const Architecture wrapped = read_hf_config(
      R"({"model_type": "glm4v_moe", "vision_config": {}, "text_config": )" + text + "}");
  CHECK(count_parameters(wrapped).total == count_parameters(alone).total);
  CHECK_FALSE(wrapped.extras.vision_parameters);
}

TEST_CASE("hf flags: Mistral 3's wrapper around Mistral 4 is no dense model", "[read]") {
  const std::string text = config("mistral4", R"("n_routed_experts": 8, "num_experts_per_tok": 2,
      "n_shared_experts": 1, "kv_lora_rank": 32, "q_lora_rank": 32, "qk_nope_head_dim": 16,
      "qk_rope_head_dim": 16, "v_head_dim": 16)");
  const Architecture alone = read_hf_config(text);
  const Architecture wrapped = read_hf_config(
      R"({"model_type": "mistral3", "vision_config": {}, "text_config": )" + text + "}");
  CHECK(alone.blocks.front().experts);
  CHECK(wrapped.type == "mistral3");
  CHECK(wrapped.blocks == alone.blocks);
  CHECK(count_parameters(wrapped).total == count_parameters(alone).total);
}

TEST_CASE("hf flags: what contradicts itself is refused at its place", "[read]") {
  const std::string experts(eight);
  const std::string delta = R"("linear_num_key_heads": 2, "linear_num_value_heads": 4,
      "linear_key_head_dim": 16, "linear_value_head_dim": 16)";
  const std::string nemotron = R"("mamba_num_heads": 8, "mamba_head_dim": 16, "ssm_state_size": 8)";
  const auto nas = [](const std::string& mixer, const std::string& ffn) {
    return config("nemotron-nas",
                  R"("block_configs": [{"attention": )" + mixer + R"(, "ffn": )" + ffn + "}]", 1);
  };
  const std::string group = R"({"n_heads_in_group": 2})";
  const std::string gemma = R"("attention_k_eq_v": true, "sliding_window": 32)";
  const std::string indexer = R"(, "index_n_heads": 2, "index_head_dim": 16)";
  const std::string fourth = R"("head_dim": 16, "q_lora_rank": 32, "o_lora_rank": 16)";
  struct Row {
    std::string config;
    const char* error;
  };
  const Row rows[] = {
      {config("qwen", R"("kv_channels": 16)", 1).replace(config("qwen").find("128"), 3, "129"),
       "/intermediate_size: expected an even size: gate and up together, found the number 129"},
      {config("exaone4", R"("sliding_window": 16, "sliding_window_pattern": "")"),
       "/sliding_window_pattern: expected a text of L (local) and G (global), found the string "
       "\"\""},
      {config("gemma4_text", gemma + R"(, "num_global_key_value_heads": 3)"),
       "/num_global_key_value_heads: 4 attention heads are not divisible by 3 key-value heads"},
      {config("gemma4_text", gemma + R"(, "num_kv_shared_layers": 4)"),
       "/num_kv_shared_layers: 4 layers of 4 read an earlier layer's cache"},
      {config("nemotron-nas"), ": \"block_configs\" is missing"},
      {nas(group, "{}"), "/block_configs/0/ffn: \"ffn_mult\" is missing"},
      {nas("{}", R"({"ffn_mult": 1})"),
       "/block_configs/0/attention: \"n_heads_in_group\" is missing"},
      {nas(R"({"n_heads_in_group": 3})", R"({"ffn_mult": 1})"),
       "/block_configs/0/attention/n_heads_in_group: 4 heads are not divisible by groups of 3"},
      {nas(group, R"({"ffn_mult": 0})"),
       "/block_configs/0/ffn/ffn_mult: expected a positive factor, found the number 0"},
      {nas(group, R"({"ffn_mult": 1e7})"),
       "/block_configs/0/ffn/ffn_mult: expected a positive factor, found the number 10000000"},
      {config("qwen3_next", delta + R"(, "layer_types": ["full_attention", "sliding_attention",
          "full_attention", "full_attention"])"),
       "/layer_types/1: expected \"full_attention\" or \"linear_attention\", found the string "
       "\"sliding_attention\""},
      {config("nemotron_h", nemotron + R"(, "n_groups": 3, "hybrid_override_pattern": "M*-M")"),
       "/n_groups: 8 heads are not divisible by 3 groups"},
      {config("nemotron_h", nemotron),
       ": \"hybrid_override_pattern\" or \"layers_block_type\" is missing"},
      {config("nemotron_h", nemotron + R"(, "layers_block_type": ["mamba", "gru"])"),
       "/layers_block_type/1: expected \"mamba\", \"attention\", \"mlp\" or \"moe\", found the "
       "string \"gru\""},
      {R"({"model_type": "nemotron_h", "hybrid_override_pattern": ")" + std::string(2001, '-') +
           "\"}",
       ": the pattern has too many blocks"},
      {config("granitemoehybrid", R"("layer_types": ["mamba", "linear", "mamba", "mamba"])"),
       "/layer_types/1: expected \"full_attention\", \"linear_attention\", \"mamba\" or \"conv\", "
       "found "
       "the string \"linear\""},
      {config("dbrx", R"("d_model": 64, "attn_config": {"kv_n_heads": 3}, "ffn_config": {})"),
       "/attn_config/kv_n_heads: 4 heads are not divisible by 3 key-value heads"},
      {config("hunyuan_v1_moe", experts + R"(, "use_cla": true)"),
       ": \"cla_share_factor\" is missing"},
      {config("ernie4_5_moe", R"("moe_num_experts": 8, "moe_k": 2, "moe_layer_start_index": [])"),
       "/moe_layer_start_index: expected a number or a list of numbers, found an array"},
      {config("step3p5", experts + R"(, "attention_other_setting": {"num_attention_heads": 8,
          "num_attention_groups": 3})"),
       "/attention_other_setting: 8 heads are not divisible by 3 key-value heads"},
      {config("step3p5", experts + R"(, "moe_layers_enum": "1, x")"),
       "/moe_layers_enum: expected layer numbers with commas between, found the string \"1, x\""},
      {config("step3p5", experts + R"(, "moe_layers_enum": "1, 2b")"),
       "/moe_layers_enum: expected layer numbers with commas between, found the string \"1, 2b\""},
      {config("mimo_v2_flash", R"("swa_num_key_value_heads": 3)"),
       "/swa_num_key_value_heads: 4 heads are not divisible by 3 key-value heads"},
      {config("llama", R"("attention_bias": 1)"),
       "/attention_bias: expected true or false, found the number 1"},
      {config("llama", R"("head_dim": false)"),
       "/head_dim: expected a whole number of at least 1, found false"},
      {config("llama", R"("head_dim": true)"),
       "/head_dim: expected a whole number of at least 1, found true"},
      {config("llama", R"("text_config": [])"), "/text_config: expected an object, found an array"},
      {config("llama4", R"("no_rope_layers": 3)"),
       "/no_rope_layers: expected an array, found the number 3"},
      {config("dbrx", R"("d_model": 64, "attn_config": {"kv_n_heads": 2}, "ffn_config": 3)"),
       "/ffn_config: expected an object, found the number 3"},
      {nas(group, R"({"ffn_mult": "x"})"),
       "/block_configs/0/ffn/ffn_mult: expected a number, found the string \"x\""},
      {config("olmo3", R"("layer_types": ["full_attention", "linear", "linear", "linear"])"),
       "/layer_types/1: expected \"full_attention\", \"sliding_attention\" or "
       "\"chunked_attention\", found the string \"linear\""},
      {config("deepseek_v3", latent + R"(, "n_routed_experts": 8, "num_experts_per_tok": 2,
          "mlp_layer_types": ["dense", "mixed", "moe", "moe"])"),
       "/mlp_layer_types/1: expected \"dense\", \"sparse\", \"moe\" or \"hash_moe\", found the "
       "string "
       "\"mixed\""},
      {config("deepseek_v32", latent + indexer),
       ": \"q_lora_rank\" is missing, and the indexer reads that latent"},
      {config("glm_moe_dsa", latent + indexer + R"(, "q_lora_rank": 32,
          "indexer_types": ["full", "none", "full", "full"])"),
       "/indexer_types/1: expected \"full\" or \"shared\", found the string \"none\""},
      {config("deepseek_v4", fourth + R"(, "o_groups": 3, "compress_ratios": [0, 0, 0, 0])"),
       "/num_attention_heads: 4 heads are not divisible by 3 output groups"},
      {config("deepseek_v4", fourth + R"(, "o_groups": 2, "compress_ratios": [0, 0, 0])"),
       "/compress_ratios: it has 3 entries, and the model has 4 layers"},
      {config("jamba", experts + R"(, "layers_block_type": ["mamba"])"),
       "/layers_block_type: it has 1 entries, and the model has 4 layers"},
  };
  for (const Row& row : rows) {
    INFO(row.config);
    CHECK(error_of(row.config) == row.error);
  }
}
