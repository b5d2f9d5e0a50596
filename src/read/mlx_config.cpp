// How a config.json says that weights are stored: MLX's own quantization, or one of the others.

#include <algorithm>
#include <array>

#include "config_node.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/mlx_checkpoint.hpp"

namespace macfit::read {
namespace {

using StoredKind = CheckpointConfig::Kind;
using NodeKind = ConfigNode::Kind;

struct NamedMode {
  std::string_view name;
  model::Mode mode;
  int bits;   // the one allowed; 0: any of affine's
  int group;  // likewise
};
constexpr std::array<NamedMode, 4> modes = {{
    {"affine", model::Mode::affine, 0, 0},
    {"mxfp4", model::Mode::mxfp4, 4, 32},
    {"nvfp4", model::Mode::nvfp4, 4, 16},
    {"mxfp8", model::Mode::mxfp8, 8, 32},
}};

std::int64_t whole_or(const ConfigNode& node, std::string_view key, std::int64_t fallback) {
  const ConfigNode* found = node.find(key);
  return found != nullptr ? found->whole(1, 4096) : fallback;
}

/// {"group_size": 64, "bits": 4, "mode": "affine"}; what is missing is as in `base`.
model::WeightFormat mlx_format(const ConfigNode& node, const model::WeightFormat* base) {
  const NamedMode* mode = &modes.front();
  if (const ConfigNode* name = node.find("mode")) {
    const auto found = std::find_if(modes.begin(), modes.end(),
                                    [&](const NamedMode& m) { return m.name == name->string(); });
    if (found == modes.end()) {
      std::vector<std::string> known;
      known.reserve(modes.size());
      for (const NamedMode& m : modes) {
        known.emplace_back(m.name);
      }
      throw unknown_name("quantization mode", name->string(), known,
                         Place{{}, name->pointer(), {}});
    }
    mode = &*found;
  } else if (base != nullptr) {
    mode = &*std::find_if(modes.begin(), modes.end(),
                          [&](const NamedMode& m) { return m.mode == base->mode; });
  }
  const bool same = base != nullptr && base->mode == mode->mode;
  model::WeightFormat format;
  format.mode = mode->mode;
  format.bits = static_cast<int>(whole_or(node, "bits",
                                          same             ? base->bits
                                          : mode->bits > 0 ? mode->bits
                                                           : 4));
  format.group = static_cast<int>(whole_or(node, "group_size",
                                           same              ? base->group
                                           : mode->group > 0 ? mode->group
                                                             : 64));
  constexpr std::array<int, 7> bits = {1, 2, 3, 4, 5, 6, 8};
  constexpr std::array<int, 3> groups = {32, 64, 128};
  const bool affine = mode->mode == model::Mode::affine;
  if (affine ? std::find(bits.begin(), bits.end(), format.bits) == bits.end()
             : format.bits != mode->bits) {
    throw node.error("MLX has no " + std::string(mode->name) + " format of " +
                     std::to_string(format.bits) + " bits");
  }
  if (affine ? std::find(groups.begin(), groups.end(), format.group) == groups.end()
             : format.group != mode->group) {
    throw node.error("MLX has no " + std::string(mode->name) + " format in groups of " +
                     std::to_string(format.group));
  }
  return format;
}

std::string format_name(const model::WeightFormat& format, bool towers) {
  const std::string vlm = towers ? "mlx-vlm-" : "";
  switch (format.mode) {
    case model::Mode::mxfp4:
      return vlm + "mxfp4";
    case model::Mode::nvfp4:
      return vlm + "nvfp4";
    case model::Mode::mxfp8:
      return vlm + "mxfp8";
    default:
      return (towers ? vlm : "mlx-") + std::to_string(format.bits) + "bit-g" +
             std::to_string(format.group);
  }
}

/// "model.layers.3.block_sparse_moe.gate" -> "layers.3.mlp.gate"; outside the layers the last part
/// alone names the module.
std::string canonical_path(std::string_view path) {
  const StoredName name = stored_name(path);
  if (name.part != StoredName::Part::text) {
    return {};
  }
  if (name.layer >= 0) {
    return "layers." + std::to_string(name.layer) + "." + canonical_module(name.module);
  }
  const std::vector<std::string_view> parts = split(name.module, '.');
  return std::string(parts.back());
}

/// One override may name what stands here as several tensors, as in the checkpoints.
std::vector<std::string> module_spellings(const std::string& path) {
  const auto replaced = [&](std::string_view from, std::initializer_list<std::string_view> to) {
    std::vector<std::string> result;
    for (const std::string_view part : to) {
      result.push_back(path.substr(0, path.size() - from.size()) + std::string(part));
    }
    return result;
  };
  if (path.ends_with(".kv_b_proj")) {
    return replaced(".kv_b_proj", {".kv_b_proj", ".embed_q", ".unembed_out"});
  }
  if (path.ends_with(".switch_mlp.gate_up_proj")) {
    return replaced(".gate_up_proj", {".gate_proj", ".up_proj"});
  }
  return {path};
}

void read_mlx(CheckpointConfig& config, const ConfigNode& node) {
  config.kind = StoredKind::mlx;
  const model::WeightFormat base = mlx_format(node, nullptr);
  config.recipe = model::parse_recipe(format_name(base, config.towers));
  config.loaded = config.recipe;
  for (std::size_t i = 0; i < node.keys().size(); ++i) {
    const ConfigNode& value = node.member(i);
    const bool module = value.is(NodeKind::object) || value.is(NodeKind::boolean);
    const std::string path = module ? canonical_path(node.keys()[i]) : "";
    if (path.empty()) {
      continue;
    }
    std::optional<model::WeightFormat> format = base;
    if (value.is(NodeKind::object)) {
      format = mlx_format(value, &base);
      const ConfigNode* scale = value.find("global_scale");
      if (scale != nullptr && path.find("switch_mlp") == std::string::npos) {
        config.unknown_setting =
            "TypeError: Linear.to_quantized() got an unexpected keyword argument 'global_scale'";
      }
    } else if (!value.boolean()) {
      format = std::nullopt;
    }
    for (const std::string& spelling : module_spellings(path)) {
      config.overrides[spelling] = format;
    }
  }
}

/// True where a list of patterns keeps a part of every layer in 16 bits.
bool keeps(const ConfigNode& node, std::string_view part) {
  for (const std::string_view key : {"ignore", "modules_to_not_convert"}) {
    const ConfigNode* list = node.find(key);
    if (list == nullptr || !list->is(NodeKind::array)) {
      continue;
    }
    for (const ConfigNode& entry : list->array()) {
      if (entry.is(NodeKind::string) && entry.string().find(part) != std::string::npos) {
        return true;
      }
    }
  }
  return false;
}

/// True where a list of exceptions names more than heads, embeddings, routers, norms and towers.
bool keeps_more(const ConfigNode& node) {
  static constexpr std::array<std::string_view, 9> usual = {
      "head", "embed", "gate", "router", "norm", "visual", "vision", "projector", "audio"};
  for (const std::string_view key : {"ignore", "modules_to_not_convert", "exclude_modules"}) {
    const ConfigNode* list = node.find(key);
    if (list == nullptr || !list->is(NodeKind::array)) {
      continue;
    }
    for (const ConfigNode& entry : list->array()) {
      const bool known = entry.is(NodeKind::string) &&
                         std::any_of(usual.begin(), usual.end(), [&](std::string_view word) {
                           return entry.string().find(word) != std::string::npos;
                         });
      if (!known || entry.string().find("gate_proj") != std::string::npos) {
        return true;
      }
    }
  }
  return false;
}

std::string text_of(const ConfigNode& node, std::string_view key) {
  const ConfigNode* found = node.find(key);
  return found != nullptr && found->is(NodeKind::string) ? found->string() : std::string();
}

/// Bits and group of the weights in the first group of a compressed-tensors config.
std::pair<std::int64_t, std::int64_t> first_group(const ConfigNode& node) {
  const ConfigNode* groups = node.find("config_groups");
  if (groups == nullptr || !groups->is(NodeKind::object) || groups->keys().empty()) {
    return {0, 0};
  }
  const ConfigNode& group = groups->member(0);
  const ConfigNode* weights = group.is(NodeKind::object) ? group.find("weights") : nullptr;
  if (weights == nullptr || !weights->is(NodeKind::object)) {
    return {0, 0};
  }
  return {whole_or(*weights, "num_bits", 0), whole_or(*weights, "group_size", 0)};
}

/// The first of the keys that holds a positive number, else 0.
double stated(const ConfigNode& node, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    const ConfigNode* found = node.find(key);
    if (found != nullptr && found->is(NodeKind::number) && found->number() > 0 &&
        found->number() <= 4096) {
      return found->number();
    }
  }
  return 0;
}

void read_compressed(CheckpointConfig& config, const ConfigNode& node, bool experts_only) {
  const auto [bits, group] = first_group(node);
  const std::string format = text_of(node, "format");
  if (format == "pack-quantized" && bits == 4 && group == 32 && experts_only) {
    config.kind = StoredKind::int4;
    config.recipe = model::find_recipe("int4-experts");
    config.loaded = model::find_recipe("int4-experts-mlx");
  } else if (format == "nvfp4-pack-quantized") {
    config.kind = StoredKind::nvfp4;
    config.recipe = model::find_recipe(experts_only ? "nvfp4-experts" : "nvfp4");
    config.loaded = config.recipe;
  }
}

/// `expert_dtype` stands beside the block of quantization (DeepSeek V4).
void read_native(CheckpointConfig& config, const ConfigNode& node, bool fp4_experts) {
  config.method = text_of(node, "quant_method");
  // hf_quant_config.json nests what config.json has beside the method.
  const ConfigNode* nested = node.find("quantization");
  const bool nests = nested != nullptr && nested->is(NodeKind::object);
  const std::string algorithm = text_of(nests ? *nested : node, "quant_algo");
  config.algorithm = algorithm;
  config.packing = text_of(node, "format");
  config.keeps_head = keeps(node, "lm_head");
  config.keeps_more = keeps_more(node);
  config.bits = stated(node, {"bits", "nbits", "w_bit"});
  config.group = static_cast<int>(stated(node, {"group_size", "q_group_size"}));
  if (config.bits == 0) {
    const auto [bits, group] = first_group(node);
    config.bits = static_cast<double>(bits);
    config.group = static_cast<int>(group);
  }
  const ConfigNode* block = node.find("weight_block_size");
  config.exponent_blocks = text_of(node, "scale_fmt") == "ue8m0" && block != nullptr &&
                           block->is(NodeKind::array) && block->array().size() == 2 &&
                           block->array()[0].whole(1, 4096) == 32 &&
                           block->array()[1].whole(1, 4096) == 32;
  const bool experts_only = keeps(node, "attn");
  config.kind = StoredKind::other;
  if (config.method == "compressed-tensors") {
    read_compressed(config, node, experts_only);
  } else if (config.method == "mxfp4") {
    config.kind = StoredKind::mxfp4;
    config.recipe = model::find_recipe("mxfp4-experts");
    config.loaded = config.recipe;
  } else if (algorithm == "NVFP4") {
    config.kind = StoredKind::nvfp4;
    config.recipe = model::find_recipe(experts_only ? "nvfp4-experts" : "nvfp4");
  } else if (config.method == "fp8" && algorithm.empty()) {
    config.kind = StoredKind::fp8;
    config.recipe = model::find_recipe(fp4_experts ? "mxfp4-fp8" : "fp8");
  }
  if (config.method.empty()) {
    config.method = algorithm.empty() ? "unknown" : lower(algorithm);
  }
}

/// The member at the top or, where it is not there, in `text_config`; null where it is no `kind`.
const ConfigNode* find_in_text(const ConfigNode& root, std::string_view key, NodeKind kind) {
  const ConfigNode* found = root.find(key);
  const ConfigNode* text = root.find("text_config");
  if (found == nullptr && text != nullptr && text->is(NodeKind::object)) {
    found = text->find(key);
  }
  return found != nullptr && found->is(kind) ? found : nullptr;
}

}  // namespace

CheckpointConfig parse_checkpoint_config(std::string_view config_json) {
  const ConfigNode root = parse_config(config_json);
  CheckpointConfig config;
  const ConfigNode* type = root.find("model_type");
  if (type != nullptr && type->is(NodeKind::string)) {
    config.model_type = type->string();
  }
  for (const std::string_view key : {"vision_config", "audio_config"}) {
    config.towers = config.towers || root.find(key) != nullptr;
  }
  const ConfigNode* mlx = find_in_text(root, "quantization", NodeKind::object);
  const ConfigNode* native = find_in_text(root, "quantization_config", NodeKind::object);
  if (mlx == nullptr && native != nullptr && native->find("quant_method") == nullptr &&
      native->find("bits") != nullptr) {
    mlx = native;  // MLX writes its block under both names
  }
  if (mlx != nullptr && mlx->find("bits") != nullptr) {
    read_mlx(config, *mlx);
  } else if (native != nullptr) {
    const ConfigNode* experts = find_in_text(root, "expert_dtype", NodeKind::string);
    read_native(config, *native, experts != nullptr && experts->string() == "fp4");
  }
  return config;
}

}  // namespace macfit::read
