#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/architecture.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::model {

/// Bytes of one layer's weights.
struct LayerBytes {
  Bytes total;
  Bytes replicated;      ///< part that every rank of a tensor split holds whole
  Bytes experts;         ///< routed experts, all of them
  Bytes experts_active;  ///< those that one token uses
  Bytes largest_tensor;
  bool operator==(const LayerBytes&) const = default;
};

/// What a model's weights weigh, layer by layer: from a recipe, from file headers, or nominal.
struct WeightLayout {
  std::string format;  ///< the recipe's name, or what the file says
  std::vector<LayerBytes> layers;
  Bytes embedding;
  Bytes head;          ///< 0 where tied
  Bytes other_global;  ///< final norm and what else stands outside layers
  std::array<Bytes, tensor_class_count> by_class{};
  Evidence evidence = Evidence::exact;

  [[nodiscard]] Bytes global() const { return embedding + head + other_global; }
  [[nodiscard]] Bytes total() const;
  bool operator==(const WeightLayout&) const = default;
};

/// Weights under an MLX recipe (every Kind but gguf and nominal). Throws Error where the recipe
/// can't be applied.
[[nodiscard]] WeightLayout weight_layout(const Architecture& architecture, const Recipe& recipe);

/// Tensors of the checkpoint that the recipe's converter writes, towers included where it keeps
/// them (mlx-vlm's recipes, published native formats): what a repository's index states. None where
/// a part's size is not known.
[[nodiscard]] std::optional<Bytes> checkpoint_bytes(const Architecture& architecture,
                                                    const Recipe& recipe);

/// What one layer keeps for each sequence besides weights, before any runtime's padding.
struct LayerCache {
  enum class Kind : std::uint8_t {
    none,       ///< no state at all (feed-forward only, or shared from another layer)
    attention,  ///< grows with the context by key + value elements a token
    latent,     ///< grows by the latent, one for all heads
    recurrent,  ///< constant
  };
  Kind kind = Kind::none;
  Span span = Span::full;
  std::int64_t window = 0;
  bool mlx_full = false;              ///< mlx-lm keeps the whole context (Attention::mlx_full)
  std::int64_t kv_heads = 1;          ///< a latent has 1
  std::int64_t key_elements = 0;      ///< per token, all heads
  std::int64_t value_elements = 0;    ///< per token, all heads
  std::int64_t indexer_elements = 0;  ///< per token
  std::int64_t state_bytes = 0;       ///< per sequence, 32-bit state and 16-bit convolution tail
  bool operator==(const LayerCache&) const = default;
};

/// One entry a block of the architecture (not a layer).
[[nodiscard]] std::vector<LayerCache> cache_shapes(const Architecture& architecture);

/// Whose cache: what the architecture needs, or what mlx-lm keeps (they differ for Gemma 2 alone).
enum class CacheRule : std::uint8_t { architecture, mlx_lm };

/// Figures of one sequence, bf16, no runtime padding.
/// Growth with each token: layers that see the whole context.
[[nodiscard]] Bytes kv_bytes_per_token(const Architecture& architecture,
                                       CacheRule rule = CacheRule::architecture);
/// Windows of sliding and chunked layers once they are full.
[[nodiscard]] Bytes kv_window_bytes(const Architecture& architecture,
                                    CacheRule rule = CacheRule::architecture);
/// Recurrent states and convolution tails.
[[nodiscard]] Bytes kv_state_bytes(const Architecture& architecture);
/// All that does not grow: states and full windows.
[[nodiscard]] Bytes kv_constant_bytes(const Architecture& architecture,
                                      CacheRule rule = CacheRule::architecture);

}  // namespace macfit::model
