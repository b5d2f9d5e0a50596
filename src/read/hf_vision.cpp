// Parameters of the towers and projectors beside a text model.

#include <algorithm>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

std::int64_t mul(std::int64_t a, std::int64_t b) { return checked_mul(a, b); }

template <class... Rest>
std::int64_t sum(std::int64_t first, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return first;
  } else {
    return checked_add(first, sum(rest...));
  }
}

/// A matrix with its bias.
std::int64_t linear(std::int64_t rows, std::int64_t columns) {
  return sum(mul(rows, columns), rows);
}

/// A transformer layer with two LayerNorms, four attention projections and two of the MLP, all
/// with bias.
std::int64_t biased_layer(std::int64_t width, std::int64_t mlp) {
  return sum(mul(4, width), mul(4, linear(width, width)), linear(mlp, width), linear(width, mlp));
}

/// A LayerNorm, then (patches merged by four) two matrices with bias.
std::int64_t merger(std::int64_t width, std::int64_t norm, std::int64_t out) {
  const std::int64_t merged = mul(4, width);
  return sum(mul(2, norm), linear(merged, merged), linear(out, merged));
}

/// Qwen3-VL and Qwen3.5.
std::int64_t qwen3(const Config& v, std::int64_t hidden) {
  const std::int64_t w = v.size({"hidden_size"});
  const std::int64_t patch = v.size_or(16, {"patch_size"});
  const std::int64_t patches = mul(v.size_or(3, {"in_channels"}),
                                   mul(v.size_or(2, {"temporal_patch_size"}), mul(patch, patch)));
  const std::int64_t out = v.size_or(hidden, {"out_hidden_size"});
  std::int64_t total = sum(linear(w, patches), mul(v.size_or(2304, {"num_position_embeddings"}), w),
                           mul(v.size({"depth"}), biased_layer(w, v.size({"intermediate_size"}))),
                           merger(w, w, out));
  if (const ConfigNode* deep = v.find({"deepstack_visual_indexes"})) {
    const auto count = static_cast<std::int64_t>(deep->array().size());
    total = sum(total, mul(count, merger(w, mul(4, w), out)));
  }
  return total;
}

/// SigLIP with Gemma 3's projector.
std::int64_t siglip(const Config& v, std::int64_t hidden) {
  const std::int64_t w = v.size({"hidden_size"});
  const std::int64_t patch = v.size_or(14, {"patch_size"});
  const std::int64_t side = v.size_or(896, {"image_size"}) / patch;
  return sum(linear(w, mul(3, mul(patch, patch))), mul(mul(side, side), w),
             mul(v.size({"num_hidden_layers"}), biased_layer(w, v.size({"intermediate_size"}))),
             mul(2, w), mul(w, hidden), w);
}

/// Gemma 4: no biases; norms of each head; clipping ranges where the linears are clipped. The
/// E-models' checkpoints hold an audio tower too, of which their configs say nothing.
std::int64_t gemma4(const Config& v, model::Architecture& a) {
  const std::int64_t w = v.size({"hidden_size"});
  const std::int64_t m = v.size({"intermediate_size"});
  const std::int64_t n = v.size({"num_hidden_layers"});
  const std::int64_t patch = v.size_or(16, {"patch_size"});
  const std::int64_t head = v.size_or(w / v.size({"num_attention_heads"}), {"head_dim"});
  std::int64_t total = sum(
      mul(mul(3, mul(patch, patch)), w), mul(mul(2, v.size({"position_embedding_size"})), w),
      mul(n, sum(mul(4, mul(w, w)), mul(3, mul(w, m)), mul(4, w), mul(2, head))), mul(w, a.hidden));
  a.extras.projectors.push_back({a.hidden, w});
  if (v.flag("standardize", false)) {
    total = sum(total, mul(2, w));
  }
  if (v.flag("use_clipped_linears", false)) {
    total = sum(total, mul(28, n));
  }
  if (a.per_layer_vocabulary > 0) {
    constexpr std::int64_t audio_tower = 304'825'088;
    constexpr std::int64_t audio_width = 1536;
    a.extras.projectors.push_back({a.hidden, audio_width});
    total = sum(total, audio_tower, mul(audio_width, a.hidden));
  }
  return total;
}

/// MoonViT with Kimi's projector; none where its width is not stated.
std::optional<std::int64_t> moonvit(const Config& v, std::int64_t hidden) {
  if (v.find({"vt_intermediate_size", "intermediate_size"}) == nullptr) {
    return std::nullopt;
  }
  const std::int64_t w = v.size({"vt_hidden_size", "hidden_size"});
  const std::int64_t m = v.size({"vt_intermediate_size", "intermediate_size"});
  const std::int64_t n = v.size({"vt_num_hidden_layers", "num_hidden_layers"});
  const std::int64_t patch = v.size_or(14, {"patch_size"});
  const std::int64_t positions =
      mul(v.size_or(64, {"init_pos_emb_height"}), v.size_or(64, {"init_pos_emb_width"}));
  const std::int64_t merged = mul(4, w);
  return sum(linear(w, mul(3, mul(patch, patch))), mul(positions, w), mul(n, biased_layer(w, m)),
             mul(2, w), mul(2, w), linear(merged, merged), linear(hidden, merged));
}

std::optional<std::int64_t> count_vision(const Config& c, model::Architecture& a) {
  const ConfigNode* node = c.outer().find("vision_config");
  const std::string& type = a.type;
  if (type == "llama4") {
    // Scout's and Maverick's published totals less their text: one tower, whatever is stored.
    return 871'932'416;
  }
  if (node == nullptr) {
    // A text model taken out of its wrapper.
    return c.wrapped() ? std::nullopt : std::optional<std::int64_t>(0);
  }
  const Config v(c.outer(), *node);
  if (type == "qwen3_vl" || type == "qwen3_vl_moe" || type == "qwen3_5" || type == "qwen3_5_moe") {
    return qwen3(v, a.hidden);
  }
  if (type == "gemma3") {
    return siglip(v, a.hidden);
  }
  if (type == "gemma4") {
    return gemma4(v, a);
  }
  if (type == "kimi_k25") {
    return moonvit(v, a.hidden);
  }
  return std::nullopt;
}

}  // namespace

void set_vision(const Config& c, model::Architecture& a) {
  a.extras.vision_parameters = count_vision(c, a);
}

}  // namespace macfit::read
