#include "macfit/speed/work.hpp"

#include <algorithm>
#include <utility>

#include "macfit/model/layout.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::speed {
namespace {

constexpr std::array<std::string_view, engine_count> engine_names{
    "mlx", "exo", "llama.cpp", "llama.cpp-2024", "ollama", "ds4"};

/// Tokens that a sparse attention's indexer lets through (index_topk of DeepSeek V3.2 and GLM-5).
constexpr double indexed_tokens = 2048.0;
/// The same for pooled keys (DeepSeek V4 Flash).
constexpr double indexed_pooled = 512.0;

double as_double(std::int64_t value) { return static_cast<double>(value); }

double element_bytes(runtime::KvFormat format) {
  switch (format) {
    case runtime::KvFormat::bf16:
      return 2.0;
    case runtime::KvFormat::f32:
      return 4.0;
    case runtime::KvFormat::q8:
      return 8.5 / 8;
    case runtime::KvFormat::q5_1:
      return 6.0 / 8;
    case runtime::KvFormat::q5_0:
      return 5.5 / 8;
    case runtime::KvFormat::q4_1:
      return 5.0 / 8;
    case runtime::KvFormat::q4:
    case runtime::KvFormat::iq4_nl:
      return 4.5 / 8;
  }
  return 2.0;
}

bool mlx_based(Engine engine) { return engine == Engine::mlx || engine == Engine::exo; }

ContextCost cost_of(const model::Attention& a, Engine engine, double element) {
  ContextCost c;
  const bool whole = a.span == model::Span::full || (a.mlx_full && mlx_based(engine));
  c.reach = whole ? ContextCost::Reach::full : ContextCost::Reach::window;
  c.window = as_double(a.window);
  c.shares = as_double(a.kv_heads);
  c.slot_bytes = as_double(a.kv_heads) * as_double(a.head_dim + a.value_dim) * element;
  c.flops = 2.0 * as_double(a.heads) * as_double(a.head_dim + a.value_dim);
  return c;
}

ContextCost cost_of(const model::LatentAttention& a, bool sparse, Engine engine, double element) {
  ContextCost c;
  c.reach = ContextCost::Reach::full;
  const double heads = as_double(a.heads);
  const double key = as_double(a.nope_dim + a.rope_dim);
  const double value = as_double(a.value_dim);
  const bool expanded = engine == Engine::llama_2024 || (a.expanded && engine != Engine::llama_cpp);
  c.shares = expanded ? heads : 1.0;
  c.slot_bytes = (expanded ? heads * (key + value) : as_double(a.kv_rank + a.rope_dim)) * element;
  c.flops = 2.0 * heads * (key + value);
  c.picked = sparse ? indexed_tokens : 0.0;
  if (a.indexer) {
    c.index_bytes = as_double(a.indexer->head_dim) * element;
    c.index_flops = 2.0 * as_double(a.indexer->heads) * as_double(a.indexer->head_dim);
  }
  return c;
}

ContextCost cost_of(const model::CompressedAttention& a, Engine engine, double element) {
  // ds4 keeps its cache in 32 bits: the sizes that it prints are 13.76 kB a token for V4 Flash.
  const double bytes = engine == Engine::ds4 ? 4.0 : element;
  ContextCost c;
  const double width = as_double(a.head_dim);
  const double pair = 4.0 * as_double(a.heads) * width;  // scores and values of one position
  c.state_bytes = as_double(a.window) * width * bytes;
  c.fixed_flops = pair * as_double(a.window);
  if (a.ratio > 0) {
    const double ratio = as_double(a.ratio);
    c.reach = ContextCost::Reach::full;
    c.slot_bytes = width / ratio * bytes;
    c.flops = pair / ratio;
    if (a.indexer) {
      // All pooled keys are read: chosen ones only save arithmetic.
      c.slot_bytes += as_double(a.indexer->head_dim) / ratio * bytes;
      c.index_flops = 2.0 * as_double(a.indexer->heads) * as_double(a.indexer->head_dim) / ratio;
      c.fixed_flops += pair * indexed_pooled;
      c.flops = 0.0;
    }
  }
  return c;
}

ContextCost cost_of(const model::Block& block, const model::LayerCache& cache, bool sparse,
                    Engine engine, double element) {
  if (block.attention) {
    return cost_of(*block.attention, engine, element);
  }
  if (block.latent) {
    return cost_of(*block.latent, sparse, engine, element);
  }
  if (block.compressed) {
    return cost_of(*block.compressed, engine, element);
  }
  ContextCost c;
  c.state_bytes = 2.0 * as_double(cache.state_bytes);  // read and written
  // Decay, update and read-out of every 32-bit element.
  c.recurrent_flops = 2.0 * as_double(cache.state_bytes);
  c.shares = 8.0;  // heads of recurrent layers divide well
  return c;
}

/// Whether the model's latent layers read only what some scorer chose, its own or an earlier one's.
bool attends_sparsely(const model::Architecture& a) {
  return std::any_of(a.blocks.begin(), a.blocks.end(), [](const model::Block& block) {
    return block.latent && block.latent->indexer;
  });
}

std::array<bool, trait_count> traits_of(const model::Block& block, bool sparse) {
  std::array<bool, trait_count> t{};
  const auto set = [&](Trait trait, bool value) { t[static_cast<std::size_t>(trait)] = value; };
  set(Trait::moe, block.experts.has_value());
  set(Trait::linear,
      block.delta_net || block.kimi_delta || block.mamba2 || block.mamba1 || block.lightning);
  set(Trait::latent, block.latent.has_value());
  set(Trait::norms, block.norms >= 4);
  set(Trait::compressed, block.compressed.has_value());
  set(Trait::sparse, block.latent && sparse);
  return t;
}

/// Formats whose weights take more than a shift and a multiply to read.
bool dear_to_unpack(const model::Recipe& recipe) {
  return recipe.kind == model::Recipe::Kind::gguf &&
         (recipe.name.find("_K") != std::string::npos || recipe.name.rfind("IQ", 0) == 0);
}

model::Recipe sixteen_bits() { return model::parse_recipe("bf16"); }

/// Bytes of a layer's parts, whatever they were read from.
struct LayerParts {
  double body = 0.0;
  double experts = 0.0;
  double experts_all = 0.0;
};

LayerParts parts_of(const model::LayerBytes& layer) {
  return {(layer.total - layer.experts).as_double(), layer.experts_active.as_double(),
          layer.experts.as_double()};
}

double head_of(const model::WeightLayout& layout) {
  return (layout.head > Bytes(0) ? layout.head : layout.embedding).as_double();
}

/// Everything but the bytes of weights.
void shape(Work& work, const model::Model& model, double element) {
  const model::Architecture& a = model.architecture;
  const std::vector<model::LayerCache> caches = model::cache_shapes(a);
  const bool sparse = attends_sparsely(a);
  std::vector<std::size_t> kind_of;
  for (std::size_t b = 0; b < a.blocks.size(); ++b) {
    const ContextCost cost = cost_of(a.blocks[b], caches[b], sparse, work.engine, element);
    const auto at = std::find(work.kinds.begin(), work.kinds.end(), cost);
    kind_of.push_back(static_cast<std::size_t>(at - work.kinds.begin()));
    if (at == work.kinds.end()) {
      work.kinds.push_back(cost);
    }
    if (a.blocks[b].experts) {
      work.expert_count = as_double(a.blocks[b].experts->count);
      work.expert_used = as_double(a.blocks[b].experts->per_token);
    }
    work.streams = std::max(work.streams, as_double(a.blocks[b].streams));
  }
  const std::size_t kinds = work.kinds.size();
  work.kind_counts.assign((work.layers + 1) * kinds, 0);
  work.traits.assign(work.layers + 1, {});
  for (std::size_t i = 0; i < work.layers; ++i) {
    const std::size_t block = a.layers[i];
    const auto traits = traits_of(a.blocks[block], sparse);
    for (std::size_t t = 0; t < trait_count; ++t) {
      work.traits[i + 1][t] = static_cast<std::uint16_t>(work.traits[i][t] + (traits[t] ? 1 : 0));
    }
    for (std::size_t k = 0; k < kinds; ++k) {
      work.kind_counts[(i + 1) * kinds + k] =
          work.kind_counts[i * kinds + k] + (k == kind_of[block] ? 1U : 0U);
    }
  }
  work.hidden = as_double(a.hidden);
  // docs/speed.md: MiniMax exchanges the norms of queries and keys too.
  if (a.type.rfind("minimax", 0) == 0 && mlx_based(work.engine)) {
    work.collectives = work.engine == Engine::mlx ? 4.0 : 3.0;
  }
}

void add_layer(Work& work, const LayerParts& bytes, const LayerParts& parameters) {
  const auto push = [](std::vector<double>& sums, double value) {
    sums.push_back(sums.back() + value);
  };
  push(work.body, bytes.body);
  push(work.experts, bytes.experts);
  push(work.experts_all, bytes.experts_all);
  push(work.body_parameters, parameters.body);
  push(work.expert_parameters, parameters.experts);
}

Work begin(const model::Model& model, Engine engine) {
  Work work;
  work.model = model.id;
  work.engine = engine;
  work.evidence = model.nominal ? Evidence::estimated : model.evidence;
  work.layers = model.architecture.layers.size();
  for (std::vector<double>* sums : {&work.body, &work.experts, &work.experts_all,
                                    &work.body_parameters, &work.expert_parameters}) {
    sums->assign(1, 0.0);
    sums->reserve(work.layers + 1);
  }
  if (work.layers == 0) {
    work.known = false;
    work.why = "the model's layers are not known";
  }
  return work;
}

}  // namespace

std::string_view engine_name(Engine engine) noexcept {
  return engine_names[static_cast<std::size_t>(engine)];
}

std::optional<Engine> engine_from_name(std::string_view name) noexcept {
  for (std::size_t i = 0; i < engine_count; ++i) {
    if (engine_names[i] == name) {
      return static_cast<Engine>(i);
    }
  }
  return std::nullopt;
}

Engine engine_of(const runtime::Runtime& runtime) noexcept {
  return engine_from_name(runtime.engine()).value_or(Engine::mlx);
}

Work prepare(const model::Model& model, const model::Recipe& recipe, Engine engine,
             runtime::KvFormat kv) {
  Work work = begin(model, engine);
  work.format = recipe.name;
  if (!work.known) {
    return work;
  }
  const model::WeightLayout layout = model::weights_of(model, recipe);
  const model::WeightLayout wide = model::weights_of(model, sixteen_bits());
  for (std::size_t i = 0; i < work.layers; ++i) {
    LayerParts parameters = parts_of(wide.layers[i]);
    parameters.body /= 2.0;
    parameters.experts /= 2.0;
    add_layer(work, parts_of(layout.layers[i]), parameters);
  }
  work.head = head_of(layout);
  shape(work, model, element_bytes(kv));
  if (dear_to_unpack(recipe)) {
    work.unpack_parameters =
        work.body_parameters.back() + work.expert_parameters.back() + head_of(wide) / 2.0;
  }
  return work;
}

Work prepare(const model::Model& model, const Bits& bits, std::string format, Engine engine,
             runtime::KvFormat kv) {
  Work work = begin(model, engine);
  work.format = std::move(format);
  if (!work.known) {
    return work;
  }
  const model::WeightLayout wide = model::weights_of(model, sixteen_bits());
  for (const model::LayerBytes& layer : wide.layers) {
    LayerParts p = parts_of(layer);
    const LayerParts bytes{p.body * bits.body / 16.0, p.experts * bits.experts / 16.0,
                           p.experts_all * bits.experts / 16.0};
    p.body /= 2.0;
    p.experts /= 2.0;
    add_layer(work, bytes, p);
  }
  work.head = head_of(wide) * bits.head / 16.0;
  shape(work, model, element_bytes(kv));
  if (bits.unpack) {
    work.unpack_parameters = work.body_parameters.back() + head_of(wide) / 2.0;
  }
  if (bits.unpack || bits.unpack_experts) {
    work.unpack_parameters += work.expert_parameters.back();
  }
  return work;
}

}  // namespace macfit::speed
