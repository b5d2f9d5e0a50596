#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/weight_format.hpp"
#include "macfit/runtime/llama_graph.hpp"
#include "macfit/runtime/workload.hpp"

namespace macfit::runtime {

/// What one kind of layer needs at run time besides its weights. Bytes unless said.
struct LayerKind {
  enum class Growth : std::uint8_t {
    none,           ///< no cache that grows
    slots,          ///< one slot a token, allocated in steps
    rotating,       ///< at most the window, plus a prefill step while a prompt is read
    chunked,        ///< at most the chunk plus a prefill step, in steps
    cells,          ///< llama.cpp: one stream of cells for all sequences
    sliding_cells,  ///< the same, windows and a micro-batch at most
  };
  Growth growth = Growth::none;
  std::int64_t window = 0;           ///< tokens
  std::int64_t slot_bytes = 0;       ///< per slot and sequence
  std::int64_t kv_heads = 1;         ///< a tensor rank holds at least one
  std::int64_t slot_replicated = 0;  ///< the part of it that every rank of a tensor split holds
  std::int64_t constant_bytes = 0;   ///< per sequence, whatever the context
  std::int64_t score_bytes = 0;  ///< attention scores held in prefill, per step and context token
  std::int64_t expanded_bytes = 0;  ///< keys and values expanded in prefill, per context token
  bool operator==(const LayerKind&) const = default;
};

/// One model in one weight format under one runtime, flattened to what the fit engine adds up.
/// Prefix sums make the bytes of any run of layers a subtraction.
struct Profile {
  model::Recipe recipe;
  std::string format;  ///< "mlx-4bit-g64"
  Evidence weight_evidence = Evidence::exact;
  std::size_t layers = 0;
  std::vector<std::int64_t> weights;  ///< layers + 1 prefix sums
  std::vector<LayerKind> kinds;
  std::vector<std::uint32_t> kind_counts;  ///< (layers + 1) * kinds prefix counts
  /// Weights of one rank of a tensor split, index = ranks; -1 where it can't be cut that way.
  std::vector<std::int64_t> rank_weights;
  std::int64_t everywhere = 0;       ///< on every node of a split: embedding, head, final norm
  std::int64_t last_weights = 0;     ///< beside its layers on the node with the last layer
  std::int64_t host_weights = 0;     ///< in the CPU's memory of the last node, not the GPU's
  std::int64_t largest_tensor = 0;   ///< live beside its slice while a tensor split loads
  std::int64_t step_bytes = 0;       ///< activations held per token of a prefill step
  std::int64_t logits_bytes = 0;     ///< per sequence
  std::int64_t base_bytes = 0;       ///< the process itself and Metal's own use
  std::int64_t batched_prompts = 1;  ///< sequences whose prompts are read together
  std::int64_t slot_step = 256;      ///< tokens by which a cache grows
  std::int64_t hidden = 0;
  std::int64_t unloaded_layers = 0;        ///< counted when a runtime shares layers out, not loaded
  std::optional<LlamaGraph> graph;         ///< llama.cpp: what its compute buffers follow from
  std::int64_t longest_context = 0;        ///< tokens; 0: not stated
  std::int64_t collectives_per_token = 0;  ///< of a tensor split
  bool cache_known = true;                 ///< false: the demand can't be computed

  [[nodiscard]] std::int64_t total_weights() const {
    return weights[layers] + everywhere + last_weights + host_weights;
  }
};

/// Fills the prefix counts: layer i is of kind kind_of_block[layers[i]].
void count_kinds(Profile& profile, const std::vector<std::uint16_t>& layers,
                 const std::vector<std::size_t>& kind_of_block);

/// Slots that mlx-lm's KVCache holds after reading `prompt` tokens in steps and generating more.
/// Source: mlx_lm/models/cache.py, KVCache (docs/fit.md).
[[nodiscard]] std::int64_t kv_slots(std::int64_t prompt, std::int64_t generated, std::int64_t step,
                                    std::int64_t grow = 256);

/// Most slots that mlx-lm's RotatingKVCache of this window holds at any time on the way.
[[nodiscard]] std::int64_t rotating_peak_slots(std::int64_t prompt, std::int64_t generated,
                                               std::int64_t window, std::int64_t step);

/// Cache bytes of one layer of a kind. `ranks` > 1 cuts it for a tensor split.
[[nodiscard]] std::int64_t cache_bytes(const Profile& profile, const LayerKind& kind,
                                       const Workload& workload, std::int64_t context,
                                       std::int64_t ranks);

/// The context that llama.cpp creates for a workload: one unified stream, as llama-server does.
[[nodiscard]] LlamaContext llama_context(const Workload& workload, std::int64_t context);

/// Activations of a node by its place among the nodes, logits included, attention's scores not.
[[nodiscard]] std::int64_t step_bytes(const Profile& profile, const Workload& workload,
                                      std::int64_t context, Place place);

/// What attention holds for a moment during prefill in one layer of a kind.
[[nodiscard]] std::int64_t attention_bytes(const Profile& profile, const LayerKind& kind,
                                           const Workload& workload, std::int64_t context,
                                           std::int64_t ranks);

}  // namespace macfit::runtime
