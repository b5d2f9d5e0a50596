// llama.cpp's compute buffers: what its graphs keep alive at once, stage by stage.

#include "macfit/runtime/llama_graph.hpp"

#include <algorithm>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/model/gguf/gguf.hpp"

namespace macfit::runtime {
namespace {

constexpr std::int64_t latent_row = 576;    // kv_lora_rank + rope dimensions
constexpr std::int64_t latent_value = 512;  // what attention over a latent yields per head

std::int64_t pad(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

/// Sizes that every stage of the graph is made of.
struct Sizes {
  std::int64_t ub = 0;     ///< tokens of a micro-batch
  std::int64_t u = 0;      ///< its hidden states
  std::int64_t heads = 0;  ///< its queries
  std::int64_t outputs = 0;
  std::int64_t oid = 0;  ///< indices of the outputs
  std::int64_t streams = 1;
  std::int64_t inputs = 0;  ///< masks, indices, rotations
};

std::vector<std::int64_t> caches(const LlamaGraph& graph, const LlamaContext& context) {
  std::vector<std::int64_t> cells;
  if (graph.full_cache) {
    cells.push_back(llama_cells(context));
  }
  if (graph.sliding_cache) {
    cells.push_back(llama_sliding_cells(graph, context));
  }
  return cells;
}

Sizes sizes_of(const LlamaGraph& graph, const LlamaContext& context) {
  Sizes s;
  s.ub = std::min(context.ubatch, pad(context.context, 256));
  s.u = 4 * graph.embedding * s.ub;
  s.heads = 4 * s.ub * graph.heads * graph.key_dim;
  s.outputs = context.outputs > 0 ? std::min(s.ub, context.outputs) : s.ub;
  s.oid = pad(4 * s.outputs, 32);
  s.streams = context.unified ? 1 : context.parallel;
  const bool fa = context.flash_attention;
  std::int64_t masks = 0;
  std::int64_t indices = 4 * s.ub;
  std::int64_t rotations = 0;
  for (const std::int64_t cells : caches(graph, context)) {
    masks += s.ub * cells * (fa ? 2 : 4);
    indices += 8 * s.ub;
    if (!graph.latent) {
      indices += fa ? 8 * s.ub : 8 * s.ub * graph.kv_heads * graph.value_dim;
    }
    if (context.quantized_cache && !graph.latent) {
      std::int64_t power = 1;
      while (graph.key_dim % (power * 2) == 0) {
        power *= 2;
      }
      rotations += 4 * power * power + 4 * 64 * 64;
    }
  }
  if (graph.recurrent) {
    indices += pad(4 * context.parallel, 32);
  }
  s.inputs = masks + indices + rotations;
  return s;
}

std::int64_t attention_stage(const LlamaGraph& graph, const LlamaContext& context, const Sizes& s,
                             DeviceKind kind) {
  std::int64_t bytes = 0;
  if (graph.latent) {
    bytes = 2 * s.u + 4 * s.ub * graph.heads * (graph.latent_key + 2 * latent_row);
  } else if (graph.recurrent) {
    bytes = 3 * s.u + (context.quantized_cache ? 4 : 2) * s.heads;
  } else {
    bytes = graph.attention_inputs * s.u + 2 * s.heads;
  }
  const std::vector<std::int64_t> all = caches(graph, context);
  if (!context.flash_attention) {
    const std::int64_t largest = all.empty() ? 0 : *std::max_element(all.begin(), all.end());
    return bytes + 4 * largest * s.ub * graph.heads;
  }
  if (kind == DeviceKind::generic) {
    return bytes;
  }
  // Metal's flash attention takes scratch for keys and values, partial results and masks.
  const std::int64_t value_dim = graph.latent ? latent_value : graph.value_dim;
  const std::int64_t kv_heads = graph.latent ? 1 : graph.kv_heads;
  const std::int64_t per_stream = s.ub / s.streams;
  const std::int64_t row = graph.latent              ? 2 * latent_row
                           : context.quantized_cache ? 2 * graph.key_dim
                                                     : 2 * graph.key_dim * graph.kv_heads;
  const std::int64_t widths = graph.latent ? latent_row : graph.key_dim + graph.value_dim;
  std::int64_t scratch = 0;
  for (const std::int64_t cells : all) {
    scratch = std::max(scratch, 2 * cells * s.streams * kv_heads * widths +
                                    4 * std::min<std::int64_t>(per_stream, 32) * s.streams *
                                        graph.heads * 32 * (value_dim + 2) +
                                    64 * s.streams * (2 * row * kv_heads + 2 * per_stream) +
                                    s.streams * (cells / 64) * ceil_div(per_stream, 8));
  }
  bytes -= context.quantized_cache && !graph.latent ? s.heads : 0;
  return bytes + 4 * s.ub * graph.heads * value_dim + scratch;
}

std::int64_t feed_forward_stage(const LlamaGraph& graph, const Sizes& s) {
  const std::int64_t dense =
      graph.dense_width > 0 ? 4 * s.ub * (2 * graph.embedding + 3 * graph.dense_width) : 0;
  const std::int64_t experts =
      graph.experts_used > 0 ? 4 * s.ub *
                                   (2 * graph.embedding +
                                    graph.experts_used * (graph.embedding + 2 * graph.expert_width))
                             : 0;
  return std::max(dense, experts);
}

/// The feed-forward part where a graph is one of several, with what is alive beside it.
std::int64_t later_stage(const LlamaGraph& graph, const LlamaContext& context, const Sizes& s) {
  std::int64_t bytes = feed_forward_stage(graph, s);
  if (context.quantized_cache && !graph.latent && !graph.recurrent) {
    bytes += s.heads;
  }
  if (graph.post_norms) {
    bytes += context.flash_attention ? s.heads : 2 * s.heads;
  }
  if (graph.recurrent) {
    bytes += context.flash_attention ? s.u * 17 / 4 : s.u * 21 / 4;
  }
  return bytes;
}

/// What the first of several graphs keeps alive beside its attention.
std::int64_t beside_first(const LlamaGraph& graph, const LlamaContext& context, const Sizes& s,
                          DeviceKind kind) {
  const bool metal_flash = context.flash_attention && kind == DeviceKind::metal;
  return (graph.recurrent ? s.u : 0) +
         (graph.latent && !metal_flash ? 4 * s.ub * graph.heads * graph.rope_dim : 0);
}

}  // namespace

LlamaGraph llama_graph(const model::Architecture& architecture) {
  LlamaGraph graph;
  graph.embedding = architecture.hidden;
  graph.vocabulary = architecture.vocabulary;
  graph.full_cache = false;
  for (const model::Block& block : architecture.blocks) {
    if (block.attention) {
      const model::Attention& attention = *block.attention;
      graph.heads = std::max(graph.heads, attention.heads);
      graph.kv_heads = std::max(graph.kv_heads, attention.kv_heads);
      graph.key_dim = std::max(graph.key_dim, attention.head_dim);
      graph.value_dim = std::max(graph.value_dim, attention.value_dim);
      if (attention.span == model::Span::full) {
        graph.full_cache = true;
      } else {
        graph.sliding_cache = true;
        graph.window = std::max(graph.window, attention.window);
      }
    }
    if (block.latent) {
      const model::LatentAttention& latent = *block.latent;
      graph.full_cache = true;
      graph.latent = true;
      graph.heads = latent.heads;
      graph.kv_heads = 1;
      graph.key_dim = latent.kv_rank + latent.rope_dim;
      graph.value_dim = latent.kv_rank;
      graph.latent_key = latent.nope_dim + latent.rope_dim;
      graph.rope_dim = latent.rope_dim;
    }
    graph.recurrent = graph.recurrent || block.delta_net || block.kimi_delta || block.mamba1 ||
                      block.mamba2 || block.lightning;
    graph.dense_width = std::max(graph.dense_width, block.dense ? block.dense->width : 0);
    if (block.experts) {
      graph.expert_width = std::max(graph.expert_width, block.experts->width);
      graph.experts_used = std::max(graph.experts_used, block.experts->per_token);
    }
  }
  // What the graphs of single architectures keep alive besides; llama.cpp's own names.
  const std::string name = model::find_gguf_architecture(architecture).value_or("");
  if (name == "glm4moe") {
    graph.logits_copies = 3;
    graph.attention_inputs = 2;
  } else if (name == "gpt-oss" || graph.recurrent) {
    graph.logits_copies = 2;
  }
  graph.post_norms = name == "gemma3";
  return graph;
}

std::int64_t llama_cells(const LlamaContext& context) {
  const std::int64_t padded = pad(context.context, 256);
  return context.unified ? padded : pad(padded / context.parallel, 256);
}

std::int64_t llama_sliding_cells(const LlamaGraph& graph, const LlamaContext& context) {
  const std::int64_t windows = graph.window * (context.unified ? context.parallel : 1);
  return pad(std::min(llama_cells(context), windows + context.ubatch), 256);
}

std::int64_t llama_compute(const LlamaGraph& graph, const LlamaContext& context, DeviceKind kind,
                           Place place) {
  const Sizes s = sizes_of(graph, context);
  const std::int64_t attention = attention_stage(graph, context, s, kind);
  const bool several = place != Place::only;
  const std::int64_t copies =
      graph.recurrent && several ? graph.logits_copies + 1 : graph.logits_copies;
  const std::int64_t logits = 4 * s.outputs * graph.vocabulary + copies * s.u;
  if (!several) {
    const std::int64_t around = graph.recurrent ? attention + s.u : attention;
    return std::max(logits,
                    s.inputs + s.oid + s.u + std::max(around, feed_forward_stage(graph, s)));
  }
  const std::int64_t later = later_stage(graph, context, s);
  const std::int64_t around = attention + s.u;
  if (place == Place::first) {
    return 4 * s.inputs + 4 * s.u + std::max(around + beside_first(graph, context, s, kind), later);
  }
  std::int64_t largest = std::max(around, later);
  if (place == Place::last) {
    largest = std::max(largest, logits);
  }
  return 4 * s.inputs + 8 * s.u + largest + (place == Place::last ? 4 * s.oid : 0);
}

std::int64_t llama_host_compute(const LlamaGraph& graph, const LlamaContext& context,
                                bool several_devices) {
  const Sizes s = sizes_of(graph, context);
  const std::int64_t copies = several_devices ? 4 : 1;
  return 2 * s.u + copies * (s.inputs + s.oid + 4 * s.ub);
}

std::int64_t llama_compute_margin(std::int64_t ubatch) {
  return 64 * mib * std::max<std::int64_t>(1, ubatch / 512);
}

}  // namespace macfit::runtime
