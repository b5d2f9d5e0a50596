#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "rules.hpp"

namespace macfit::model {
namespace {

/// The part of all routed experts that one token uses.
Bytes active_part(Bytes experts, const Block& block) {
  if (!block.experts || block.experts->count <= 0) {
    return Bytes{};
  }
  return Bytes(experts.count() / block.experts->count * block.experts->per_token);
}

}  // namespace

GgufWeights gguf_weights(const Architecture& architecture, const Recipe& recipe,
                         const GgufOptions& options) {
  const auto mixture = find_gguf_mixture(recipe.name);
  if (!mixture) {
    throw unknown_name("llama.cpp mixture", recipe.name, gguf_mixture_names());
  }
  const std::vector<GgufTensor> tensors = gguf_tensors(architecture, options);
  const std::vector<GgmlType> types = gguf_types(architecture, tensors, *mixture, options);

  GgufWeights result;
  result.architecture = gguf_architecture(architecture);
  result.layout.format = *mixture;
  if (gguf::require_rule(architecture).unread) {
    result.layout.evidence = Evidence::estimated;
  }
  result.layout.layers.resize(architecture.layers.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const GgufTensor& t = tensors[i];
    const Bytes bytes = ggml_tensor_bytes(types[i], t.ne);
    result.file_bytes += bytes;
    result.parameters = checked_add(result.parameters, t.elements());
    auto& total = result.by_type[types[i]];
    total.tensors += 1;
    total.bytes += bytes;
    if (t.mtp) {
      result.mtp_bytes += bytes;
      result.mtp_layers = t.layer + 1 - static_cast<std::int64_t>(architecture.layers.size());
      continue;
    }
    result.layout.by_class[static_cast<std::size_t>(t.tensor_class)] += bytes;
    if (t.layer >= 0) {
      LayerBytes& layer = result.layout.layers[static_cast<std::size_t>(t.layer)];
      layer.total += bytes;
      layer.largest_tensor = std::max(layer.largest_tensor, bytes);
      if (!t.split) {
        layer.replicated += bytes;
      }
      if (t.tensor_class == TensorClass::experts) {
        layer.experts += bytes;
        layer.experts_active +=
            active_part(bytes, architecture.block_of(static_cast<std::size_t>(t.layer)));
      }
      continue;
    }
    if (t.tensor_class == TensorClass::embedding) {
      result.layout.embedding += bytes;
      result.host_bytes += bytes;
      if (architecture.tied && t.name == "token_embd.weight") {
        result.tied_duplicate = bytes;
      }
    } else if (t.tensor_class == TensorClass::head) {
      result.layout.head += bytes;
    } else {
      result.layout.other_global += bytes;
      if (t.name == "rope_freqs.weight") {
        result.per_device += bytes;
      }
    }
  }
  return result;
}

WeightLayout gguf_weight_layout(const Architecture& architecture, const Recipe& recipe) {
  return gguf_weights(architecture, recipe).layout;
}

}  // namespace macfit::model
