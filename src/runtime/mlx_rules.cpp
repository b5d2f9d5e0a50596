#include "macfit/runtime/mlx_rules.hpp"

#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::runtime {
namespace {

constexpr std::int64_t smallest_frame = 4096;
constexpr std::int64_t largest_frame = smallest_frame << 7;
constexpr std::int64_t rotating_growth = 256;

void check_ranks(std::int64_t layers, std::int64_t ranks) {
  constexpr std::int64_t most = 1'000'000;
  if (layers < 0 || layers > most || ranks < 1 || ranks > most) {
    throw Error("a pipeline wants 0 to 1,000,000 layers and 1 to 1,000,000 ranks");
  }
}

}  // namespace

std::vector<LayerRange> legacy_pipeline(std::int64_t layers, std::int64_t ranks) {
  check_ranks(layers, ranks);
  std::vector<LayerRange> ranges;
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    const std::int64_t count = layers / ranks + (rank < layers % ranks ? 1 : 0);
    // The start counts every rank behind as long as this one: with a remainder that is wrong.
    const std::int64_t first = (ranks - 1 - rank) * count;
    ranges.push_back({first, std::min(first + count, layers)});
  }
  return ranges;
}

std::vector<std::int64_t> dropped_layers(const std::vector<LayerRange>& ranges,
                                         std::int64_t layers) {
  check_ranks(layers, 1);
  std::vector<bool> held(static_cast<std::size_t>(layers));
  for (const LayerRange& range : ranges) {
    const std::int64_t end = std::min(range.end, layers);
    for (std::int64_t layer = std::max<std::int64_t>(range.first, 0); layer < end; ++layer) {
      held[static_cast<std::size_t>(layer)] = true;
    }
  }
  std::vector<std::int64_t> dropped;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    if (!held[static_cast<std::size_t>(layer)]) {
      dropped.push_back(layer);
    }
  }
  return dropped;
}

std::vector<LayerRange> pipeline_ranges(const std::vector<std::int64_t>& split) {
  std::vector<LayerRange> ranges;
  std::int64_t first = 0;
  for (const std::int64_t count : split) {
    ranges.push_back({first, checked_add(first, count)});
    first += count;
  }
  std::reverse(ranges.begin(), ranges.end());
  return ranges;
}

std::int64_t rotating_slots(std::int64_t prompt, std::int64_t generated, std::int64_t window,
                            std::int64_t step) {
  if (window < 1 || step < 1) {
    throw Error("a rotating cache wants a window and a prefill step of at least 1 token");
  }
  const std::int64_t read = std::max<std::int64_t>(prompt - 1, 0);
  // The first single token cuts what prefill left beyond the window.
  if (read >= window) {
    return window;
  }
  const std::int64_t singles = checked_add(generated, 1);
  const std::int64_t growths = ceil_div(std::min(singles, window - read), rotating_growth);
  return std::min(window, read + growths * rotating_growth);
}

std::int64_t jaccl_frame_bytes(std::int64_t message, bool large_frames) {
  std::int64_t frame = smallest_frame;
  while (large_frames && frame < largest_frame && 2 * frame <= message) {
    frame *= 2;
  }
  return frame;
}

std::int64_t jaccl_frames(std::int64_t message, bool large_frames) {
  return ceil_div(message, jaccl_frame_bytes(message, large_frames));
}

std::int64_t score_bytes(std::int64_t heads, std::int64_t step, std::int64_t context) {
  return checked_mul(checked_mul(heads, step), checked_mul(context, 2));
}

std::int64_t expanded_bytes(std::int64_t heads, std::int64_t context, std::int64_t key_dim,
                            std::int64_t value_dim) {
  return checked_mul(checked_mul(heads, context), checked_mul(checked_add(key_dim, value_dim), 2));
}

}  // namespace macfit::runtime
