// More families of attention and one feed-forward part: those with tensors or names of their own,
// as mlx-lm 0.32.2's classes hold them.

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

using Role = model::Part::Role;

/// The same block in every layer.
model::Architecture uniform(const Config& c, bool tied, const model::Block& block) {
  return layered(c, tied, [&](std::int64_t) { return block; });
}

model::Dense plain_mlp(std::int64_t width, bool bias) {
  model::Dense d = gated_mlp(width, bias);
  d.matrices = 2;
  d.plain_names = true;
  return d;
}

/// Head norms whatever the config says, two matrices, and four numbers of the activation.
model::Architecture apertus(const Config& c) {
  (void)c.flag("qk_norm", true);
  model::Block b;
  b.attention = grouped_attention(c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head});
  b.dense = gated_mlp(c.size({"intermediate_size"}), c.flag("mlp_bias", false));
  b.dense->matrices = 2;
  for (const char* name : {"alpha_p", "alpha_n", "beta", "eps"}) {
    b.parts.push_back(part(fmt::format("mlp.act_fn.{}", name), Role::other, 1));
  }
  return uniform(c, false, b);
}

model::Architecture minicpm(const Config& c) {
  model::Block b;
  b.attention = grouped_attention(c, {.bias = BiasRule::none});
  b.dense = gated_mlp(c.size({"intermediate_size"}));
  return uniform(c, false, b);
}

/// Every layer runs `num_loops` times and keeps a cache for each.
model::Architecture nanbeige(const Config& c) {
  for (const char* key : {"loop_share_kv", "enable_depth_attention", "enable_double_loop_split"}) {
    if (c.flag(key, false)) {
      throw c.at({key}).error("what this does to caches is not known");
    }
  }
  model::Block b;
  b.attention = grouped_attention(c, {});
  b.attention->copies = c.size_or(1, {"num_loops"});
  b.dense = gated_mlp(c.size({"intermediate_size"}), c.flag("mlp_bias", false));
  return uniform(c, false, b);
}

/// No norm has weights.
model::Architecture nanochat(const Config& c) {
  model::Block b;
  b.attention = grouped_attention(c, {.bias = BiasRule::none});
  b.dense = plain_mlp(c.size({"intermediate_size"}), false);
  b.norms = 0;
  model::Architecture a = uniform(c, false, b);
  a.tied = false;
  a.final_norm = false;
  return a;
}

/// One norm; `n_shared_head` query heads read one key head.
model::Architecture plamo(const Config& c) {
  model::Block b;
  b.attention = grouped_attention(c, {.bias = BiasRule::none});
  const ConfigNode* shared = c.find({"n_shared_head"});
  const std::int64_t share = shared != nullptr ? shared->whole(1, largest_size) : 8;
  if (b.attention->heads % share != 0) {
    throw c.at({"num_attention_heads"})
        .error(
            fmt::format("{} heads are not divisible by {} that share", b.attention->heads, share));
  }
  b.attention->kv_heads = b.attention->heads / share;
  b.dense = gated_mlp(c.size({"intermediate_size"}));
  b.norms = 1;
  model::Architecture a = uniform(c, false, b);
  a.tied = false;
  return a;
}

model::Architecture plamo3(const Config& c) {
  const std::int64_t window = c.size_or(c.size_or(2048, {"window_size"}), {"sliding_window"});
  const std::int64_t period = c.size_or(8, {"sliding_window_pattern"});
  model::Attention attention = grouped_attention(
      c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head, .default_head_dim = 128});
  attention.fused_qkv = true;
  return layered(c, true, [&](std::int64_t i) {
    model::Block b;
    b.attention = spanning(attention, every(period, i), window);
    b.dense = gated_mlp(c.size({"intermediate_size"}));
    b.dense->fused_gate_up = true;
    b.norms = 4;
    return b;
  });
}

/// Sliding layers by `layer_types`, with the properties given.
model::Architecture sliding(const Config& c, const model::Attention& attention, int norms,
                            bool tied, const std::function<model::Span(std::int64_t)>& otherwise,
                            std::int64_t window) {
  const std::vector<model::Span> spans = layer_spans(c, c.layers(), otherwise);
  const std::int64_t width = window_of(c, spans, window);
  const model::Dense mlp = gated_mlp(c.size({"intermediate_size"}), c.flag("mlp_bias", false));
  return layered(c, tied, [&](std::int64_t i) {
    model::Block b;
    b.attention = spanning(attention, spans[static_cast<std::size_t>(i)], width);
    b.dense = mlp;
    b.norms = norms;
    return b;
  });
}

model::Span full_span(std::int64_t /*layer*/) { return model::Span::full; }

model::Architecture muse_glimmer(const Config& c) {
  model::Attention attention =
      grouped_attention(c, {.bias = BiasRule::none, .default_head_dim = 128});
  attention.gate = model::OutputGate::full_width;
  if (c.find({"layer_types"}) == nullptr) {
    throw c.text().error("\"layer_types\" is missing");
  }
  return sliding(c, attention, 4, false, full_span, 2048);
}

/// Short convolutions over keys and values, where a layer has them, are not known here:
/// `layer_types` refuses them.
model::Architecture gear(const Config& c) {
  return sliding(c, grouped_attention(c, {.norm = model::HeadNorm::per_head}), 4, true, full_span,
                 512);
}

model::Architecture spark(const Config& c) {
  model::Attention attention = grouped_attention(c, {});
  attention.fused_qkv = true;
  if (c.flag("headwise_attn_output_gate", true)) {
    attention.gate = model::OutputGate::per_head_raw;
  }
  if (c.find({"layer_types"}) == nullptr) {
    throw c.text().error("\"layer_types\" is missing");
  }
  return sliding(c, attention, 2, true, full_span, 0);
}

/// A table of positions, LayerNorm, biases; `n_inner` counts for GPT-BigCode alone.
model::Architecture gpt(const Config& c, bool big_code) {
  const std::int64_t hidden = c.hidden();
  const bool bias = !big_code || c.flag("attention_bias", true);
  model::Attention attention =
      grouped_attention(c, {.bias = bias ? BiasRule::all : BiasRule::none});
  attention.fused_qkv = true;
  if (big_code && c.flag("multi_query", true)) {
    attention.kv_heads = 1;
  }
  model::Block b;
  b.attention = attention;
  b.dense =
      plain_mlp(big_code ? c.size_or(checked_mul(4, hidden), {"n_inner"}) : checked_mul(4, hidden),
                !big_code || c.flag("mlp_bias", true));
  b.norm_bias = true;
  model::Architecture a = uniform(c, true, b);
  a.tied = !big_code || a.tied;
  a.final_norm_bias = true;
  a.parts.push_back(part("model.wpe", Role::embedding, c.size({"n_positions"}), hidden,
                         model::RouterFormat::base));
  return a;
}

model::Architecture gpt2(const Config& c) { return gpt(c, false); }
model::Architecture gpt_bigcode(const Config& c) { return gpt(c, true); }

/// Both halves behind one norm, biases in the feed-forward part and the head alone.
model::Architecture gptj(const Config& c) {
  model::Block b;
  b.attention = grouped_attention(c, {.bias = BiasRule::none});
  b.dense = plain_mlp(checked_mul(4, c.hidden()), true);
  b.norms = 1;
  b.norm_bias = true;
  model::Architecture a = uniform(c, false, b);
  a.tied = false;
  a.final_norm_bias = true;
  a.head_bias = true;
  return a;
}

/// The feed-forward width is the nearest multiple of 256 to 8/3 of the hidden width.
model::Architecture lille(const Config& c) {
  const std::int64_t hidden = c.hidden();
  const std::int64_t wanted = checked_mul(8, hidden) / 3;
  const double parts = std::nearbyint(static_cast<double>(wanted) / 256.0);
  model::Block b;
  model::Attention attention;
  attention.heads = c.size({"num_attention_heads"});
  attention.kv_heads = c.size({"n_kv_heads"});
  if (hidden % attention.heads != 0 || attention.heads % attention.kv_heads != 0) {
    throw c.at({"n_kv_heads"}).error("heads, key-value heads and hidden size do not divide");
  }
  attention.head_dim = hidden / attention.heads;
  attention.value_dim = attention.head_dim;
  attention.fused_qkv = true;
  b.attention = attention;
  b.dense = gated_mlp(std::max<std::int64_t>(1, static_cast<std::int64_t>(parts)) * 256);
  model::Architecture a = uniform(c, true, b);
  a.tied = true;
  return a;
}

/// One matrix for both halves of the gate; LayerNorm; biases throughout.
model::Architecture phi3small(const Config& c) {
  model::Block b;
  b.attention = grouped_attention(c, {.bias = BiasRule::all});
  b.attention->fused_qkv = true;
  b.attention->plain_qkv = true;
  b.dense = gated_mlp(c.size({"ff_intermediate_size"}), true);
  b.dense->fused_gate_up = true;
  b.norm_bias = true;
  model::Architecture a = uniform(c, true, b);
  a.tied = true;
  a.final_norm_bias = true;
  return a;
}

/// No norm has weights; a gain for every head and four for every layer.
model::Architecture talkie(const Config& c) {
  model::Block b;
  b.attention = grouped_attention(c, {.bias = BiasRule::none, .default_head_dim = 128});
  b.dense = gated_mlp(c.size({"intermediate_size"}));
  b.norms = 0;
  b.parts.push_back(part("attn.head_gain.head_g", Role::attention, b.attention->heads));
  for (const char* name : {"attn_gain.a_g", "mlp_gain.a_g", "embed_skip.a_g"}) {
    b.parts.push_back(part(name, Role::other, 1));
  }
  model::Architecture a = uniform(c, false, b);
  a.tied = false;
  a.final_norm = false;
  a.head_format = model::RouterFormat::raw;
  a.parts.push_back(part("lm_head_gain.w_g", Role::other, 1));
  return a;
}

/// Heads and widths of their own in every layer.
model::Architecture openelm(const Config& c) {
  if (!c.flag("ffn_with_glu", true) || !c.flag("share_input_output_layers", true)) {
    throw c.text().error("only OpenELM with gated feed-forward parts and a shared head is known");
  }
  const ConfigNode& queries = c.at({"num_query_heads"});
  const ConfigNode& keys = c.at({"num_kv_heads"});
  const ConfigNode& factors = c.at({"ffn_multipliers"});
  const auto divisor = static_cast<double>(c.size({"ffn_dim_divisor"}));
  const std::size_t layers = queries.array().size();
  if (layers == 0 || keys.array().size() != layers || factors.array().size() != layers) {
    throw queries.error("lists of heads and widths have an entry for every layer");
  }
  Assembly assembly(c, true);
  for (std::size_t i = 0; i < layers; ++i) {
    model::Block b;
    model::Attention a;
    a.heads = queries.array()[i].whole(1, largest_size);
    a.kv_heads = keys.array()[i].whole(1, largest_size);
    a.head_dim = c.size({"head_dim"});
    a.value_dim = a.head_dim;
    a.fused_qkv = true;
    a.norm = c.flag("normalize_qk_projections", true) ? model::HeadNorm::per_head
                                                      : model::HeadNorm::none;
    if (a.heads % a.kv_heads != 0) {
      throw keys.array()[i].error(
          fmt::format("{} heads are not divisible by {} key-value heads", a.heads, a.kv_heads));
    }
    b.attention = a;
    const double raw = factors.array()[i].number() * static_cast<double>(assembly.hidden());
    if (!(raw >= 1.0) || raw > static_cast<double>(largest_size)) {
      throw factors.array()[i].expected("a positive factor");
    }
    double width = std::max(divisor, std::floor((raw + divisor / 2) / divisor) * divisor);
    width += width < 0.9 * raw ? divisor : 0.0;
    b.dense = gated_mlp(static_cast<std::int64_t>(width));
    b.dense->plain_names = true;
    b.dense->fused_gate_up = true;
    assembly.add(b);
  }
  model::Architecture a = assembly.finish();
  a.tied = true;
  return a;
}

/// The width of layer i: one number, or a list.
std::int64_t width_of(const Config& c, std::int64_t layers, std::int64_t i) {
  const ConfigNode& node = c.at({"intermediate_size"});
  if (node.is(ConfigNode::Kind::number)) {
    return node.whole(1, largest_size);
  }
  return (*c.per_layer({"intermediate_size"}, layers))[static_cast<std::size_t>(i)].whole(
      1, largest_size);
}

/// What a layer of Gemma 3n has beside its usual parts: several residual streams mixed by small
/// matrices, and a low-rank path around the attention.
std::vector<model::Part> streams_of(const Config& c, std::int64_t hidden) {
  const std::int64_t streams = c.at({"altup_num_inputs"}).whole(2, 64);
  const std::int64_t rank = c.size({"laurel_rank"});
  constexpr auto base = model::RouterFormat::base;
  return {
      part("altup.correct_output_scale", Role::other, hidden),
      part("altup.correction_coefs", Role::other, streams, streams, base),
      part("altup.prediction_coefs", Role::other, streams * streams, streams, base),
      part("altup.modality_router", Role::other, streams, hidden, base),
      part("altup.router_norm", Role::norm, hidden),
      part("laurel.linear_left", Role::other, rank, hidden, base),
      part("laurel.linear_right", Role::other, hidden, rank, base),
      part("laurel.post_laurel_norm", Role::norm, hidden),
  };
}

/// The last layers read the caches of earlier ones, and hold projections of their own all the same.
model::Architecture gemma3n(const Config& c) {
  const std::int64_t layers = c.layers();
  const std::int64_t hidden = c.hidden();
  const std::vector<model::Span> spans =
      layer_spans(c, layers, [](std::int64_t i) { return every(5, i); });
  const std::int64_t window = window_of(c, spans);
  const std::int64_t shared = c.count_or(0, {"num_kv_shared_layers"});
  if (shared >= layers) {
    throw c.at({"num_kv_shared_layers"})
        .error(fmt::format("{} layers of {} read an earlier layer's cache", shared, layers));
  }
  const model::Attention attention =
      grouped_attention(c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head});
  const std::vector<model::Part> streams = streams_of(c, hidden);
  model::Architecture a = layered(c, true, [&](std::int64_t i) {
    model::Block b;
    b.attention = spanning(attention, spans[static_cast<std::size_t>(i)], window);
    b.attention->uncached = i >= layers - shared;
    b.dense = gated_mlp(width_of(c, layers, i));
    b.norms = 4;
    b.per_layer_input = c.size({"hidden_size_per_layer_input"});
    b.parts = streams;
    return b;
  });
  a.tied = true;
  a.per_layer_vocabulary = c.size({"vocab_size_per_layer_input"});
  for (std::int64_t i = 0; i + 1 < c.at({"altup_num_inputs"}).whole(2, 64); ++i) {
    for (const char* name : {"altup_projections", "altup_unembed_projections"}) {
      a.parts.push_back(part(fmt::format("model.{}.{}", name, i), Role::other, hidden, hidden,
                             model::RouterFormat::base));
    }
  }
  if (c.wrapped()) {
    set_vision(c, a);
  }
  return a;
}

constexpr std::array plain_table = {
    Family{"apertus", apertus},
    Family{"minicpm", minicpm},
    Family{"nanbeige", nanbeige},
    Family{"nanochat", nanochat},
    Family{"plamo", plamo},
    Family{"plamo3", plamo3},
    Family{"muse_glimmer", muse_glimmer},
    Family{"gear", gear},
    Family{"spark2_5", spark},
    Family{"gpt2", gpt2},
    Family{"gpt_bigcode", gpt_bigcode},
    Family{"gptj", gptj},
    Family{"lille-130m", lille},
    Family{"phi3small", phi3small},
    Family{"talkie", talkie},
    Family{"gemma3n", gemma3n},
    Family{"gemma3n_text", gemma3n},
    Family{"openelm", openelm},
};

}  // namespace

std::span<const Family> plain_families() { return plain_table; }

}  // namespace macfit::read
