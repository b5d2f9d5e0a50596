// Families that mix attention with recurrent layers.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

// ---- Qwen3-Next, Qwen3.5 ----------------------------------------------------------------------

model::DeltaNet delta_net(const Config& c, bool second_generation) {
  model::DeltaNet d = delta_heads(c);
  d.kernel = c.size_or(4, {"linear_conv_kernel_dim"});
  d.split_projections = second_generation;
  d.f32_decay = second_generation;
  return d;
}

/// Which layers have full attention: by `layer_types`, else every `full_attention_interval`-th.
std::vector<bool> full_layers(const Config& c, std::int64_t layers) {
  std::vector<bool> full;
  if (const auto* list = c.per_layer({"layer_types"}, layers)) {
    for (const ConfigNode& entry : *list) {
      if (entry.string() != "full_attention" && entry.string() != "linear_attention") {
        throw entry.expected(R"("full_attention" or "linear_attention")");
      }
      full.push_back(entry.string() == "full_attention");
    }
    return full;
  }
  const std::int64_t interval = c.size_or(4, {"full_attention_interval"});
  for (std::int64_t i = 0; i < layers; ++i) {
    full.push_back((i + 1) % interval == 0);
  }
  return full;
}

model::Architecture qwen_delta(const Config& c, bool second_generation) {
  const std::int64_t layers = c.layers();
  const std::vector<bool> full = full_layers(c, layers);
  const model::DeltaNet delta = delta_net(c, second_generation);
  model::Attention attention = grouped_attention(c, {.norm = model::HeadNorm::per_head});
  attention.gate =
      c.flag("attn_output_gate", true) ? model::OutputGate::in_query : model::OutputGate::none;
  const ConfigNode* dense_only = c.find({"mlp_only_layers"});
  const auto sparse = [&](std::int64_t i) {
    if (c.experts() == 0 || (i + 1) % c.size_or(1, {"decoder_sparse_step"}) != 0) {
      return false;
    }
    return dense_only == nullptr ||
           std::none_of(dense_only->array().begin(), dense_only->array().end(),
                        [&](const ConfigNode& e) { return e.whole(0, most_layers) == i; });
  };
  const auto feed_forward = [&](model::Block& b, bool with_experts) {
    if (with_experts) {
      b.experts = experts_of(c, {.router = model::RouterFormat::eight_bit});
      b.experts->shared_width = c.count_or(0, {"shared_expert_intermediate_size"});
      b.experts->shared_gate = b.experts->shared_width > 0;
    } else {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
    }
  };
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    model::Block b;
    if (full[static_cast<std::size_t>(i)]) {
      b.attention = attention;
    } else {
      b.delta_net = delta;
    }
    feed_forward(b, sparse(i));
    return b;
  });
  const std::int64_t mtp = c.count_or(0, {"mtp_num_hidden_layers"});
  if (!second_generation) {
    // Some checkpoints have a prediction layer; their configs don't say which.
    a.extras.mtp_parameters.reset();
  }
  if (mtp > 0) {
    model::Block b;
    b.attention = attention;
    feed_forward(b, c.experts() > 0);
    set_mtp(a, mtp, mtp_layer_parameters(a, b, 3, 0));
  }
  if (c.wrapped()) {
    set_vision(c, a);
  }
  return a;
}

model::Architecture qwen3_next(const Config& c) { return qwen_delta(c, false); }
model::Architecture qwen3_5(const Config& c) { return qwen_delta(c, true); }

// ---- Kimi Linear ------------------------------------------------------------------------------

model::Architecture kimi_linear(const Config& c) {
  const ConfigNode& node = c.at({"linear_attn_config"});
  const Config linear(c.outer(), node);
  const std::int64_t layers = c.layers();
  model::KimiDelta delta;
  delta.heads = linear.size({"num_heads"});
  delta.head_dim = linear.size({"head_dim"});
  delta.kernel = linear.size_or(4, {"short_conv_kernel_size"});
  std::vector<bool> is_delta(static_cast<std::size_t>(layers), false);
  for (const ConfigNode& entry : linear.at({"kda_layers"}).array()) {
    // The config counts layers from 1.
    is_delta[static_cast<std::size_t>(entry.whole(1, layers) - 1)] = true;
  }
  const model::LatentAttention latent = latent_attention(c, false);
  const std::int64_t dense_first = c.count_or(0, {"first_k_dense_replace"});
  const std::int64_t step = c.size_or(1, {"moe_layer_freq"});
  const bool any = c.experts() > 0;
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    model::Block b;
    if (is_delta[static_cast<std::size_t>(i)]) {
      b.kimi_delta = delta;
    } else {
      b.latent = latent;
    }
    if (any && i >= dense_first && i % step == 0) {
      b.experts = experts_of(c, {.per_token = {"num_experts_per_token", "num_experts_per_tok"},
                                 .router = model::RouterFormat::eight_bit});
      b.experts->correction_bias = true;
      b.experts->shared_width =
          checked_mul(b.experts->width, c.count_or(0, {"num_shared_experts"}));
    } else {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
    }
    return b;
  });
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

void check_groups(const Config& c, const model::Mamba2& m, const Keys& keys) {
  if (m.heads % m.groups != 0) {
    throw c.at(keys).error(
        fmt::format("{} heads are not divisible by {} groups", m.heads, m.groups));
  }
}

// ---- Nemotron-H -------------------------------------------------------------------------------

/// One letter a block: M Mamba-2, * attention, - dense, E experts.
std::string nemotron_pattern(const Config& c, const Keys& letters, const Keys& names) {
  std::string pattern;
  if (const ConfigNode* node = c.find(letters)) {
    if (node->is(ConfigNode::Kind::array)) {
      for (const ConfigNode& entry : node->array()) {
        pattern += entry.string();
      }
    } else {
      pattern = node->string();
    }
    const std::size_t bad = pattern.find_first_not_of("M*-E");
    if (bad != std::string::npos) {
      throw node->error(fmt::format("block {} of the pattern is none of M, *, - and E", bad));
    }
  } else if (const ConfigNode* list = c.find(names)) {
    for (const ConfigNode& entry : list->array()) {
      const std::string& name = entry.string();
      if (name == "mamba" || name == "linear_attention") {
        pattern += 'M';
      } else if (name == "attention" || name == "full_attention") {
        pattern += '*';
      } else if (name == "mlp" || name == "moe") {
        pattern += name == "mlp" ? '-' : 'E';
      } else {
        throw entry.expected(R"("mamba", "attention", "mlp" or "moe")");
      }
    }
  }
  return pattern;
}

model::Block nemotron_block(const Config& c, char letter) {
  model::Block b;
  b.norms = 1;
  const bool mlp_bias = c.flag("mlp_bias", false);
  if (letter == 'M') {
    model::Mamba2 m;
    m.heads = c.size({"mamba_num_heads"});
    m.head_dim = c.size({"mamba_head_dim"});
    m.state = c.size({"ssm_state_size"});
    m.groups = c.size_or(1, {"n_groups"});
    check_groups(c, m, {"n_groups"});
    m.kernel = c.size_or(4, {"conv_kernel"});
    m.conv_bias = c.flag("use_conv_bias", true);
    m.projection_bias = c.flag("mamba_proj_bias", false);
    m.f32_decay = true;
    b.mamba2 = m;
  } else if (letter == '*') {
    b.attention = grouped_attention(c, {});
  } else if (letter == '-') {
    b.dense = gated_mlp(c.size({"intermediate_size"}), mlp_bias);
    b.dense->matrices = 2;
  } else {
    b.experts = experts_of(c, {.count = {"n_routed_experts"}, .router = model::RouterFormat::raw});
    b.experts->matrices = 2;
    b.experts->correction_bias = true;
    b.experts->latent = c.count_or(0, {"moe_latent_size"});
    // The width is the whole of the shared experts, however many.
    if (c.count_or(0, {"n_shared_experts"}) > 0) {
      b.experts->shared_width = c.size({"moe_shared_expert_intermediate_size"});
    }
  }
  return b;
}

model::Architecture nemotron_h(const Config& c) {
  const std::string pattern =
      nemotron_pattern(c, {"hybrid_override_pattern"}, {"layers_block_type"});
  if (pattern.empty()) {
    throw c.text().error(R"("hybrid_override_pattern" or "layers_block_type" is missing)");
  }
  if (const ConfigNode* count = c.find({"num_hidden_layers"})) {
    if (std::cmp_not_equal(count->whole(1, most_layers), pattern.size())) {
      throw count->error(fmt::format("{} layers, and the pattern has {} blocks",
                                     count->whole(1, most_layers), pattern.size()));
    }
  }
  if (pattern.size() > static_cast<std::size_t>(most_layers)) {
    throw c.text().error("the pattern has too many blocks");
  }
  Assembly assembly(c, false);
  for (const char letter : pattern) {
    assembly.add(nemotron_block(c, letter));
  }
  model::Architecture a = assembly.finish();
  const std::int64_t mtp = c.count_or(0, {"num_nextn_predict_layers"});
  if (mtp > 0) {
    const std::string blocks =
        nemotron_pattern(c, {"mtp_hybrid_override_pattern"}, {"mtp_layers_block_type"});
    a.extras.mtp_layers = mtp;
    a.extras.mtp_parameters.reset();
    if (!blocks.empty()) {
      std::int64_t one = mtp_layer_parameters(a, nemotron_block(c, blocks.front()), 3, 0);
      for (const char letter : blocks.substr(1)) {
        one = checked_add(one, block_parameters(a, nemotron_block(c, letter)));
      }
      set_mtp(a, mtp, one);
    }
  }
  return a;
}

// ---- Jamba, Granite hybrid --------------------------------------------------------------------

model::Architecture jamba(const Config& c) {
  const std::int64_t hidden = c.hidden();
  model::Mamba1 m;
  m.inner = checked_mul(c.size_or(2, {"mamba_expand"}), hidden);
  m.state = c.size_or(16, {"mamba_d_state"});
  const ConfigNode* rank = c.find({"mamba_dt_rank"});
  const bool automatic = rank == nullptr || rank->is(ConfigNode::Kind::string);
  m.time_rank = automatic ? ceil_div(hidden, 16) : rank->whole(1, largest_size);
  m.kernel = c.size_or(4, {"mamba_d_conv"});
  m.conv_bias = c.flag("mamba_conv_bias", true);
  m.projection_bias = c.flag("mamba_proj_bias", false);
  const model::Attention attention = grouped_attention(c, {.bias = BiasRule::none});
  const std::int64_t attention_step = c.size_or(8, {"attn_layer_period"});
  const std::int64_t attention_at = c.count_or(4, {"attn_layer_offset"});
  const std::int64_t experts_step = c.size_or(2, {"expert_layer_period"});
  const std::int64_t experts_at = c.count_or(1, {"expert_layer_offset"});
  const bool any = c.experts() > 1;
  const std::int64_t layers = c.layers();
  const std::vector<bool> kinds = attending_layers(c, layers, {"layers_block_type", "layer_types"});
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    const bool attends =
        kinds.empty() ? i % attention_step == attention_at : kinds[static_cast<std::size_t>(i)];
    if (attends) {
      b.attention = attention;
    } else {
      b.mamba1 = m;
    }
    if (any && i % experts_step == experts_at) {
      b.experts =
          experts_of(c, {.width = {"intermediate_size"}, .router = model::RouterFormat::eight_bit});
    } else {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
    }
    return b;
  });
}

/// Layers by `layer_types`; an excerpt without it tells only how many of them attend, and the
/// published models space those evenly (layers 5, 15, 25, 35 of 40).
std::vector<bool> granite_attends(const Config& c, std::int64_t layers) {
  std::vector<bool> attends = attending_layers(c, layers, {"layer_types", "layers_block_type"});
  if (!attends.empty()) {
    return attends;
  }
  attends.resize(static_cast<std::size_t>(layers), false);
  const ConfigNode& node = c.at({"layer_types", "n_attention_layers"});
  const std::int64_t count = node.whole(1, layers);
  const std::int64_t step = layers / count;
  for (std::int64_t i = 0; i < count; ++i) {
    attends[static_cast<std::size_t>(i * step + step / 2)] = true;
  }
  return attends;
}

model::Architecture granite_hybrid(const Config& c) {
  const std::int64_t layers = c.layers();
  const std::vector<bool> attends = granite_attends(c, layers);
  const std::int64_t inner = checked_mul(c.size_or(2, {"mamba_expand"}), c.hidden());
  model::Mamba2 m;
  m.heads = c.size_or(128, {"mamba_n_heads"});
  const ConfigNode* head = c.find({"mamba_d_head"});
  m.head_dim = head == nullptr || head->is(ConfigNode::Kind::string)
                   ? std::max<std::int64_t>(inner / m.heads, 1)
                   : head->whole(1, largest_size);
  m.state = c.size_or(256, {"mamba_d_state"});
  m.groups = c.size_or(1, {"mamba_n_groups"});
  check_groups(c, m, {"mamba_n_groups"});
  m.kernel = c.size_or(4, {"mamba_d_conv"});
  m.conv_bias = c.flag("mamba_conv_bias", true);
  m.projection_bias = c.flag("mamba_proj_bias", false);
  const model::Attention attention = grouped_attention(c, {});
  const bool any = c.experts() > 0;
  return layered(c, true, [&](std::int64_t i) {
    model::Block b;
    if (attends[static_cast<std::size_t>(i)]) {
      b.attention = attention;
    } else {
      b.mamba2 = m;
    }
    if (any) {
      b.experts = experts_of(c, {.count = {"num_local_experts"},
                                 .width = {"intermediate_size"},
                                 .router = model::RouterFormat::eight_bit});
      b.experts->shared_width = c.count_or(0, {"shared_intermediate_size"});
      b.experts->shared_fused = b.experts->shared_width > 0;
    } else {
      b.dense = gated_mlp(c.size({"shared_intermediate_size", "intermediate_size"}));
    }
    return b;
  });
}

constexpr std::array hybrid_table = {
    Family{"qwen3_next", qwen3_next},
    Family{"qwen3_5", qwen3_5},
    Family{"qwen3_5_text", qwen3_5},
    Family{"qwen3_5_moe", qwen3_5},
    Family{"qwen3_5_moe_text", qwen3_5},
    Family{"kimi_linear", kimi_linear},
    Family{"nemotron_h", nemotron_h},
    Family{"jamba", jamba},
    Family{"granitemoehybrid", granite_hybrid},
};

}  // namespace

std::span<const Family> hybrid_families() { return hybrid_table; }

}  // namespace macfit::read
