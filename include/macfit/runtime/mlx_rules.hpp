#pragma once

#include <cstdint>
#include <vector>

namespace macfit::runtime {

// Rules of MLX and mlx-lm that a plan leans on but has no place of its own for. Sources:
// docs/runtimes.md.

/// The layers [first, end) of one pipeline rank.
struct LayerRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
  bool operator==(const LayerRange&) const = default;
};

/// Ranges by rank (rank 0 has the last layers) as mlx-lm up to 0.32.0 cuts them; layers in none of
/// them run nowhere (mlx_lm/models/pipeline.py before #1816).
[[nodiscard]] std::vector<LayerRange> legacy_pipeline(std::int64_t layers, std::int64_t ranks);
/// The layers that no range holds.
[[nodiscard]] std::vector<std::int64_t> dropped_layers(const std::vector<LayerRange>& ranges,
                                                       std::int64_t layers);
/// Ranges by rank for layers counted first nodes first, as Runtime::default_split() gives them.
[[nodiscard]] std::vector<LayerRange> pipeline_ranges(const std::vector<std::int64_t>& split);

/// Slots that mlx-lm's RotatingKVCache of this window holds in the end (its peak:
/// rotating_peak_slots() in profile.hpp).
[[nodiscard]] std::int64_t rotating_slots(std::int64_t prompt, std::int64_t generated,
                                          std::int64_t window, std::int64_t step);

/// Bytes of one frame that JACCL cuts a message of this size into (jaccl/lib/jaccl/rdma.h):
/// the largest 4096 x 2^k, k <= 7, that the message fills; macOS 26.2 knows the smallest only.
[[nodiscard]] std::int64_t jaccl_frame_bytes(std::int64_t message, bool large_frames);
/// How many such frames.
[[nodiscard]] std::int64_t jaccl_frames(std::int64_t message, bool large_frames);

/// Attention scores of one layer where they are held whole: 16 bits for each head, token of the
/// prefill step and token of the context.
[[nodiscard]] std::int64_t score_bytes(std::int64_t heads, std::int64_t step, std::int64_t context);
/// Keys and values of one layer that latent attention expands to during prefill.
[[nodiscard]] std::int64_t expanded_bytes(std::int64_t heads, std::int64_t context,
                                          std::int64_t key_dim, std::int64_t value_dim);

}  // namespace macfit::runtime
