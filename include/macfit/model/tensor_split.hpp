#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/model/architecture.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::model {

/// Why a model can't be cut over so many ranks by mlx-lm's rules (docs/models.md).
enum class SplitRule : std::uint8_t {
  heads,     ///< query heads, or heads of a recurrent layer's values
  kv_heads,  ///< key-value heads, or heads or groups of a recurrent layer's keys
  rows,      ///< outputs of a matrix
  columns,   ///< inputs of a matrix
  group,     ///< inputs of one rank's part, by the group that shares a scale
};
/// "kv-heads".
[[nodiscard]] std::string_view split_rule_name(SplitRule rule) noexcept;

struct SplitRefusal {
  SplitRule rule = SplitRule::heads;
  std::string block;         ///< the kind of layer: "full-moe"
  std::string tensor;        ///< "mlp.down_proj"; empty where heads don't divide
  std::int64_t size = 0;     ///< what has to be divided
  std::int64_t divisor = 0;  ///< by what: ranks, or the group for a rank's part
  std::string text;          ///< "10944 inputs of mlp.down_proj on 2 ranks leave 5472, which …"
  bool operator==(const SplitRefusal&) const = default;
};

/// What one rank of a tensor split holds; all ranks hold the same amount.
struct RankWeights {
  std::vector<Bytes> layers;
  Bytes global;      ///< embedding, head and norms: whole on every rank
  Bytes replicated;  ///< global and the parts of layers that every rank holds whole
  [[nodiscard]] Bytes total() const;
};

struct TensorSplit {
  std::optional<RankWeights> rank;     ///< absent where refused
  std::vector<SplitRefusal> refusals;  ///< every reason, first layers first
};

/// The tensor split of a model over `ranks` (at least 1). Whether a runtime offers it for this kind
/// of model is the runtime's to say. Heads that don't divide are refused also where mlx-lm would
/// start and compute wrong results.
[[nodiscard]] TensorSplit tensor_split(const Architecture& architecture, const Recipe& recipe,
                                       std::int64_t ranks);

/// The first of tensor_split's refusals, found without adding anything up; none where it can be
/// cut.
[[nodiscard]] std::optional<SplitRefusal> first_refusal(const Architecture& architecture,
                                                        const Recipe& recipe, std::int64_t ranks);

/// tensor_split's total for one rank; none where refused.
[[nodiscard]] std::optional<Bytes> tensor_rank_bytes(const Architecture& architecture,
                                                     const Recipe& recipe, std::int64_t ranks);

/// Whether ranks beyond the number of key-value heads hold copies of them (Qwen3.5).
[[nodiscard]] bool repeats_kv_heads(const Architecture& architecture);

/// Key-value heads that one rank caches, or 0 where they can't be divided.
[[nodiscard]] std::int64_t rank_kv_heads(const Architecture& architecture,
                                         const Attention& attention, std::int64_t ranks);

}  // namespace macfit::model
