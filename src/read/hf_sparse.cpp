// Families whose layers are grouped-query attention and, in some or all layers, experts.

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"

namespace macfit::read {
namespace {

bool holds(const ConfigNode* list, std::int64_t value) {
  if (list == nullptr) {
    return false;
  }
  const auto& entries = list->array();
  return std::any_of(entries.begin(), entries.end(),
                     [&](const ConfigNode& e) { return e.whole(0, most_layers) == value; });
}

/// Qwen's rule: sparse every `decoder_sparse_step` layers but those in `mlp_only_layers`.
bool qwen_sparse(const Config& c, std::int64_t i) {
  return c.experts() > 0 && !holds(c.find({"mlp_only_layers"}), i) &&
         (i + 1) % c.size_or(1, {"decoder_sparse_step"}) == 0;
}

model::Experts qwen_experts(const Config& c, model::RouterFormat router) {
  model::Experts e =
      experts_of(c, {.width = {"moe_intermediate_size", "intermediate_size"}, .router = router});
  e.shared_width = c.count_or(0, {"shared_expert_intermediate_size"});
  e.shared_gate = e.shared_width > 0;
  return e;
}

model::Architecture qwen_moe(const Config& c, const AttentionRule& rule,
                             model::RouterFormat router) {
  const model::Attention attention = grouped_attention(c, rule);
  const std::vector<bool> routed =
      sparse_layers(c, c.layers(), [&](std::int64_t i) { return qwen_sparse(c, i); });
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.attention = attention;
    if (routed[static_cast<std::size_t>(i)]) {
      b.experts = qwen_experts(c, router);
    } else {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
    }
    return b;
  });
}

model::Architecture qwen2_moe(const Config& c) {
  return qwen_moe(c, {.bias = BiasRule::qkv}, model::RouterFormat::base);
}

model::Architecture qwen3_moe(const Config& c) {
  return qwen_moe(c, {.norm = model::HeadNorm::per_head}, model::RouterFormat::eight_bit);
}

model::Architecture qwen3_vl_moe(const Config& c) {
  model::Architecture a = qwen3_moe(c);
  set_vision(c, a);
  return a;
}

model::Architecture olmoe(const Config& c) {
  return qwen_moe(c, {.norm = model::HeadNorm::full_width}, model::RouterFormat::base);
}

model::Architecture mixtral(const Config& c) {
  const model::Attention attention = grouped_attention(c, {.bias = BiasRule::none});
  return layered(c, false, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.experts = experts_of(c, {.count = {"num_local_experts"}, .width = {"intermediate_size"}});
    return b;
  });
}

model::Architecture granitemoe(const Config& c) {
  model::Architecture a = mixtral(c);
  for (model::Block& b : a.blocks) {
    b.experts->router = model::RouterFormat::eight_bit;
  }
  a.tied = c.find({"tie_word_embeddings"}) == nullptr || a.tied;
  return a;
}

/// M2 has softmax attention alone; M1 mixes it with lightning attention by `attn_type_list`
/// (1: softmax, 0: lightning) or `layer_types`. Routers stay 32-bit in both.
model::Architecture minimax(const Config& c) {
  const std::int64_t layers = c.layers();
  const auto* kinds = c.per_layer({"attn_type_list"}, layers);
  const std::vector<std::string_view> types = layer_types(c, layers);
  // mlx-lm's class of either name is the second generation's, which has no lightning attention.
  const bool second =
      c.outer().find("model_type")->string() == "minimax_m2" || (kinds == nullptr && types.empty());
  model::Attention attention = grouped_attention(c, {.bias = BiasRule::none});
  if (c.flag("use_qk_norm", second)) {
    const ConfigNode* width = c.find({"qk_norm_type"});
    attention.norm = width != nullptr && width->string() == "per_head"
                         ? model::HeadNorm::per_head
                         : model::HeadNorm::full_width;
  }
  const std::int64_t shared = c.count_or(0, {"shared_intermediate_size"});
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    const auto at = static_cast<std::size_t>(i);
    const bool lightning = kinds != nullptr ? (*kinds)[at].whole(0, 1) == 0
                                            : !types.empty() && types[at] == "linear_attention";
    if (lightning) {
      b.lightning = model::Lightning{attention.heads, attention.head_dim};
    } else {
      b.attention = attention;
    }
    b.experts = experts_of(c, {.count = {"num_local_experts"},
                               .width = {"intermediate_size"},
                               .router = model::RouterFormat::eight_bit});
    b.experts->router_f32 = true;
    b.experts->correction_bias = c.flag("use_routing_bias", second);
    b.experts->shared_width = shared;
    return b;
  });
}

/// Three of four layers see their own chunk; every `interleave_moe_layer_step`-th layer has experts
/// and one shared expert of the same width. Without experts all layers are dense (MobileLLM-R1,
/// whose class in mlx-lm, llama4_text, knows nothing else and caches the whole context).
model::Architecture llama4(const Config& c) {
  const std::int64_t layers = c.layers();
  model::Attention attention = grouped_attention(c, {});
  attention.mlx_full = c.outer().find("model_type")->string() == "llama4_text";
  const ConfigNode* positions = c.find({"no_rope_layers"});  // 1: with positions; may be empty
  const bool stated = positions != nullptr && !positions->array().empty();
  const auto* rotated = stated ? c.per_layer({"no_rope_layers"}, layers) : nullptr;
  const std::vector<model::Span> spans = layer_spans(c, layers, [&](std::int64_t i) {
    const bool chunks = rotated != nullptr
                            ? (*rotated)[static_cast<std::size_t>(i)].whole(0, 1) == 1
                            : (i + 1) % 4 != 0;
    return chunks ? model::Span::chunked : model::Span::full;
  });
  const std::int64_t chunk = c.size_or(8192, {"attention_chunk_size"});
  const ConfigNode* listed = c.find({"moe_layers"});
  const std::int64_t step = c.count_or(1, {"interleave_moe_layer_step"});
  const bool any = c.experts() > 0;
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.attention = spanning(attention, spans[static_cast<std::size_t>(i)], chunk);
    b.attention->mlx_full = attention.mlx_full && b.attention->span != model::Span::full;
    const bool sparse = listed != nullptr ? holds(listed, i) : step > 0 && i % step == step - 1;
    if (any && sparse) {
      b.experts = experts_of(c, {.count = {"num_local_experts"}, .width = {"intermediate_size"}});
      b.experts->shared_width = b.experts->width;
    } else {
      b.dense = gated_mlp(c.size({"intermediate_size_mlp"}));
    }
    return b;
  });
  set_vision(c, a);
  return a;
}

/// Attention and experts have objects of their own; LayerNorm without bias.
model::Architecture dbrx(const Config& c) {
  const Config ffn(c.outer(), c.at({"ffn_config"}));
  const Config attn(c.outer(), c.at({"attn_config"}));
  model::Attention attention = grouped_attention(c, {.bias = BiasRule::none});
  const ConfigNode& kv = attn.at({"kv_n_heads"});
  attention.kv_heads = kv.whole(1, largest_size);
  if (attention.heads % attention.kv_heads != 0) {
    throw kv.error(fmt::format("{} heads are not divisible by {} key-value heads", attention.heads,
                               attention.kv_heads));
  }
  attention.fused_qkv = true;
  return layered(c, false, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.experts = experts_of(
        ffn,
        {.count = {"moe_num_experts"}, .per_token = {"moe_top_k"}, .width = {"ffn_hidden_size"}});
    return b;
  });
}

/// Grok-1 and, with a dense part beside the experts, Grok-2.
model::Architecture grok(const Config& c) {
  const model::Attention attention = grouped_attention(c, {.bias = BiasRule::none});
  const bool residual = c.flag("residual_moe", false);
  return layered(c, !residual, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.norms = 4;
    b.experts = experts_of(c, {.count = {"num_local_experts", "num_experts"},
                               .width = {"moe_intermediate_size", "intermediate_size"}});
    if (residual) {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
    }
    return b;
  });
}

/// A field that is one number or a number for each layer.
std::int64_t of_layer(const Config& c, const Keys& keys, std::int64_t i, std::int64_t layers) {
  const ConfigNode& node = c.at(keys);
  if (!node.is(ConfigNode::Kind::array)) {
    return node.whole(0, largest_size);
  }
  return (*c.per_layer(keys, layers))[static_cast<std::size_t>(i)].whole(0, largest_size);
}

model::Architecture hunyuan(const Config& c) {
  // With `use_cla` only every so many-th layer has keys and values; each layer caches its own all
  // the same (mlx_lm/models/hunyuan.py).
  const bool borrows = c.flag("use_cla", false);
  const std::int64_t share = borrows ? c.size({"cla_share_factor"}) : 1;
  const bool mixed = c.flag("use_mixed_mlp_moe", true);
  const std::int64_t layers = c.layers();
  const model::Attention attention = grouped_attention(
      c, {.norm = c.flag("use_qk_norm", true) ? model::HeadNorm::per_head : model::HeadNorm::none});
  const std::int64_t width = c.size({"intermediate_size"});
  const std::int64_t first = c.count_or(0, {"moe_layer_num_skipped"});
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.attention = attention;
    b.attention->borrowed_kv = i % share != 0;
    if (c.experts() <= 1 || i < first) {
      b.dense = gated_mlp(width);
      return b;
    }
    model::Experts e;
    e.count = c.size({"num_experts"});
    e.per_token = of_layer(c, {"moe_topk", "num_experts_per_tok"}, i, layers);
    e.width = c.find({"moe_intermediate_size"}) == nullptr
                  ? width
                  : of_layer(c, {"moe_intermediate_size"}, i, layers);
    if (mixed && c.find({"num_shared_expert"}) != nullptr) {
      e.shared_width = checked_mul(width, of_layer(c, {"num_shared_expert"}, i, layers));
    }
    b.experts = e;
    return b;
  });
}

/// The first generation, whose head is always the embedding.
model::Architecture hunyuan_first(const Config& c) {
  model::Architecture a = hunyuan(c);
  a.tied = true;
  return a;
}

model::Architecture hunyuan_dense(const Config& c) {
  const model::Attention attention = grouped_attention(
      c, {.norm = c.flag("use_qk_norm", true) ? model::HeadNorm::per_head : model::HeadNorm::none});
  return layered(c, false, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.dense = gated_mlp(c.size({"intermediate_size"}), c.flag("mlp_bias", false));
    return b;
  });
}

/// The least or the greatest of a number or a list of numbers.
std::int64_t extreme(const ConfigNode* node, std::int64_t fallback, bool least) {
  if (node == nullptr) {
    return fallback;
  }
  if (!node->is(ConfigNode::Kind::array)) {
    return node->whole(-1, most_layers);
  }
  if (node->array().empty()) {
    throw node->expected("a number or a list of numbers");
  }
  std::int64_t value = node->array().front().whole(-1, most_layers);
  for (const ConfigNode& entry : node->array()) {
    const std::int64_t other = entry.whole(-1, most_layers);
    value = least ? std::min(value, other) : std::max(value, other);
  }
  return value;
}

/// Experts between two layer numbers. mlx-lm drops the correction bias of the routers.
model::Architecture ernie(const Config& c) {
  const std::int64_t layers = c.layers();
  const bool bias = c.flag("use_bias", false);
  const model::Attention attention =
      grouped_attention(c, {.bias = bias ? BiasRule::all : BiasRule::none});
  const std::int64_t first = extreme(c.find({"moe_layer_start_index"}), 0, true);
  std::int64_t last = extreme(c.find({"moe_layer_end_index"}), layers - 1, false);
  last = last < 0 ? layers - 1 : last;
  const std::int64_t interval = c.size_or(1, {"moe_layer_interval"});
  const bool has_experts = c.experts() > 0;
  const model::Dense mlp = gated_mlp(c.size({"intermediate_size"}), bias);
  model::Architecture a = layered(c, true, [&](std::int64_t i) {
    model::Block b;
    b.attention = attention;
    if (!has_experts || i < first || i > last || (i + 1) % interval != 0) {
      b.dense = mlp;
      return b;
    }
    b.experts = experts_of(c, {.count = {"moe_num_experts"}, .per_token = {"moe_k"}});
    b.experts->shared_width =
        checked_mul(b.experts->width, c.count_or(0, {"moe_num_shared_experts"}));
    return b;
  });
  const std::int64_t mtp = c.count_or(0, {"num_nextn_predict_layers"});
  if (mtp > 0) {
    model::Block b;
    b.attention = attention;
    b.dense = mlp;
    set_mtp(a, mtp, mtp_layer_parameters(a, b, 2, 0));
  }
  return a;
}

/// Ling. Both switches came with the second generation, whose first layers are dense.
model::Architecture bailing_sparse(const Config& c) {
  const std::int64_t dense_first = c.count_or(0, {"first_k_dense_replace"});
  const bool second = dense_first > 0;
  const bool qkv_bias = c.flag("use_qkv_bias", false);
  const bool bias = c.flag("use_bias", false);
  model::Attention attention = grouped_attention(
      c,
      {.bias = BiasRule::none,
       .norm = c.flag("use_qk_norm", second) ? model::HeadNorm::per_head : model::HeadNorm::none});
  attention.fused_qkv = true;
  attention.plain_qkv = true;
  attention.qkv_bias = qkv_bias;
  attention.output_bias = bias;
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.attention = attention;
    if (i < dense_first) {
      b.dense = gated_mlp(c.size({"intermediate_size"}), bias);
      return b;
    }
    b.experts = experts_of(c, {.router = model::RouterFormat::eight_bit});
    b.experts->bias = bias;
    b.experts->correction_bias = c.flag("moe_router_enable_expert_bias", second);
    b.experts->shared_width =
        checked_mul(c.size_or(b.experts->width, {"moe_shared_expert_intermediate_size"}),
                    c.count_or(0, {"num_shared_experts"}));
    return b;
  });
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

model::Architecture glm4_moe(const Config& c) {
  const model::Attention attention = grouped_attention(
      c,
      {.bias = BiasRule::flag_qkv,
       .norm = c.flag("use_qk_norm", false) ? model::HeadNorm::per_head : model::HeadNorm::none});
  const std::int64_t dense_first = c.count_or(0, {"first_k_dense_replace"});
  const std::vector<bool> routed =
      sparse_layers(c, c.layers(), [&](std::int64_t i) { return i >= dense_first; });
  model::Block sparse;
  sparse.attention = attention;
  sparse.experts =
      experts_of(c, {.count = {"n_routed_experts"}, .router = model::RouterFormat::raw});
  sparse.experts->correction_bias = true;
  sparse.experts->shared_width =
      checked_mul(sparse.experts->width, c.count_or(0, {"n_shared_experts"}));
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    if (routed[static_cast<std::size_t>(i)]) {
      return sparse;
    }
    model::Block b;
    b.attention = attention;
    b.dense = gated_mlp(c.size({"intermediate_size"}));
    return b;
  });
  const std::int64_t mtp = c.count_or(0, {"num_nextn_predict_layers"});
  if (mtp > 0) {
    set_mtp(a, mtp, mtp_layer_parameters(a, sparse, 3, 2));
  }
  if (c.wrapped()) {
    set_vision(c, a);
  }
  return a;
}

/// The first DeepSeek MoE, dots.llm1 and K-EXAONE: raw routers, shared experts in one; the later
/// two with head norms and correction biases (`wide`: of 32 bits). Which layers have experts, a
/// list may say.
model::Architecture routed_moe(const Config& c, bool second, bool wide) {
  const std::int64_t layers = c.layers();
  const auto* listed = c.per_layer({"is_moe_layer"}, layers);
  const std::int64_t first = c.count_or(0, {"first_k_dense_replace"});
  const std::int64_t step = c.size_or(1, {"moe_layer_freq"});
  const bool any = c.experts() > 0;
  model::Attention attention =
      grouped_attention(c, {.bias = second ? BiasRule::none : BiasRule::flag_all,
                            .norm = second ? model::HeadNorm::per_head : model::HeadNorm::none});
  const std::vector<model::Span> spans =
      layer_spans(c, layers, [](std::int64_t) { return model::Span::full; });
  const std::int64_t window = window_of(c, spans);
  const model::Dense mlp = gated_mlp(c.size({"intermediate_size"}), c.flag("mlp_bias", false));
  const std::vector<bool> routed = sparse_layers(c, layers, [&](std::int64_t i) {
    return listed != nullptr ? (*listed)[static_cast<std::size_t>(i)].boolean()
                             : i >= first && i % step == 0;
  });
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    model::Block b;
    const auto at = static_cast<std::size_t>(i);
    b.attention = spanning(attention, spans[at], window);
    if (!any || !routed[at]) {
      b.dense = mlp;
      return b;
    }
    b.experts = experts_of(
        c, {.count = {"n_routed_experts", "num_experts"}, .router = model::RouterFormat::raw});
    b.experts->correction_bias = second;
    b.experts->correction_f32 = wide;
    b.experts->shared_width =
        checked_mul(b.experts->width, c.count_or(0, {"n_shared_experts", "num_shared_experts"}));
    return b;
  });
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

model::Architecture deepseek(const Config& c) { return routed_moe(c, false, true); }
/// Its class casts the correction biases with the rest.
model::Architecture dots1(const Config& c) { return routed_moe(c, true, false); }
model::Architecture exaone_moe(const Config& c) { return routed_moe(c, true, true); }

/// LayerNorm, and biases down to the head's.
model::Architecture phimoe(const Config& c) {
  model::Attention attention = grouped_attention(c, {.bias = BiasRule::all});
  model::Architecture a = layered(c, false, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.norm_bias = true;
    b.experts = experts_of(c, {.count = {"num_local_experts"}, .width = {"intermediate_size"}});
    return b;
  });
  a.final_norm_bias = true;
  a.head_bias = true;
  return a;
}

constexpr std::array sparse_table = {
    Family{"deepseek", deepseek},
    Family{"dots1", dots1},
    Family{"exaone_moe", exaone_moe},
    Family{"phimoe", phimoe},
    Family{"qwen2_moe", qwen2_moe},
    Family{"qwen3_moe", qwen3_moe},
    Family{"qwen3_vl_moe", qwen3_vl_moe},
    Family{"qwen3_vl_moe_text", qwen3_vl_moe},
    Family{"olmoe", olmoe},
    Family{"mixtral", mixtral},
    Family{"granitemoe", granitemoe},
    Family{"minimax", minimax},
    Family{"minimax_m1", minimax},
    Family{"minimax_m2", minimax},
    Family{"llama4", llama4},
    Family{"llama4_text", llama4},
    Family{"dbrx", dbrx},
    Family{"grok-1", grok},
    Family{"git", grok},  // what Grok-2's config.json says
    Family{"hunyuan", hunyuan_first},
    Family{"hunyuan_v1_moe", hunyuan},
    Family{"hunyuan_v1_dense", hunyuan_dense},
    Family{"ernie4_5_moe", ernie},
    Family{"ernie4_5", ernie},
    Family{"bailing_moe", bailing_sparse},
    Family{"bailing_moe_v2", bailing_sparse},
    Family{"glm4_moe", glm4_moe},
    Family{"solar_open", glm4_moe},
    Family{"glm4v_moe", glm4_moe},
};

}  // namespace

std::span<const Family> sparse_families() { return sparse_table; }

}  // namespace macfit::read
