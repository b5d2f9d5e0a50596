// Every tensor of a model with its shape and kind, from which parameters and bytes are counted.

#include "macfit/model/tensors.hpp"

#include <algorithm>
#include <array>

#include "macfit/core/quantity.hpp"
#include "tensor_list.hpp"

namespace macfit::model {
namespace {

constexpr std::array<std::string_view, tensor_class_count> class_names = {
    "embedding", "head",           "attention", "recurrent", "indexer", "dense",
    "experts",   "shared-experts", "router",    "norm",      "other",
};

void add_norm(TensorList& list, std::string_view path, std::int64_t width, bool bias) {
  list.raw(path, TensorClass::norm, width);
  if (bias) {
    list.raw(std::string(path) + ".bias", TensorClass::norm, width);
  }
}

void add_dense(TensorList& list, std::int64_t hidden, const Dense& d) {
  const Quantized vlm = d.eight_bit ? Quantized::eight_bit : Quantized::base;
  const auto linear = [&](std::string_view path, std::int64_t rows, std::int64_t columns, Cut cut) {
    list.linear(path, TensorClass::dense, rows, columns, cut, d.bias, 1, Quantized::base, vlm);
  };
  if (d.matrices == 1) {
    linear("mlp.linear_mlp", hidden, hidden, Cut::replicated);
    return;
  }
  if (d.plain_names) {
    linear("mlp.fc1", d.width, hidden, Cut::rows);
    linear("mlp.fc2", hidden, d.width, Cut::columns);
    if (d.matrices == 3) {
      linear("mlp.fc3", d.width, hidden, Cut::rows);
    }
    return;
  }
  if (d.fused_gate_up) {
    linear("mlp.gate_up_proj", checked_mul(2, d.width), hidden, Cut::rows);
  } else {
    if (d.matrices == 3) {
      linear("mlp.gate_proj", d.width, hidden, Cut::rows);
    }
    linear("mlp.up_proj", d.width, hidden, Cut::rows);
  }
  linear("mlp.down_proj", hidden, d.width, Cut::columns);
}

Quantized quantized_as(RouterFormat format) {
  switch (format) {
    case RouterFormat::base:
      return Quantized::base;
    case RouterFormat::eight_bit:
      return Quantized::eight_bit;
    case RouterFormat::spared:
      return Quantized::spared;
    case RouterFormat::raw:
      return Quantized::never;
  }
  return Quantized::never;
}

/// mlx-vlm keeps no exception of mlx-lm's but Gemma 4's.
Quantized vlm_router_format(const Experts& e) {
  const Quantized format = quantized_as(e.router);
  return format == Quantized::eight_bit && !e.router_scale ? Quantized::base : format;
}

void add_router(TensorList& list, std::int64_t hidden, const Experts& e) {
  constexpr auto c = TensorClass::router;
  const std::size_t first = list.size();
  list.linear("mlp.gate", c, checked_add(e.count, e.idle), hidden, Cut::replicated, e.router_bias,
              1, quantized_as(e.router), vlm_router_format(e));
  list.at(first).f32 = e.router_f32;
  if (e.correction_bias) {
    list.raw("mlp.gate.e_score_correction_bias", c, checked_add(e.count, e.idle)).f32 =
        e.correction_f32;
  }
  if (e.hash_rows > 0) {
    list.raw("mlp.gate.tid2eid", c, e.hash_rows, e.per_token).f32 = true;  // 32-bit numbers
  }
  if (e.router_scale) {
    list.raw("mlp.gate.scale", c, hidden);
    list.raw("mlp.gate.per_expert_scale", c, e.count);
  }
}

void add_experts(TensorList& list, std::int64_t hidden, const Experts& e) {
  add_router(list, hidden, e);
  constexpr auto c = TensorClass::experts;
  const std::int64_t width = e.latent > 0 ? e.latent : hidden;
  if (e.latent > 0) {
    list.linear("mlp.fc1_latent_proj", TensorClass::other, e.latent, hidden, Cut::replicated);
    list.linear("mlp.fc2_latent_proj", TensorClass::other, hidden, e.latent, Cut::replicated);
  }
  if (e.matrices == 3) {
    list.linear("mlp.switch_mlp.gate_proj", c, e.width, width, Cut::rows, e.bias, e.count);
    list.linear("mlp.switch_mlp.up_proj", c, e.width, width, Cut::rows, e.bias, e.count);
    list.linear("mlp.switch_mlp.down_proj", c, width, e.width, Cut::columns, e.bias, e.count);
  } else {
    list.linear("mlp.switch_mlp.fc1", c, e.width, width, Cut::rows, e.bias, e.count);
    list.linear("mlp.switch_mlp.fc2", c, width, e.width, Cut::columns, e.bias, e.count);
  }
  if (e.shared_width > 0) {
    constexpr auto shared = TensorClass::shared_experts;
    if (e.shared_fused) {
      // These names, not down_proj, are what mixed recipes go by.
      list.linear("mlp.shared_experts.input_linear", shared, checked_mul(2, e.shared_width), hidden,
                  Cut::rows);
      list.linear("mlp.shared_experts.output_linear", shared, hidden, e.shared_width, Cut::columns);
    } else {
      if (e.matrices == 3) {
        list.linear("mlp.shared_experts.gate_proj", shared, e.shared_width, hidden, Cut::rows);
      }
      list.linear("mlp.shared_experts.up_proj", shared, e.shared_width, hidden, Cut::rows);
      list.linear("mlp.shared_experts.down_proj", shared, hidden, e.shared_width, Cut::columns);
    }
    if (e.shared_gate) {
      list.linear("mlp.shared_expert_gate", shared, 1, hidden, Cut::replicated, false, 1,
                  quantized_as(e.router), vlm_router_format(e));
    }
  }
}

TensorClass class_of(Part::Role role) {
  switch (role) {
    case Part::Role::attention:
      return TensorClass::attention;
    case Part::Role::recurrent:
      return TensorClass::recurrent;
    case Part::Role::dense:
      return TensorClass::dense;
    case Part::Role::norm:
      return TensorClass::norm;
    case Part::Role::embedding:
      return TensorClass::embedding;
    case Part::Role::other:
      break;
  }
  return TensorClass::other;
}

void add_parts(TensorList& list, const std::vector<Part>& parts) {
  for (const Part& p : parts) {
    Tensor& t = list.raw(p.name, class_of(p.role), p.rows, p.columns);
    t.stack = p.stack;
    t.f32 = p.f32;
    t.quantized = quantized_as(p.format);
    t.under_vlm = t.quantized;
    // Projections of attention are cut by their rows, whatever their names.
    const bool projects = p.role == Part::Role::attention && p.format == RouterFormat::base;
    t.cut = projects ? Cut::rows : Cut::replicated;
  }
}

/// Hyper-connections: 32-bit mixing weights before each half of a layer.
void add_streams(TensorList& list, std::int64_t hidden, std::int64_t streams) {
  const std::int64_t mix = checked_mul(2 + streams, streams);
  for (const char* half : {"attn_hc", "ffn_hc"}) {
    const std::string path(half);
    list.raw(path + ".fn", TensorClass::other, mix, checked_mul(streams, hidden)).f32 = true;
    list.raw(path + ".base", TensorClass::other, mix).f32 = true;
    list.raw(path + ".scale", TensorClass::other, 3).f32 = true;
  }
}

std::int64_t count(const std::vector<Tensor>& tensors) {
  std::int64_t total = 0;
  for (const Tensor& t : tensors) {
    total = checked_add(total, t.elements());
  }
  return total;
}

/// What one token does not use of a layer: the experts not chosen.
std::int64_t idle(const Block& block, const std::vector<Tensor>& tensors) {
  if (!block.experts) {
    return 0;
  }
  std::int64_t routed = 0;
  for (const Tensor& t : tensors) {
    if (t.tensor_class == TensorClass::experts) {
      routed = checked_add(routed, t.elements());
    }
  }
  return checked_mul(routed / block.experts->count,
                     block.experts->count - block.experts->per_token);
}

}  // namespace

std::string_view tensor_class_name(TensorClass c) noexcept {
  return class_names[static_cast<std::size_t>(c)];
}

std::int64_t Tensor::elements() const { return checked_mul(stack, checked_mul(rows, columns)); }

std::vector<Tensor> block_tensors(const Architecture& architecture, const Block& block) {
  const std::int64_t hidden = architecture.hidden;
  TensorList list;
  for (int i = 0; i < block.norms; ++i) {
    add_norm(list, i == 0 ? "input_layernorm" : "norm_" + std::to_string(i + 1), hidden,
             block.norm_bias);
  }
  add_mixer(list, hidden, block);
  if (block.dense) {
    const std::size_t first = list.size();
    add_dense(list, hidden, *block.dense);
    list.repeat(first, block.dense->copies);
  }
  if (block.experts) {
    add_experts(list, hidden, *block.experts);
  }
  add_parts(list, block.parts);
  if (block.per_layer_input > 0) {
    list.linear("per_layer_input_gate", TensorClass::other, block.per_layer_input, hidden,
                Cut::replicated);
    list.linear("per_layer_projection", TensorClass::other, hidden, block.per_layer_input,
                Cut::replicated);
    add_norm(list, "post_per_layer_input_norm", hidden, false);
  }
  if (block.layer_scalar) {
    list.raw("layer_scalar", TensorClass::norm, 1);
  }
  if (block.streams > 0) {
    add_streams(list, hidden, block.streams);
  }
  return list.take();
}

std::vector<Tensor> global_tensors(const Architecture& architecture) {
  const std::int64_t hidden = architecture.hidden;
  TensorList list;
  list.linear("model.embed_tokens", TensorClass::embedding, architecture.vocabulary, hidden,
              Cut::replicated, false, 1, quantized_as(architecture.embedding_format));
  if (architecture.embedding_norm) {
    add_norm(list, "model.embed_norm", hidden, true);
  }
  if (architecture.per_layer_vocabulary > 0) {
    // One table serves all layers, whatever each of them reads.
    std::int64_t width = 0;
    std::int64_t one = 0;
    for (const std::uint16_t index : architecture.layers) {
      const std::int64_t own = architecture.blocks[index].per_layer_input;
      width = checked_add(width, own);
      one = std::max(one, own);
    }
    list.linear("model.embed_tokens_per_layer", TensorClass::embedding,
                architecture.per_layer_vocabulary, width, Cut::replicated);
    list.linear("model.per_layer_model_projection", TensorClass::other, width, hidden,
                Cut::replicated, false, 1, Quantized::base, Quantized::never);
    add_norm(list, "model.per_layer_projection_norm", one, false);
  }
  std::int64_t streams = 0;
  for (const Block& block : architecture.blocks) {
    streams = std::max(streams, block.streams);
  }
  if (streams > 0) {
    list.raw("model.hc_head.fn", TensorClass::other, streams, checked_mul(streams, hidden)).f32 =
        true;
    list.raw("model.hc_head.base", TensorClass::other, streams).f32 = true;
    list.raw("model.hc_head.scale", TensorClass::other, 1).f32 = true;
  }
  if (architecture.final_norm) {
    add_norm(list, "model.norm", hidden, architecture.final_norm_bias);
  }
  if (!architecture.tied) {
    list.linear("lm_head", TensorClass::head, architecture.vocabulary, hidden, Cut::replicated,
                architecture.head_bias, 1, quantized_as(architecture.head_format));
  }
  add_parts(list, architecture.parts);
  return list.take();
}

ParameterCount count_parameters(const Architecture& architecture) {
  ParameterCount result;
  for (const Tensor& t : global_tensors(architecture)) {
    result.total = checked_add(result.total, t.elements());
    if (t.tensor_class == TensorClass::embedding) {
      result.embedding = checked_add(result.embedding, t.elements());
    } else if (t.tensor_class == TensorClass::head) {
      result.head = checked_add(result.head, t.elements());
    }
  }
  result.active = result.total;
  std::vector<std::int64_t> total_of;
  std::vector<std::int64_t> active_of;
  for (const Block& block : architecture.blocks) {
    const std::vector<Tensor> tensors = block_tensors(architecture, block);
    total_of.push_back(count(tensors));
    active_of.push_back(total_of.back() - idle(block, tensors));
  }
  for (const std::uint16_t index : architecture.layers) {
    result.total = checked_add(result.total, total_of[index]);
    result.active = checked_add(result.active, active_of[index]);
  }
  return result;
}

}  // namespace macfit::model
