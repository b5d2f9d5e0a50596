// Every architecture that GGUF files are read back from, in GGUF's words beside the config.json of
// the same model: two readers that share no rule must come to the same tensors and caches.

#include <functional>

#include "header_bytes.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/read/gguf_file.hpp"
#include "model/gguf/shapes.hpp"
#include "read/families.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::experts;
using macfit::test::GgufBytes;
using macfit::test::state;

namespace {

using List = std::vector<std::int64_t>;

struct Row {
  std::string config;
  std::int64_t parameters;  ///< as published for the text model
  GgufShape shape;
};

struct Base {
  const char* arch;
  std::int64_t layers, hidden, heads, kv_heads, head, feed, vocabulary;
};

/// A shape of the sizes that nearly all have, and what `more` adds to it.
GgufShape shape(const Base& base, const std::function<void(GgufShape&)>& more = {}) {
  GgufShape s;
  s.arch = base.arch;
  s.layers = base.layers;
  s.hidden = base.hidden;
  s.heads = {base.heads};
  s.kv_heads = {base.kv_heads};
  s.key_length = s.value_length = base.head;
  s.feed_forward = {base.feed};
  s.vocabulary = base.vocabulary;
  if (more) {
    more(s);
  }
  return s;
}

void latent(GgufShape& s, std::int64_t query_rank, std::int64_t nope, std::int64_t value) {
  s.query_rank = query_rank;
  s.kv_rank = 512;
  s.rotary = 64;
  // What the cache holds, and the width of one head.
  s.key_length = 512 + 64;
  s.value_length = 512;
  s.key_length_mla = nope + 64;
  s.value_length_mla = value;
}

/// One number for each of n layers.
List each(std::int64_t n, const std::function<std::int64_t(std::int64_t)>& of) {
  List list;
  for (std::int64_t i = 0; i < n; ++i) {
    list.push_back(of(i));
  }
  return list;
}

std::vector<bool> where(std::int64_t n, const std::function<bool(std::int64_t)>& of) {
  std::vector<bool> list;
  for (std::int64_t i = 0; i < n; ++i) {
    list.push_back(of(i));
  }
  return list;
}

/// A published model, its text parameters as its family fact states them.
Row fact(std::string_view name, const GgufShape& s) {
  const test::FamilyFact& f = test::family_fact(name);
  return {f.config, f.parameters, s};
}

/// The same under another model type.
Row fact_as(std::string_view name, std::string_view from, std::string_view to, const GgufShape& s) {
  const test::FamilyFact& f = test::family_fact(name);
  return {test::replaced(f.config, from, to), f.parameters, s};
}

std::vector<Row> dense_rows() {
  const GgufShape mistral = shape({"mistral3", 32, 4096, 32, 8, 128, 14336, 32768});
  return {
      fact_as("Mistral-7B-Instruct-v0.3", "\"mistral\"", "\"ministral3\"", mistral),
      // Granite 3.1 8B
      {R"({"model_type": "granite", "hidden_size": 4096, "num_hidden_layers": 40,
           "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 12800,
           "vocab_size": 49155})",
       8170848256,
       shape({"granite", 40, 4096, 32, 8, 128, 12800, 49155}, [](auto& s) { s.tied = true; })},
      // GGUF, too, counts gate and up together for the first Qwen, and names no key/value heads.
      fact("Qwen-72B", shape({"qwen", 80, 8192, 64, 64, 128, 49152, 152064},
                             [](auto& s) { s.kv_heads.clear(); })),
      fact("Qwen3-VL-4B-Instruct",
           shape({"qwen3vl", 36, 2560, 32, 8, 128, 9728, 151936}, [](auto& s) { s.tied = true; })),
      fact("gemma-2-9b-it", shape({"gemma2", 42, 3584, 16, 8, 256, 14336, 256000},
                                  [](auto& s) {
                                    s.tied = true;
                                    s.window = 4096;
                                  })),
      fact("gemma-3-27b-it", shape({"gemma3", 62, 5376, 32, 16, 128, 21504, 262208},
                                   [](auto& s) {
                                     s.tied = true;
                                     s.window = 1024;
                                   })),
      fact("gemma-4-E2B-it", shape({"gemma4", 35, 1536, 8, 1, 512, 0, 262144},
                                   [](auto& s) {
                                     s.tied = true;
                                     s.key_length_sliding = s.value_length_sliding = 256;
                                     s.window = 512;
                                     s.sliding = where(35, [](auto i) { return i % 5 != 4; });
                                     s.shared_kv_layers = 20;
                                     s.feed_forward =
                                         each(35, [](auto i) { return i < 15 ? 6144 : 12288; });
                                     s.per_layer_input = 256;
                                     s.layer_scalar = true;
                                   })),
      // GLM-4 9B 0414
      {R"({"model_type": "glm4", "hidden_size": 4096, "num_hidden_layers": 40, "head_dim": 128,
           "num_attention_heads": 32, "num_key_value_heads": 2, "intermediate_size": 13696,
           "vocab_size": 151552, "attention_bias": true})",
       9400279040,
       shape({"glm4", 40, 4096, 32, 2, 128, 13696, 151552}, [](auto& s) { s.qkv_bias = true; })},
      // Phi-4
      {R"({"model_type": "phi3", "hidden_size": 5120, "num_hidden_layers": 40,
           "num_attention_heads": 40, "num_key_value_heads": 10, "intermediate_size": 17920,
           "vocab_size": 100352})",
       14659507200, shape({"phi3", 40, 5120, 40, 10, 128, 17920, 100352})},
      fact("OLMo-2-0325-32B", shape({"olmo2", 64, 5120, 40, 8, 128, 27648, 100352})),
      fact("Olmo-3-7B", shape({"olmo2", 32, 4096, 32, 32, 128, 11008, 100278},
                              [](auto& s) { s.window = 4096; })),
      // EXAONE 4.0 32B
      {R"({"model_type": "exaone4", "hidden_size": 5120, "num_hidden_layers": 64, "head_dim": 128,
           "num_attention_heads": 40, "num_key_value_heads": 8, "intermediate_size": 27392,
           "vocab_size": 102400, "sliding_window": 4096, "sliding_window_pattern": "LLLG"})",
       32003216384,
       shape({"exaone4", 64, 5120, 40, 8, 128, 27392, 102400}, [](auto& s) { s.window = 4096; })},
      // Command R and R+: only the one of 64 layers has norms of heads.
      {R"({"model_type": "cohere", "hidden_size": 8192, "num_hidden_layers": 40,
           "num_attention_heads": 64, "intermediate_size": 22528, "vocab_size": 256000})",
       34980831232,
       shape({"command-r", 40, 8192, 64, 64, 128, 22528, 256000}, [](auto& s) { s.tied = true; })},
      {R"({"model_type": "cohere", "hidden_size": 12288, "num_hidden_layers": 64,
           "num_attention_heads": 96, "num_key_value_heads": 8, "intermediate_size": 33792,
           "vocab_size": 256000, "use_qk_norm": true})",
       103810674688,
       shape({"command-r", 64, 12288, 96, 8, 128, 33792, 256000}, [](auto& s) { s.tied = true; })},
      // Command R7B
      {R"({"model_type": "cohere2", "hidden_size": 4096, "num_hidden_layers": 32,
           "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
           "vocab_size": 256000, "sliding_window": 4096})",
       8028033024,
       shape({"cohere2", 32, 4096, 32, 8, 128, 14336, 256000},
             [](auto& s) {
               s.tied = true;
               s.window = 4096;
             })},
      // ERNIE 4.5 0.3B
      {R"({"model_type": "ernie4_5", "hidden_size": 1024, "num_hidden_layers": 18, "head_dim": 128,
           "num_attention_heads": 16, "num_key_value_heads": 2, "intermediate_size": 3072,
           "vocab_size": 103424})",
       360748032,
       shape({"ernie4_5", 18, 1024, 16, 2, 128, 3072, 103424}, [](auto& s) { s.tied = true; })},
      fact("bloom", shape({"bloom", 70, 14336, 112, 112, 128, 4 * 14336, 250880},
                          [](auto& s) { s.tied = true; })),
      // Three kinds of Nemotron-NAS blocks: 4096 wide, 32 heads.
      {R"({"model_type": "nemotron-nas", "hidden_size": 4096, "num_attention_heads": 32,
           "num_hidden_layers": 4, "vocab_size": 128256, "block_configs": [
             {"attention": {"n_heads_in_group": 4}, "ffn": {"ffn_mult": 5.25}},
             {"attention": {"no_op": true}, "ffn": {"ffn_mult": 2.625}},
             {"attention": {"replace_with_linear": true}, "ffn": {"no_op": true}},
             {"attention": {"no_op": true}, "ffn": {"no_op": true}}]})",
       // Embedding and head; q and o, k and v, three of 14336; three of 7168; one square; norms:
       // two, one, one, none and the last.
       2LL * 128256 * 4096 + (2 * 4096 + 2 * 1024 + 3 * 14336) * 4096LL + 3LL * 7168 * 4096 +
           4096LL * 4096 + 5 * 4096,
       shape({"deci", 4, 4096, 0, 0, 128, 0, 128256},
             [](auto& s) {
               s.heads = {32, 0, 32, 0};
               s.kv_heads = {8, 0, 0, 0};
               s.feed_forward = {14336, 7168, 0, 0};
             })},
  };
}

std::vector<Row> sparse_rows() {
  return {
      // Granite 3.1 3B-A800M: 24 heads of 64, 40 experts of 512.
      {R"({"model_type": "granitemoe", "hidden_size": 1536, "num_hidden_layers": 32,
           "num_attention_heads": 24, "num_key_value_heads": 8, "intermediate_size": 512,
           "num_local_experts": 40, "num_experts_per_tok": 8, "vocab_size": 49155})",
       49155 * 1536 + 1536 +
           32LL * (2 * 1536 * 1536 + 2 * 512 * 1536 + 40 * 1536 + 40 * 3 * 1536 * 512 + 2 * 1536),
       shape({"granitemoe", 32, 1536, 24, 8, 64, 512, 49155},
             [](auto& s) {
               s.tied = true;
               experts(s, 40, 8, 0);
             })},
      // Qwen1.5-MoE A2.7B
      {R"({"model_type": "qwen2_moe", "hidden_size": 2048, "num_hidden_layers": 24,
           "num_attention_heads": 16, "num_key_value_heads": 16, "intermediate_size": 5632,
           "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632,
           "num_experts": 60, "num_experts_per_tok": 4, "vocab_size": 151936})",
       14315784192,
       shape({"qwen2moe", 24, 2048, 16, 16, 128, 5632, 151936},
             [](auto& s) {
               experts(s, 60, 4, 1408);
               s.shared_feed_forward = 5632;
             })},
      fact_as("Qwen3-30B-A3B", "\"qwen3_moe\"", "\"qwen3_vl_moe\"",
              shape({"qwen3vlmoe", 48, 2048, 32, 4, 128, 6144, 151936},
                    [](auto& s) { experts(s, 128, 8, 768); })),
      fact("gemma-4-26B-A4B", shape({"gemma4", 30, 2816, 16, 8, 512, 2112, 262144},
                                    [](auto& s) {
                                      s.tied = true;
                                      s.key_length_sliding = s.value_length_sliding = 256;
                                      s.window = 1024;
                                      s.kv_heads =
                                          each(30, [](auto i) { return i % 6 == 5 ? 2 : 8; });
                                      s.no_value = where(30, [](auto i) { return i % 6 == 5; });
                                      s.layer_scalar = true;
                                      experts(s, 128, 8, 704);
                                    })),
      fact("Llama-4-Maverick-17B-128E-Instruct",
           shape({"llama4", 48, 5120, 40, 8, 128, 16384, 202048},
                 [](auto& s) {
                   experts(s, 128, 1, 8192);
                   s.moe_step = 2;
                 })),
      // OLMoE 1B-7B
      {R"({"model_type": "olmoe", "hidden_size": 2048, "num_hidden_layers": 16,
           "num_attention_heads": 16, "intermediate_size": 1024, "num_experts": 64,
           "num_experts_per_tok": 8, "vocab_size": 50304, "tie_word_embeddings": false})",
       6919161856,
       shape({"olmoe", 16, 2048, 16, 16, 128, 1024, 50304}, [](auto& s) { experts(s, 64, 8, 0); })},
      fact("Hunyuan-A13B-Instruct", shape({"hunyuan-moe", 32, 4096, 32, 8, 128, 3072, 128167},
                                          [](auto& s) {
                                            s.tied = true;
                                            experts(s, 64, 8, 3072);
                                            s.shared_feed_forward = 3072;
                                          })),
      // Ling mini 2.0
      {R"({"model_type": "bailing_moe_v2", "hidden_size": 2048, "num_hidden_layers": 20,
           "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 128,
           "intermediate_size": 5120, "moe_intermediate_size": 512, "num_experts": 256,
           "num_experts_per_tok": 8, "num_shared_experts": 1, "first_k_dense_replace": 1,
           "vocab_size": 157184})",
       2LL * 157184 * 2048 + 2048 + 20LL * ((16 + 4 + 4 + 16) * 128 * 2048 + 2 * 128 + 2 * 2048) +
           3 * 2048 * 5120 + 19LL * (257 * 3 * 2048 * 512 + 256 * 2048 + 256),
       shape({"bailingmoe2", 20, 2048, 16, 4, 128, 5120, 157184},
             [](auto& s) {
               experts(s, 256, 8, 512, 1);
               s.dense_lead = 1;
             })},
      fact("MiMo-V2-Flash",
           shape({"mimo2", 48, 4096, 64, 4, 192, 16384, 152576},
                 [](auto& s) {
                   s.value_length = 128;
                   s.window = 128;
                   // Full: the first layer, then every sixth from the sixth on.
                   s.sliding = where(48, [](auto i) { return i != 0 && i % 6 != 5; });
                   s.kv_heads = each(48, [](auto i) { return i == 0 || i % 6 == 5 ? 4 : 8; });
                   experts(s, 256, 8, 2048);
                   s.dense_lead = 1;
                 })),
      fact("Step-3.7-Flash", shape({"step35", 45, 4096, 64, 8, 128, 11264, 128896},
                                   [](auto& s) {
                                     s.heads =
                                         each(45, [](auto i) { return i % 4 == 0 ? 64 : 96; });
                                     s.window = 512;
                                     s.sliding = where(45, [](auto i) { return i % 4 != 0; });
                                     experts(s, 288, 8, 1280, 1);
                                     s.dense_lead = 3;
                                   })),
      {R"({"model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40,
           "vocab_size": 100352, "attn_config": {"kv_n_heads": 8}, "ffn_config":
           {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}})",
       131596523520,
       shape({"dbrx", 40, 6144, 48, 8, 128, 10752, 100352}, [](auto& s) { experts(s, 16, 4, 0); })},
      fact("grok-2", shape({"grok", 64, 8192, 64, 8, 128, 32768, 131072},
                           [](auto& s) { experts(s, 8, 2, 16384); })),
      // Grok-1 states its experts' width as the feed-forward width and has no dense part.
      {R"({"model_type": "grok-1", "hidden_size": 6144, "num_hidden_layers": 64, "head_dim": 128,
           "num_attention_heads": 48, "num_key_value_heads": 8, "intermediate_size": 32768,
           "num_local_experts": 8, "num_experts_per_tok": 2, "vocab_size": 131072,
           "tie_word_embeddings": true})",
       131072LL * 6144 + 6144 +
           64LL * ((48 + 8 + 8 + 48) * 128 * 6144 + 8 * 6144 + 8LL * 3 * 6144 * 32768 + 4 * 6144),
       shape({"grok", 64, 6144, 48, 8, 128, 32768, 131072},
             [](auto& s) {
               s.tied = true;
               experts(s, 8, 2, 0);
             })},
  };
}

std::vector<Row> latent_rows() {
  const auto glm = [](GgufShape& s) {
    latent(s, 2048, 192, 256);
    s.mtp_layers = 1;
    s.mtp_copies = false;
    experts(s, 256, 8, 2048, 1);
    s.dense_lead = 3;
    s.indexer_heads = 32;
    s.indexer_key_length = 128;
  };
  // As GLM-5.2: only every second layer has an indexer of its own.
  std::string types = "\"indexer_types\": [";
  for (int i = 0; i < 78; ++i) {
    types += i % 2 == 0 ? "\"full\", " : "\"shared\", ";
  }
  types += "\"full\"], \"index_head_dim\"";
  Row shared = fact_as("GLM-5.1", "\"index_head_dim\"", types,
                       shape({"glm-dsa", 79, 6144, 64, 1, 0, 12288, 154880}, [&](auto& s) {
                         glm(s);
                         s.indexer = where(79, [](auto i) { return i % 2 == 0; });
                       }));
  shared.parameters -= 39LL * (2048 * 32 * 128 + 6144 * 128 + 6144 * 32 + 2 * 128);
  return {
      // DeepSeek V2 Lite, as files say it that were made before MLA's own keys
      {R"({"model_type": "deepseek_v2", "hidden_size": 2048, "num_hidden_layers": 27,
           "num_attention_heads": 16, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
           "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 64,
           "n_shared_experts": 2, "num_experts_per_tok": 6, "moe_intermediate_size": 1408,
           "intermediate_size": 10944, "first_k_dense_replace": 1, "vocab_size": 102400})",
       15706484224,
       shape({"deepseek2", 27, 2048, 16, 16, 0, 10944, 102400},
             [](auto& s) {
               latent(s, 0, 128, 128);
               s.key_length_mla = s.value_length_mla = 0;
               s.key_length = 192;
               s.value_length = 128;
               experts(s, 64, 6, 1408, 2);
               s.dense_lead = 1;
               s.gating = 1;
             })},
      fact("DeepSeek-V3.2", shape({"deepseek32", 62, 7168, 128, 1, 0, 18432, 129280},
                                  [](auto& s) {
                                    latent(s, 1536, 128, 128);
                                    s.mtp_layers = 1;
                                    experts(s, 256, 8, 2048, 1);
                                    s.dense_lead = 3;
                                    s.indexer_heads = 64;
                                    s.indexer_key_length = 128;
                                  })),
      fact("GLM-5.1", shape({"glm-dsa", 79, 6144, 64, 1, 0, 12288, 154880}, glm)),
      shared,
      fact("Kimi-Linear-48B-A3B-Instruct", shape({"kimi-linear", 27, 2304, 32, 1, 0, 9216, 163840},
                                                 [](auto& s) {
                                                   latent(s, 0, 128, 128);
                                                   // Latent attention: every fourth layer and the
                                                   // last.
                                                   s.kv_heads = each(27, [](auto i) {
                                                     return i % 4 == 3 || i == 26 ? 1 : 0;
                                                   });
                                                   s.ssm_conv = 4;
                                                   s.kda_head = 128;
                                                   experts(s, 256, 8, 1024, 1);
                                                   s.dense_lead = 1;
                                                 })),
  };
}

std::vector<Row> hybrid_rows() {
  const std::string super =
      "MEMEMEM*EMEMEMEM*EMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEM*EMEMEMEME";
  return {
      // Qwen3.5 27B without its list of layers: every fourth has attention, GGUF's default too.
      {R"({"model_type": "qwen3_5_text", "hidden_size": 5120, "num_hidden_layers": 64,
           "num_attention_heads": 24, "num_key_value_heads": 4, "head_dim": 256,
           "intermediate_size": 17408, "linear_num_key_heads": 16, "linear_num_value_heads": 48,
           "linear_key_head_dim": 128, "linear_value_head_dim": 128, "vocab_size": 248320})",
       // Attention with a gated query; the recurrent layers' q, k, v, gate, out, beta and alpha,
       // convolution, decay, time step and norm.
       2LL * 248320 * 5120 + 5120 + 64LL * (3 * 5120 * 17408 + 2 * 5120) +
           16LL * ((2 * 24 + 4 + 4 + 24) * 256 * 5120 + 2 * 256) +
           48LL * ((16 + 16 + 48 + 48 + 48) * 128 * 5120 + 2 * 48 * 5120 +
                   4 * (16 + 16 + 48) * 128 + 2 * 48 + 128),
       shape({"qwen35", 64, 5120, 24, 4, 256, 17408, 248320},
             [](auto& s) { state(s, 128, 16, 48, 48 * 128); })},
      fact("Qwen3.5-35B-A3B", shape({"qwen35moe", 40, 2048, 16, 2, 256, 0, 248320},
                                    [](auto& s) {
                                      state(s, 128, 16, 32, 32 * 128);
                                      experts(s, 256, 8, 512);
                                      s.shared_feed_forward = 512;
                                    })),
      // A short Nemotron-H of the 8B's sizes: two Mamba, one attention, one dense.
      {R"({"model_type": "nemotron_h", "hybrid_override_pattern": "M-M*", "hidden_size": 4096,
           "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
           "intermediate_size": 21504, "mamba_num_heads": 128, "mamba_head_dim": 64,
           "ssm_state_size": 128, "n_groups": 8, "conv_kernel": 4, "vocab_size": 131072})",
       // Mamba: in and out, convolution with bias, three of a head each, the inner norm.
       2LL * 131072 * 4096 + 5 * 4096 + (32 + 8 + 8 + 32) * 128LL * 4096 + 2LL * 4096 * 21504 +
           2LL * ((2 * 8192 + 2048 + 128) * 4096LL + 8192LL * 4096 + 5 * (8192 + 2048) + 3 * 128 +
                  8192),
       shape({"nemotron_h", 4, 4096, 32, 0, 128, 0, 131072},
             [](auto& s) {
               s.kv_heads = {0, 0, 0, 8};
               s.feed_forward = {0, 21504, 0, 0};
               state(s, 128, 8, 128, 8192);
             })},
      fact("NVIDIA-Nemotron-3-Super-120B-A12B-FP8",
           shape({"nemotron_h_moe", 88, 4096, 32, 2, 128, 2688, 131072},
                 [&](auto& s) {
                   const auto letter = [&](std::int64_t i) {
                     return super[static_cast<std::size_t>(i)];
                   };
                   s.kv_heads = each(88, [&](auto i) { return letter(i) == '*' ? 2 : 0; });
                   s.feed_forward = each(88, [&](auto i) { return letter(i) == 'E' ? 2688 : 0; });
                   state(s, 128, 8, 128, 128 * 64);
                   experts(s, 512, 22, 2688);
                   s.shared_feed_forward = 5376;
                   s.expert_latent = 1024;
                 })),
      fact("granite-4.0-h-small", shape({"granitehybrid", 40, 4096, 32, 8, 128, 768, 100352},
                                        [](auto& s) {
                                          s.tied = true;
                                          s.kv_heads =
                                              each(40, [](auto i) { return i % 10 == 5 ? 8 : 0; });
                                          state(s, 128, 1, 128, 8192);
                                          experts(s, 72, 10, 768);
                                          s.shared_feed_forward = 1536;
                                        })),
      fact("Jamba-v0.1", shape({"jamba", 32, 4096, 32, 8, 128, 14336, 65536},
                               [](auto& s) {
                                 s.kv_heads = each(32, [](auto i) { return i % 8 == 4 ? 8 : 0; });
                                 state(s, 16, 0, 256, 8192);
                                 experts(s, 16, 2, 0);
                                 s.moe = where(32, [](auto i) { return i % 2 == 1; });
                               })),
  };
}

std::vector<Row> all_rows() {
  std::vector<Row> rows = dense_rows();
  for (const auto& more : {sparse_rows(), latent_rows(), hybrid_rows()}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

/// A model's tensors as llama.cpp's converter writes them, one a line.
std::vector<std::string> tensor_lines(const Architecture& a) {
  std::vector<std::string> lines;
  for (const GgufTensor& t : gguf_tensors(a)) {
    std::string line = t.name;
    for (const std::int64_t n : t.ne) {
      line += " " + std::to_string(n);
    }
    lines.push_back(line + (t.keep == GgufTensor::Keep::f32 ? " f32" : "") + (t.mtp ? " mtp" : ""));
  }
  return lines;
}

/// The first tensor that one of two models has and the other has not; empty where they are equal.
std::string difference(const Architecture& a, const Architecture& b) {
  const std::vector<std::string> left = tensor_lines(a);
  const std::vector<std::string> right = tensor_lines(b);
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const std::string one = i < left.size() ? left[i] : "none";
    const std::string other = i < right.size() ? right[i] : "none";
    if (one != other) {
      return one + " against " + other;
    }
  }
  return {};
}

/// A file's header that says what the shape says, with the tensors of the model.
std::string file_of(const GgufShape& s) {
  GgufBytes g;
  g.text("general.architecture", s.arch);
  const auto number = [&](const char* key, std::int64_t value) {
    if (value > 0) {
      g.u32(s.arch + "." + key, static_cast<std::uint32_t>(value));
    }
  };
  const auto numbers = [&](const char* key, const List& values) {
    if (values.size() == 1) {
      number(key, values.front());
    } else if (!values.empty()) {
      g.u32s(s.arch + "." + key, {values.begin(), values.end()});
    }
  };
  number("block_count", s.layers);
  number("nextn_predict_layers", s.mtp_layers);
  number("embedding_length", s.hidden);
  numbers("feed_forward_length", s.feed_forward);
  numbers("attention.head_count", s.heads);
  numbers("attention.head_count_kv", s.kv_heads);
  number("attention.key_length", s.key_length);
  number("attention.value_length", s.value_length);
  number("attention.key_length_swa", s.key_length_sliding);
  number("attention.value_length_swa", s.value_length_sliding);
  number("rope.dimension_count", s.rotary);
  number("attention.sliding_window", s.window);
  if (!s.sliding.empty()) {
    g.flags(s.arch + ".attention.sliding_window_pattern", s.sliding);
  }
  number("attention.shared_kv_layers", s.shared_kv_layers);
  number("attention.key_length_mla", s.key_length_mla);
  number("attention.value_length_mla", s.value_length_mla);
  number("attention.q_lora_rank", s.query_rank);
  number("attention.kv_lora_rank", s.kv_rank);
  number("attention.indexer.head_count", s.indexer_heads);
  number("attention.indexer.key_length", s.indexer_key_length);
  number("expert_count", s.experts);
  number("expert_used_count", s.experts_used);
  number("expert_shared_count", s.experts_shared);
  number("moe_latent_size", s.expert_latent);
  number("expert_gating_func", s.gating);
  number("ssm.conv_kernel", s.ssm_conv);
  number("ssm.state_size", s.ssm_state);
  number("ssm.group_count", s.ssm_groups);
  number("ssm.time_step_rank", s.ssm_rank);
  number("ssm.inner_size", s.ssm_inner);
  number("kda.head_dim", s.kda_head);
  number("embedding_length_per_layer_input", s.per_layer_input);
  return g.tensors(architecture_from_gguf_shape(s), "Q8_0").bytes();
}

}  // namespace

TEST_CASE("gguf families: GGUF's words and config.json make the same model", "[read]") {
  for (const Row& row : all_rows()) {
    INFO(row.shape.arch << " " << row.config.substr(0, 60));
    const Architecture config = read_hf_config(row.config);
    const Architecture gguf = architecture_from_gguf_shape(row.shape);
    CHECK(gguf_architecture(config) == row.shape.arch);
    CHECK(gguf_architecture(gguf) == row.shape.arch);
    CHECK(difference(gguf, config) == "");
    CHECK(count_parameters(gguf).total == row.parameters);
    CHECK(count_parameters(gguf).active == count_parameters(config).active);
    for (const std::int64_t context : {256, 100'000}) {
      LlamaCacheOptions options;
      options.context = Tokens(context);
      const LlamaCache a = llama_cache(gguf, options);
      const LlamaCache b = llama_cache(config, options);
      CHECK(a.layers == b.layers);
      CHECK(a.recurrent == b.recurrent);
      CHECK(a.sliding_cells == b.sliding_cells);
    }
    if (row.shape.mtp_layers > 0) {
      CHECK(gguf.extras.mtp_parameters == config.extras.mtp_parameters);
    }
  }
}

TEST_CASE("gguf families: ERNIE's routers have a correction bias that mlx-lm drops", "[read]") {
  const Row row = fact("ERNIE-4.5-21B-A3B-PT",
                       shape({"ernie4_5-moe", 28, 2560, 20, 4, 128, 12288, 103424}, [](auto& s) {
                         s.tied = true;
                         experts(s, 64, 6, 1536, 2);
                         s.dense_lead = 1;
                       }));
  const Architecture gguf = architecture_from_gguf_shape(row.shape);
  CHECK(difference(gguf, read_hf_config(row.config)) == "");
  CHECK(count_parameters(gguf).total == row.parameters + 27 * 64);
}

TEST_CASE("gguf families: a file's tensors tell what its metadata leaves out", "[read]") {
  // Without the width and number of the experts' layers, the recurrent layers, norms and biases.
  for (const Row& row : all_rows()) {
    INFO(row.shape.arch << " " << row.config.substr(0, 60));
    const std::string bytes = file_of(row.shape);
    const Model m = gguf_model(read_gguf_header(MemorySource(bytes, "m.gguf")), "m");
    CHECK(difference(m.architecture, read_hf_config(row.config)) == "");
    CHECK(count_parameters(m.architecture).total == row.parameters);
    // Nothing is noted but the prediction layer: the file is as its metadata has it.
    CHECK(m.notes.size() == (row.shape.mtp_layers > 0 ? 1 : 0));
  }
}
