#include "macfit/model/model.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "nominal_layout.hpp"

namespace macfit::model {
namespace {

/// Bytes of `elements` at a flat number of bits each.
Bytes flat_bytes(std::int64_t elements, double bits) {
  return Bytes(std::llround(static_cast<double>(elements) * bits / 8));
}

/// Real shapes at a flat number of bits ("4.5bpw"): every tensor by its share.
WeightLayout flat_layout(const Architecture& architecture, const Recipe& recipe) {
  WeightLayout layout;
  layout.format = recipe.name;
  layout.evidence = Evidence::estimated;
  const auto bytes_of = [&](const Tensor& tensor) {
    const Bytes bytes = flat_bytes(tensor.elements(), recipe.nominal_bits);
    layout.by_class.at(static_cast<std::size_t>(tensor.tensor_class)) += bytes;
    return bytes;
  };
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const Block& block = architecture.block_of(i);
    LayerBytes& layer = layout.layers.emplace_back();
    for (const Tensor& tensor : block_tensors(architecture, block)) {
      const Bytes bytes = bytes_of(tensor);
      layer.total += bytes;
      layer.largest_tensor = std::max(layer.largest_tensor, bytes);
      if (tensor.cut == Cut::replicated) {
        layer.replicated += bytes;
      }
      if (tensor.tensor_class == TensorClass::experts && block.experts) {
        layer.experts += bytes;
        layer.experts_active += Bytes(static_cast<std::int64_t>(
            static_cast<double>(bytes.count()) * static_cast<double>(block.experts->per_token) /
            static_cast<double>(block.experts->count)));
      }
    }
  }
  for (const Tensor& tensor : global_tensors(architecture)) {
    const Bytes bytes = bytes_of(tensor);
    (tensor.tensor_class == TensorClass::embedding ? layout.embedding
     : tensor.tensor_class == TensorClass::head    ? layout.head
                                                   : layout.other_global) += bytes;
  }
  return layout;
}

WeightLayout computed_layout(const Model& model, const Recipe& recipe) {
  switch (recipe.kind) {
    case Recipe::Kind::gguf:
      return gguf_weight_layout(model.architecture, recipe);
    case Recipe::Kind::nominal:
      return flat_layout(model.architecture, recipe);
    case Recipe::Kind::uniform:
    case Recipe::Kind::mixed:
    case Recipe::Kind::experts:
    case Recipe::Kind::layers:
      break;
  }
  return weight_layout(model.architecture, recipe);
}

}  // namespace

std::string_view source_name(Source source) noexcept {
  static constexpr std::array<std::string_view, 6> names = {"catalog",     "manifest", "hf-config",
                                                            "safetensors", "gguf",     "nominal"};
  return names[static_cast<std::size_t>(source)];
}

ParameterCount parameters_of(const Model& model) {
  if (model.nominal) {
    const std::int64_t rows = nominal_embedding(model);
    return {model.nominal->parameters, model.nominal->active_parameters, rows, rows};
  }
  const bool whole = !model.architecture.layers.empty() && !model.architecture.widths_only;
  return whole ? count_parameters(model.architecture) : ParameterCount{};
}

WeightLayout weights_of(const Model& model, const Recipe& recipe) {
  if (model.nominal) {
    return nominal_layout(model, recipe);
  }
  if (model.stored && (same_name(model.stored->format, recipe.name) ||
                       (model.default_recipe && *model.default_recipe == recipe))) {
    return *model.stored;
  }
  if (model.architecture.layers.empty() || model.architecture.widths_only) {
    throw Error("the shapes of " + printable(model.id) +
                    " are not known, only its weights as stored" +
                    (model.stored ? " (" + printable(model.stored->format) + ")" : "") +
                    ": they can't be computed as " + recipe.name,
                {}, "name the config.json beside the weights");
  }
  WeightLayout layout = computed_layout(model, recipe);
  layout.evidence = weaker(layout.evidence, model.evidence);
  return layout;
}

}  // namespace macfit::model
