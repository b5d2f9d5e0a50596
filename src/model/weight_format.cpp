// Weight formats and recipes: bits, groups, exceptions, and the bytes that a matrix takes.

#include "macfit/model/weight_format.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::model {
namespace {

constexpr WeightFormat bf16 = {Mode::bf16, 16, 0};
constexpr WeightFormat affine8 = {Mode::affine, 8, 64};

constexpr bool grouped(const WeightFormat& f) { return f.group > 0; }

constexpr WeightFormat affine(int bits, int group) { return {Mode::affine, bits, group}; }

struct Named {
  std::string_view name;
  WeightFormat format;
};

// MLX fixes bits and group of its floating modes (mlx/ops.cpp).
constexpr std::array<Named, 7> plain_formats = {{
    {"bf16", bf16},
    {"f16", {Mode::f16, 16, 0}},
    {"f32", {Mode::f32, 32, 0}},
    {"fp8", {Mode::fp8, 8, 0}},
    {"mxfp4", {Mode::mxfp4, 4, 32}},
    {"nvfp4", {Mode::nvfp4, 4, 16}},
    {"mxfp8", {Mode::mxfp8, 8, 32}},
}};

// What AutoAWQ and BitNet quantize: the matrices of the layers.
constexpr std::array<Named, 4> layers_recipes = {{
    {"awq-4bit-g32", {Mode::affine, 4, 32}},
    {"awq-4bit-g64", {Mode::affine, 4, 64}},
    {"awq-4bit-g128", {Mode::affine, 4, 128}},
    {"bitnet", {Mode::ternary, 2, 0}},
}};

struct NamedExperts {
  std::string_view name;
  WeightFormat base;
  WeightFormat rest;
};

constexpr std::array<NamedExperts, 6> experts_recipes = {{
    {"mxfp4-experts", {Mode::mxfp4, 4, 32}, bf16},  // gpt-oss as published
    {"mxfp4-q8", {Mode::mxfp4, 4, 32}, affine8},    // "MXFP4-Q8" conversions
    {"nvfp4-experts", {Mode::nvfp4, 4, 16}, bf16},
    {"int4-experts", {Mode::symmetric, 4, 32}, bf16},   // Kimi K2-Thinking ... K2.6 as published
    {"int4-experts-mlx", {Mode::affine, 4, 32}, bf16},  // the same once mlx-lm has loaded it
    {"mxfp4-fp8", {Mode::mxfp4, 4, 32}, {Mode::fp8, 8, 0}},  // DeepSeek V4 as published
}};

struct NamedMixed {
  std::string_view name;
  int low;
  int high;
};

constexpr std::array<NamedMixed, 4> mixed_recipes = {{
    {"mixed_2_6", 2, 6},
    {"mixed_3_4", 3, 4},
    {"mixed_3_6", 3, 6},
    {"mixed_4_6", 4, 6},
}};

// Mean bits a weight of llama.cpp's mixtures, for sorting only: exact sizes come from gguf.hpp.
// Source of the means: llama.cpp tools/quantize/README.md (Llama 3.1 8B), the rest by their blocks.
struct NamedGguf {
  std::string_view name;
  double bits;
};

constexpr std::array<NamedGguf, 30> gguf_recipes = {{
    {"Q2_K", 3.16},   {"Q2_K_S", 2.97},  {"Q3_K_S", 3.64},  {"Q3_K_M", 4.00}, {"Q3_K_L", 4.30},
    {"Q4_0", 4.66},   {"Q4_1", 5.12},    {"Q4_K_S", 4.67},  {"Q4_K_M", 4.89}, {"Q5_0", 5.59},
    {"Q5_1", 6.06},   {"Q5_K_S", 5.57},  {"Q5_K_M", 5.70},  {"Q6_K", 6.56},   {"Q8_0", 8.50},
    {"IQ1_S", 2.00},  {"IQ1_M", 2.15},   {"IQ2_XXS", 2.38}, {"IQ2_XS", 2.59}, {"IQ2_S", 2.74},
    {"IQ2_M", 2.93},  {"IQ3_XXS", 3.25}, {"IQ3_XS", 3.50},  {"IQ3_S", 3.66},  {"IQ3_M", 3.76},
    {"IQ4_NL", 4.68}, {"IQ4_XS", 4.46},  {"TQ1_0", 2.20},   {"TQ2_0", 2.50},  {"MXFP4_MOE", 4.40},
}};

struct Alias {
  std::string_view name;
  std::string_view stands_for;
};

constexpr std::array<Alias, 18> aliases = {{
    {"fp16", "f16"},
    {"float16", "f16"},
    {"bfloat16", "bf16"},
    {"fp32", "f32"},
    {"float32", "f32"},
    {"float8", "fp8"},
    {"f8", "fp8"},
    {"q3_k", "Q3_K_M"},
    {"q4_k", "Q4_K_M"},
    {"q5_k", "Q5_K_M"},
    {"mxfp4_q8", "mxfp4-q8"},
    {"4-bit", "4bit"},
    {"8-bit", "8bit"},
    {"int4", "4bit"},
    {"int8", "8bit"},
    {"fp4", "mxfp4"},
    {"4bit-mxfp4", "mxfp4"},
    {"8bit-mxfp8", "mxfp8"},
}};

constexpr std::array<int, 6> affine_bits = {2, 3, 4, 5, 6, 8};
constexpr std::array<int, 3> affine_groups = {32, 64, 128};

std::string affine_name(int bits, int group) { return fmt::format("mlx-{}bit-g{}", bits, group); }

Recipe uniform(std::string name, const WeightFormat& format) {
  Recipe r;
  r.name = std::move(name);
  r.kind = Recipe::Kind::uniform;
  r.base = format;
  return r;
}

/// Takes a leading whole number of at most three digits off `text`.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  std::size_t n = 0;
  while (n < text.size() && n < 3 && text[n] >= '0' && text[n] <= '9') {
    value = value * 10 + (text[n] - '0');
    ++n;
  }
  if (n == 0) {
    return std::nullopt;
  }
  text.remove_prefix(n);
  return value;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

/// "mlx-4bit-g64", "4bit", "4bit-gs32", "q4", "mlx-q4", "4bit-g128"; lower case.
std::optional<Recipe> parse_affine(std::string_view text) {
  take(text, "mlx-");
  const bool short_form = take(text, "q");
  const auto bits = take_number(text);
  if (!bits || std::find(affine_bits.begin(), affine_bits.end(), *bits) == affine_bits.end()) {
    return std::nullopt;
  }
  if (!short_form && !take(text, "bit")) {
    return std::nullopt;
  }
  int group = 64;
  if (!text.empty()) {
    if (!take(text, "-gs") && !take(text, "-g")) {
      return std::nullopt;
    }
    const auto stated = take_number(text);
    if (!stated || !text.empty() ||
        std::find(affine_groups.begin(), affine_groups.end(), *stated) == affine_groups.end()) {
      return std::nullopt;
    }
    group = *stated;
  }
  return uniform(affine_name(*bits, group), affine(*bits, group));
}

/// "4.5bpw".
std::optional<Recipe> parse_nominal_format(std::string_view text) {
  if (!text.ends_with("bpw")) {
    return std::nullopt;
  }
  text.remove_suffix(3);
  double value = 0.0;
  double scale = 1.0;
  bool fraction = false;
  bool digits = false;
  if (text.size() > 8) {
    return std::nullopt;
  }
  for (const char c : text) {
    if (c == '.' && !fraction) {
      fraction = true;
    } else if (c >= '0' && c <= '9') {
      value = value * 10.0 + (c - '0');
      scale *= fraction ? 10.0 : 1.0;
      digits = true;
    } else {
      return std::nullopt;
    }
  }
  value /= scale;
  if (!digits || !(value >= 0.5) || value > 64.0) {
    return std::nullopt;
  }
  Recipe r;
  r.name = fmt::format("{}bpw", value);
  r.kind = Recipe::Kind::nominal;
  r.nominal_bits = value;
  return r;
}

std::optional<Recipe> find_fixed(std::string_view text) {
  for (const auto& [name, format] : plain_formats) {
    if (same_name(text, name)) {
      return uniform(std::string(name), format);
    }
  }
  for (const auto& [name, low, high] : mixed_recipes) {
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    if (same_name(text, name) || same_name(text, dashed)) {
      Recipe r = uniform(std::string(name), affine(low, 64));
      r.kind = Recipe::Kind::mixed;
      r.high_bits = high;
      return r;
    }
  }
  for (const auto& [name, format] : layers_recipes) {
    if (same_name(text, name)) {
      Recipe r = uniform(std::string(name), format);
      r.kind = Recipe::Kind::layers;
      return r;
    }
  }
  for (const auto& [name, base, rest] : experts_recipes) {
    if (same_name(text, name)) {
      Recipe r = uniform(std::string(name), base);
      r.kind = Recipe::Kind::experts;
      r.rest = rest;
      return r;
    }
  }
  for (const auto& [name, bits] : gguf_recipes) {
    if (same_name(text, name)) {
      Recipe r;
      r.name = name;
      r.kind = Recipe::Kind::gguf;
      r.nominal_bits = bits;
      return r;
    }
  }
  return std::nullopt;
}

/// mixed_L_H: which layers get the high bits on v_proj and down_proj (mlx_lm/convert.py).
bool uses_more_bits(std::size_t layer, std::size_t layers) {
  const std::size_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

int mixed_bits(const Recipe& recipe, const Tensor& tensor, std::size_t layer, std::size_t layers) {
  const auto holds = [&](std::string_view part) {
    return tensor.name.find(part) != std::string::npos;
  };
  if (holds("lm_head")) {
    return recipe.high_bits;
  }
  const bool chosen =
      holds("v_proj") || holds("v_a_proj") || holds("v_b_proj") || holds("down_proj");
  return chosen && uses_more_bits(layer, layers) ? recipe.high_bits : recipe.base.bits;
}

/// True for embedding, head and routers, which some formats leave in 16 bits.
bool often_kept(TensorClass tensor_class) {
  return tensor_class == TensorClass::embedding || tensor_class == TensorClass::head ||
         tensor_class == TensorClass::router;
}

/// The format for an ordinary module: its own where the group divides the inputs. Published fp8
/// repositories keep embedding, head, routers and the indexer's weights in 16 bits.
std::optional<WeightFormat> where_it_fits(const WeightFormat& format, const Tensor& tensor) {
  if (format.mode == Mode::fp8) {
    const bool kept =
        often_kept(tensor.tensor_class) || tensor.name.ends_with("indexer.weights_proj");
    return kept ? std::nullopt : std::optional(format);
  }
  if (format.mode == Mode::ternary) {
    return format;
  }
  if (!grouped(format) || tensor.columns % format.group != 0) {
    return std::nullopt;
  }
  return format;
}

/// 8 bit, group 64, for a router whose inputs the recipe's own group divides.
std::optional<WeightFormat> eight_bit(const Recipe& recipe, const WeightFormat& format,
                                      const Tensor& tensor) {
  if (!grouped(format) || tensor.columns % format.group != 0) {
    return std::nullopt;
  }
  if (tensor.columns % affine8.group != 0) {
    throw Error(fmt::format(
        "the format {} can't be applied: {} has {} inputs, which groups of 64 don't divide",
        recipe.name, tensor.name, tensor.columns));
  }
  return affine8;
}

/// True for the modules that the converter of some release keeps at 8 bit.
bool kept_at_eight(const Recipe& recipe, const Tensor& tensor) {
  return std::any_of(recipe.eight_bit.begin(), recipe.eight_bit.end(),
                     [&](const std::string& module) { return tensor.name.ends_with(module); });
}

/// True where the recipe leaves such a module as it is. Mixed recipes replace what the model
/// itself would spare.
bool leaves(const Recipe& recipe, Quantized quantized) {
  return quantized == Quantized::never ||
         (quantized == Quantized::spared && recipe.kind != Recipe::Kind::mixed);
}

}  // namespace

double bits_per_weight(const WeightFormat& format) {
  switch (format.mode) {
    case Mode::f32:
    case Mode::f16:
    case Mode::bf16:
      return format.bits;
    case Mode::fp8:
      return 8.0 + 32.0 / (128.0 * 128.0);
    case Mode::affine:
      return format.bits + 32.0 / format.group;
    case Mode::mxfp4:
    case Mode::nvfp4:
    case Mode::mxfp8:
      return format.bits + 8.0 / format.group;
    case Mode::symmetric:
      return format.bits + 16.0 / format.group;
    case Mode::ternary:
      return format.bits;
  }
  return 0.0;
}

Bytes matrix_bytes(const WeightFormat& format, std::int64_t stack, std::int64_t rows,
                   std::int64_t columns, int scale_bytes) {
  const std::int64_t matrix = checked_mul(rows, columns);
  if (!grouped(format)) {
    if (format.mode == Mode::ternary) {
      return Bytes(checked_mul(stack, checked_add(ceil_div(matrix, 4), 2)));
    }
    std::int64_t one = checked_mul(matrix, format.bits / 8);
    if (format.mode == Mode::fp8) {
      one = checked_add(one,
                        checked_mul(checked_mul(ceil_div(rows, 128), ceil_div(columns, 128)), 4));
    }
    return Bytes(checked_mul(stack, one));
  }
  const std::int64_t groups = matrix / format.group;
  std::int64_t group_bytes = 1;
  std::int64_t extra = 0;
  if (format.mode == Mode::affine) {
    group_bytes = 2 * std::int64_t{scale_bytes};
  } else if (format.mode == Mode::symmetric) {
    group_bytes = scale_bytes;
    extra = 8;
  }
  const std::int64_t codes = checked_mul(matrix, format.bits) / 8;
  return Bytes(
      checked_mul(stack, checked_add(checked_add(codes, checked_mul(groups, group_bytes)), extra)));
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const int bits : affine_bits) {
    for (const int group : affine_groups) {
      names.push_back(affine_name(bits, group));
    }
  }
  const auto append = [&](const auto& table) {
    for (const auto& entry : table) {
      names.emplace_back(entry.name);
    }
  };
  append(plain_formats);
  append(mixed_recipes);
  append(layers_recipes);
  append(experts_recipes);
  append(gguf_recipes);
  return names;
}

std::optional<Recipe> find_recipe(std::string_view name) {
  std::string text = lower(trim(name));
  for (const auto& [alias, stands_for] : aliases) {
    if (text == alias) {
      text = lower(stands_for);
    }
  }
  if (auto fixed = find_fixed(text)) {
    return fixed;
  }
  if (auto parsed = parse_affine(text)) {
    return parsed;
  }
  if (auto parsed = parse_nominal_format(text)) {
    return parsed;
  }
  // mlx-vlm's converter: the same formats with other exceptions.
  constexpr std::string_view vlm = "mlx-vlm-";
  if (text.starts_with(vlm)) {
    auto inner = find_recipe(std::string_view(text).substr(vlm.size()));
    if (inner && inner->kind == Recipe::Kind::uniform && !inner->vlm) {
      std::string_view rest = inner->name;
      take(rest, "mlx-");
      inner->name = std::string(vlm) + std::string(rest);
      inner->vlm = true;
      return inner;
    }
  }
  return std::nullopt;
}

Recipe parse_recipe(std::string_view name) {
  if (auto found = find_recipe(name)) {
    return *std::move(found);
  }
  std::vector<std::string> known = recipe_names();
  for (const int bits : affine_bits) {
    known.push_back(fmt::format("{}bit", bits));
    known.push_back(fmt::format("q{}", bits));
  }
  std::string_view text = trim(name);
  std::string hint;
  const std::string small = lower(text);
  std::string_view digits = small;
  take(digits, "mlx-");
  take(digits, "q");
  if (take_number(digits) == 7) {
    hint = "MLX has no 7 bit format";
  }
  throw unknown_name("format", text, known, {}, hint);
}

Recipe gguf_default(int bits) {
  switch (bits) {
    case 2:
      return parse_recipe("Q2_K");
    case 3:
      return parse_recipe("Q3_K_M");
    case 4:
      return parse_recipe("Q4_K_M");
    case 5:
      return parse_recipe("Q5_K_M");
    case 6:
      return parse_recipe("Q6_K");
    case 8:
      return parse_recipe("Q8_0");
    default:
      throw Error(fmt::format("llama.cpp has no usual format of {} bits", bits), {},
                  "2, 3, 4, 5, 6 and 8 are known");
  }
}

double nominal_bits(const Recipe& recipe) {
  switch (recipe.kind) {
    case Recipe::Kind::uniform:
    case Recipe::Kind::layers:
    case Recipe::Kind::experts:
      return bits_per_weight(recipe.base);
    case Recipe::Kind::mixed: {
      // About a quarter of the weights are v_proj and down_proj of the layers chosen.
      const double low = bits_per_weight(recipe.base);
      return low + 0.25 * (recipe.high_bits - recipe.base.bits);
    }
    case Recipe::Kind::gguf:
    case Recipe::Kind::nominal:
      return recipe.nominal_bits;
  }
  return 0.0;
}

std::optional<WeightFormat> format_of(const Recipe& recipe, const Tensor& tensor, std::size_t layer,
                                      std::size_t layers) {
  const Quantized quantized = recipe.vlm ? tensor.under_vlm : tensor.quantized;
  if (leaves(recipe, quantized)) {
    return std::nullopt;
  }
  switch (recipe.kind) {
    case Recipe::Kind::uniform:
      return quantized == Quantized::eight_bit || kept_at_eight(recipe, tensor)
                 ? eight_bit(recipe, recipe.base, tensor)
                 : where_it_fits(recipe.base, tensor);
    case Recipe::Kind::mixed: {
      // The recipe replaces the model's own exceptions, so that routers get the low bits.
      WeightFormat format = recipe.base;
      format.bits = mixed_bits(recipe, tensor, layer, layers);
      return where_it_fits(format, tensor);
    }
    case Recipe::Kind::experts: {
      const bool routed = tensor.tensor_class == TensorClass::experts;
      if (quantized == Quantized::eight_bit) {
        return eight_bit(recipe, recipe.rest, tensor);
      }
      return where_it_fits(routed ? recipe.base : recipe.rest, tensor);
    }
    case Recipe::Kind::layers:
      return often_kept(tensor.tensor_class) ? std::nullopt : where_it_fits(recipe.base, tensor);
    case Recipe::Kind::gguf:
    case Recipe::Kind::nominal:
      break;
  }
  throw Error(
      fmt::format("the format {} says nothing about single tensors", recipe.name), {},
      "name a format that has rules (mlx-4bit-g64, Q4_K_M), the file itself (./model.gguf), "
      "or a size in place of the model (130gb)");
}

Bytes tensor_bytes(const Recipe& recipe, const Tensor& tensor, std::size_t layer,
                   std::size_t layers) {
  if (const auto format = format_of(recipe, tensor, layer, layers)) {
    return matrix_bytes(*format, tensor.stack, tensor.rows, tensor.columns, tensor.f32 ? 4 : 2);
  }
  const bool wide = tensor.f32 || recipe.base.mode == Mode::f32;
  return Bytes(checked_mul(tensor.elements(), wide ? 4 : 2));
}

}  // namespace macfit::model
