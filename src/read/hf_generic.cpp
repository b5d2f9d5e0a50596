// A model_type that no family has, read by what its keys say of a layer: grouped-query or latent
// attention, windows, experts, gated delta layers.

#include <algorithm>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

bool any_flag(const Config& c, std::initializer_list<std::string_view> keys) {
  bool found = false;
  for (const std::string_view key : keys) {
    found = c.flag(key, false) || found;  // every key counts as read
  }
  return found;
}

model::Attention attention_of(const Config& c) {
  const bool norm = any_flag(c, {"use_qk_norm", "qk_norm", "use_qk_layernorm"});
  model::Attention a =
      grouped_attention(c, {.bias = BiasRule::flag_all,
                            .norm = norm ? model::HeadNorm::per_head : model::HeadNorm::none});
  if (any_flag(c, {"qkv_bias", "use_qkv_bias"})) {
    a.qkv_bias = true;
  }
  a.value_dim = c.size_or(a.head_dim, {"v_head_dim"});
  a.sinks = any_flag(c, {"attention_sinks", "use_attention_sinks"});
  return a;
}

std::optional<model::DeltaNet> delta_of(const Config& c) {
  if (c.find({"linear_num_key_heads"}) == nullptr) {
    return std::nullopt;
  }
  model::DeltaNet d = delta_heads(c);
  d.kernel = c.size_or(4, {"linear_conv_kernel_dim"});
  d.split_projections = true;
  return d;
}

struct Mixers {
  std::optional<model::LatentAttention> latent;
  std::optional<model::DeltaNet> delta;
  model::Attention attention;
  std::vector<bool> recurrent;
  std::vector<model::Span> spans;
  std::int64_t window = 0;
};

Mixers mixers_of(const Config& c, std::int64_t layers) {
  Mixers m;
  m.delta = delta_of(c);
  m.recurrent.assign(static_cast<std::size_t>(layers), false);
  m.spans.assign(static_cast<std::size_t>(layers), model::Span::full);
  if (c.find({"kv_lora_rank"}) != nullptr) {
    m.latent = latent_attention(c, c.find({"index_n_heads"}) != nullptr);
  } else {
    m.attention = attention_of(c);
  }
  if (m.delta) {
    const std::vector<bool> attends = attending_layers(c, layers);
    const std::int64_t interval = c.size_or(4, {"full_attention_interval"});
    for (std::int64_t i = 0; i < layers; ++i) {
      m.recurrent[static_cast<std::size_t>(i)] =
          attends.empty() ? (i + 1) % interval != 0 : !attends[static_cast<std::size_t>(i)];
    }
  } else {
    m.spans = layer_spans(c, layers, [](std::int64_t) { return model::Span::full; });
    m.window = window_of(c, m.spans);
  }
  return m;
}

}  // namespace

model::Architecture by_keys(const Config& c) {
  const std::int64_t layers = c.layers();
  const Mixers mixers = mixers_of(c, layers);
  const std::int64_t first = c.count_or(0, {"first_k_dense_replace", "num_dense_layers"});
  const bool any = c.experts() > 0;
  const std::vector<bool> sparse =
      sparse_layers(c, layers, [&](std::int64_t i) { return i >= first; });
  const bool mlp_bias = c.flag("mlp_bias", false);
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    model::Block b;
    if (mixers.recurrent[at]) {
      b.delta_net = mixers.delta;
    } else if (mixers.latent) {
      b.latent = mixers.latent;
    } else {
      b.attention = spanning(mixers.attention, mixers.spans[at], mixers.window);
    }
    if (!any || !sparse[at]) {
      b.dense = gated_mlp(c.size({"intermediate_size"}), mlp_bias);
      return b;
    }
    b.experts = experts_of(c, {.width = {"moe_intermediate_size", "intermediate_size"}});
    const std::int64_t one = c.size_or(b.experts->width, {"moe_shared_expert_intermediate_size",
                                                          "shared_expert_intermediate_size"});
    const bool stated = c.find({"shared_expert_intermediate_size"}) != nullptr;
    b.experts->shared_width = checked_mul(one, c.count_or(stated ? 1 : 0, {"n_shared_experts"}));
    return b;
  });
  (void)c.find({"intermediate_size"});  // stands in mixtures without a dense layer too
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  if (c.wrapped()) {
    a.extras.vision_parameters.reset();
  }
  return a;
}

std::string_view kind_by_keys(const model::Architecture& a) {
  const auto has = [&](auto part) {
    return std::any_of(a.blocks.begin(), a.blocks.end(),
                       [&](const model::Block& b) { return (b.*part).has_value(); });
  };
  if (has(&model::Block::latent)) {
    return "a transformer with latent attention";
  }
  return has(&model::Block::delta_net) ? "a hybrid of delta layers and attention"
                                       : "a GQA transformer";
}

}  // namespace macfit::read
