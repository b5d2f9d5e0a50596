#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/architecture.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::model {

/// How one matrix is stored; mostly as MLX does it (mlx/ops.cpp: quantize). Sources:
/// docs/models.md.
enum class Mode : std::uint8_t {
  f32,
  f16,
  bf16,
  fp8,     ///< 8-bit floats, one 32-bit scale a block of 128 x 128
  affine,  ///< codes, a scale and a bias a group
  mxfp4,
  nvfp4,
  mxfp8,
  ternary,    ///< 2-bit codes, one 16-bit scale a matrix (BitNet)
  symmetric,  ///< 4-bit codes, a 16-bit scale a group, no bias, two 32-bit sizes a matrix (Kimi)
};

struct WeightFormat {
  Mode mode = Mode::bf16;
  int bits = 16;
  int group = 0;  ///< columns that share a scale; 0 for the unquantized modes
  bool operator==(const WeightFormat&) const = default;
};

/// Bits per weight with scales and biases of 16 bits: 4.5 for affine 4 bit, group 64.
[[nodiscard]] double bits_per_weight(const WeightFormat& format);

/// Bytes of `stack` matrices. `scale_bytes` is the size of an affine scale or bias: 2, or 4 where
/// the unquantized weight has 32 bits. The caller has checked that the group divides the columns.
[[nodiscard]] Bytes matrix_bytes(const WeightFormat& format, std::int64_t stack, std::int64_t rows,
                                 std::int64_t columns, int scale_bytes = 2);

/// A rule that gives every tensor of a model its format.
struct Recipe {
  enum class Kind : std::uint8_t {
    uniform,  ///< one format, with the router and norm exceptions of mlx-lm
    mixed,    ///< mlx-lm's mixed_L_H: some projections of some layers at `high` bits
    experts,  ///< routed experts in `base`, every other module in `rest` (gpt-oss, MXFP4-Q8)
    layers,   ///< matrices of the layers in one format, embedding, head and routers 16-bit (AWQ)
    gguf,     ///< llama.cpp's mixture of this name: see gguf.hpp
    nominal,  ///< a flat number of bits per weight, no tensor known
  };
  std::string name;  ///< "mlx-4bit-g64", "bf16", "mixed_4_6", "mxfp4", "Q4_K_M"
  Kind kind = Kind::uniform;
  WeightFormat base;
  WeightFormat rest;        ///< Kind::experts
  bool vlm = false;         ///< mlx-vlm's converter: other exceptions than mlx-lm's
  int high_bits = 0;        ///< Kind::mixed
  double nominal_bits = 0;  ///< Kind::nominal
  /// Kind::uniform: modules that get 8 bit, group 64 as routers do ("self_attn.o_proj"), by the
  /// release of the converter.
  std::vector<std::string> eight_bit = {};
  bool operator==(const Recipe&) const = default;
};

/// Every recipe that has a fixed name, for lists and for did-you-mean.
[[nodiscard]] std::vector<std::string> recipe_names();

/// Parses a recipe name, case-insensitive: "mlx-4bit-g64", "4bit", "8bit-gs32", "bf16", "mxfp4",
/// "mixed_4_6", "Q4_K_M", "4.5bpw", and "q2" ... "q8", which mean MLX affine group 64 here (a
/// llama.cpp placement re-reads them by gguf_default()). Throws Error naming the nearest.
[[nodiscard]] Recipe parse_recipe(std::string_view name);
[[nodiscard]] std::optional<Recipe> find_recipe(std::string_view name);

/// The llama.cpp recipe for "qN" shorthand and for MLX affine N bit: Q4_K_M for 4, Q8_0 for 8.
[[nodiscard]] Recipe gguf_default(int bits);

/// Mean bits a weight, for sorting formats from small to large.
[[nodiscard]] double nominal_bits(const Recipe& recipe);

/// The format a recipe gives one tensor of one layer; none where it stays unquantized (then it has
/// the model's 16-bit type, or 32 bits where the tensor says so).
[[nodiscard]] std::optional<WeightFormat> format_of(const Recipe& recipe, const Tensor& tensor,
                                                    std::size_t layer, std::size_t layers);

/// Bytes of one tensor under a recipe. `layer` matters to mixed recipes only.
[[nodiscard]] Bytes tensor_bytes(const Recipe& recipe, const Tensor& tensor, std::size_t layer,
                                 std::size_t layers);

}  // namespace macfit::model
