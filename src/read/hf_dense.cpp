// Families whose layers are attention and one feed-forward part.

#include <array>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

/// What tells the llama-like families apart.
struct DenseRule {
  AttentionRule attention = {};
  int norms = 2;
  bool tied = false;
  bool fused = false;      ///< one matrix for q, k and v, one for gate and up
  bool mlp_fused = false;  ///< one matrix for gate and up alone
  bool mlx_full = false;   ///< mlx-lm caches sliding layers in full
  model::Span (*span)(const Config&,
                      std::int64_t) = nullptr;  ///< without `layer_types`; null: full
  bool uses_layer_types = true;
  std::int64_t window = 0;  ///< where the config has none
};

model::Architecture dense_model(const Config& c, const DenseRule& rule) {
  const std::int64_t layers = c.layers();
  model::Attention attention = grouped_attention(c, rule.attention);
  attention.fused_qkv = rule.fused;
  model::Dense mlp =
      gated_mlp(c.size({"intermediate_size", "ffn_hidden_size"}), c.flag("mlp_bias", false));
  mlp.fused_gate_up = rule.fused || rule.mlp_fused;
  const auto otherwise = [&](std::int64_t i) {
    return rule.span == nullptr ? model::Span::full : rule.span(c, i);
  };
  const std::vector<model::Span> spans =
      rule.uses_layer_types ? layer_spans(c, layers, otherwise)
                            : std::vector(static_cast<std::size_t>(layers), model::Span::full);
  const std::int64_t window = window_of(c, spans, rule.window);
  return layered(c, rule.tied, [&](std::int64_t i) {
    model::Block b;
    b.attention = spanning(attention, spans[static_cast<std::size_t>(i)], window);
    b.attention->mlx_full = rule.mlx_full && b.attention->span == model::Span::sliding;
    b.dense = mlp;
    b.norms = rule.norms;
    return b;
  });
}

/// `sliding_window` alone slides nothing; only `layer_types` does (mlx_lm/models/llama.py).
model::Architecture llama(const Config& c) { return dense_model(c, {}); }

/// The flag of the output's bias is its own.
model::Architecture seed_oss(const Config& c) {
  model::Architecture a = dense_model(c, {.attention = {.bias = BiasRule::flag_qkv}});
  for (model::Block& b : a.blocks) {
    b.attention->output_bias = c.flag("attention_out_bias", false);
  }
  return a;
}

model::Architecture granite(const Config& c) { return dense_model(c, {.tied = true}); }

/// The output has no bias whatever the flag (mlx_lm/models/telechat3.py, helium.py).
model::Architecture telechat3(const Config& c) {
  return dense_model(c, {.attention = {.bias = BiasRule::flag_qkv}});
}

/// The wrapper also holds Mistral 4's mixture with latent attention (mlx_lm/models/mistral3.py).
model::Architecture mistral3(const Config& c) {
  model::Architecture a = c.find({"kv_lora_rank"}) != nullptr ? mistral4(c) : llama(c);
  set_vision(c, a);
  return a;
}

/// Qwen2 and Qwen3 slide only where `use_sliding_window` says so, and never in mlx-lm.
DenseRule qwen_rule(const Config& c, AttentionRule attention) {
  DenseRule rule;
  rule.attention = attention;
  rule.uses_layer_types = c.flag("use_sliding_window", false);
  rule.mlx_full = true;
  return rule;
}

model::Architecture qwen2(const Config& c) {
  return dense_model(c, qwen_rule(c, {.bias = BiasRule::qkv}));
}

model::Architecture qwen2_vl(const Config& c) {
  model::Architecture a = qwen2(c);
  set_vision(c, a);
  return a;
}

model::Architecture mimo(const Config& c) {
  model::Architecture a = qwen2(c);
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

model::Architecture qwen3(const Config& c) {
  return dense_model(c, qwen_rule(c, {.norm = model::HeadNorm::per_head}));
}

model::Architecture qwen3_vl(const Config& c) {
  model::Architecture a = qwen3(c);
  set_vision(c, a);
  return a;
}

/// The first Qwen: `intermediate_size` counts gate and up together, no grouped queries.
model::Architecture qwen(const Config& c) {
  const ConfigNode& width = c.at({"intermediate_size"});
  if (width.whole(2, largest_size) % 2 != 0) {
    throw width.expected("an even size: gate and up together");
  }
  model::Attention attention = grouped_attention(c, {.bias = BiasRule::qkv});
  attention.fused_qkv = true;
  return layered(c, false, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.dense = gated_mlp(width.whole(2, largest_size) / 2);
    return b;
  });
}

model::Architecture phi3(const Config& c) {
  return dense_model(c, {.attention = {.bias = BiasRule::none}, .fused = true});
}

/// Norms before and after both halves; bias on q, k and v alone.
model::Architecture glm4(const Config& c) {
  return dense_model(c, {.attention = {.bias = BiasRule::flag_qkv}, .norms = 4, .mlp_fused = true});
}

model::Architecture olmo2(const Config& c) {
  return dense_model(c, {.attention = {.norm = model::HeadNorm::full_width}});
}

model::Architecture olmo3(const Config& c) {
  return dense_model(c, {.attention = {.norm = model::HeadNorm::full_width},
                         .span = [](const Config&, std::int64_t i) { return every(4, i); }});
}

/// `sliding_window_pattern` is a text such as "LLLG" or a period; no window: all layers are full.
model::Span exaone_span(const Config& c, std::int64_t i) {
  const ConfigNode* pattern = c.find({"sliding_window_pattern"});
  if (pattern == nullptr || c.count_or(0, {"sliding_window"}) == 0) {
    return model::Span::full;
  }
  if (pattern->is(ConfigNode::Kind::number)) {
    return every(pattern->whole(1, most_layers), i);
  }
  const std::string& text = pattern->string();
  if (text.empty() || text.find_first_not_of("LG") != std::string::npos) {
    throw pattern->expected("a text of L (local) and G (global)");
  }
  return text[static_cast<std::size_t>(i) % text.size()] == 'L' ? model::Span::sliding
                                                                : model::Span::full;
}

model::Architecture exaone4(const Config& c) {
  return dense_model(c, {.attention = {.bias = BiasRule::none, .norm = model::HeadNorm::per_head},
                         .span = exaone_span});
}

model::Architecture exaone4_5(const Config& c) {
  model::Architecture a = exaone4(c);
  set_vision(c, a);
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

/// One norm for both halves, LayerNorm without bias.
model::Architecture cohere(const Config& c) {
  const model::HeadNorm norm =
      c.flag("use_qk_norm", false) ? model::HeadNorm::full_width : model::HeadNorm::none;
  return dense_model(c, {.attention = {.norm = norm}, .norms = 1, .tied = true});
}

model::Architecture cohere2(const Config& c) {
  return dense_model(c,
                     {.norms = 1, .tied = true, .span = [](const Config& config, std::int64_t i) {
                        return every(config.size_or(4, {"sliding_window_pattern"}), i);
                      }});
}

model::Architecture gemma(const Config& c) {
  return dense_model(c, {.attention = {.default_head_dim = 256}, .tied = true});
}

model::Architecture gemma2(const Config& c) {
  return dense_model(c, {.attention = {.default_head_dim = 256},
                         .norms = 4,
                         .tied = true,
                         .mlx_full = true,
                         .span = [](const Config&, std::int64_t i) { return every(2, i); },
                         .window = 4096});
}

model::Architecture gemma3_text(const Config& c) {
  return dense_model(
      c, {.attention = {.norm = model::HeadNorm::per_head, .default_head_dim = 256},
          .norms = 4,
          .tied = true,
          .span =
              [](const Config& config, std::int64_t i) {
                return every(
                    config.size_or(6, {"sliding_window_pattern", "_sliding_window_pattern"}), i);
              },
          .window = 1024});
}

/// The published wrapper leaves out what its first release took for granted.
model::Architecture gemma3(const Config& c) {
  ConfigNode text = c.text();
  const auto fill = [&](std::string_view key, std::int64_t value) {
    if (text.find(key) == nullptr) {
      ConfigNode node(ConfigNode::Kind::number, text.pointer());
      node.set(static_cast<double>(value));
      text.add(std::string(key), std::move(node));
    }
  };
  fill("num_attention_heads", 8);
  fill("num_key_value_heads", 4);
  fill("max_position_embeddings", 131072);
  fill("vocab_size", 262208);
  model::Architecture a = gemma3_text(Config(c.outer(), text));
  for (std::size_t i = 0; i < c.text().keys().size(); ++i) {
    if (text.member(i).asked_for()) {
      (void)c.text().find(text.keys()[i]);  // asked of the copy, read from here
    }
  }
  // The wrapper's number counts. Without one the checkpoints have 262,208 rows whatever their
  // text_config says; a larger vocabulary is a fine-tune's own.
  const ConfigNode* outer = c.outer().find("vocab_size");
  a.vocabulary = outer != nullptr ? outer->whole(1, largest_size)
                                  : std::max<std::int64_t>(a.vocabulary, 262208);
  set_vision(c, a);
  return a;
}

/// Gemma 4: two head widths, shared caches at the end, experts beside the dense part.
model::Architecture gemma4(const Config& c) {
  const std::int64_t layers = c.layers();
  const std::vector<model::Span> spans = layer_spans(c, layers, [&](std::int64_t i) {
    return every(c.size_or(5, {"sliding_window_pattern"}), i);
  });
  const std::int64_t window = window_of(c, spans, 512);
  model::Attention sliding = grouped_attention(
      c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head, .default_head_dim = 256});
  model::Attention full = sliding;
  // Absent keys are mlx-lm's defaults, those of an E-model; a file that gives single layers their
  // widths leaves these out.
  full.head_dim = c.size_or(512, {"global_head_dim"});
  full.value_dim = full.head_dim;
  full.value_from_key = c.flag("attention_k_eq_v", false);
  if (full.value_from_key) {
    full.kv_heads = c.size_or(sliding.kv_heads, {"num_global_key_value_heads"});
    if (full.heads % full.kv_heads != 0) {
      throw c.at({"num_global_key_value_heads"})
          .error(fmt::format("{} attention heads are not divisible by {} key-value heads",
                             full.heads, full.kv_heads));
    }
  }
  const std::int64_t shared = c.count_or(20, {"num_kv_shared_layers"});
  if (shared >= layers) {
    throw c.at({"num_kv_shared_layers"})
        .error(fmt::format("{} layers of {} read an earlier layer's cache", shared, layers));
  }
  const bool double_wide = c.flag("use_double_wide_mlp", true);
  const std::int64_t width = c.size({"intermediate_size"});
  const bool sparse = c.flag("enable_moe_block", false);
  const std::int64_t per_layer = c.count_or(256, {"hidden_size_per_layer_input"});
  std::int64_t unused = 0;
  model::Architecture a = layered(c, true, [&](std::int64_t i) {
    model::Block b;
    const model::Span span = spans[static_cast<std::size_t>(i)];
    b.attention =
        of_layer(c, i, spanning(span == model::Span::full ? full : sliding, span, window));
    const bool reads_other = i >= layers - shared;
    if (reads_other) {
      const model::Attention& own = *b.attention;
      const std::int64_t kv = checked_mul(own.kv_heads, own.head_dim);
      unused += checked_add(checked_mul(checked_mul(own.value_from_key ? 1 : 2, kv), c.hidden()),
                            own.head_dim);
      b.attention->shared_kv = true;
    }
    b.dense = gated_mlp(reads_other && double_wide ? checked_mul(2, width) : width);
    b.norms = 4;
    if (sparse) {
      b.experts = experts_of(c, {.per_token = {"top_k_experts", "num_experts_per_tok"},
                                 .width = {"moe_intermediate_size", "expert_intermediate_size"},
                                 .router = model::RouterFormat::eight_bit});
      b.experts->router_scale = true;
      b.dense->eight_bit = true;
      b.norms = 7;
    }
    b.layer_scalar = true;
    b.per_layer_input = per_layer;
    return b;
  });
  if (per_layer > 0) {
    a.per_layer_vocabulary = c.size_or(262144, {"vocab_size_per_layer_input"});
  }
  a.extras.unused_kv_parameters = unused;
  set_vision(c, a);
  return a;
}

/// LayerNorm with bias; two matrices of 4 H; one or two norms by the decoder's generation.
model::Architecture falcon(const Config& c) {
  const bool grouped = c.flag("new_decoder_architecture", false);
  const bool bias = c.flag("bias", false);
  model::Attention attention =
      grouped_attention(c, {.bias = bias ? BiasRule::all : BiasRule::none});
  if (!grouped) {
    attention.kv_heads = c.flag("multi_query", true) ? 1 : attention.heads;
  }
  attention.fused_qkv = true;
  model::Dense mlp = gated_mlp(c.size_or(checked_mul(4, c.hidden()), {"ffn_hidden_size"}), bias);
  mlp.matrices = 2;
  int norms = 2;
  if (c.flag("parallel_attn", true)) {
    const ConfigNode* stated = c.find({"num_ln_in_parallel_attn"});
    norms = stated != nullptr ? static_cast<int>(stated->whole(1, 2)) : (grouped ? 2 : 1);
  }
  model::Architecture a = layered(c, false, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.dense = mlp;
    b.norms = norms;
    b.norm_bias = true;
    return b;
  });
  a.final_norm_bias = true;
  return a;
}

model::Architecture bloom(const Config& c) {
  model::Attention attention = grouped_attention(c, {.bias = BiasRule::all});
  attention.fused_qkv = true;
  model::Dense mlp = gated_mlp(checked_mul(4, c.hidden()), true);
  mlp.matrices = 2;
  model::Architecture a = layered(c, true, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.dense = mlp;
    b.norm_bias = true;
    return b;
  });
  a.embedding_norm = true;
  a.final_norm_bias = true;
  return a;
}

/// What tells the families with LayerNorm and two plain matrices apart.
struct LayerNormRule {
  BiasRule attention = BiasRule::all;
  bool tied = false;
  bool fused_qkv = false;
  int norms = 2;
  bool plain_names = true;  ///< fc1 and fc2 or the like, not up_proj and down_proj
  bool mlp_bias = true;
  bool head_bias = false;
};

model::Architecture layer_norm_model(const Config& c, const LayerNormRule& rule) {
  model::Attention attention = grouped_attention(c, {.bias = rule.attention});
  attention.fused_qkv = rule.fused_qkv;
  model::Dense mlp = gated_mlp(
      c.size_or(checked_mul(4, c.hidden()), {"intermediate_size", "n_inner"}), rule.mlp_bias);
  mlp.matrices = 2;
  mlp.plain_names = rule.plain_names;
  model::Architecture a = layered(c, rule.tied, [&](std::int64_t) {
    model::Block b;
    b.attention = attention;
    b.dense = mlp;
    b.norms = rule.norms;
    b.norm_bias = true;
    return b;
  });
  a.final_norm_bias = true;
  a.head_bias = rule.head_bias;
  return a;
}

/// Both halves side by side behind one norm; a bias even on the head.
model::Architecture phi(const Config& c) {
  return layer_norm_model(c, {.norms = 1, .head_bias = true});
}

/// Biases whatever `use_bias` says (mlx_lm/models/starcoder2.py).
model::Architecture starcoder2(const Config& c) {
  (void)c.flag("use_bias", true);
  return layer_norm_model(c, {.tied = true});
}

model::Architecture gpt_neox(const Config& c) { return layer_norm_model(c, {.fused_qkv = true}); }

model::Architecture nemotron(const Config& c) {
  return layer_norm_model(c, {.attention = BiasRule::flag_all,
                              .plain_names = false,
                              .mlp_bias = c.flag("mlp_bias", false)});
}

/// Norms without weights.
model::Architecture olmo(const Config& c) {
  model::Architecture a = dense_model(c, {});
  for (model::Block& b : a.blocks) {
    b.norms = 0;
  }
  a.final_norm = false;
  return a;
}

model::Architecture glm(const Config& c) {
  return dense_model(c,
                     {.attention = {.bias = BiasRule::flag_qkv}, .tied = true, .mlp_fused = true});
}

model::Architecture internlm2(const Config& c) {
  const BiasRule bias = c.flag("bias", true) ? BiasRule::all : BiasRule::none;
  model::Architecture a = dense_model(c, {.attention = {.bias = bias}});
  for (model::Block& b : a.blocks) {
    b.attention->fused_qkv = true;
    b.dense->plain_names = true;  // w1, w2, w3
  }
  return a;
}

model::Architecture internlm3(const Config& c) {
  const BiasRule bias = c.flag("qkv_bias", false) ? BiasRule::all : BiasRule::none;
  model::Architecture a = dense_model(c, {.attention = {.bias = bias}});
  for (model::Block& b : a.blocks) {
    b.dense->bias = c.flag("bias", false);
  }
  return a;
}

/// LayerNorm with bias around the usual parts; norms of heads are one weight an element.
model::Architecture stablelm(const Config& c) {
  const BiasRule bias = c.flag("use_qkv_bias", false) ? BiasRule::qkv : BiasRule::none;
  const model::HeadNorm norm =
      c.flag("qk_layernorm", false) ? model::HeadNorm::full_width : model::HeadNorm::none;
  const int norms = c.flag("use_parallel_residual", false) ? 1 : 2;
  model::Architecture a =
      dense_model(c, {.attention = {.bias = bias, .norm = norm}, .norms = norms});
  for (model::Block& b : a.blocks) {
    b.norm_bias = true;
  }
  a.final_norm_bias = true;
  return a;
}

/// Each block has its own shapes; either half may be absent or one plain matrix.
model::Architecture nemotron_nas(const Config& c) {
  const std::int64_t layers = c.layers();
  const auto* blocks = c.per_layer({"block_configs"}, layers);
  if (blocks == nullptr) {
    throw c.text().error("\"block_configs\" is missing");
  }
  const std::int64_t hidden = c.hidden();
  const std::int64_t heads = c.size({"num_attention_heads"});
  const bool attention_bias = c.flag("attention_bias", false);
  const bool mlp_bias = c.flag("mlp_bias", false);
  const auto says = [](const ConfigNode& node, std::string_view key) {
    const ConfigNode* value = node.find(key);
    return value != nullptr && value->boolean();
  };
  const auto member = [](const ConfigNode& node, std::string_view key) -> const ConfigNode& {
    const ConfigNode* found = node.find(key);
    if (found == nullptr) {
      throw node.error(fmt::format("\"{}\" is missing", key));
    }
    return *found;
  };
  return layered(c, false, [&](std::int64_t i) {
    const ConfigNode& node = (*blocks)[static_cast<std::size_t>(i)];
    const ConfigNode& mixer = member(node, "attention");
    const ConfigNode& ffn = member(node, "ffn");
    model::Block b;
    b.norms = 0;
    if (says(mixer, "replace_with_linear")) {
      b.linear = model::LinearMixer{};
      ++b.norms;
    } else if (!says(mixer, "no_op")) {
      const ConfigNode& group = member(mixer, "n_heads_in_group");
      const std::int64_t size = group.whole(1, largest_size);
      if (heads % size != 0) {
        throw group.error(fmt::format("{} heads are not divisible by groups of {}", heads, size));
      }
      model::Attention a;
      a.heads = heads;
      a.kv_heads = heads / size;
      a.head_dim = c.size_or(hidden / heads, {"head_dim"});
      a.value_dim = a.head_dim;
      a.qkv_bias = attention_bias;
      a.output_bias = attention_bias;
      b.attention = a;
      ++b.norms;
    }
    if (says(ffn, "replace_with_linear")) {
      b.dense = gated_mlp(hidden, mlp_bias);
      b.dense->matrices = 1;
      ++b.norms;
    } else if (!says(ffn, "no_op")) {
      const ConfigNode& mult = member(ffn, "ffn_mult");
      if (!(mult.number() > 0.0) || mult.number() > 1e6) {
        throw mult.expected("a positive factor");
      }
      const auto raw =
          static_cast<std::int64_t>(2.0 * mult.number() * static_cast<double>(hidden) / 3.0);
      b.dense = gated_mlp(round_up(raw, 256), mlp_bias);
      ++b.norms;
    }
    return b;
  });
}

constexpr std::array dense_table = {
    Family{"llama", llama},
    Family{"mistral", llama},
    Family{"iquestcoder", llama},
    Family{"xverse", llama},
    Family{"telechat3", telechat3},
    Family{"helium", telechat3},
    Family{"pixtral", mistral3},
    Family{"ministral3", llama},
    Family{"mistral3", mistral3},
    Family{"llava", mistral3},
    Family{"smollm3", llama},
    Family{"exaone", llama},
    Family{"seed_oss", seed_oss},
    Family{"granite", granite},
    Family{"qwen", qwen},
    Family{"qwen2", qwen2},
    Family{"qwen2_vl", qwen2_vl},
    Family{"qwen2_5_vl", qwen2_vl},
    Family{"mimo", mimo},
    Family{"qwen3", qwen3},
    Family{"qwen3_vl", qwen3_vl},
    Family{"qwen3_vl_text", qwen3_vl},
    Family{"phi", phi},
    Family{"phi3", phi3},
    Family{"olmo", olmo},
    Family{"glm", glm},
    Family{"internlm2", internlm2},
    Family{"internlm3", internlm3},
    Family{"stablelm", stablelm},
    Family{"starcoder2", starcoder2},
    Family{"gpt_neox", gpt_neox},
    Family{"nemotron", nemotron},
    Family{"glm4", glm4},
    Family{"olmo2", olmo2},
    Family{"olmo3", olmo3},
    Family{"exaone4", exaone4},
    Family{"cohere", cohere},
    Family{"cohere2", cohere2},
    Family{"gemma", gemma},
    Family{"gemma2", gemma2},
    Family{"gemma3", gemma3},
    Family{"gemma3_text", gemma3_text},
    Family{"gemma4", gemma4},
    Family{"gemma4_text", gemma4},
    Family{"gemma4_unified", gemma4},
    Family{"gemma4_unified_text", gemma4},
    Family{"exaone4_5", exaone4_5},
    Family{"falcon", falcon},
    Family{"bloom", bloom},
    Family{"nemotron-nas", nemotron_nas},
};

}  // namespace

std::span<const Family> dense_families() { return dense_table; }

}  // namespace macfit::read
