// Bytes of weights and caches by layer, summed over tensors.

#include "macfit/model/layout.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/error.hpp"

namespace macfit::model {
namespace {

constexpr std::int64_t bf16_bytes = 2;
constexpr std::int64_t f32_bytes = 4;

/// mlx-lm refuses a mixed recipe for a model without down_proj (mlx_lm/convert.py).
void check_applies(const Architecture& architecture, const Recipe& recipe) {
  if (recipe.kind == Recipe::Kind::gguf || recipe.kind == Recipe::Kind::nominal) {
    throw Error(fmt::format("the format {} does not give tensors their sizes here", recipe.name));
  }
  if (recipe.kind == Recipe::Kind::mixed) {
    for (const Block& block : architecture.blocks) {
      for (const Tensor& t : block_tensors(architecture, block)) {
        if (t.name.find("down_proj") != std::string::npos) {
          return;
        }
      }
    }
    throw Error(
        fmt::format("the format {} can't be applied: the model has no down_proj", recipe.name));
  }
  if (recipe.kind == Recipe::Kind::experts) {
    const bool sparse = std::any_of(architecture.blocks.begin(), architecture.blocks.end(),
                                    [](const Block& b) { return b.experts.has_value(); });
    if (!sparse) {
      throw Error(fmt::format("the format {} is for models with experts, and this one has none",
                              recipe.name));
    }
  }
}

void add(Bytes& to, Bytes bytes) { to += bytes; }

LayerBytes layer_bytes(const Recipe& recipe, const Block& block, const std::vector<Tensor>& tensors,
                       std::size_t layer, std::size_t layers,
                       std::array<Bytes, tensor_class_count>& by_class) {
  LayerBytes result;
  for (const Tensor& t : tensors) {
    const Bytes bytes = tensor_bytes(recipe, t, layer, layers);
    add(result.total, bytes);
    add(by_class[static_cast<std::size_t>(t.tensor_class)], bytes);
    result.largest_tensor = std::max(result.largest_tensor, bytes);
    if (t.cut == Cut::replicated) {
      add(result.replicated, bytes);
    }
    if (t.tensor_class == TensorClass::experts) {
      add(result.experts, bytes);
    }
  }
  if (block.experts) {
    // Every expert weighs the same.
    result.experts_active =
        Bytes(result.experts.count() / block.experts->count) * block.experts->per_token;
  }
  return result;
}

LayerCache cache_of(const Attention& a) {
  LayerCache c;
  if (a.shared_kv || a.uncached) {
    return c;
  }
  c.kind = LayerCache::Kind::attention;
  c.span = a.span;
  c.window = a.window;
  c.mlx_full = a.mlx_full;
  const std::int64_t heads = checked_mul(a.kv_heads, a.copies);
  c.kv_heads = a.kv_heads;
  c.key_elements = checked_mul(heads, a.head_dim);
  c.value_elements = checked_mul(heads, a.value_dim);
  if (a.indexer) {
    c.indexer_elements = a.indexer->head_dim;
  }
  return c;
}

LayerCache cache_of(const LatentAttention& a) {
  LayerCache c;
  if (a.expanded) {
    c.kind = LayerCache::Kind::attention;
    c.kv_heads = a.heads;
    c.key_elements = checked_mul(a.heads, checked_add(a.nope_dim, a.rope_dim));
    c.value_elements = checked_mul(a.heads, a.value_dim);
  } else {
    c.kind = LayerCache::Kind::latent;
    c.key_elements = checked_mul(a.copies, a.kv_rank);
    c.value_elements = checked_mul(a.copies, a.rope_dim);
  }
  if (a.indexer) {
    c.indexer_elements = a.indexer->head_dim;
  }
  return c;
}

LayerCache recurrent(std::int64_t tail_channels, std::int64_t kernel, std::int64_t state_elements,
                     std::int64_t state_element_bytes) {
  LayerCache c;
  c.kind = LayerCache::Kind::recurrent;
  c.state_bytes = checked_add(checked_mul(checked_mul(kernel - 1, tail_channels), bf16_bytes),
                              checked_mul(state_elements, state_element_bytes));
  return c;
}

LayerCache cache_of(const DeltaNet& d) {
  const std::int64_t key = checked_mul(d.key_heads, d.key_dim);
  const std::int64_t value = checked_mul(d.value_heads, d.value_dim);
  return recurrent(checked_add(checked_mul(2, key), value), d.kernel, checked_mul(value, d.key_dim),
                   f32_bytes);
}

LayerCache cache_of(const KimiDelta& d) {
  const std::int64_t width = checked_mul(d.heads, d.head_dim);
  return recurrent(checked_mul(3, width), d.kernel, checked_mul(width, d.head_dim), f32_bytes);
}

LayerCache cache_of(const Mamba2& m) {
  const std::int64_t inner = checked_mul(m.heads, m.head_dim);
  return recurrent(checked_add(inner, checked_mul(2, checked_mul(m.groups, m.state))), m.kernel,
                   checked_mul(inner, m.state), f32_bytes);
}

LayerCache cache_of(const Mamba1& m) {
  // The state follows the activations' type here.
  return recurrent(m.inner, m.kernel, checked_mul(m.inner, m.state), bf16_bytes);
}

LayerCache cache_of(const Lightning& l) {
  return recurrent(0, 1, checked_mul(l.heads, checked_mul(l.head_dim, l.head_dim)), f32_bytes);
}

LayerCache mixer_cache(const Block& b, std::int64_t hidden) {
  if (b.attention) {
    return cache_of(*b.attention);
  }
  if (b.latent) {
    return cache_of(*b.latent);
  }
  if (b.delta_net) {
    return cache_of(*b.delta_net);
  }
  if (b.kimi_delta) {
    return cache_of(*b.kimi_delta);
  }
  if (b.mamba2) {
    return cache_of(*b.mamba2);
  }
  if (b.mamba1) {
    return cache_of(*b.mamba1);
  }
  if (b.lightning) {
    return cache_of(*b.lightning);
  }
  if (b.short_conv) {
    return recurrent(hidden, b.short_conv->kernel, 0, 0);
  }
  return {};
}

LayerCache cache_of(const Block& b, std::int64_t hidden) {
  LayerCache c = mixer_cache(b, hidden);
  if (b.attention && b.mamba2) {
    c.state_bytes = checked_add(c.state_bytes, cache_of(*b.mamba2).state_bytes);
  }
  c.state_bytes = checked_add(c.state_bytes, b.state_bytes);
  if (c.kind == LayerCache::Kind::none && c.state_bytes > 0) {
    c.kind = LayerCache::Kind::recurrent;
  }
  return c;
}

bool whole_context(const LayerCache& c, CacheRule rule) {
  return c.span == Span::full || (rule == CacheRule::mlx_lm && c.mlx_full);
}

Bytes per_token(const LayerCache& c) {
  return Bytes(checked_mul(
      checked_add(checked_add(c.key_elements, c.value_elements), c.indexer_elements), bf16_bytes));
}

}  // namespace

Bytes WeightLayout::total() const {
  Bytes sum = global();
  for (const LayerBytes& l : layers) {
    sum += l.total;
  }
  return sum;
}

WeightLayout weight_layout(const Architecture& architecture, const Recipe& recipe) {
  check_applies(architecture, recipe);
  WeightLayout layout;
  layout.format = recipe.name;
  for (const Tensor& t : global_tensors(architecture)) {
    const Bytes bytes = tensor_bytes(recipe, t, 0, architecture.layers.size());
    add(layout.by_class[static_cast<std::size_t>(t.tensor_class)], bytes);
    add(t.tensor_class == TensorClass::embedding ? layout.embedding
        : t.tensor_class == TensorClass::head    ? layout.head
                                                 : layout.other_global,
        bytes);
  }
  std::vector<std::vector<Tensor>> tensors;
  tensors.reserve(architecture.blocks.size());
  for (const Block& block : architecture.blocks) {
    tensors.push_back(block_tensors(architecture, block));
  }
  layout.layers.reserve(architecture.layers.size());
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const std::size_t block = architecture.layers[i];
    layout.layers.push_back(layer_bytes(recipe, architecture.blocks[block], tensors[block], i,
                                        architecture.layers.size(), layout.by_class));
  }
  return layout;
}

std::optional<Bytes> checkpoint_bytes(const Architecture& architecture, const Recipe& recipe) {
  const bool native = recipe.base.mode == Mode::symmetric;
  if (!recipe.vlm && !native) {
    return weight_layout(architecture, recipe).total();
  }
  const Extras& extras = architecture.extras;
  if (!extras.vision_parameters) {
    return std::nullopt;
  }
  // The file also holds the keys and values that sharing layers don't use.
  Architecture whole = architecture;
  for (Block& block : whole.blocks) {
    if (block.attention) {
      block.attention->shared_kv = false;
    }
  }
  Bytes sum = weight_layout(whole, recipe).total();
  std::int64_t tower = *extras.vision_parameters;
  for (const Extras::Projector& p : extras.projectors) {
    Tensor t;
    t.rows = p.rows;
    t.columns = p.columns;
    t.under_vlm = Quantized::base;
    tower -= t.elements();
    sum += tensor_bytes(recipe, t, 0, 1);
  }
  return sum + Bytes(checked_mul(tower, bf16_bytes));
}

std::vector<LayerCache> cache_shapes(const Architecture& architecture) {
  std::vector<LayerCache> shapes;
  shapes.reserve(architecture.blocks.size());
  for (const Block& block : architecture.blocks) {
    shapes.push_back(cache_of(block, architecture.hidden));
  }
  return shapes;
}

Bytes kv_bytes_per_token(const Architecture& architecture, CacheRule rule) {
  const std::vector<LayerCache> shapes = cache_shapes(architecture);
  Bytes sum;
  for (const std::uint16_t index : architecture.layers) {
    if (whole_context(shapes[index], rule)) {
      sum += per_token(shapes[index]);
    }
  }
  return sum;
}

Bytes kv_window_bytes(const Architecture& architecture, CacheRule rule) {
  const std::vector<LayerCache> shapes = cache_shapes(architecture);
  Bytes sum;
  for (const std::uint16_t index : architecture.layers) {
    if (!whole_context(shapes[index], rule)) {
      sum += per_token(shapes[index]) * shapes[index].window;
    }
  }
  return sum;
}

Bytes kv_state_bytes(const Architecture& architecture) {
  const std::vector<LayerCache> shapes = cache_shapes(architecture);
  Bytes sum;
  for (const std::uint16_t index : architecture.layers) {
    sum += Bytes(shapes[index].state_bytes);
  }
  return sum;
}

Bytes kv_constant_bytes(const Architecture& architecture, CacheRule rule) {
  return kv_state_bytes(architecture) + kv_window_bytes(architecture, rule);
}

}  // namespace macfit::model
