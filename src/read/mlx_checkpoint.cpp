// A checkpoint of safetensors with its config: sizes from the headers, shapes from the config.

#include "macfit/read/mlx_checkpoint.hpp"

#include <algorithm>

#include "by_widths.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/hf_config.hpp"

namespace macfit::read {
namespace {

using StoredKind = CheckpointConfig::Kind;

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
                            std::size_t layers) {
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
    const model::Quantized rule = recipe_.vlm ? t.under_vlm : t.quantized;
    unsure_ = unsure_ || (rule == model::Quantized::eight_bit && recipe_.base.bits != 8);
    return model::tensor_bytes(recipe_, t, layer, layers);
  }
  /// True where bytes() followed a rule of the model's class that the config does not confirm: a
  /// converter of today names what it keeps at 8 bit.
  [[nodiscard]] bool unsure() const { return unsure_; }

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
  bool unsure_ = false;
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
    case StoredKind::fp8:
      model.notes.emplace_back(
          "stored as fp8: mlx-lm makes 16-bit weights of it where it loads it at all");
      break;
    case StoredKind::nvfp4:
      break;
    case StoredKind::int4:
      model.notes.emplace_back(
          "experts are stored at 4.5 bits a weight; mlx-lm holds them at 5.0 bits");
      break;
    case StoredKind::other:
    case StoredKind::plain:
    case StoredKind::mlx:
    case StoredKind::mxfp4:
      break;
  }
}

void take(model::Model& model, ConfigReading reading) {
  model.architecture = std::move(reading.architecture);
  model.evidence = reading.evidence;
  for (std::string& note : reading.notes) {
    model.notes.push_back(std::move(note));
  }
}

/// What the tensors alone tell of caches, said after `why` nothing else does.
void take_widths(model::Model& model, const std::vector<SafetensorsTensor>& tensors,
                 std::string type, std::string why) {
  auto shapes = safetensors_by_widths(tensors, std::move(type));
  const bool caches = shapes && shapes->cache_known;
  model.notes.push_back(std::move(why) + (caches ? "; caches follow from the widths of the "
                                                   "tensors and are an estimate"
                                                 : "; caches can't be computed"));
  if (caches) {
    model.architecture = *std::move(shapes);
    model.architecture_source = "safetensors headers";
    model.evidence = Evidence::estimated;
  }
}

/// Which modules a tool left in 16 bits, a config does not always tell.
bool is_unsure(const model::Model& model, const CheckpointConfig& config) {
  const bool packs = config.loaded && config.loaded->kind == model::Recipe::Kind::layers &&
                     config.method != "bitnet";
  const bool by_rule = config.kind == StoredKind::int4 || config.kind == StoredKind::mxfp4;
  return (packs && has_experts(model.architecture)) ||
         (config.keeps_more && !by_rule && config.loaded &&
          bits_per_weight(config.loaded->base) < 16);
}

/// By formula, what another tool stored and mlx-lm holds, or refuses: an estimate where a rule for
/// its exceptions is lacking. Other formats of the model are none the worse for it.
void estimate_stored(model::Model& model, const CheckpointConfig& config) {
  const bool unsure = is_unsure(model, config);
  if (config.method.empty() || !config.loaded || (!unsure && model.refusal.empty())) {
    return;
  }
  if (unsure) {
    model.notes.emplace_back(
        "which modules stayed in 16 bits only the safetensors headers tell: give the folder");
  }
  try {
    model.stored = model::weights_of(model, *config.loaded);
    model.stored->evidence = Evidence::estimated;
  } catch (const Error& error) {
    model.notes.push_back("its weights as stored can't be computed: " + std::string(error.what()));
  }
}

/// The format that mlx-lm holds becomes the model's; what it refuses keeps the stored one, and its
/// words.
void load_as_mlx_lm(model::Model& model, CheckpointConfig& config) {
  if (config.kind == StoredKind::mlx) {
    model.refusal = config.unknown_setting;
  } else if (!config.method.empty()) {
    LoadedCheckpoint loaded = as_mlx_lm_loads(config, model.architecture);
    config.loaded = std::move(loaded.recipe);
    model.refusal = std::move(loaded.refusal);
  }
  if (!model.refusal.empty()) {
    model.notes.push_back("mlx-lm 0.32.2 refuses this checkpoint: " + model.refusal);
  }
}

/// True where mlx-lm makes other tensors of the file's, so that the shapes say what it holds and
/// not the headers: scales multiplied back, columns packed anew.
bool rewritten(const model::Model& model, const CheckpointConfig& config) {
  const bool others = config.kind == StoredKind::fp8 || config.kind == StoredKind::nvfp4 ||
                      config.kind == StoredKind::other;
  const model::Architecture& a = model.architecture;
  return others && config.loaded && model.refusal.empty() && !a.layers.empty() && !a.widths_only;
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
  if (config.kind != StoredKind::mlx || !config.recipe) {
    throw Error("the config holds no \"quantization\" of MLX");
  }
  Formats formats(config);
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
  if (formats.unsure()) {
    layout.evidence = Evidence::estimated;
  }
  return layout;
}

model::Model config_model(std::string_view config_json, std::string_view id) {
  model::Model model;
  model.id = id;
  model.source = model::Source::hf_config;
  model.architecture_source = "config.json";
  take(model, read_config(config_json));
  CheckpointConfig config = parse_checkpoint_config(config_json);
  note_native(model, config);
  load_as_mlx_lm(model, config);
  model.default_recipe = config.loaded;
  if (config.kind == StoredKind::mlx) {
    model.stored = mlx_layout(model.architecture, config);
    model.stored->evidence = weaker(model.stored->evidence, model.evidence);
    publish(model, *config.recipe, std::nullopt);
  } else if (config.recipe) {
    publish(model, *config.recipe, std::nullopt);
  } else if (config.kind == StoredKind::plain) {
    publish(model, model::parse_recipe("bf16"), std::nullopt);
  }
  estimate_stored(model, config);
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
      take(model, read_config(*config_json));
      model.architecture_source = "config.json";
    } catch (const Error& error) {
      take_widths(model, tensors, config.model_type,
                  "shapes are not known, weights are exact: " + std::string(error.what()));
    }
  } else {
    take_widths(model, tensors, {}, "no config.json beside the weights: weights are exact");
  }
  const Bytes file = [&] {
    Bytes sum;
    for (const SafetensorsTensor& t : tensors) {
      sum += t.bytes();
    }
    return sum;
  }();
  load_as_mlx_lm(model, config);
  const std::string format = config.loaded   ? config.loaded->name
                             : config.recipe ? config.recipe->name
                                             : "";
  StoredWeights stored = safetensors_stored(
      config.kind == StoredKind::int4 ? with_biases(tensors) : tensors, model.architecture, format);
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
  if (rewritten(model, config)) {
    estimate_stored(model, config);
  } else {
    model.stored = std::move(stored.layout);
  }
  return model;
}

}  // namespace macfit::read
