#include "mlx_family.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "macfit/model/layout.hpp"
#include "macfit/model/tensor_split.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {
namespace {

// Metal's own use beside the model. Source: Ollama keeps 512 MiB of every Metal device free.

/// Bytes of activations live per token of a prefill step. Estimated: mlx-lm BENCHMARKS.md (M4 Max,
/// 2048/128) leaves 0.31-0.37 MB for Qwen3-4B, which is 28 B for each element of its hidden and
/// feed-forward widths, and 0.385 MB for Qwen3-30B-A3B; mlx-lm#1781 leaves 1.1-1.3 MB for a 27B
/// model with linear attention, about twice that. Between 0.4 and 1.3 MB, the range that was
/// measured.
std::int64_t activation_per_token(const model::Architecture& architecture) {
  constexpr std::int64_t least = 400'000;
  constexpr std::int64_t most = 1'300'000;
  constexpr std::int64_t per_element = 28;
  std::int64_t width = 0;
  bool recurrent = false;
  bool experts = false;
  for (const model::Block& block : architecture.blocks) {
    width = std::max(width, block.dense ? block.dense->width : 0);
    recurrent = recurrent || block.delta_net || block.kimi_delta || block.mamba2 || block.mamba1 ||
                block.lightning;
    experts = experts || block.experts.has_value();
  }
  if (experts) {
    return least;
  }
  return std::clamp((architecture.hidden + width) * per_element * (recurrent ? 2 : 1), least, most);
}

/// Bytes of one cached vector of `elements`, heads of `head_dim`.
std::int64_t cached_bytes(std::int64_t elements, KvFormat format) {
  switch (format) {
    case KvFormat::q8:
      return elements + elements / 64 * 4;  // group 64: a scale and a bias of 2 B each
    case KvFormat::q4:
      return elements / 2 + elements / 64 * 4;
    case KvFormat::f32:
      return elements * 4;
    default:
      return elements * 2;
  }
}

/// MLX has a fused kernel for these head sizes; for others it holds the scores of a whole step.
bool fused_attention(const model::Attention& attention) {
  constexpr std::array<std::int64_t, 5> fused = {64, 72, 80, 96, 128};
  return attention.head_dim == attention.value_dim &&
         std::find(fused.begin(), fused.end(), attention.head_dim) != fused.end();
}

LayerKind layer_kind(const model::Block& block, const model::LayerCache& cache, KvFormat kv,
                     const ClassFacts& stated) {
  LayerKind kind;
  kind.constant_bytes = cache.state_bytes;
  if (cache.kind == model::LayerCache::Kind::attention ||
      cache.kind == model::LayerCache::Kind::latent) {
    switch (cache.mlx_full ? model::Span::full : cache.span) {
      case model::Span::full:
        kind.growth = LayerKind::Growth::slots;
        break;
      case model::Span::sliding:
        kind.growth = LayerKind::Growth::rotating;
        break;
      case model::Span::chunked:
        kind.growth = LayerKind::Growth::chunked;
        break;
    }
    kind.window = cache.mlx_full ? 0 : cache.window;
    kind.kv_heads = std::max<std::int64_t>(1, cache.kv_heads);
    const std::int64_t indexer =
        cached_bytes(cache.indexer_elements, KvFormat::bf16) * (stated.indexer_values ? 2 : 1);
    kind.slot_bytes =
        cached_bytes(cache.key_elements, kv) + cached_bytes(cache.value_elements, kv) + indexer;
    const bool latent = cache.kind == model::LayerCache::Kind::latent;
    kind.slot_replicated = latent ? kind.slot_bytes : indexer;
  }
  if (block.attention && !fused_attention(*block.attention)) {
    kind.score_bytes = block.attention->heads * 2;
  }
  if (block.latent) {
    kind.score_bytes = block.latent->heads * 2;
    kind.expanded_bytes =
        block.latent->heads * (block.latent->nope_dim + block.latent->value_dim) * 2;
  }
  return kind;
}

std::optional<std::int64_t> formula_rank(const model::Architecture& architecture,
                                         const model::Recipe& recipe, std::int64_t ranks) {
  const std::optional<Bytes> rank = model::tensor_rank_bytes(architecture, recipe, ranks);
  return rank ? std::optional(rank->count()) : std::nullopt;
}

/// A rank's part of stored tensors, `whole` bytes of which every rank holds: what is cut is cut
/// evenly but for key-value heads that are repeated, whose share the formula tells.
std::optional<std::int64_t> stored_rank(const model::Model& model, const model::Recipe& recipe,
                                        std::int64_t whole, std::int64_t cut, std::int64_t ranks) {
  const std::int64_t even = checked_add(whole, ceil_div(cut, ranks));
  if (recipe.kind == model::Recipe::Kind::gguf || recipe.kind == model::Recipe::Kind::nominal) {
    return std::nullopt;
  }
  const model::TensorSplit split = model::tensor_split(model.architecture, recipe, ranks);
  if (!split.rank || model.architecture.widths_only) {
    return std::nullopt;
  }
  if (!model::repeats_kv_heads(model.architecture)) {
    return even;
  }
  const std::int64_t total = model::weight_layout(model.architecture, recipe).total().count();
  const std::int64_t replicated = split.rank->replicated.count();
  const std::int64_t share = checked_add(replicated, ceil_div(total - replicated, ranks));
  return checked_add(even, split.rank->total().count() - share);
}

}  // namespace

const ClassFacts* MlxFamily::class_of(const model::Model& model) const {
  const model::Architecture& architecture = model.architecture;
  const ClassFacts* known = facts().find_class(architecture.type);
  // The text model of Llama 4 loads as "llama4"; llama4_text.py builds dense layers alone. The
  // class "minimax" is MiniMax M2's, not that of the older model_type with lightning attention.
  const auto lacks = [&](const model::Block& b) {
    return (known->dense_only && b.experts) || (known->attention_only && b.lightning);
  };
  const bool foreign = known != nullptr &&
                       std::any_of(architecture.blocks.begin(), architecture.blocks.end(), lacks);
  return foreign ? nullptr : known;
}

Support MlxFamily::type_unstated() const {
  return Support::no(
      "support-unknown",
      fmt::format("nothing names the model's type, so whether {} loads it is not known", title()));
}

Support MlxFamily::runs(const model::Model& model) const {
  if (model.nominal || class_of(model) != nullptr) {
    return Support::yes();
  }
  if (model.architecture.type.empty()) {
    return type_unstated();
  }
  return Support::no("architecture-unknown",
                     fmt::format("{} {} has no class for the architecture \"{}\"", title(),
                                 release(), model.architecture.type));
}

Support MlxFamily::format(const model::Model& model, const model::Recipe& asked) const {
  if (!model.refusal.empty() && model.default_recipe && model.default_recipe->name == asked.name) {
    return Support::no("checkpoint-refused",
                       fmt::format("{} does not load the checkpoint as it is stored ({}): {}",
                                   title(), asked.name, model.refusal));
  }
  if (asked.kind == model::Recipe::Kind::gguf) {
    return Support::no("format-unknown", title() + " loads no GGUF file such as " + asked.name +
                                             ": ask for an MLX format");
  }
  return Support::yes();
}

model::Recipe MlxFamily::recipe(const model::Model& model, const model::Recipe& asked) const {
  model::Recipe recipe = asked;
  const ClassFacts* known = class_of(model);
  if (known != nullptr && asked.kind == model::Recipe::Kind::uniform && !asked.vlm) {
    recipe.eight_bit = known->eight_bit;
  }
  return recipe;
}

Support MlxFamily::kv(const model::Model& model, KvFormat format) const {
  if (format == KvFormat::bf16) {
    return Support::yes();
  }
  if (format != KvFormat::q8 && format != KvFormat::q4) {
    return Support::no("kv-format-unknown", title() + " has no " +
                                                std::string(kv_format_name(format)) +
                                                " cache: it knows bf16, q8 and q4");
  }
  for (const model::Block& block : model.architecture.blocks) {
    if (block.latent) {
      return Support::no("kv-quantized-latent",
                         "--kv-bits fails on multi-head latent attention: its cache is already "
                         "compressed");
    }
    if (block.attention && block.attention->sinks) {
      return Support::no("kv-quantized-sinks", "--kv-bits is refused with attention sinks");
    }
    if (block.attention && !block.attention->shared_kv && !block.attention->mlx_full &&
        block.attention->span == model::Span::sliding) {
      return Support::no("kv-quantized-rotating",
                         "--kv-bits fails on sliding-window layers: their rotating cache can't be "
                         "quantized");
    }
  }
  return Support::yes();
}

Support MlxFamily::tensor(const model::Model& model, const model::Recipe& recipe,
                          std::size_t nodes) const {
  if (model.nominal) {
    return Support::yes();
  }
  // Another runtime's placement asks with its own format, which says nothing of these tensors.
  if (recipe.kind == model::Recipe::Kind::gguf) {
    return format(model, recipe);
  }
  if (recipe.kind == model::Recipe::Kind::nominal) {
    return Support::no("shapes-unknown",
                       "a flat number of bits tells of no single tensor, so none can be cut on "
                       "paper");
  }
  if (model.architecture.widths_only) {
    return Support::no("shapes-unknown",
                       "the tensors' shapes are not known, so they can't be cut on paper");
  }
  if (model.architecture.type.empty()) {
    return type_unstated();
  }
  const ClassFacts* known = class_of(model);
  if (known == nullptr || !known->tensor) {
    return Support::no("no-tensor", fmt::format("{} {} can't cut the layers of \"{}\" models",
                                                title(), release(), model.architecture.type));
  }
  if (known->head_by_vocabulary && !model.architecture.tied &&
      model.architecture.vocabulary % static_cast<std::int64_t>(nodes) != 0) {
    return Support::no("not-divisible",
                       fmt::format("a vocabulary of {} does not divide by {} nodes",
                                   model.architecture.vocabulary, nodes));
  }
  const model::TensorSplit split =
      model::tensor_split(model.architecture, recipe, static_cast<std::int64_t>(nodes));
  if (!split.rank) {
    return Support::no("not-divisible", split.refusals.front().text);
  }
  return Support::yes();
}

Bytes MlxFamily::communication(std::size_t nodes, hardware::Transport transport) const {
  if (nodes < 2) {
    return Bytes(0);
  }
  // JACCL registers about 6.3 MB a rank and 1 MiB; the ring 32 MiB per connection
  // (mlx/distributed/ring/ring.cpp: 2 directions x 2 buffers x 8 MiB).
  return transport == hardware::Transport::rdma
             ? Bytes(6'300'000) * static_cast<std::int64_t>(nodes) + Bytes(mib)
             : Bytes(32 * mib);
}

Profile MlxFamily::profile(const model::Model& model, const model::Recipe& recipe, KvFormat kv,
                           std::size_t most_ranks) const {
  const model::WeightLayout layout = model::weights_of(model, recipe);
  Profile profile;
  profile.recipe = recipe;
  profile.format = layout.format;
  profile.weight_evidence = layout.evidence;
  profile.layers = layout.layers.size();
  profile.everywhere = layout.global().count();
  profile.weights.assign(1, 0);
  std::int64_t replicated = 0;
  for (const model::LayerBytes& layer : layout.layers) {
    profile.weights.push_back(checked_add(profile.weights.back(), layer.total.count()));
    replicated = checked_add(replicated, layer.replicated.count());
    profile.largest_tensor = std::max(profile.largest_tensor, layer.largest_tensor.count());
  }
  profile.largest_tensor =
      std::max({profile.largest_tensor, layout.embedding.count(), layout.head.count()});

  const model::Architecture& architecture = model.architecture;
  profile.cache_known =
      architecture.cache_known && architecture.layers.size() == layout.layers.size();
  profile.hidden = architecture.hidden;
  profile.longest_context = architecture.context;
  profile.step_bytes = activation_per_token(architecture);
  profile.logits_bytes = architecture.vocabulary * 6;  // 16-bit logits and 32-bit probabilities
  profile.base_bytes = process_bytes;
  profile.batched_prompts = 8;  // mlx_lm.server --prompt-concurrency
  const ClassFacts* known_class = class_of(model);
  const ClassFacts& stated = known_class != nullptr ? *known_class : facts().every_class;
  profile.collectives_per_token = stated.collectives * static_cast<std::int64_t>(profile.layers) +
                                  (stated.head_by_vocabulary && !architecture.tied ? 1 : 0);

  if (profile.cache_known) {
    const std::vector<model::LayerCache> shapes = model::cache_shapes(architecture);
    std::vector<std::size_t> kind_of_block;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const LayerKind kind = layer_kind(architecture.blocks[i], shapes[i], kv, stated);
      const auto known = std::find(profile.kinds.begin(), profile.kinds.end(), kind);
      kind_of_block.push_back(static_cast<std::size_t>(known - profile.kinds.begin()));
      if (known == profile.kinds.end()) {
        profile.kinds.push_back(kind);
      }
    }
    count_kinds(profile, architecture.layers, kind_of_block);
  }

  profile.rank_weights.assign(most_ranks + 1, -1);
  for (std::int64_t ranks = 1; ranks <= static_cast<std::int64_t>(most_ranks); ++ranks) {
    const std::int64_t cut = profile.weights.back() - replicated;
    if (model.nominal || ranks == 1) {
      profile.rank_weights[static_cast<std::size_t>(ranks)] =
          checked_add(profile.everywhere, checked_add(replicated, ceil_div(cut, ranks)));
    } else if (!architecture.layers.empty()) {
      const std::optional<std::int64_t> rank =
          model.stored ? stored_rank(model, recipe, profile.everywhere + replicated, cut, ranks)
                       : formula_rank(architecture, recipe, ranks);
      // A head cut over the vocabulary: its rows go to the ranks in equal parts.
      const bool by_rows = stated.head_by_vocabulary && !architecture.tied;
      const std::int64_t spared =
          by_rows ? layout.head.count() - layout.head.count() / ranks : std::int64_t{0};
      profile.rank_weights[static_cast<std::size_t>(ranks)] = rank ? *rank - spared : -1;
    }
  }
  return profile;
}

}  // namespace macfit::runtime
