// Mixtures of experts some of whose layers see a window: gpt-oss, Step, MiMo V2.

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"

namespace macfit::read {
namespace {

/// Biases everywhere, sinks, every second layer sliding.
model::Architecture gpt_oss(const Config& c) {
  model::Attention attention =
      grouped_attention(c, {.bias = BiasRule::all, .default_head_dim = 64});
  attention.sinks = true;
  const std::vector<model::Span> spans =
      layer_spans(c, c.layers(), [](std::int64_t i) { return every(2, i); });
  const std::int64_t window = window_of(c, spans, 128);
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.attention = spanning(attention, spans[static_cast<std::size_t>(i)], window);
    b.experts = experts_of(c, {.count = {"num_local_experts"},
                               .per_token = {"num_experts_per_tok", "experts_per_token"},
                               .width = {"intermediate_size"},
                               .router = model::RouterFormat::eight_bit});
    b.experts->bias = true;
    b.experts->router_bias = true;
    return b;
  });
}

/// A gate on each head; sliding layers have head counts of their own.
model::Architecture step(const Config& c) {
  const std::int64_t layers = c.layers();
  model::Attention full =
      grouped_attention(c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head});
  if (c.flag("use_head_wise_attn_gate", true)) {
    full.gate = model::OutputGate::per_head;
  }
  model::Attention sliding = full;
  if (const ConfigNode* node = c.find({"attention_other_setting"})) {
    const Config other(c.outer(), *node);
    sliding.heads = other.size({"num_attention_heads"});
    sliding.kv_heads = other.size({"num_attention_groups", "num_key_value_heads"});
    if (sliding.heads % sliding.kv_heads != 0) {
      throw node->error(fmt::format("{} heads are not divisible by {} key-value heads",
                                    sliding.heads, sliding.kv_heads));
    }
  } else if (const ConfigNode* heads = c.find({"num_sliding_attention_heads"})) {
    sliding.heads = heads->whole(1, largest_size);
    if (sliding.heads % sliding.kv_heads != 0) {
      throw heads->error(fmt::format("{} heads are not divisible by {} key-value heads",
                                     sliding.heads, sliding.kv_heads));
    }
  } else {
    // Excerpts of Step configs lack the setting; every published model has 96 heads for 64.
    sliding.heads = full.heads * 3 / 2;
  }
  const std::vector<model::Span> spans = layer_spans(c, layers, [](std::int64_t i) {
    return i % 2 == 0 ? model::Span::sliding : model::Span::full;
  });
  const std::int64_t window = window_of(c, spans, 512);
  const std::int64_t dense_first = c.count_or(1, {"first_k_dense_replace"});
  std::vector<std::int64_t> listed;
  if (const ConfigNode* node = c.find({"moe_layers_enum"})) {
    for (const std::string_view part : split(node->string(), ',')) {
      std::int64_t value = 0;
      const std::string_view digits = trim(part);
      const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (code != std::errc{} || end != digits.data() + digits.size()) {
        throw node->expected("layer numbers with commas between");
      }
      listed.push_back(value);
    }
  }
  const std::vector<bool> sparse = sparse_layers(c, layers, [&](std::int64_t i) {
    return listed.empty() ? i >= dense_first
                          : std::find(listed.begin(), listed.end(), i) != listed.end();
  });
  const model::Dense mlp = gated_mlp(c.size({"intermediate_size"}));
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    const model::Span span = spans[static_cast<std::size_t>(i)];
    model::Block b;
    b.attention = spanning(span == model::Span::full ? full : sliding, span, window);
    if (!sparse[static_cast<std::size_t>(i)]) {
      b.dense = mlp;
      return b;
    }
    b.experts = experts_of(c, {.count = {"moe_num_experts", "num_experts"},
                               .per_token = {"moe_top_k", "num_experts_per_tok"},
                               .router = model::RouterFormat::eight_bit});
    b.experts->correction_bias = c.flag("use_moe_router_bias", true);
    b.experts->shared_width = c.count_or(b.experts->width, {"share_expert_dim"});
    return b;
  });
  const std::int64_t mtp = c.count_or(0, {"num_nextn_predict_layers"});
  if (mtp > 0) {
    model::Block b;
    b.attention = spanning(sliding, model::Span::sliding, std::max<std::int64_t>(window, 1));
    b.dense = mlp;
    set_mtp(a, mtp, mtp_layer_parameters(a, b, 3, 1));
  }
  return a;
}

/// Keys wider than values; sliding layers have heads and sinks of their own.
model::Architecture mimo_v2(const Config& c) {
  const std::int64_t layers = c.layers();
  model::Attention full = grouped_attention(c, {});
  full.value_dim = c.size_or(full.head_dim, {"v_head_dim"});
  full.sinks = c.flag("add_full_attention_sink_bias", false);
  model::Attention sliding = full;
  sliding.heads = c.size_or(full.heads, {"swa_num_attention_heads"});
  sliding.kv_heads = c.size_or(full.kv_heads, {"swa_num_key_value_heads"});
  if (sliding.heads % sliding.kv_heads != 0) {
    throw c.at({"swa_num_key_value_heads", "num_key_value_heads"})
        .error(fmt::format("{} heads are not divisible by {} key-value heads", sliding.heads,
                           sliding.kv_heads));
  }
  sliding.head_dim = c.size_or(full.head_dim, {"swa_head_dim"});
  sliding.value_dim = c.size_or(full.value_dim, {"swa_v_head_dim"});
  sliding.sinks = c.flag("add_swa_attention_sink_bias", true);
  const auto* pattern = c.per_layer({"hybrid_layer_pattern"}, layers);
  const auto* frequency = c.per_layer({"moe_layer_freq"}, layers);
  const auto is = [](const std::vector<ConfigNode>* list, std::int64_t i) {
    return list != nullptr && (*list)[static_cast<std::size_t>(i)].whole(0, 1) == 1;
  };
  std::vector<model::Span> spans;
  for (std::int64_t i = 0; i < layers; ++i) {
    spans.push_back(is(pattern, i) ? model::Span::sliding : model::Span::full);
  }
  // transformers counts the query in `sliding_window`; mlx-lm reads the other.
  const std::int64_t window = c.count_or(window_of(c, spans), {"sliding_window_size"});
  const std::vector<bool> sparse =
      sparse_layers(c, layers, [&](std::int64_t i) { return is(frequency, i); });
  const model::Dense mlp = gated_mlp(c.size({"intermediate_size"}));
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    const model::Span span = spans[static_cast<std::size_t>(i)];
    model::Block b;
    b.attention = spanning(span == model::Span::full ? full : sliding, span, window);
    if (!sparse[static_cast<std::size_t>(i)]) {
      b.dense = mlp;
      return b;
    }
    b.experts = experts_of(c, {.count = {"n_routed_experts"}, .router = model::RouterFormat::raw});
    b.experts->correction_bias = true;
    b.experts->shared_width = checked_mul(b.experts->width, c.count_or(0, {"n_shared_experts"}));
    return b;
  });
  // The checkpoint has three prediction layers; the config does not count them.
  model::Block b;
  b.attention = spanning(sliding, model::Span::sliding, std::max<std::int64_t>(window, 1));
  b.dense = mlp;
  set_mtp(a, 3, mtp_layer_parameters(a, b, 3, 0));
  return a;
}

constexpr std::array windowed_table = {
    Family{"gpt_oss", gpt_oss},
    Family{"step3p5", step},
    Family{"step3p7", step},
    Family{"mimo_v2_flash", mimo_v2},
};

}  // namespace

std::span<const Family> windowed_families() { return windowed_table; }

}  // namespace macfit::read
