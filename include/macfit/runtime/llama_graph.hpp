#pragma once

#include <cstdint>
#include <string>

#include "macfit/model/architecture.hpp"
#include "macfit/runtime/workload.hpp"

namespace macfit::runtime {

/// What llama.cpp's compute buffers follow from. Sizes are element counts.
/// Source: llama.cpp v0.5.0 as measured with its own allocator (docs/runtimes.md).
struct LlamaGraph {
  std::int64_t embedding = 0;  ///< n_embd
  std::int64_t vocabulary = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;
  std::int64_t dense_width = 0;  ///< 0: no dense layer
  std::int64_t expert_width = 0;
  std::int64_t experts_used = 0;
  bool full_cache = true;
  bool sliding_cache = false;
  std::int64_t window = 0;
  bool latent = false;          ///< MLA: one cache of keys, no values
  std::int64_t latent_key = 0;  ///< key_length_mla
  std::int64_t rope_dim = 0;
  bool recurrent = false;
  int logits_copies = 1;     ///< hidden-sized buffers live beside the logits
  int attention_inputs = 1;  ///< the same beside attention
  bool post_norms = false;   ///< one more head-sized buffer in the feed-forward stage
};

/// By the architecture's properties and llama.cpp's name for it.
[[nodiscard]] LlamaGraph llama_graph(const model::Architecture& architecture);

/// How a context is created.
struct LlamaContext {
  std::int64_t context = 4096;  ///< n_ctx, all sequences together
  std::int64_t parallel = 1;
  bool unified = true;  ///< llama-server's own choice
  std::int64_t ubatch = 512;
  std::int64_t outputs = 0;  ///< n_outputs_max; 0: as many as the batch
  bool flash_attention = true;
  bool quantized_cache = false;
};

enum class DeviceKind : std::uint8_t { metal, generic };  ///< an RPC server is sized as generic
enum class Place : std::uint8_t { only, first, middle, last };

/// Cells per stream of the cache that sees everything, and of the sliding one.
[[nodiscard]] std::int64_t llama_cells(const LlamaContext& context);
[[nodiscard]] std::int64_t llama_sliding_cells(const LlamaGraph& graph,
                                               const LlamaContext& context);

/// Bytes of the compute buffer of a device in a layer split. Equal to llama.cpp's own figure in
/// nine cases of ten; llama_compute_margin on top covers all that were measured.
[[nodiscard]] std::int64_t llama_compute(const LlamaGraph& graph, const LlamaContext& context,
                                         DeviceKind kind, Place place);

/// The host's compute buffer; four copies of the inputs with several devices.
[[nodiscard]] std::int64_t llama_host_compute(const LlamaGraph& graph, const LlamaContext& context,
                                              bool several_devices);

/// 64 MiB for every 512 tokens of n_ubatch.
[[nodiscard]] std::int64_t llama_compute_margin(std::int64_t ubatch);

}  // namespace macfit::runtime
