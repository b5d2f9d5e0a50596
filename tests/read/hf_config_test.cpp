#include "macfit/read/hf_config.hpp"

#include "macfit/core/error.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensors.hpp"
#include "read/families.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;

namespace {

std::string error_of(std::string_view text) {
  try {
    (void)read_hf_config(text);
  } catch (const Error& error) {
    return error.place().pointer.value_or("no pointer") + ": " + error.message() +
           (error.hint().empty() ? "" : " (" + error.hint() + ")");
  }
  return "none";
}

/// The error of a family's config with one part replaced.
std::string error_of(std::string_view name, std::string_view from, std::string_view to) {
  const std::string text = test::replaced(test::family_fact(name).config, from, to);
  REQUIRE_FALSE(text.empty());
  return error_of(text);
}

Architecture changed(std::string_view name, std::string_view from, std::string_view to) {
  const std::string text = test::replaced(test::family_fact(name).config, from, to);
  REQUIRE_FALSE(text.empty());
  return read_hf_config(text);
}

/// "full sliding-moe …": the kinds of the first `n` layers.
std::string kinds(const Architecture& a, std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < std::min(n, a.layers.size()); ++i) {
    text += (i == 0 ? "" : " ") + a.block_of(i).name;
  }
  return text;
}

std::int64_t parameters(std::string_view config) {
  return count_parameters(read_hf_config(config)).total;
}

}  // namespace

TEST_CASE("hf config: counts of models that the hub states", "[read]") {
  // Counts: the hub's safetensors totals.
  struct Row {
    const char* config;
    std::int64_t parameters;
  };
  const Row rows[] = {
      {R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
          "num_attention_heads": 32, "intermediate_size": 11008, "vocab_size": 32000,
          "tie_word_embeddings": false})",
       6738415616},
      {R"({"model_type": "mixtral", "hidden_size": 4096, "num_hidden_layers": 32,
          "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
          "num_local_experts": 8, "num_experts_per_tok": 2, "vocab_size": 32000})",
       46702792704},
      {R"({"model_type": "phi3", "hidden_size": 5120, "num_hidden_layers": 40,
          "num_attention_heads": 40, "num_key_value_heads": 10, "intermediate_size": 17920,
          "vocab_size": 100352})",
       14659507200},
      {R"({"model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40,
          "vocab_size": 100352, "max_seq_len": 32768,
          "attn_config": {"kv_n_heads": 8, "clip_qkv": 8},
          "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}})",
       131596523520},
      {R"({"model_type": "minimax_m1", "hidden_size": 6144, "num_hidden_layers": 8,
          "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 128,
          "intermediate_size": 9216, "num_local_experts": 32, "num_experts_per_tok": 2,
          "vocab_size": 200064, "attn_type_list": [0, 0, 0, 0, 0, 0, 0, 1]})",
       // A tenth of MiniMax-M1's 80 layers: its 456,089,655,296 less embedding, head and norm.
       (456089655296 - 2LL * 200064 * 6144 - 6144) / 10 + 2LL * 200064 * 6144 + 6144},
      {R"({"model_type": "glm4_moe_lite", "hidden_size": 2048, "num_hidden_layers": 47,
          "num_attention_heads": 20, "q_lora_rank": 768, "kv_lora_rank": 512,
          "qk_nope_head_dim": 192, "qk_rope_head_dim": 64, "v_head_dim": 256,
          "n_routed_experts": 64, "n_shared_experts": 1, "moe_intermediate_size": 1536,
          "intermediate_size": 10240, "num_experts_per_tok": 4, "first_k_dense_replace": 1,
          "vocab_size": 154880})",
       29943393920},
      {R"({"model_type": "cohere", "hidden_size": 12288, "num_hidden_layers": 64,
          "num_attention_heads": 96, "num_key_value_heads": 8, "intermediate_size": 33792,
          "vocab_size": 256000, "use_qk_norm": true})",
       103810674688},
  };
  for (const Row& row : rows) {
    INFO(row.config);
    CHECK(parameters(row.config) == row.parameters);
  }
}

TEST_CASE("hf config: what is counted apart", "[read]") {
  struct Row {
    const char* name;
    std::int64_t mtp_layers;
    std::int64_t mtp;
    std::int64_t vision;
  };
  const Row rows[] = {
      {"Meta-Llama-3.1-8B", 0, 0, 0},
      {"DeepSeek-V3.1-NVFP4", 1, 13463426304, 0},
      {"DeepSeek-V3.2", 1, 13477385728, 0},
      {"GLM-4.5", 1, 5539962272, 0},
      {"GLM-5.1", 1, 9952920576, 0},
      {"NVIDIA-Nemotron-3-Super-120B-A12B-FP8", 1, 2942325248, 0},
      {"MiMo-V2-Flash", 3, 987820224, 0},
      {"Step-3.7-Flash", 3, 2428171008, 0},
      {"Qwen3.5-35B-A3B", 1, 844640768, 446571248},
      {"gemma-3-27b-it", 0, 0, 423060336},
      {"gemma-4-26B-A4B", 0, 0, 572794416},
      {"gemma-4-E2B-it", 0, 0, 475729088},
      {"Kimi-K2.5", 0, 0, 471143920},
      {"Llama-4-Maverick-17B-128E-Instruct", 0, 0, 871932416},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const Extras extras = test::family(row.name).extras;
    CHECK(extras.mtp_layers == row.mtp_layers);
    CHECK(extras.mtp_parameters == row.mtp);
    CHECK(extras.vision_parameters == row.vision);
  }
  CHECK(test::family("gemma-4-E2B-it").extras.unused_kv_parameters == 18880512);
  CHECK_FALSE(test::family("DeepSeek-V4-Flash").extras.mtp_parameters);
  // Qwen3-Next's config does not say whether its checkpoint has a prediction layer.
  CHECK_FALSE(test::family("Qwen3-Next-80B-A3B-Instruct").extras.mtp_parameters);
}

TEST_CASE("hf config: patterns of layers", "[read]") {
  struct Row {
    const char* name;
    const char* first;
  };
  const Row rows[] = {
      {"gpt-oss-120b", "sliding-moe full-moe sliding-moe full-moe"},
      {"gemma-2-9b-it", "sliding full sliding full"},
      {"gemma-3-27b-it", "sliding sliding sliding sliding sliding full sliding"},
      {"gemma-4-26B-A4B", "sliding-moe sliding-moe sliding-moe sliding-moe sliding-moe full-moe"},
      {"gemma-4-E2B-it", "sliding sliding sliding sliding full sliding"},
      {"Olmo-3-7B", "sliding sliding sliding full sliding"},
      {"Llama-4-Maverick-17B-128E-Instruct", "chunked chunked-moe chunked full-moe chunked"},
      {"Qwen3-Next-80B-A3B-Instruct", "delta-moe delta-moe delta-moe full-moe delta-moe"},
      {"Kimi-Linear-48B-A3B-Instruct", "kimi-delta kimi-delta-moe kimi-delta-moe latent-moe"},
      {"DeepSeek-V3.1-NVFP4", "latent latent latent latent-moe"},
      {"DeepSeek-V4-Flash", "sliding-moe sliding-moe compressed-indexed-moe compressed-moe"},
      {"Jamba-v0.1", "mamba mamba-moe mamba mamba-moe full mamba-moe mamba mamba-moe mamba"},
      {"granite-4.0-h-small", "mamba-moe mamba-moe mamba-moe mamba-moe mamba-moe full-moe"},
      {"NVIDIA-Nemotron-3-Super-120B-A12B-FP8", "mamba moe mamba moe mamba moe mamba full moe"},
      {"ERNIE-4.5-21B-A3B-PT", "full full-moe full-moe"},
      {"MiMo-V2-Flash", "full sliding-moe sliding-moe sliding-moe sliding-moe full-moe"},
      {"Step-3.7-Flash", "full sliding sliding sliding-moe full-moe"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const std::string first = row.first;
    const auto n = static_cast<std::size_t>(std::count(first.begin(), first.end(), ' ')) + 1;
    CHECK(kinds(test::family(row.name), n) == first);
  }
  CHECK(test::family("gpt-oss-120b").blocks.size() == 2);
}

TEST_CASE("hf config: optional fields", "[read]") {
  // Absent: what the model's own class takes for granted.
  CHECK_FALSE(test::family("falcon-180B-chat").tied);
  CHECK(test::family("gemma-3-27b-it").tied);
  CHECK(test::family("bloom").tied);
  CHECK_FALSE(test::family("Llama-4-Maverick-17B-128E-Instruct").tied);
  // The wrapper's flag rules over its text model's.
  CHECK_FALSE(changed("Qwen3-VL-4B-Instruct", "\"tie_word_embeddings\": true, \"vision_config\"",
                      "\"tie_word_embeddings\": false, \"vision_config\"")
                  .tied);
  // A bias on the output projection follows the flag for Llama and not for Qwen2.
  const auto bias = [](const Architecture& a) {
    const Attention& t = *a.blocks[0].attention;
    return std::to_string(t.qkv_bias) + std::to_string(t.output_bias);
  };
  CHECK(bias(test::family("Meta-Llama-3.1-8B")) == "00");
  CHECK(bias(changed("Meta-Llama-3.1-8B", "\"attention_bias\": false",
                     "\"attention_bias\": true")) == "11");
  CHECK(bias(test::family("Qwen2.5-7B-Instruct")) == "10");
  CHECK(bias(test::family("GLM-4.5")) == "10");
  // A window without layer_types slides nothing.
  const Architecture mistral =
      changed("Mistral-7B-Instruct-v0.3", "{", "{\"sliding_window\": 4096, ");
  CHECK(kinds(mistral, 2) == "full full");
  CHECK(kv_constant_bytes(mistral).count() == 0);
  // The context, senseless or absent, is not demanded.
  CHECK(test::family("Meta-Llama-3.1-8B").context == 131072);
  CHECK(changed("Meta-Llama-3.1-8B", "131072", "1e30").context == 0);
  CHECK(test::family("falcon-180B-chat").context == 0);
  // Gemma 3's wrapper as first published names few of its text model's fields.
  const Architecture gemma = read_hf_config(R"({"model_type": "gemma3", "text_config":
      {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
       "num_hidden_layers": 34, "sliding_window": 1024},
      "vision_config": {"hidden_size": 1152, "image_size": 896, "intermediate_size": 4304,
       "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14}})");
  CHECK(count_parameters(gemma).total == 3880263168);
  CHECK(gemma.extras.vision_parameters == 419816304);
  CHECK(gemma.context == 131072);
  // Lists may go on with the layers of multi-token prediction.
  CHECK(changed("Step-3.7-Flash", "\"layer_types\": [",
                "\"layer_types\": [\"full_attention\", \"full_attention\", \"full_attention\", ")
            .layers.size() == 45);
  // Python writes Infinity and NaN.
  CHECK_NOTHROW(changed("Meta-Llama-3.1-8B", "{", "{\"time_step_limit\": [0.0, Infinity, NaN], "));
  CHECK_NOTHROW(changed("Meta-Llama-3.1-8B", "{", "{\"_note\": \"Infinity \\\" NaN\", "));
}

TEST_CASE("hf config: families without a stored config", "[read]") {
  // The shapes that tell each family's rule, named after the model that has them; not copies of
  // published files. The counts hold the rule; tests/validation compares most families with
  // mlx-lm's own classes.
  struct Row {
    const char* name;
    std::int64_t parameters;
    const char* config;
  };
  const Row rows[] = {
      {"bigscience/bloom-7b1", 7069016064,
       R"({"model_type": "bloom", "n_embed": 4096, "n_layer": 30, "num_attention_heads": 32,
           "vocab_size": 250880})"},
      {"databricks/dbrx-instruct", 131596523520,
       R"({"model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40,
           "vocab_size": 100352, "attn_config": {"kv_n_heads": 8}, "ffn_config":
           {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}})"},
      {"LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", 7818448896,
       R"({"model_type": "exaone", "hidden_size": 4096, "num_layers": 32, "head_dim": 128,
           "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
           "vocab_size": 102400, "tie_word_embeddings": false})"},
      {"inclusionAI/Ling-lite", 16801974272,
       R"({"model_type": "bailing_moe", "hidden_size": 2048, "num_hidden_layers": 28,
           "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 128,
           "intermediate_size": 5632, "moe_intermediate_size": 1408, "num_experts": 64,
           "num_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 0,
           "vocab_size": 126464})"},
      {"ibm-granite/granite-4.0-h-micro", 3191396096,
       R"({"model_type": "granitemoehybrid", "hidden_size": 2048, "num_hidden_layers": 40,
           "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 8192,
           "shared_intermediate_size": 8192, "num_local_experts": 0, "n_attention_layers": 4,
           "vocab_size": 100352, "mamba_n_heads": 64, "mamba_d_head": 64, "mamba_d_state": 128})"},
      {"microsoft/phi-2", 2779683840,
       R"({"model_type": "phi", "hidden_size": 2560, "num_hidden_layers": 32,
           "num_attention_heads": 32, "intermediate_size": 10240, "vocab_size": 51200})"},
      {"microsoft/Phi-3.5-MoE-instruct", 41873153344,
       R"({"model_type": "phimoe", "hidden_size": 4096, "num_hidden_layers": 32,
           "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 6400,
           "num_local_experts": 16, "num_experts_per_tok": 2, "vocab_size": 32064})"},
      {"allenai/OLMo-7B-hf", 6888095744,
       R"({"model_type": "olmo", "hidden_size": 4096, "num_hidden_layers": 32,
           "num_attention_heads": 32, "intermediate_size": 11008, "vocab_size": 50304,
           "tie_word_embeddings": false})"},
      {"deepseek-ai/deepseek-moe-16b-base", 16375728128,
       R"({"model_type": "deepseek", "hidden_size": 2048, "num_hidden_layers": 28,
           "num_attention_heads": 16, "num_key_value_heads": 16, "n_routed_experts": 64, "n_shared_experts": 2,
           "num_experts_per_tok": 6, "moe_intermediate_size": 1408, "intermediate_size": 10944,
           "first_k_dense_replace": 1, "vocab_size": 102400})"},
      {"rednote-hilab/dots.llm1.inst", 142774381696,
       R"({"model_type": "dots1", "hidden_size": 4096, "num_hidden_layers": 62, "head_dim": 128,
           "num_attention_heads": 32, "intermediate_size": 10944, "moe_intermediate_size": 1408,
           "n_routed_experts": 128, "n_shared_experts": 2, "num_experts_per_tok": 6,
           "first_k_dense_replace": 1, "vocab_size": 152064})"},
      {"internlm/internlm2-7b", 7737708544,
       R"({"model_type": "internlm2", "hidden_size": 4096, "num_hidden_layers": 32,
           "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
           "vocab_size": 92544, "bias": false})"},
      {"internlm/internlm3-8b-instruct", 8804241408,
       R"({"model_type": "internlm3", "hidden_size": 4096, "num_hidden_layers": 48,
           "num_attention_heads": 32, "num_key_value_heads": 2, "head_dim": 128,
           "intermediate_size": 10240, "vocab_size": 128512})"},
      {"zai-org/glm-4-9b-chat-hf", 9399951360,
       R"({"model_type": "glm", "hidden_size": 4096, "num_hidden_layers": 40, "head_dim": 128,
           "num_attention_heads": 32, "num_key_value_heads": 2, "intermediate_size": 13696,
           "vocab_size": 151552, "attention_bias": true, "tie_word_embeddings": false})"},
      {"bigcode/starcoder2-7b", 7173923840,
       R"({"model_type": "starcoder2", "hidden_size": 4608, "num_hidden_layers": 32,
           "num_attention_heads": 36, "num_key_value_heads": 4, "intermediate_size": 18432,
           "vocab_size": 49152})"},
      {"stabilityai/stablelm-2-1_6b", 1644515328,
       R"({"model_type": "stablelm", "hidden_size": 2048, "num_hidden_layers": 24,
           "num_attention_heads": 32, "intermediate_size": 5632, "vocab_size": 100352,
           "use_qkv_bias": true})"},
      {"EleutherAI/gpt-neox-20b", 20554567680,
       R"({"model_type": "gpt_neox", "hidden_size": 6144, "num_hidden_layers": 44,
           "num_attention_heads": 64, "intermediate_size": 24576, "vocab_size": 50432})"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(count_parameters(read_hf_config(row.config)).total == row.parameters);
  }
}

TEST_CASE("hf config: Llama 4's text model without experts is dense", "[read]") {
  // Shapes of facebook/MobileLLM-R1-950M.
  const std::string dense = R"({"model_type": "llama4_text", "hidden_size": 1536,
      "num_hidden_layers": 22, "num_attention_heads": 24, "num_key_value_heads": 6, "head_dim": 64,
      "intermediate_size": 6144, "intermediate_size_mlp": 6144, "interleave_moe_layer_step": 0,
      "moe_layers": [], "num_local_experts": 0, "num_experts_per_tok": 0, "use_qk_norm": true,
      "attention_chunk_size": 32768, "tie_word_embeddings": true, "vocab_size": 128256,
      "no_rope_layers": [1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0,1,1,1,0,1,1]})";
  const Architecture a = read_hf_config(dense);
  CHECK(kinds(a, 5) == "chunked chunked chunked full chunked");
  CHECK(count_parameters(a).total ==
        128256 * 1536 + 1536 +
            22 * (2 * 1536 * 1536 + 2 * 384 * 1536 + 3 * 1536 * 6144 + 2 * 1536));
  // mlx-lm's class has no chunks: every layer caches the whole context.
  CHECK(kv_bytes_per_token(a, CacheRule::mlx_lm).count() == 22 * 2 * 384 * 2);
  CHECK(kv_constant_bytes(a, CacheRule::mlx_lm).count() == 0);
  // The text model of Llama 4 by itself has its experts all the same.
  std::string sparse = dense;
  sparse.replace(sparse.find("\"num_local_experts\": 0"), 22, "\"num_local_experts\": 8");
  sparse.replace(sparse.find("\"num_experts_per_tok\": 0"), 24, "\"num_experts_per_tok\": 1");
  sparse.replace(sparse.find("\"moe_layers\": []"), 16, "\"moe_layers\": [1]");
  CHECK(kinds(read_hf_config(sparse), 3) == "chunked chunked-moe chunked");
}

TEST_CASE("hf config: EXAONE 4's pattern is a text, a period or nothing", "[read]") {
  const std::string start = R"({"model_type": "exaone4", "hidden_size": 64, "num_hidden_layers": 8,
      "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 64, )";
  CHECK(kinds(read_hf_config(start + R"("sliding_window": 16, "sliding_window_pattern": "LLLG"})"),
              5) == "sliding sliding sliding full sliding");
  CHECK(kinds(read_hf_config(start + R"("sliding_window": 16, "sliding_window_pattern": 2})"), 4) ==
        "sliding full sliding full");
  CHECK(kinds(read_hf_config(start + R"("sliding_window": null})"), 4) == "full full full full");
  CHECK(error_of(start + R"("sliding_window": 16, "sliding_window_pattern": "LXG"})") ==
        "/sliding_window_pattern: expected a text of L (local) and G (global), found the string "
        "\"LXG\"");
}

TEST_CASE("hf config: MiniMax's list of attention kinds", "[read]") {
  std::string ones = "{\"attn_type_list\": [1";
  for (int i = 1; i < 62; ++i) {
    ones += ", 1";
  }
  CHECK(changed("MiniMax-M2.5", "{", ones + "], ") == test::family("MiniMax-M2.5"));
}

TEST_CASE("hf config: Nemotron-NAS blocks", "[read]") {
  const Architecture a = read_hf_config(R"({"model_type": "nemotron-nas", "hidden_size": 8192,
      "num_attention_heads": 64, "num_hidden_layers": 4, "vocab_size": 128256,
      "num_key_value_heads": null, "intermediate_size": null, "block_configs": [
        {"attention": {"n_heads_in_group": 8}, "ffn": {"ffn_mult": 2.625}},
        {"attention": {"no_op": true, "n_heads_in_group": null}, "ffn": {"ffn_mult": 1.3125}},
        {"attention": {"replace_with_linear": true}, "ffn": {"no_op": true, "ffn_mult": null}},
        {"attention": {"n_heads_in_group": 8}, "ffn": {"replace_with_linear": true}}]})");
  CHECK(kinds(a, 4) == "full mlp linear full-2");
  CHECK(a.blocks[0].dense->width == 14336);
  CHECK(a.blocks[0].attention->kv_heads == 8);
  CHECK(a.blocks[0].norms == 2);
  CHECK(a.blocks[1].dense->width == 7168);
  CHECK(a.blocks[1].norms == 1);
  CHECK(a.blocks[2].norms == 1);
  CHECK(kv_bytes_per_token(a).count() == 2 * 8 * 128 * 2 * 2);
}

TEST_CASE("hf config: errors name the place", "[read]") {
  CHECK(error_of("[]") == ": expected an object, found an array");
  CHECK(error_of("{}") ==
        ": \"model_type\" is missing (is this a Hugging Face config.json of a language model?)");
  CHECK(error_of(R"({"model_type": 3})") == "/model_type: expected a string, found the number 3");
  CHECK_THAT(error_of("{\"model_type\": \"llama\""), test::contains("no pointer"));
  CHECK(error_of(R"({"model_type": "llama"})") == ": \"num_hidden_layers\" is missing");
  CHECK(error_of("Meta-Llama-3.1-8B", "\"hidden_size\": 4096", "\"hidden_size\": \"4096\"") ==
        "/hidden_size: expected a whole number of at least 1, found the string \"4096\"");
  CHECK(error_of("Meta-Llama-3.1-8B", "\"hidden_size\": 4096", "\"hidden_size\": 4096.5") ==
        "/hidden_size: expected a whole number of at least 1, found the number 4096.5");
  CHECK(error_of("Meta-Llama-3.1-8B", "\"hidden_size\": 4096", "\"hidden_size\": Infinity") ==
        "/hidden_size: expected a whole number from 1 to 68719476736, found the number 1e+308");
  CHECK(error_of("Meta-Llama-3.1-8B", "\"num_hidden_layers\": 32", "\"num_hidden_layers\": -1") ==
        "/num_hidden_layers: expected a whole number from 1 to 2000, found the number -1");
  CHECK(error_of("Meta-Llama-3.1-8B", "\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5") ==
        "/num_key_value_heads: 32 attention heads are not divisible by 5 key-value heads");
  CHECK(
      error_of("Meta-Llama-3.1-8B", "\"num_attention_heads\": 32", "\"num_attention_heads\": 24") ==
      "/num_attention_heads: hidden size 4096 is not divisible by 24 heads, and \"head_dim\" is "
      "missing");
  CHECK(error_of("Meta-Llama-3.1-8B", "{", "{\"layer_types\": [\"full_attention\"], ") ==
        "/layer_types: it has 1 entries, and the model has 32 layers");
  CHECK(error_of("Qwen3-30B-A3B", "\"num_experts_per_tok\": 8", "\"num_experts_per_tok\": 129") ==
        "/num_experts_per_tok: 129 experts a token of 128 experts in all");
  CHECK(error_of("Qwen3.5-35B-A3B", "\"linear_num_value_heads\": 32",
                 "\"linear_num_value_heads\": 24") ==
        "/text_config/linear_num_value_heads: 24 value heads are not divisible by 16 key heads");
  CHECK(error_of("gpt-oss-120b", "\"sliding_window\": 128", "\"sliding_window\": 0") ==
        ": some layers slide, and \"sliding_window\" is missing");
  CHECK(error_of("Kimi-Linear-48B-A3B-Instruct", "\"kda_layers\": [1,", "\"kda_layers\": [28,") ==
        "/linear_attn_config/kda_layers/0: expected a whole number from 1 to 27, found the number "
        "28");
  CHECK(error_of("NVIDIA-Nemotron-3-Super-120B-A12B-FP8", "\"MEMEMEM*", "\"MEMXMEM*") ==
        "/hybrid_override_pattern: block 3 of the pattern is none of M, *, - and E");
  CHECK(error_of("NVIDIA-Nemotron-3-Super-120B-A12B-FP8", "\"num_hidden_layers\": 88",
                 "\"num_hidden_layers\": 87") ==
        "/num_hidden_layers: 87 layers, and the pattern has 88 blocks");
  CHECK_THAT(error_of(R"({"model_type": "llama", "hidden_size": 34359738368, "vocab_size": 100,
                 "num_hidden_layers": 10, "num_attention_heads": 1,
                 "intermediate_size": 34359738368})"),
             test::contains(": the sizes don't make a model"));
}

TEST_CASE("hf config: families that are not known are refused by name", "[read]") {
  const std::string unknown = error_of(R"({"model_type": "qwen3_mow"})");
  CHECK_THAT(unknown, test::contains("/model_type: unknown model_type"));
  CHECK_THAT(unknown, test::contains("qwen3_moe"));
  CHECK_THAT(unknown, test::contains("safetensors or GGUF"));
  CHECK_THAT(error_of(R"({"model_type": "minimax_m9"})"), test::contains("minimax_m3"));
  CHECK_THAT(error_of(R"({"model_type": "kimi_k9"})"), test::contains("kimi_k3"));
  const auto types = known_model_types();
  CHECK(std::is_sorted(types.begin(), types.end()));
  CHECK(std::adjacent_find(types.begin(), types.end()) == types.end());
  CHECK(std::count(types.begin(), types.end(), "deepseek_v32") == 1);
}

TEST_CASE("hf config: DeepSeek V4 has weights and no cache rule", "[read]") {
  const Architecture a = test::family("DeepSeek-V4-Flash");
  CHECK_FALSE(a.cache_known);
  // The hub's count of an 8-bit conversion, 284,299,262,080, leaves out the 32-bit
  // hyper-connections, pooling offsets and sinks.
  const std::int64_t streams = 43 * 2 * (24 * 4 * 4096 + 24 + 3) + 4 * 4 * 4096 + 4 + 1;
  const std::int64_t offsets = 21 * 4 * 1024 + 20 * 128 * 512 + 21 * 4 * 256;
  CHECK(count_parameters(a).total == 284299262080 + streams + offsets + 43 * 64);
  CHECK(test::family("DeepSeek-V3.2").cache_known);
}

TEST_CASE("hf config: every stored config is read or refused by name", "[read]") {
  const auto folder = test::shared_data("configs");
  if (!folder) {
    MACFIT_SKIP("no shared data");
  }
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const std::string name = entry.path().stem().string();
    const std::string text = test::read_text(entry.path());
    INFO(name);
    CHECK(error_of(text) == "none");
    CHECK_NOTHROW(validate(read_hf_config(text)));
  }
}

TEST_CASE("hf config: hostile texts end in errors", "[read]") {
  // Every text cut short, and every number made senseless, is an error or a model, never a crash.
  const std::string text = test::family_fact("Qwen3.5-35B-A3B").config;
  for (std::size_t n = 0; n < text.size(); n += 7) {
    CHECK_THROWS_AS(read_hf_config(text.substr(0, n)), Error);
  }
  for (const test::FamilyFact& fact : test::family_facts()) {
    for (const char* value : {"0", "-1", "1e18", "3.5", "null", "\"x\"", "[]", "{}", "true"}) {
      std::string changed = fact.config;
      std::size_t at = 0;
      while ((at = changed.find("\": ", at)) != std::string::npos) {
        at += 3;
        const std::size_t end = changed.find_first_of(",}", at);
        if (changed[at] < '0' || changed[at] > '9' || end == std::string::npos) {
          continue;
        }
        std::string one = fact.config;
        one.replace(at, end - at, value);
        try {
          (void)weight_layout(read_hf_config(one), parse_recipe("4bit"));
        } catch (const Error&) {
        }
      }
    }
  }
  SUCCEED();
}
