// More families with recurrent layers, as mlx-lm 0.32.2's classes hold them.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

using Role = model::Part::Role;

// ---- short convolutions -----------------------------------------------------------------------

/// LFM2's width: stated, or adjusted to two thirds and rounded up to a multiple.
std::int64_t adjusted_width(const Config& c) {
  std::int64_t width = c.size({"block_ff_dim", "intermediate_size"});
  if (!c.flag("block_auto_adjust_ff_dim", true)) {
    return width;
  }
  width = static_cast<std::int64_t>(static_cast<double>(checked_mul(2, width)) / 3.0);
  if (const ConfigNode* factor = c.find({"block_ffn_dim_multiplier"})) {
    if (!(factor->number() > 0.0) || factor->number() > 1e6) {
      throw factor->expected("a positive factor");
    }
    width = static_cast<std::int64_t>(factor->number() * static_cast<double>(width));
  }
  return round_up(std::max<std::int64_t>(width, 1), c.size_or(256, {"block_multiple_of"}));
}

std::vector<bool> lfm_attends(const Config& c, std::int64_t layers) {
  std::vector<bool> attends(static_cast<std::size_t>(layers), false);
  if (const ConfigNode* listed = c.find({"full_attn_idxs"})) {
    for (const ConfigNode& entry : listed->array()) {
      attends[static_cast<std::size_t>(entry.whole(0, layers - 1))] = true;
    }
    return attends;
  }
  attends = attending_layers(c, layers);
  if (attends.empty()) {
    throw c.text().error(R"("full_attn_idxs" or "layer_types" is missing)");
  }
  return attends;
}

model::Architecture lfm(const Config& c,
                        const std::function<void(std::int64_t, model::Block&)>& feed_forward) {
  const std::int64_t layers = c.layers();
  const std::vector<bool> attends = lfm_attends(c, layers);
  const model::Attention attention =
      grouped_attention(c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head});
  const model::ShortConv conv{c.size_or(3, {"conv_L_cache"}), c.flag("conv_bias", false)};
  model::Architecture a = layered(c, true, [&](std::int64_t i) {
    model::Block b;
    if (attends[static_cast<std::size_t>(i)]) {
      b.attention = attention;
    } else {
      b.short_conv = conv;
    }
    feed_forward(i, b);
    return b;
  });
  a.tied = true;
  if (c.wrapped()) {
    set_vision(c, a);
  }
  return a;
}

model::Architecture lfm2(const Config& c) {
  model::Dense mlp = gated_mlp(adjusted_width(c));
  mlp.plain_names = true;  // w1, w2, w3
  return lfm(c, [&](std::int64_t, model::Block& b) { b.dense = mlp; });
}

model::Architecture lfm2_moe(const Config& c) {
  const std::int64_t dense = c.count_or(0, {"num_dense_layers"});
  return lfm(c, [&](std::int64_t i, model::Block& b) {
    if (i < dense || c.experts() == 0) {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
      return;
    }
    b.experts = experts_of(c, {.router = model::RouterFormat::eight_bit});
    b.experts->correction_bias = c.flag("use_expert_bias", false);
  });
}

/// A wrapper's text model is one of both.
model::Architecture lfm2_vl(const Config& c) {
  return c.find({"num_experts"}) != nullptr ? lfm2_moe(c) : lfm2(c);
}

// ---- Mamba ------------------------------------------------------------------------------------

model::Architecture mamba(const Config& c) {
  model::Mamba1 m;
  m.inner = c.size({"intermediate_size", "d_inner"});
  m.state = c.size({"state_size", "d_state"});
  m.time_rank = c.size({"time_step_rank", "dt_rank"});
  m.kernel = c.size({"conv_kernel", "d_conv"});
  m.conv_bias = c.flag("use_conv_bias", true);
  m.projection_bias = c.flag("use_bias", false);
  m.norms = false;
  model::Block b;
  b.mamba1 = m;
  b.norms = 1;
  return layered(c, true, [&](std::int64_t) { return b; });
}

void check_groups(const ConfigNode& node, const model::Mamba2& m) {
  if (m.heads % m.groups != 0) {
    throw node.error(fmt::format("{} heads are not divisible by {} groups", m.heads, m.groups));
  }
}

model::Architecture mamba2(const Config& c) {
  model::Mamba2 m;
  const ConfigNode& heads = c.at({"num_heads"});
  m.heads = heads.whole(1, largest_size);
  m.head_dim = c.size({"head_dim"});
  m.state = c.size({"ssm_state_size", "state_size"});
  m.groups = c.size_or(1, {"n_groups"});
  m.kernel = c.size({"conv_kernel"});
  m.conv_bias = c.flag("use_conv_bias", true);
  m.projection_bias = c.flag("use_bias", false);
  check_groups(heads, m);
  model::Block b;
  b.mamba2 = m;
  b.norms = 1;
  return layered(c, false, [&](std::int64_t) { return b; });
}

/// Attention and Mamba-2 side by side in every layer.
model::Architecture falcon_h1(const Config& c) {
  model::Mamba2 m;
  const ConfigNode& heads = c.at({"mamba_n_heads"});
  m.heads = heads.whole(1, largest_size);
  const std::int64_t inner =
      c.size_or(checked_mul(c.size_or(2, {"mamba_expand"}), c.hidden()), {"mamba_d_ssm"});
  if (inner % m.heads != 0) {
    throw heads.error(
        fmt::format("the inner width {} is not divisible by {} heads", inner, m.heads));
  }
  m.head_dim = inner / m.heads;
  m.state = c.size_or(128, {"mamba_d_state"});
  m.groups = c.size_or(1, {"mamba_n_groups"});
  m.kernel = c.size_or(4, {"mamba_d_conv"});
  m.conv_bias = c.flag("mamba_conv_bias", true);
  m.projection_bias = c.flag("mamba_proj_bias", false);
  m.norm = c.flag("mamba_rms_norm", false);
  check_groups(heads, m);
  model::Block b;
  b.attention = grouped_attention(c, {.default_head_dim = 64});
  b.mamba2 = m;
  b.dense = gated_mlp(c.size({"intermediate_size"}), c.flag("mlp_bias", false));
  return layered(c, true, [&](std::int64_t) { return b; });
}

/// Mamba-2's cache with projections of its own; full attention in between.
model::Architecture plamo2(const Config& c) {
  if (!c.flag("mamba_enabled", true)) {
    throw c.at({"mamba_enabled"}).error("PLaMo 2 without Mamba layers is not known");
  }
  const std::int64_t hidden = c.hidden();
  const std::int64_t heads = c.size_or(64, {"mamba_num_heads"});
  const std::int64_t head_dim = c.size_or(128, {"hidden_size_per_head"});
  const std::int64_t inner = checked_mul(heads, head_dim);
  const std::int64_t state = c.size_or(64, {"mamba_d_state"});
  const std::int64_t kernel = c.size_or(4, {"mamba_d_conv"});
  const std::int64_t rank = std::max<std::int64_t>(64, hidden / 16);
  model::Block mamba;
  const auto add = [&](const char* name, std::int64_t rows, std::int64_t columns,
                       model::RouterFormat format) {
    mamba.parts.push_back(
        part(fmt::format("mixer.{}", name), Role::recurrent, rows, columns, format));
  };
  add("in_proj", checked_mul(2, inner), hidden, model::RouterFormat::base);
  add("conv1d", inner, kernel, model::RouterFormat::raw);
  add("bcdt_proj", checked_add(rank, checked_mul(2, state)), inner, model::RouterFormat::base);
  add("dt_proj", heads, rank, model::RouterFormat::base);
  for (const char* name : {"dt_bias", "A_log", "D"}) {
    add(name, heads, 1, model::RouterFormat::raw);
  }
  add("dt_norm_weight", rank, 1, model::RouterFormat::raw);
  add("B_norm_weight", state, 1, model::RouterFormat::raw);
  add("C_norm_weight", state, 1, model::RouterFormat::raw);
  add("out_proj", hidden, inner, model::RouterFormat::base);
  mamba.state_bytes = checked_add(checked_mul(2, checked_mul(kernel - 1, inner)),
                                  checked_mul(4, checked_mul(inner, state)));
  model::Attention attention;
  attention.heads = c.size_or(32, {"num_attention_heads"});
  attention.kv_heads = c.size_or(4, {"num_key_value_heads"});
  attention.head_dim = head_dim;
  attention.value_dim = head_dim;
  attention.fused_qkv = true;
  attention.norm = model::HeadNorm::full_width;
  if (attention.heads % attention.kv_heads != 0) {
    throw c.at({"num_key_value_heads"}).error("heads are not divisible by the key-value heads");
  }
  const std::int64_t layers = c.layers();
  const std::int64_t step = c.at({"mamba_step"}).whole(2, most_layers);
  return layered(c, true, [&](std::int64_t i) {
    const bool recurrent = layers <= step / 2 ? i != layers - 1 : i % step != step / 2;
    model::Block b;
    if (recurrent) {
      b = mamba;
    } else {
      b.attention = attention;
    }
    b.dense = gated_mlp(c.size({"intermediate_size"}));
    b.dense->fused_gate_up = true;
    b.norms = 4;
    return b;
  });
}

// ---- linear attention, RG-LRU, RWKV -----------------------------------------------------------

model::Architecture olmo_hybrid(const Config& c) {
  const std::int64_t layers = c.layers();
  std::vector<bool> attends = attending_layers(c, layers);
  if (attends.empty()) {
    for (std::int64_t i = 0; i < layers; ++i) {
      attends.push_back(i % 4 == 3);
    }
  }
  model::DeltaNet d = delta_heads(c);
  d.kernel = c.size({"linear_conv_kernel_dim"});
  d.separate = true;
  const model::Attention attention = grouped_attention(c, {.norm = model::HeadNorm::full_width});
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    if (attends[static_cast<std::size_t>(i)]) {
      b.attention = attention;
    } else {
      b.delta_net = d;
    }
    b.dense = gated_mlp(c.size({"intermediate_size"}));
    return b;
  });
}

/// RecurrentGemma: a linear recurrence, every few layers a narrow sliding attention. Half of
/// `intermediate_size` is the width.
model::Architecture recurrent_gemma(const Config& c) {
  const std::int64_t hidden = c.hidden();
  const std::int64_t heads = c.size({"num_attention_heads"});
  const ConfigNode& kinds = c.at({"block_types", "_block_types"});
  if (kinds.array().empty() || hidden % heads != 0) {
    throw kinds.expected("a pattern of layers, and heads that divide the hidden size");
  }
  const std::int64_t kernel = c.size({"conv1d_width"});
  model::Block recurrent;
  const auto add = [&](const char* name, std::int64_t rows, std::int64_t columns,
                       model::RouterFormat format, std::int64_t stack = 1) {
    model::Part p =
        part(fmt::format("temporal_block.{}", name), Role::recurrent, rows, columns, format);
    p.stack = stack;
    recurrent.parts.push_back(std::move(p));
  };
  for (const char* name : {"linear_y", "linear_x", "linear_out"}) {
    add(name, hidden, hidden, model::RouterFormat::base);
    add(fmt::format("{}.bias", name).c_str(), hidden, 1, model::RouterFormat::raw);
  }
  add("conv_1d", hidden, kernel, model::RouterFormat::raw);
  add("conv_1d.bias", hidden, 1, model::RouterFormat::raw);
  add("rg_lru.recurrent_param", hidden, 1, model::RouterFormat::raw);
  for (const char* name : {"rg_lru.input_gate", "rg_lru.recurrent_gate"}) {
    add(fmt::format("{}_weight", name).c_str(), hidden / heads, hidden / heads,
        model::RouterFormat::raw, heads);
    add(fmt::format("{}_bias", name).c_str(), hidden, 1, model::RouterFormat::raw);
  }
  recurrent.state_bytes = checked_mul(2, checked_mul(kernel, hidden));  // columns and the state
  model::Attention attention = grouped_attention(c, {.bias = BiasRule::none});
  attention.kv_heads = 1;
  attention.output_bias = true;
  attention.qkv_bias = c.flag("attention_bias", false);
  const std::int64_t window = c.size({"attention_window_size"});
  const model::Dense mlp = gated_mlp(c.size({"intermediate_size"}) / 2, true);
  model::Architecture a = layered(c, true, [&](std::int64_t i) {
    const auto count = static_cast<std::int64_t>(kinds.array().size());
    const ConfigNode& kind = kinds.array()[static_cast<std::size_t>(i % count)];
    model::Block b;
    if (kind.string() == "recurrent") {
      b = recurrent;
    } else if (kind.string() == "attention") {
      b.attention = spanning(attention, model::Span::sliding, window);
    } else {
      throw kind.expected(R"("recurrent" or "attention")");
    }
    b.dense = mlp;
    return b;
  });
  a.tied = true;
  return a;
}

/// RWKV-7: its second low-rank matrices and the embedding are 8 bit in mlx-lm's conversions.
model::Architecture rwkv7(const Config& c) {
  const std::int64_t hidden = c.hidden();
  const ConfigNode& head = c.at({"head_dim"});
  const std::int64_t head_dim = head.whole(1, largest_size);
  if (hidden % head_dim != 0) {
    throw head.error(fmt::format("the hidden size {} is not divisible by it", hidden));
  }
  model::Block b;
  const auto add = [&](std::string_view name, std::int64_t rows, std::int64_t columns,
                       model::RouterFormat format) {
    b.parts.push_back(part(name, Role::recurrent, rows, columns, format));
  };
  for (const char* name : {"x_r", "x_w", "x_k", "x_v", "x_a", "x_g", "k_k", "k_a", "r_k"}) {
    add(fmt::format("attn.{}", name), hidden, 1, model::RouterFormat::raw);
  }
  for (const char* name : {"r_proj", "k_proj", "v_proj", "o_proj"}) {
    add(fmt::format("attn.{}", name), hidden, hidden, model::RouterFormat::base);
  }
  add("attn.g_norm", hidden, 2, model::RouterFormat::raw);  // weight and bias
  const auto low_rank = [&](std::string_view name, std::int64_t rank, bool bias) {
    add(fmt::format("attn.{}_lora.lora.0", name), rank, hidden, model::RouterFormat::base);
    add(fmt::format("attn.{}_lora.lora.2", name), hidden, rank, model::RouterFormat::eight_bit);
    if (bias) {
      add(fmt::format("attn.{}_lora.lora.2.bias", name), hidden, 1, model::RouterFormat::raw);
    }
  };
  low_rank("w", c.size({"decay_low_rank_dim"}), true);
  low_rank("a", c.size({"a_low_rank_dim"}), true);
  low_rank("g", c.size({"gate_low_rank_dim"}), false);
  b.dense = gated_mlp(c.size({"intermediate_size"}));
  b.dense->matrices = 2;
  b.dense->plain_names = true;
  add("ffn.x_k", hidden, 1, model::RouterFormat::raw);
  b.norms = 2;
  b.norm_bias = true;
  b.state_bytes =
      checked_mul(2, checked_add(checked_mul(2, hidden), checked_mul(hidden, head_dim)));
  const std::int64_t value_rank = c.size({"v_low_rank_dim"});
  const model::Block later = [&] {
    low_rank("v", value_rank, true);
    return b;
  }();
  b.parts.resize(b.parts.size() - 3);
  add("pre_norm", hidden, 2, model::RouterFormat::raw);
  model::Architecture a = layered(c, false, [&](std::int64_t i) { return i == 0 ? b : later; });
  a.final_norm_bias = true;
  a.embedding_format = model::RouterFormat::eight_bit;
  return a;
}

/// A convolution over two keys and two values before the attention keeps one of each.
model::Architecture baichuan_m1(const Config& c) {
  const std::int64_t layers = c.layers();
  const ConfigNode& listed = c.at({"sliding_window_layers"});
  const std::int64_t window = c.size({"sliding_window"});
  if (c.size({"conv_window"}) != 2) {
    throw c.at({"conv_window"}).expected("2");
  }
  std::vector<bool> slides(static_cast<std::size_t>(layers), false);
  for (const ConfigNode& entry : listed.array()) {
    slides[static_cast<std::size_t>(entry.whole(0, layers - 1))] = true;
  }
  const model::Attention full = grouped_attention(c, {.bias = BiasRule::none});
  model::Attention sliding = full;
  sliding.heads = c.size_or(full.heads, {"num_swa_attention_heads"});
  sliding.kv_heads = c.size_or(full.kv_heads, {"num_swa_key_value_heads"});
  if (sliding.heads % sliding.kv_heads != 0 || c.hidden() % sliding.heads != 0) {
    throw c.text().error("the heads of sliding layers do not divide");
  }
  sliding.head_dim = c.hidden() / sliding.heads;
  sliding.value_dim = sliding.head_dim;
  return layered(c, false, [&](std::int64_t i) {
    const bool own = slides[static_cast<std::size_t>(i)];
    model::Block b;
    b.attention =
        spanning(own ? sliding : full, own ? model::Span::sliding : model::Span::full, window);
    b.attention->fused_qkv = true;
    b.attention->plain_qkv = true;
    for (const char* name : {"conv_k", "conv_v"}) {
      b.parts.push_back(
          part(fmt::format("self_attn.{}", name), Role::attention, b.attention->kv_heads, 2));
    }
    b.state_bytes = checked_mul(4, checked_mul(b.attention->kv_heads, b.attention->head_dim));
    b.dense = gated_mlp(c.size({"intermediate_size"}));
    return b;
  });
}

constexpr std::array state_table = {
    Family{"lfm2", lfm2},
    Family{"lfm2_moe", lfm2_moe},
    Family{"lfm2-vl", lfm2_vl},
    Family{"lfm2_vl", lfm2_vl},
    Family{"mamba", mamba},
    Family{"falcon_mamba", mamba},
    Family{"mamba2", mamba2},
    Family{"falcon_h1", falcon_h1},
    Family{"plamo2", plamo2},
    Family{"olmo_hybrid", olmo_hybrid},
    Family{"recurrent_gemma", recurrent_gemma},
    Family{"rwkv7", rwkv7},
    Family{"baichuan_m1", baichuan_m1},
};

}  // namespace

std::span<const Family> state_families() { return state_table; }

}  // namespace macfit::read
