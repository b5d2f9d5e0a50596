#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"

// What differs between the architectures that llama.cpp knows; shared by the gguf_*.cpp files.
namespace macfit::model::gguf {

enum class Norms : std::uint8_t {
  pre,         ///< attn_norm, ffn_norm
  post_named,  ///< attn_norm, post_attention_norm (which stands before the feed-forward)
  sandwich,    ///< attn_norm, post_attention_norm, ffn_norm, post_ffw_norm
  post,        ///< post_attention_norm, post_ffw_norm
  one,         ///< attn_norm alone
};

struct Rule {
  std::string_view name;                ///< llama.cpp's own
  std::vector<std::string_view> types;  ///< Hugging Face model types; the first is the usual
  Norms norms = Norms::pre;
  bool fused_qkv = false;      ///< attn_qkv
  bool fused_gate_up = false;  ///< the gate's rows are in ffn_up
  bool mtp = false;            ///< the converter keeps MTP layers
  bool kv_array = false;       ///< head_count_kv is written per layer, 0 without attention
};

[[nodiscard]] const std::vector<Rule>& rules();
[[nodiscard]] const Rule* find_rule(std::string_view gguf_name);
/// The rule for a model; null, with the reason in `why`, where there is none.
[[nodiscard]] const Rule* rule_of(const Architecture& architecture, std::string* why);
/// The same; throws Error with the reason.
[[nodiscard]] const Rule& require_rule(const Architecture& architecture);

/// True if a layer holds routed experts.
[[nodiscard]] bool has_experts(const Architecture& architecture);
/// Routed experts of the layers that have them; 0 without any.
[[nodiscard]] std::int64_t expert_count(const Architecture& architecture);

/// Query heads for each key/value head of the first layer, as hparams.n_gqa() has it: 0 where that
/// layer is written without key/value heads.
[[nodiscard]] std::int64_t heads_per_kv_head(const Architecture& architecture, const Rule& rule);

}  // namespace macfit::model::gguf
