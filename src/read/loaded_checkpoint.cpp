// What mlx-lm 0.32.2 makes of a checkpoint that another tool quantized: a format it holds, or its
// words of refusal. Source: mlx_lm/utils.py (load_model) run on header-only files; docs/models.md.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/read/mlx_checkpoint.hpp"

namespace macfit::read {
namespace {

template <class Types>
bool is_any(std::string_view type, const Types& types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// Classes whose sanitize() multiplies block scales back into the weights.
constexpr std::array<std::string_view, 13> scaled_back = {
    "deepseek_v3", "kimi_k2",    "joyai_llm_flash", "deepseek_v32", "glm_moe_dsa",
    "minimax",     "minimax_m2", "mimo_v2_flash",   "ministral3",   "mistral3",
    "mistral4",    "kimi_k25",   "kimi_vl"};
// Classes that turn weight_packed and its scales into MLX's names.
constexpr std::array<std::string_view, 7> unpacked = {
    "deepseek_v3", "kimi_k2", "joyai_llm_flash", "kimi_k25", "kimi_k3", "kimi_vl", "mistral4"};
constexpr std::array<std::string_view, 3> packings = {"pack-quantized", "nvfp4-pack-quantized",
                                                      "mxfp4-pack-quantized"};

/// Matrices that a tool quantizes in the layers, an expert's counted one by one.
std::int64_t quantized_matrices(const model::Architecture& a) {
  std::int64_t total = 0;
  for (const std::uint16_t index : a.layers) {
    for (const model::Tensor& t : model::block_tensors(a, a.blocks[index])) {
      if (t.quantized == model::Quantized::base) {
        total += t.stack;
      }
    }
  }
  return total;
}

/// The strict load names what no module takes: so many tensors a matrix.
std::string left_over(const model::Architecture& a, std::int64_t each, std::string_view leaf) {
  const std::int64_t count = a.layers.empty() ? 0 : quantized_matrices(a) * each;
  return fmt::format(
      "ValueError: Received {} parameters not in model: model.layers.0.mlp.down_proj.{}, ...",
      count > 0 ? std::to_string(count) : "several", leaf);
}

model::Recipe flat(std::string name, double bits) {
  model::Recipe r;
  r.name = std::move(name);
  r.kind = model::Recipe::Kind::nominal;
  r.nominal_bits = bits;
  return r;
}

LoadedCheckpoint refused(model::Recipe stored, std::string words) {
  return {std::move(stored), std::move(words)};
}

/// AWQ and GPTQ: 4 bits alone, and no order of groups.
LoadedCheckpoint packed_columns(const CheckpointConfig& c) {
  const int bits = c.bits > 0 ? static_cast<int>(c.bits) : 4;
  const int group = c.group > 0 ? c.group : 128;
  const double mean = bits + (16.0 + bits) / group;
  if (bits != 4) {
    return refused(
        flat(fmt::format("{}-{}bit-g{}", c.method, bits, group), mean),
        fmt::format("ValueError: Only bits={} is supported for AutoAWQ/GPTQ models.", bits));
  }
  if (c.method == "gptq") {
    return refused(flat(fmt::format("gptq-4bit-g{}", group), mean),
                   "ValueError: Found model.layers.0.mlp.down_proj.g_idx in weights. Models with "
                   "non-contiguous group indices (g_idx) are not currently supported.");
  }
  if (auto recipe = model::find_recipe(fmt::format("awq-4bit-g{}", group))) {
    return {*std::move(recipe), {}};
  }
  return refused(
      flat(fmt::format("awq-4bit-g{}", group), mean),
      fmt::format("ValueError: [quantize] The requested group size {} is not supported.", group));
}

LoadedCheckpoint compressed(const CheckpointConfig& c, const model::Architecture& a) {
  const bool packs = is_any(c.packing, packings);
  const double bits = c.bits > 0 ? c.bits : 8;
  const model::Recipe stored =
      c.recipe ? *c.recipe
               : flat(fmt::format("{}-{}bit", c.packing.empty() ? "compressed-tensors" : c.packing,
                                  bits),
                      bits + (c.group > 0 ? 16.0 / c.group : 0.0));
  if (!packs) {
    return refused(stored, fmt::format("ValueError: unsupported compressed-tensors format '{}'; "
                                       "dequantize to bf16 before converting",
                                       printable(c.packing, 40)));
  }
  if (!is_any(a.type, unpacked)) {
    return refused(stored, left_over(a, 3, "weight_packed"));
  }
  if (c.loaded) {
    return {*c.loaded, {}};
  }
  return {stored, {}};
}

LoadedCheckpoint block_scales(const CheckpointConfig& c, const model::Architecture& a) {
  if (c.exponent_blocks) {
    // Power-of-two scales over 32 x 32 blocks are mxfp8: the weights stay packed.
    if (a.type.starts_with("minimax_m3")) {
      return {model::parse_recipe("mxfp8"), {}};
    }
  } else if (is_any(a.type, scaled_back)) {
    return {model::parse_recipe("bf16"), {}};
  }
  return refused(c.recipe ? *c.recipe : model::parse_recipe("fp8"),
                 left_over(a, 1, "weight_scale_inv"));
}

LoadedCheckpoint modelopt(const CheckpointConfig& c, const model::Architecture& a) {
  if (c.algorithm == "NVFP4") {
    return refused(c.recipe && (has_experts(a) || c.recipe->kind != model::Recipe::Kind::experts)
                       ? *c.recipe
                       : model::parse_recipe("nvfp4"),
                   left_over(a, 3, "input_scale"));
  }
  return refused(
      flat("modelopt-" + lower(c.algorithm), 8.0),
      fmt::format("ValueError: Unsupported modelopt quant_algo: {}", printable(c.algorithm, 40)));
}

/// Methods that load_model() has no branch for, and what their tensors leave over a matrix.
struct Unknown {
  std::string_view method;
  std::int64_t each;
  std::string_view leaf;
};
constexpr std::array<Unknown, 9> unknown_methods = {{
    {"bitsandbytes", 5, "weight.absmax"},
    {"hqq", 3, "W_q"},
    {"torchao", 3, "weight_qdata"},
    {"auto-round", 3, "qweight"},
    {"autoround", 3, "qweight"},
    {"exl2", 6, "q_weight"},
    {"exl3", 4, "trellis"},
    {"aqlm", 3, "codes"},
    {"quark", 2, "weight_scale"},
}};

}  // namespace

LoadedCheckpoint as_mlx_lm_loads(const CheckpointConfig& c, const model::Architecture& a) {
  if (c.method == "awq" || c.method == "gptq") {
    return packed_columns(c);
  }
  if (c.method == "compressed-tensors") {
    return compressed(c, a);
  }
  if (c.method == "mxfp4") {
    return {has_experts(a) ? model::parse_recipe("mxfp4-experts") : model::parse_recipe("bf16"),
            {}};
  }
  if (c.method == "bitnet") {
    return {
        model::parse_recipe("bitnet"),
        c.keeps_head || a.tied ? "" : "ValueError: Missing 1 parameters: lm_head.weight_scale."};
  }
  if (!c.algorithm.empty()) {
    return modelopt(c, a);
  }
  if (c.method == "fp8") {
    return block_scales(c, a);
  }
  const auto known = std::find_if(unknown_methods.begin(), unknown_methods.end(),
                                  [&](const Unknown& u) { return u.method == c.method; });
  const double bits = c.bits > 0 ? c.bits : 4;
  return refused(flat(fmt::format("{}-{}bit", printable(c.method, 40), bits), bits + 0.5),
                 known != unknown_methods.end() ? left_over(a, known->each, known->leaf)
                                                : left_over(a, 0, "..."));
}

}  // namespace macfit::read
