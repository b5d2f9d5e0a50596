#include "macfit/speed/work.hpp"

#include <algorithm>
#include <utility>

#include "macfit/model/layout.hpp"
#include "macfit/model/weight_format.hpp"
#include "stage.hpp"

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
  // EXO runs these models without the indexer. In MLX choosing saves a prompt no arithmetic: what
  // was not chosen is masked.
  sparse = sparse && engine != Engine::exo;
  c.picked = sparse ? indexed_tokens : 0.0;
  c.attended = mlx_based(engine) ? 0.0 : c.picked;
  if (a.indexer && engine != Engine::exo) {
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
      // Of the pooled keys only those chosen are read, of the scorer's all.
      c.picked = indexed_pooled * ratio;
      c.attended = mlx_based(engine) ? 0.0 : c.picked;
      c.index_bytes = as_double(a.indexer->head_dim) / ratio * bytes;
      c.index_flops = 2.0 * as_double(a.indexer->heads) * as_double(a.indexer->head_dim) / ratio;
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
bool attends_sparsely(const model::Architecture& a, Engine engine) {
  return engine != Engine::exo &&
         std::any_of(a.blocks.begin(), a.blocks.end(), [](const model::Block& block) {
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

/// What the head reads for one token. Where it is tied, the vocabulary's table alone: a table of
/// per-layer inputs (Gemma 4 E2B, E4B) is an embedding too, but only looked up.
double head_of(const model::WeightLayout& layout, const model::Architecture& a) {
  if (layout.head > Bytes(0)) {
    return layout.head.as_double();
  }
  double columns = as_double(a.hidden);
  if (a.per_layer_vocabulary > 0) {
    double width = 0.0;
    for (const std::uint16_t index : a.layers) {
      width += as_double(a.blocks[index].per_layer_input);
    }
    columns += width * as_double(a.per_layer_vocabulary) / as_double(a.vocabulary);
  }
  return layout.embedding.as_double() * as_double(a.hidden) / columns;
}

/// Everything but the bytes of weights.
void shape(Work& work, const model::Model& model, double element) {
  const model::Architecture& a = model.architecture;
  const std::vector<model::LayerCache> caches = model::cache_shapes(a);
  const bool sparse = attends_sparsely(a, work.engine);
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
  work.prompt_layers = work.layers;
  const auto shares = [&](std::size_t layer) {
    const model::Block& block = a.block_of(layer);
    return block.attention && block.attention->shared_kv;
  };
  while (mlx_based(work.engine) && work.prompt_layers > 1 && shares(work.prompt_layers - 1)) {
    --work.prompt_layers;
  }
  set_release(work, {});
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

Release release_from_date(std::string_view text) {
  const auto number = [&](std::size_t first, std::size_t count) {
    int value = 0;
    for (std::size_t i = first; i < first + count; ++i) {
      if (i >= text.size() || text[i] < '0' || text[i] > '9') {
        return 0;
      }
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  constexpr int last_month = 12;
  const int year = number(0, 4);
  const int month = text.size() > 4 && text[4] == '-' ? number(5, 2) : 0;
  if (year == 0) {
    return {};
  }
  return {year, month >= 1 && month <= last_month ? month : 1};
}

void set_release(Work& work, Release release) {
  switch (work.engine) {
    case Engine::llama_cpp:
    case Engine::llama_2024:
    case Engine::ollama:
      work.unfused = release.before(2026, 5);
      work.matrix_units = work.engine != Engine::llama_2024;
      break;
    case Engine::ds4:
      work.matrix_units = !release.before(2026, 7);
      break;
    case Engine::exo:
      work.quick_hops = !release.before(2025, 12);
      work.slow_tensor = !release.before(2026, 5);
      work.matrix_units = true;
      break;
    case Engine::mlx:
      work.matrix_units = true;
      break;
  }
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
  work.head = head_of(layout, model.architecture);
  work.head_parameters = head_of(wide, model.architecture) / 2.0;
  work.weights = layout.total().as_double();
  shape(work, model, element_bytes(kv));
  if (dear_to_unpack(recipe)) {
    work.unpack_parameters =
        work.body_parameters.back() + work.expert_parameters.back() + work.head_parameters;
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
  work.head_parameters = head_of(wide, model.architecture) / 2.0;
  work.head = work.head_parameters * bits.head / 8.0;
  work.weights =
      work.body.back() + work.experts_all.back() + wide.global().as_double() * bits.head / 16.0;
  shape(work, model, element_bytes(kv));
  if (bits.unpack) {
    work.unpack_parameters = work.body_parameters.back() + work.head_parameters;
  }
  if (bits.unpack || bits.unpack_experts) {
    work.unpack_parameters += work.expert_parameters.back();
  }
  return work;
}

}  // namespace macfit::speed
