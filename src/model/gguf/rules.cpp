// The table of llama.cpp's architectures: all that tells one from another is a column.

#include "rules.hpp"

#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"

namespace macfit::model {
namespace gguf {

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table = {
      {.name = "llama",
       .types = {"llama", "mistral", "mixtral", "iquestcoder"},
       .type_with_experts = "mixtral",
       .wide = Wide::grouped},
      {.name = "mistral3", .types = {"ministral3", "mistral3"}, .name_with_experts = "mistral4"},
      {.name = "mistral4",
       .types = {"mistral4"},
       .latent = true,
       .cache_unchecked = true,
       .unread = true},
      {.name = "granite", .types = {"granite"}},
      {.name = "granitemoe", .types = {"granitemoe"}, .router = RouterFormat::eight_bit},
      {.name = "qwen",
       .types = {"qwen"},
       .fused_qkv = true,
       .qkv_bias = Has::always,
       .gate_in_length = true},
      {.name = "qwen2", .types = {"qwen2"}, .qkv_bias = Has::always, .wide = Wide::yes},
      {.name = "qwen2moe", .types = {"qwen2_moe"}, .qkv_bias = Has::always, .shared_gate = true},
      {.name = "qwen3", .types = {"qwen3"}, .has_head_norm = Has::always},
      {.name = "qwen3moe",
       .types = {"qwen3_moe"},
       .has_head_norm = Has::always,
       .router = RouterFormat::eight_bit},
      {.name = "qwen3vl", .types = {"qwen3_vl"}, .has_head_norm = Has::always},
      {.name = "qwen3vlmoe",
       .types = {"qwen3_vl_moe"},
       .has_head_norm = Has::always,
       .router = RouterFormat::eight_bit},
      {.name = "qwen3next",
       .types = {"qwen3_next"},
       .norms = Norms::post_named,
       .has_head_norm = Has::always,
       .gate = OutputGate::in_query,
       .has_gate = Has::always,
       .state = State::delta_net,
       .router = RouterFormat::eight_bit,
       .shared_gate = true},
      {.name = "qwen35",
       .types = {"qwen3_5"},
       .norms = Norms::post_named,
       .has_head_norm = Has::always,
       .gate = OutputGate::in_query,
       .has_gate = Has::always,
       .state = State::delta_net,
       .split_projections = true},
      {.name = "qwen35moe",
       .types = {"qwen3_5_moe"},
       .norms = Norms::post_named,
       .has_head_norm = Has::always,
       .gate = OutputGate::in_query,
       .has_gate = Has::always,
       .state = State::delta_net,
       .split_projections = true,
       .router = RouterFormat::eight_bit,
       .shared_gate = true},
      {.name = "minimax-m2",
       .types = {"minimax_m2", "minimax"},
       .head_norm = HeadNorm::full_width,
       .has_head_norm = Has::always,
       .router = RouterFormat::eight_bit,
       .router_f32 = true,
       .correction = Correction::yes},
      {.name = "gemma2", .types = {"gemma2"}, .norms = Norms::sandwich, .full_every = 2},
      {.name = "gemma3",
       .types = {"gemma3", "gemma3_text"},
       .norms = Norms::sandwich,
       .full_every = 6,
       .has_head_norm = Has::always},
      {.name = "gemma4",
       .types = {"gemma4", "gemma4_text", "gemma4_unified"},
       .norms = Norms::sandwich,
       .part_norms = true,
       .full_every = 6,
       .has_head_norm = Has::always,
       .full_rope_factors = true,
       .dense = Beside::yes,
       .eight_bit_dense = true,
       .router = RouterFormat::eight_bit,
       .router_scale = true,
       .cache_unchecked = true},
      {.name = "gpt-oss",
       .types = {"gpt_oss"},
       .norms = Norms::post_named,
       .full_every = 2,
       .qkv_bias = Has::always,
       .output_bias = Has::always,
       .sinks = Sinks::all,
       .router = RouterFormat::eight_bit,
       .expert_bias = true},
      {.name = "glm4", .types = {"glm4"}, .norms = Norms::sandwich, .fused_gate_up = true},
      {.name = "glm4moe",
       .types = {"glm4_moe", "glm4v_moe", "solar_open"},
       .norms = Norms::post_named,
       .qkv_bias = Has::yes,
       .router = RouterFormat::raw,
       .correction = Correction::yes,
       .mtp = true},
      {.name = "deepseek2",
       .types = {"deepseek_v3", "deepseek_v2", "kimi_k2", "kimi_k25", "glm4_moe_lite"},
       .type_by_softmax = "deepseek_v2",
       .latent = true,
       .router = RouterFormat::raw,
       .correction = Correction::unless_softmax},
      {.name = "deepseek32",
       .types = {"deepseek_v32"},
       .latent = true,
       .router = RouterFormat::raw,
       .correction = Correction::yes,
       .mtp = true},
      {.name = "glm-dsa",
       .types = {"glm_moe_dsa"},
       .latent = true,
       .router = RouterFormat::raw,
       .correction = Correction::yes,
       .mtp = true},
      {.name = "kimi-linear",
       .types = {"kimi_linear"},
       .kv_array = true,
       .latent = true,
       .state = State::kimi_delta,
       .router = RouterFormat::eight_bit,
       .correction = Correction::yes,
       .cache_unchecked = true},
      {.name = "llama4",
       .types = {"llama4", "llama4_text"},
       .full_every = 4,
       .chunked = true,
       .shared_like_routed = true,
       .cache_unchecked = true},
      {.name = "phi3", .types = {"phi3"}, .fused_qkv = true, .fused_gate_up = true},
      {.name = "olmo2",
       .types = {"olmo2", "olmo3"},
       .norms = Norms::post,
       .full_every = 4,
       .head_norm = HeadNorm::full_width,
       .has_head_norm = Has::always},
      {.name = "olmoe",
       .types = {"olmoe"},
       .head_norm = HeadNorm::full_width,
       .has_head_norm = Has::always},
      {.name = "exaone4",
       .types = {"exaone4"},
       .norms = Norms::post,
       .full_every = 4,
       .has_head_norm = Has::always},
      {.name = "command-r",
       .types = {"cohere"},
       .norms = Norms::one,
       .head_norm = HeadNorm::full_width,
       .has_head_norm = Has::large},
      {.name = "cohere2", .types = {"cohere2"}, .norms = Norms::one, .full_every = 4},
      {.name = "hunyuan-moe", .types = {"hunyuan_v1_moe"}, .has_head_norm = Has::always},
      {.name = "ernie4_5", .types = {"ernie4_5"}},
      {.name = "ernie4_5-moe", .types = {"ernie4_5_moe"}, .correction = Correction::written},
      {.name = "bailingmoe2",
       .types = {"bailing_moe", "bailing_moe_v2"},
       .fused_qkv = true,
       .has_head_norm = Has::yes,
       .router = RouterFormat::eight_bit,
       .correction = Correction::yes},
      {.name = "nemotron_h",
       .types = {"nemotron_h"},
       .name_with_experts = "nemotron_h_moe",
       .norms = Norms::one,
       .kv_array = true,
       .state = State::mamba2,
       .one_part = true,
       .matrices = 2},
      {.name = "nemotron_h_moe",
       .types = {"nemotron_h"},
       .norms = Norms::one,
       .kv_array = true,
       .state = State::mamba2,
       .one_part = true,
       .matrices = 2,
       .router = RouterFormat::raw,
       .correction = Correction::yes},
      {.name = "granitehybrid",
       .types = {"granitemoehybrid"},
       .kv_array = true,
       .state = State::mamba2,
       .router = RouterFormat::eight_bit},
      {.name = "jamba",
       .types = {"jamba"},
       .kv_array = true,
       .state = State::mamba1,
       .router = RouterFormat::eight_bit},
      {.name = "mimo2",
       .types = {"mimo_v2_flash"},
       .full_every = 4,
       .sinks = Sinks::sliding,
       .router = RouterFormat::raw,
       .correction = Correction::yes,
       .cache_unchecked = true},
      {.name = "step35",
       .types = {"step3p5", "step3p7"},
       .full_every = 4,
       .has_head_norm = Has::always,
       .has_gate = Has::yes,
       .router = RouterFormat::eight_bit,
       .correction = Correction::yes,
       .cache_unchecked = true},
      {.name = "deci",
       .types = {"nemotron-nas", "deci"},
       .kv_array = true,
       .optional_parts = true,
       .wide = Wide::yes},
      {.name = "dbrx", .types = {"dbrx"}, .ffn_norm = "attn_output_norm", .fused_qkv = true},
      {.name = "grok",
       .types = {"grok-1", "grok-2", "grok", "git"},
       .norms = Norms::sandwich,
       .post_attention_norm = "attn_output_norm",
       .post_ffn_norm = "layer_output_norm",
       .dense = Beside::other_width},
      {.name = "gemma", .types = {"gemma"}, .cache_unchecked = true, .unread = true},
      {.name = "smollm3", .types = {"smollm3"}, .cache_unchecked = true, .unread = true},
      {.name = "qwen2vl",
       .types = {"qwen2_5_vl", "qwen2_vl"},
       .qkv_bias = Has::always,
       .cache_unchecked = true,
       .unread = true},
      {.name = "seed_oss",
       .types = {"seed_oss"},
       .norms = Norms::post_named,
       .cache_unchecked = true,
       .unread = true},
      {.name = "hunyuan-dense",
       .types = {"hunyuan_v1_dense"},
       .has_head_norm = Has::always,
       .cache_unchecked = true,
       .unread = true},
      {.name = "apertus",
       .types = {"apertus"},
       .has_head_norm = Has::always,
       .matrices = 2,
       .cache_unchecked = true,
       .unread = true,
       .constants = true},
      {.name = "dots1",
       .types = {"dots1"},
       .has_head_norm = Has::always,
       .router = RouterFormat::raw,
       .correction = Correction::yes,
       .cache_unchecked = true,
       .unread = true},
      {.name = "exaone-moe",
       .types = {"exaone_moe"},
       .has_head_norm = Has::always,
       .router = RouterFormat::raw,
       .correction = Correction::yes,
       .cache_unchecked = true,
       .unread = true},
      {.name = "hy_v3",
       .types = {"hy_v3"},
       .has_head_norm = Has::always,
       .router = RouterFormat::raw,
       .correction = Correction::yes,
       .cache_unchecked = true,
       .unread = true},
      {.name = "afmoe",
       .types = {"afmoe"},
       .norms = Norms::sandwich,
       .has_head_norm = Has::always,
       .router = RouterFormat::eight_bit,
       .correction = Correction::yes,
       .cache_unchecked = true,
       .unread = true},
      {.name = "laguna",
       .types = {"laguna"},
       .has_head_norm = Has::always,
       .router = RouterFormat::eight_bit,
       .correction = Correction::yes,
       .cache_unchecked = true,
       .unread = true},
      {.name = "mellum",
       .types = {"mellum"},
       .has_head_norm = Has::always,
       .router = RouterFormat::eight_bit,
       .cache_unchecked = true,
       .unread = true},
      {.name = "lfm2",
       .types = {"lfm2", "lfm2_vl", "lfm2-vl"},
       .output_norm = "token_embd_norm",
       .kv_array = true,
       .has_head_norm = Has::always,
       .state = State::short_conv,
       .cache_unchecked = true,
       .unread = true},
      {.name = "lfm2moe",
       .types = {"lfm2_moe"},
       .output_norm = "token_embd_norm",
       .kv_array = true,
       .has_head_norm = Has::always,
       .state = State::short_conv,
       .router = RouterFormat::eight_bit,
       .correction = Correction::yes,
       .cache_unchecked = true,
       .unread = true},
      {.name = "falcon-h1",
       .types = {"falcon_h1"},
       .state = State::mamba2,
       .beside_attention = true,
       .cache_unchecked = true,
       .unread = true},
      {.name = "bloom",
       .types = {"bloom"},
       .fused_qkv = true,
       .qkv_bias = Has::always,
       .output_bias = Has::always,
       .matrices = 2,
       .biased = true},
  };
  return table;
}

const Rule* find_rule(std::string_view gguf_name) {
  for (const Rule& rule : rules()) {
    if (rule.name == gguf_name) {
      return &rule;
    }
  }
  return nullptr;
}

std::int64_t expert_count(const Architecture& architecture) {
  std::int64_t count = 0;
  for (const Block& block : architecture.blocks) {
    if (block.experts) {
      count = std::max(count, block.experts->count);
    }
  }
  return count;
}

namespace {

/// Types that llama.cpp has no architecture for.
bool lacks(std::string_view type) { return type == "minimax_m1" || type == "mimo"; }

/// Why llama.cpp or this project can't do a model type that the table does not hold.
std::string refusal(std::string_view type) {
  const std::string name = "\"" + printable(type) + "\"";
  if (type.empty()) {
    return "nothing names the model's type, so whether llama.cpp loads it is not known";
  }
  if (lacks(type)) {
    return "llama.cpp has no architecture for model type " + name;
  }
  if (type == "falcon") {
    return "llama.cpp quantizes falcon by rules of its own, which are not known here";
  }
  if (type == "minimax_m3") {
    return "llama.cpp's tensors for model type " + name + " include an indexer of unknown size";
  }
  return "no llama.cpp architecture is known for model type " + name;
}

/// Whether a layer has what no column tells of.
bool untold(const Rule& rule, const Block& block) {
  const auto constant = [&](const Part& part) {
    return rule.constants && part.rows == 1 && part.columns == 1;
  };
  const bool beside = block.attention && block.mamba2;
  return (block.short_conv.has_value() && rule.state != State::short_conv) ||
         !std::all_of(block.parts.begin(), block.parts.end(), constant) ||
         (beside && !rule.beside_attention) ||
         (block.attention && (block.attention->indexer || block.attention->copies > 1 ||
                              block.attention->borrowed_kv || block.attention->uncached)) ||
         (block.latent && block.latent->copies > 1);
}

}  // namespace

const Rule* rule_of(const Architecture& architecture, std::string* why) {
  std::string_view type = architecture.type;
  constexpr std::string_view text = "_text";
  const Rule* found = nullptr;
  for (int pass = 0; pass < 2 && found == nullptr; ++pass) {
    for (const Rule& rule : rules()) {
      if (std::find(rule.types.begin(), rule.types.end(), type) != rule.types.end()) {
        found = &rule;
        break;
      }
    }
    if (found == nullptr && type.ends_with(text)) {
      type.remove_suffix(text.size());
    }
  }
  if (found == nullptr) {
    if (why != nullptr) {
      *why = refusal(architecture.type);
    }
    return nullptr;
  }
  if (!found->name_with_experts.empty() && has_experts(architecture)) {
    found = find_rule(found->name_with_experts);
  }
  for (const Block& block : architecture.blocks) {
    if (untold(*found, block) || !architecture.parts.empty()) {
      if (why != nullptr) {
        *why = "the tensors that llama.cpp makes of this architecture are not known here";
      }
      return nullptr;
    }
    if (block.lightning) {
      if (why != nullptr) {
        *why = "llama.cpp has no lightning attention";
      }
      return nullptr;
    }
  }
  return found;
}

const Rule& require_rule(const Architecture& architecture) {
  std::string why;
  const Rule* rule = rule_of(architecture, &why);
  if (rule == nullptr) {
    throw Error(why);
  }
  return *rule;
}

std::int64_t heads_per_kv_head(const Architecture& architecture, const Rule& rule) {
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const Block& block = architecture.block_of(i);
    if (block.latent) {
      return block.latent->heads;
    }
    if (block.attention) {
      const Attention& a = *block.attention;
      return a.kv_heads > 0 ? a.heads / a.kv_heads : 0;
    }
    if (rule.kv_array) {
      return 0;
    }
  }
  return 0;
}

}  // namespace gguf

std::optional<std::string> find_gguf_architecture(const Architecture& architecture,
                                                  std::string* why) {
  // Of a file whose architecture no rule tells of: its own name, and nothing more.
  constexpr std::string_view own = "gguf:";
  if (architecture.type.starts_with(own)) {
    return architecture.type.substr(own.size());
  }
  const gguf::Rule* rule = gguf::rule_of(architecture, why);
  if (rule == nullptr) {
    return std::nullopt;
  }
  return std::string(rule->name);
}

bool llama_lacks(const Architecture& architecture) { return gguf::lacks(architecture.type); }

std::string gguf_architecture(const Architecture& architecture) {
  return std::string(gguf::require_rule(architecture).name);
}

}  // namespace macfit::model
