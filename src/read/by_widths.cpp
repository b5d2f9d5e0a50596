// Models that no reader knows, by the widths of their tensors: what keys, values and latents have
// is what caches hold, so that an unknown model gets its exact weights and an estimated cache.

#include "by_widths.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "config_node.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::read {
namespace {

/// Heads of a stated width where it divides keys and values, else one head of their width.
model::Attention attention_of(const LayerWidths& w) {
  model::Attention a;
  const bool divides = w.head > 0 && w.key % w.head == 0 && w.value % (w.key / w.head) == 0;
  a.kv_heads = divides ? w.key / w.head : 1;
  a.head_dim = w.key / a.kv_heads;
  a.value_dim = w.value / a.kv_heads;
  a.heads = w.heads > 0 && w.heads % a.kv_heads == 0 ? w.heads : a.kv_heads;
  if (w.window > 0) {
    a.span = model::Span::sliding;
    a.window = w.window;
  }
  return a;
}

/// Only the cached width is told: all of it counts as the latent.
model::LatentAttention latent_of(const LayerWidths& w) {
  model::LatentAttention a;
  a.heads = std::max<std::int64_t>(1, w.heads);
  a.kv_rank = w.latent;
  a.nope_dim = std::max<std::int64_t>(1, w.head);
  a.value_dim = a.nope_dim;
  return a;
}

model::Block block_of(const LayerWidths& w) {
  model::Block b;
  if (w.latent > 0) {
    b.latent = latent_of(w);
  } else if (w.key > 0) {
    b.attention = attention_of(w);
  }
  if (w.dense > 0) {
    b.dense = model::Dense{};
    b.dense->width = w.dense;
  }
  if (w.experts > 0 && w.expert > 0) {
    model::Experts e;
    e.count = w.experts;
    e.per_token = std::clamp<std::int64_t>(w.per_token, 1, w.experts);
    e.width = w.expert;
    b.experts = e;
  }
  b.state_bytes = w.state_bytes;
  return b;
}

void add(model::Architecture& a, model::Block block) {
  for (std::size_t i = 0; i < a.blocks.size(); ++i) {
    block.name = a.blocks[i].name;
    if (block == a.blocks[i]) {
      a.layers.push_back(static_cast<std::uint16_t>(i));
      return;
    }
  }
  block.name = fmt::format("kind-{}", a.blocks.size() + 1);
  a.layers.push_back(static_cast<std::uint16_t>(a.blocks.size()));
  a.blocks.push_back(std::move(block));
}

// ---- GGUF -------------------------------------------------------------------------------------

/// Numbers under the architecture's prefix: one for all layers, or one for each.
std::int64_t of_layer(const std::vector<std::int64_t>& numbers, std::size_t layer) {
  return numbers.empty() ? 0 : numbers[std::min(layer, numbers.size() - 1)];
}

/// 32-bit states as llama.cpp sizes them (llama-hparams.cpp: n_embd_r, n_embd_s).
std::int64_t gguf_state(const model::GgufShape& s, const GgufHeader& header, bool convolves) {
  if (convolves) {
    const std::int64_t kept = header.number(s.arch + ".shortconv.l_cache").value_or(0);
    return kept > 1 ? checked_mul(4, checked_mul(kept - 1, s.hidden)) : 0;
  }
  const std::int64_t heads = header.number(s.arch + ".wkv.head_size").value_or(0);
  if (heads > 0) {
    const std::int64_t shifts = header.number(s.arch + ".token_shift_count").value_or(2);
    return checked_mul(4, checked_mul(s.hidden, checked_add(shifts, heads)));
  }
  if (s.ssm_inner <= 0 || s.ssm_state <= 0 || s.ssm_conv <= 0) {
    return 0;
  }
  const std::int64_t groups = checked_mul(2, checked_mul(s.ssm_groups, s.ssm_state));
  const std::int64_t tail = checked_mul(s.ssm_conv - 1, checked_add(s.ssm_inner, groups));
  return checked_mul(4, checked_add(tail, checked_mul(s.ssm_state, s.ssm_inner)));
}

/// Splits a fused matrix by the counts of heads that metadata state.
void split_fused(LayerWidths& w, const model::GgufShape& s, std::size_t layer, std::int64_t rows) {
  const std::int64_t heads = of_layer(s.heads, layer);
  const std::int64_t stated = of_layer(s.kv_heads, layer);
  const std::int64_t kv = stated > 0 ? stated : heads;
  if (heads <= 0) {
    w.keeps_unknown = true;
    return;
  }
  const std::int64_t head = s.key_length > 0 ? s.key_length : s.hidden / heads;
  const std::int64_t value = s.value_length > 0 ? s.value_length : head;
  w.key = checked_mul(kv, head);
  w.value = checked_mul(kv, value);
  w.keeps_unknown = checked_add(checked_mul(heads, head), checked_add(w.key, w.value)) != rows;
}

struct GgufSigns {
  bool recurrent = false;
  bool convolves = false;
};

void note_gguf(LayerWidths& w, GgufSigns& signs, const model::GgufShape& s, const StoredName& name,
               const GgufTensorInfo& t) {
  const std::string& module = name.module;
  signs.convolves = signs.convolves || module.starts_with("shortconv");
  signs.recurrent = signs.recurrent || module.starts_with("shortconv") ||
                    module.starts_with("ssm_") || module.starts_with("time_mix");
  if (name.leaf != "weight") {
    return;
  }
  if (module == "attn_k") {
    w.key = t.ne[1];
  } else if (module == "attn_v") {
    w.value = t.ne[1];
  } else if (module == "attn_kv_a_mqa") {
    w.latent = t.ne[1];
  } else if (module == "attn_qkv") {
    split_fused(w, s, static_cast<std::size_t>(name.layer), t.ne[1]);
  } else if (module == "ffn_down") {
    w.dense = t.ne[0];
  } else if (module == "ffn_down_exps") {
    w.expert = t.ne[0];
    w.experts = t.ne[2];
  }
}

// ---- safetensors ------------------------------------------------------------------------------

void note_safetensors(LayerWidths& w, const StoredName& name, const SafetensorsTensor& t) {
  const std::string module = canonical_module(name.module);
  const bool matrix = name.leaf == "weight" && t.shape.size() >= 2;
  if (module.find("conv") != std::string::npos || module.find("A_log") != std::string::npos ||
      module.starts_with("mixer") || module.starts_with("linear_attn")) {
    w.keeps_unknown = true;
  }
  if (!matrix) {
    return;
  }
  const std::int64_t rows = t.shape.front();
  if (module.ends_with("attn.k_proj")) {
    w.key = rows;
  } else if (module.ends_with("attn.v_proj")) {
    w.value = rows;
  } else if (module.ends_with("kv_a_proj_with_mqa")) {
    w.latent = rows;
  } else if (module.find("qkv") != std::string::npos ||
             module.find("query_key_value") != std::string::npos) {
    w.keeps_unknown = true;
  } else if (module == "mlp.up_proj") {
    w.dense = rows;
  } else if (module == "mlp.switch_mlp.up_proj" && t.shape.size() == 3) {
    w.experts = rows;
    w.expert = t.shape[1];
    w.per_token = rows;  // not told: all of them, the slow side
  }
}

}  // namespace

std::optional<model::Architecture> by_widths(const ModelWidths& widths) {
  model::Architecture a;
  a.type = widths.type;
  a.hidden = widths.hidden;
  a.vocabulary = widths.vocabulary;
  a.context = widths.context;
  a.tied = widths.tied;
  a.widths_only = true;
  a.extras.mtp_parameters = 0;
  a.extras.vision_parameters = 0;
  bool any = false;
  for (const LayerWidths& w : widths.layers) {
    a.cache_known = a.cache_known && !w.keeps_unknown;
    any = any || w.key > 0 || w.latent > 0 || w.state_bytes > 0;
    add(a, block_of(w));
  }
  a.cache_known = a.cache_known && any;
  try {
    validate(a);
    (void)model::count_parameters(a);
  } catch (const Error&) {
    return std::nullopt;
  }
  return a;
}

std::optional<model::Architecture> gguf_by_widths(const GgufHeader& header) {
  const model::GgufShape s = gguf_shape(header);
  if (s.layers < 1 || s.layers > most_layers) {
    return std::nullopt;
  }
  ModelWidths widths{"gguf:" + s.arch, s.hidden, s.vocabulary, s.context, s.tied, {}};
  const auto layers = static_cast<std::size_t>(s.layers);
  widths.layers.resize(layers);
  std::vector<GgufSigns> signs(layers);
  for (const GgufTensorInfo& t : header.tensors) {
    const StoredName name = stored_gguf_name(t.name);
    if (name.layer >= 0 && std::cmp_less(name.layer, layers)) {
      const auto layer = static_cast<std::size_t>(name.layer);
      note_gguf(widths.layers[layer], signs[layer], s, name, t);
    }
  }
  for (std::size_t i = 0; i < layers; ++i) {
    LayerWidths& w = widths.layers[i];
    w.heads = of_layer(s.heads, i);
    w.head = s.key_length > 0 ? s.key_length : w.heads > 0 ? s.hidden / w.heads : 0;
    w.value = w.key > 0 && w.value == 0 ? w.key : w.value;
    w.per_token = s.experts_used;
    w.window = i < s.sliding.size() && s.sliding[i] ? s.window : 0;
    if (signs[i].recurrent) {
      w.state_bytes = gguf_state(s, header, signs[i].convolves);
      w.keeps_unknown = w.keeps_unknown || w.state_bytes == 0;
    }
  }
  return by_widths(widths);
}

std::optional<model::Architecture> safetensors_by_widths(
    const std::vector<SafetensorsTensor>& tensors, std::string type) {
  ModelWidths widths;
  widths.type = std::move(type);
  widths.tied = true;
  for (const SafetensorsTensor& t : tensors) {
    const StoredName name = stored_name(t.name);
    if (name.part != StoredName::Part::text) {
      continue;
    }
    if (name.layer >= 0) {
      const auto layer = static_cast<std::size_t>(name.layer);
      if (layer >= most_layers) {
        return std::nullopt;
      }
      widths.layers.resize(std::max(widths.layers.size(), layer + 1));
      note_safetensors(widths.layers[layer], name, t);
    } else if (name.leaf == "weight" && !t.shape.empty()) {
      const bool embeds = name.tensor_class == model::TensorClass::embedding;
      widths.vocabulary = embeds ? t.shape.front() : widths.vocabulary;
      widths.tied = widths.tied && name.tensor_class != model::TensorClass::head;
      widths.hidden =
          name.tensor_class == model::TensorClass::norm ? t.shape.front() : widths.hidden;
    }
  }
  for (LayerWidths& w : widths.layers) {
    w.value = w.key > 0 && w.value == 0 ? w.key : w.value;
  }
  return by_widths(widths);
}

}  // namespace macfit::read
