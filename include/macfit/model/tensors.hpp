#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"

namespace macfit::model {

/// What a tensor is for; bytes are reported by these.
enum class TensorClass : std::uint8_t {
  embedding,
  head,
  attention,  ///< projections of any attention
  recurrent,  ///< linear attention, Mamba: projections and states' parameters
  indexer,
  dense,    ///< dense feed-forward
  experts,  ///< routed experts
  shared_experts,
  router,
  norm,  ///< all norms and other vectors that are never quantized
  other,
};
inline constexpr int tensor_class_count = static_cast<int>(TensorClass::other) + 1;
/// "shared-experts".
[[nodiscard]] std::string_view tensor_class_name(TensorClass c) noexcept;

/// How a tensor is cut over the ranks of a tensor split.
enum class Cut : std::uint8_t {
  replicated,
  rows,     ///< outputs: rows % ranks == 0
  columns,  ///< inputs: columns % ranks == 0, and the group size divides columns / ranks
  stack,    ///< whole matrices of the stack (heads of latent attention): stack % ranks == 0
};

/// Which weight format a converter gives a tensor.
enum class Quantized : std::uint8_t {
  base,       ///< the recipe's own
  eight_bit,  ///< 8 bit, group 64 (where the base mode quantizes at all)
  spared,     ///< 16 bits by the model's own rule, which mixed recipes replace by theirs
  never,
};

/// One tensor as mlx-lm holds it: `stack` matrices of rows x columns; a vector has columns 1.
struct Tensor {
  std::string name;  ///< module path below the layer ("self_attn.q_proj"), or below the root
  TensorClass tensor_class = TensorClass::other;
  std::int64_t stack = 1;
  std::int64_t rows = 0;
  std::int64_t columns = 1;
  Quantized quantized = Quantized::never;
  Quantized under_vlm = Quantized::never;  ///< the same under mlx-vlm's converter
  bool f32 = false;                        ///< stored in 32 bits where the rest has 16
  Cut cut = Cut::replicated;

  [[nodiscard]] std::int64_t elements() const;
};

/// The tensors of one layer of this kind, in mlx-lm's layout.
[[nodiscard]] std::vector<Tensor> block_tensors(const Architecture& architecture,
                                                const Block& block);

/// Embedding, head (unless tied), final norm and what else stands outside the layers.
[[nodiscard]] std::vector<Tensor> global_tensors(const Architecture& architecture);

/// Parameter counts of the text model that a runtime loads; tied tensors once.
struct ParameterCount {
  std::int64_t total = 0;
  std::int64_t active = 0;  ///< used for one token: every weight but the experts not chosen;
                            ///< the embedding counts, as published figures have it
  std::int64_t embedding = 0;
  std::int64_t head = 0;  ///< 0 where tied
};
[[nodiscard]] ParameterCount count_parameters(const Architecture& architecture);

}  // namespace macfit::model
