// llama.cpp's caches, cell by cell, as its allocator makes them.

#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "rules.hpp"

namespace macfit::model {
namespace {

constexpr std::int64_t cell_step = 256;

/// Elements that one layer keeps for each cell.
struct Row {
  std::int64_t key = 0;
  std::int64_t value = 0;
  std::int64_t key_head = 0;  ///< of one head: a block must divide it
  std::int64_t value_head = 0;
  bool sliding = false;
  bool latent = false;
};

/// Nothing where the layer keeps no cells.
std::optional<Row> row_of(const Block& block) {
  if (block.attention && !block.attention->shared_kv) {
    const Attention& a = *block.attention;
    return Row{checked_mul(a.kv_heads, a.head_dim),
               checked_mul(a.kv_heads, a.value_dim),
               a.head_dim,
               a.value_dim,
               a.span != Span::full,
               false};
  }
  if (block.latent) {
    const LatentAttention& a = *block.latent;
    const std::int64_t width = checked_add(a.kv_rank, a.rope_dim);
    return Row{width, 0, width, 0, false, true};
  }
  return std::nullopt;
}

/// 32-bit state of one sequence.
std::int64_t state_elements(const Block& block, std::int64_t hidden) {
  if (block.delta_net) {
    const DeltaNet& d = *block.delta_net;
    const std::int64_t inner = checked_mul(d.value_heads, d.value_dim);
    const std::int64_t mixed = checked_add(inner, checked_mul(2, d.key_heads, d.key_dim));
    return checked_add(checked_mul(d.kernel - 1, mixed), checked_mul(d.key_dim, inner));
  }
  if (block.kimi_delta) {
    const KimiDelta& k = *block.kimi_delta;
    const std::int64_t width = checked_mul(k.heads, k.head_dim);
    return checked_add(checked_mul(3, k.kernel - 1, width), checked_mul(k.head_dim, width));
  }
  if (block.mamba2) {
    const Mamba2& m = *block.mamba2;
    const std::int64_t inner = checked_mul(m.heads, m.head_dim);
    const std::int64_t mixed = checked_add(inner, checked_mul(2, m.groups, m.state));
    return checked_add(checked_mul(m.kernel - 1, mixed), checked_mul(m.state, inner));
  }
  if (block.mamba1) {
    const Mamba1& m = *block.mamba1;
    return checked_add(checked_mul(m.kernel - 1, m.inner), checked_mul(m.state, m.inner));
  }
  if (block.short_conv) {
    return checked_mul(block.short_conv->kernel - 1, hidden);
  }
  return 0;
}

void check_block(std::string_view what, GgmlType type, std::int64_t head) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  if (head % info.block != 0) {
    throw Error("llama.cpp refuses a " + std::string(what) + " cache of " + std::string(info.name) +
                " here: its blocks of " + std::to_string(info.block) + " do not divide a head of " +
                std::to_string(head));
  }
}

/// What llama.cpp refuses of the asked types, whatever the context.
void check_types(const Architecture& architecture, const LlamaCacheOptions& options) {
  bool any_latent = false;
  bool any_values = false;
  for (const Block& block : architecture.blocks) {
    if (const auto row = row_of(block)) {
      any_latent = any_latent || row->latent;
      any_values = any_values || row->value > 0;
    }
  }
  if (any_latent && options.key_type != options.value_type) {
    throw Error("llama.cpp refuses caches of different types for keys and values with MLA");
  }
  const bool quantized_values = ggml_type_info(options.value_type).block > 1;
  if (quantized_values && any_values && !options.flash_attention) {
    throw Error("llama.cpp refuses a quantized value cache without flash attention");
  }
}

std::int64_t widest_value_row(const Architecture& architecture) {
  std::int64_t widest = 0;
  for (const Block& block : architecture.blocks) {
    if (const auto row = row_of(block)) {
      widest = std::max(widest, row->value);
    }
  }
  return widest;
}

/// Cells of a layer that sees a window alone: the window of every sequence and one batch.
std::int64_t sliding_cells(std::int64_t window, std::int64_t cells, std::int64_t ubatch,
                           const LlamaCacheOptions& options) {
  if (options.swa_full) {
    return cells;
  }
  const std::int64_t seen =
      checked_add(checked_mul(window, options.unified ? options.parallel : 1), ubatch);
  return round_up(std::min(cells, seen), cell_step);
}

struct LayerCells {
  Bytes keys;
  Bytes values;
};

/// A layer's keys and values in `total` cells. Without flash attention values are stored
/// transposed, all layers at the widest row.
LayerCells layer_cells(const Block& block, const Row& row, std::int64_t total,
                       std::int64_t widest_value, const LlamaCacheOptions& options) {
  LayerCells bytes;
  check_block("key", options.key_type, row.key_head);
  bytes.keys = ggml_row_bytes(options.key_type, row.key) * total;
  if (row.value > 0) {
    check_block("value", options.value_type, row.value_head);
    const std::int64_t width = options.flash_attention ? row.value : widest_value;
    bytes.values = ggml_row_bytes(options.value_type, width) * total;
  }
  if (block.latent && block.latent->indexer) {
    check_block("key", options.key_type, block.latent->indexer->head_dim);
    bytes.keys += ggml_row_bytes(options.key_type, block.latent->indexer->head_dim) * total;
  }
  return bytes;
}

}  // namespace

LlamaCache llama_cache(const Architecture& architecture, const LlamaCacheOptions& options) {
  const gguf::Rule& rule = gguf::require_rule(architecture);
  if (options.context.count() < 1 || options.parallel < 1 || options.ubatch < 1) {
    throw Error("a context, its sequences and its batch must be positive");
  }
  check_types(architecture, options);
  const std::int64_t widest_value = widest_value_row(architecture);

  LlamaCache cache;
  const std::int64_t context = round_up(options.context.count(), cell_step);
  cache.streams = options.unified ? 1 : options.parallel;
  cache.cells = options.unified
                    ? context
                    : round_up(std::max(context / options.parallel, std::int64_t{1}), cell_step);
  const std::int64_t ubatch = std::min(options.ubatch, context);
  for (const std::uint16_t kind : architecture.layers) {
    const Block& block = architecture.blocks[kind];
    const auto row = row_of(block);
    // Falcon-H1's layers keep both.
    const Bytes state =
        Bytes(checked_mul(state_elements(block, architecture.hidden), 4)) * options.parallel;
    cache.recurrent += state;
    if (!row) {
      cache.layers.push_back(state);
      continue;
    }
    std::int64_t cells = cache.cells;
    if (row->sliding) {
      cells = sliding_cells(block.attention->window, cells, ubatch, options);
      cache.sliding_cells = std::max(cache.sliding_cells, cells);
    }
    const LayerCells bytes =
        layer_cells(block, *row, checked_mul(cache.streams, cells), widest_value, options);
    cache.keys += bytes.keys;
    cache.values += bytes.values;
    cache.layers.push_back(bytes.keys + bytes.values + state);
    if (block.latent && block.latent->indexer) {
      cache.evidence = Evidence::estimated;
    }
  }
  if (rule.cache_unchecked) {
    cache.evidence = weaker(cache.evidence, Evidence::estimated);
  }
  return cache;
}

}  // namespace macfit::model
