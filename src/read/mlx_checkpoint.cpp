// A checkpoint of safetensors with its config: sizes from the headers, shapes from the config.

#include "macfit/read/mlx_checkpoint.hpp"

#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/hf_config.hpp"

namespace macfit::read {
namespace {

using Kind = CheckpointConfig::Kind;

/// Gives tensors their formats as a loader would: an entry of the config wins.
class Formats {
 public:
  explicit Formats(const CheckpointConfig& config) : config_(config), recipe_(*config.recipe) {
    // A config that names one router names them all: what it leaves out has the base format.
    routers_named_ = std::any_of(config.overrides.begin(), config.overrides.end(), [](auto& entry) {
      return entry.first.ends_with(".mlp.gate") || entry.first.ends_with("shared_expert_gate");
    });
  }

  [[nodiscard]] Bytes bytes(const std::string& path, const model::Tensor& t, std::size_t layer,
                            std::size_t layers) const {
    const auto found = config_.overrides.find(path);
    if (found != config_.overrides.end()) {
      if (!found->second) {
        return raw(t);
      }
      return grouped(*found->second, t);
    }
    if (routers_named_ && t.quantized == model::Quantized::eight_bit) {
      return grouped(recipe_.base, t);
    }
    return model::tensor_bytes(recipe_, t, layer, layers);
  }

 private:
  static Bytes raw(const model::Tensor& t) {
    return Bytes(checked_mul(t.elements(), t.f32 ? 4 : 2));
  }
  static Bytes grouped(const model::WeightFormat& format, const model::Tensor& t) {
    if (format.group <= 0 || t.columns % format.group != 0) {
      return raw(t);
    }
    return model::matrix_bytes(format, t.stack, t.rows, t.columns, t.f32 ? 4 : 2);
  }

  const CheckpointConfig& config_;
  const model::Recipe& recipe_;
  bool routers_named_ = false;
};

std::string last_part(std::string_view path) {
  const auto dot = path.rfind('.');
  return std::string(dot == std::string_view::npos ? path : path.substr(dot + 1));
}

/// The file's tensors as mlx-lm holds them: it makes a bias for every scale of packed integers.
std::vector<SafetensorsTensor> with_biases(std::vector<SafetensorsTensor> tensors) {
  std::erase_if(tensors,
                [](const SafetensorsTensor& t) { return t.name.ends_with(".weight_shape"); });
  for (SafetensorsTensor& t : tensors) {
    if (t.name.ends_with(".weight_scale")) {
      t.end += t.end - t.begin;
    }
  }
  return tensors;
}

void note_native(model::Model& model, const CheckpointConfig& config) {
  switch (config.kind) {
    case Kind::fp8:
      model.notes.emplace_back(
          "stored as fp8: mlx-lm makes 16-bit weights of it where it loads it at all");
      break;
    case Kind::nvfp4:
      if (!config.loaded) {
        model.notes.emplace_back("an nvfp4 checkpoint of modelopt: mlx-lm does not load it");
      }
      break;
    case Kind::int4:
      model.notes.emplace_back(
          "experts are stored at 4.5 bits a weight; mlx-lm holds them at 5.0 bits");
      break;
    case Kind::other:
      model.notes.push_back("the quantization method \"" + printable(config.method) +
                            "\" is not known: sizes come from file headers alone");
      break;
    case Kind::plain:
    case Kind::mlx:
    case Kind::mxfp4:
      break;
  }
}

void publish(model::Model& model, const model::Recipe& recipe, std::optional<Bytes> bytes) {
  model::PublishedFormat format;
  format.recipe = recipe;
  format.bytes = bytes;
  format.evidence = bytes ? Evidence::exact : Evidence::estimated;
  format.source = bytes ? "file headers" : "config.json";
  model.formats.push_back(std::move(format));
}

}  // namespace

model::WeightLayout mlx_layout(const model::Architecture& architecture,
                               const CheckpointConfig& config) {
  if (config.kind != Kind::mlx || !config.recipe) {
    throw Error("the config holds no \"quantization\" of MLX");
  }
  const Formats formats(config);
  const std::size_t layers = architecture.layers.size();
  model::WeightLayout layout;
  layout.format = config.recipe->name;
  for (std::size_t i = 0; i < layers; ++i) {
    const model::Block& block = architecture.block_of(i);
    model::LayerBytes& sums = layout.layers.emplace_back();
    const std::string prefix = "layers." + std::to_string(i) + ".";
    for (const model::Tensor& t : model::block_tensors(architecture, block)) {
      const Bytes bytes = formats.bytes(prefix + t.name, t, i, layers);
      layout.by_class[static_cast<std::size_t>(t.tensor_class)] += bytes;
      sums.total += bytes;
      sums.largest_tensor = std::max(sums.largest_tensor, bytes);
      if (t.cut == model::Cut::replicated) {
        sums.replicated += bytes;
      }
      if (t.tensor_class == model::TensorClass::experts) {
        sums.experts += bytes;
      }
    }
    if (block.experts) {
      sums.experts_active =
          Bytes(sums.experts.count() / block.experts->count) * block.experts->per_token;
    }
  }
  for (const model::Tensor& t : model::global_tensors(architecture)) {
    const Bytes bytes = formats.bytes(last_part(t.name), t, 0, layers);
    layout.by_class[static_cast<std::size_t>(t.tensor_class)] += bytes;
    (t.tensor_class == model::TensorClass::embedding ? layout.embedding
     : t.tensor_class == model::TensorClass::head    ? layout.head
                                                     : layout.other_global) += bytes;
  }
  return layout;
}

model::Model config_model(std::string_view config_json, std::string_view id) {
  model::Model model;
  model.id = id;
  model.source = model::Source::hf_config;
  model.architecture_source = "config.json";
  model.architecture = read_hf_config(config_json);
  const CheckpointConfig config = parse_checkpoint_config(config_json);
  note_native(model, config);
  model.default_recipe = config.loaded;
  if (config.kind == Kind::mlx) {
    model.stored = mlx_layout(model.architecture, config);
    publish(model, *config.recipe, std::nullopt);
  } else if (config.recipe) {
    publish(model, *config.recipe, std::nullopt);
  } else if (config.kind == Kind::plain) {
    publish(model, model::parse_recipe("bf16"), std::nullopt);
  }
  return model;
}

model::Model checkpoint_model(const std::vector<SafetensorsTensor>& tensors,
                              const std::optional<std::string>& config_json, std::string_view id) {
  model::Model model;
  model.id = id;
  model.source = model::Source::safetensors;
  CheckpointConfig config;
  if (config_json) {
    config = parse_checkpoint_config(*config_json);
    try {
      model.architecture = read_hf_config(*config_json);
      model.architecture_source = "config.json";
    } catch (const Error& error) {
      model.notes.push_back("shapes are not known, weights are exact: " +
                            std::string(error.what()));
    }
  } else {
    model.notes.emplace_back(
        "no config.json beside the weights: weights are exact, caches can't be computed");
  }
  const Bytes file = [&] {
    Bytes sum;
    for (const SafetensorsTensor& t : tensors) {
      sum += t.bytes();
    }
    return sum;
  }();
  const std::string format = config.loaded   ? config.loaded->name
                             : config.recipe ? config.recipe->name
                                             : "";
  StoredWeights stored = safetensors_stored(
      config.kind == Kind::int4 ? with_biases(tensors) : tensors, model.architecture, format);
  // Known shapes give layers that may have nothing stored.
  if (std::all_of(stored.layout.layers.begin(), stored.layout.layers.end(),
                  [](const model::LayerBytes& layer) { return layer.total == Bytes{}; })) {
    throw Error("the safetensors files hold no layers (\"model.layers.0. ...\")");
  }
  note_native(model, config);
  if (stored.mtp.count() > 0) {
    model.notes.push_back("the files hold " + format_gb(stored.mtp) +
                          " for multi-token prediction, which mlx-lm does not load");
  }
  if (stored.towers.count() > 0) {
    model.notes.push_back("the files hold " + format_gb(stored.towers) +
                          " of image or audio parts, which mlx-lm does not load");
  }
  if (config.loaded) {
    model.default_recipe = config.loaded;
  } else if (!config.recipe) {
    model.default_recipe = model::find_recipe(stored.layout.format);
  }
  if (config.recipe) {
    publish(model, *config.recipe, file);
  } else if (model.default_recipe) {
    publish(model, *model.default_recipe, file);
  }
  model.stored = std::move(stored.layout);
  return model;
}

}  // namespace macfit::read
