#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/runtime/llama_fit.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {
namespace {

// Metal's own use beside the model, as for the other runtimes.

model::GgmlType cache_type(KvFormat format) {
  switch (format) {
    case KvFormat::bf16:
      return model::GgmlType::f16;
    case KvFormat::f32:
      return model::GgmlType::f32;
    case KvFormat::q8:
      return model::GgmlType::q8_0;
    case KvFormat::q5_1:
      return model::GgmlType::q5_1;
    case KvFormat::q5_0:
      return model::GgmlType::q5_0;
    case KvFormat::q4_1:
      return model::GgmlType::q4_1;
    case KvFormat::q4:
      return model::GgmlType::q4_0;
    case KvFormat::iq4_nl:
      return model::GgmlType::iq4_nl;
  }
  return model::GgmlType::f16;
}

LayerKind layer_kind(const model::LayerCache& cache, model::GgmlType type) {
  LayerKind kind;
  kind.constant_bytes = cache.state_bytes;
  const bool grows = cache.kind == model::LayerCache::Kind::attention ||
                     cache.kind == model::LayerCache::Kind::latent;
  if (!grows) {
    return kind;
  }
  const bool latent = cache.kind == model::LayerCache::Kind::latent;
  kind.growth =
      cache.span == model::Span::full ? LayerKind::Growth::cells : LayerKind::Growth::sliding_cells;
  kind.window = cache.window;
  kind.kv_heads = std::max<std::int64_t>(1, cache.kv_heads);
  // A latent is one row of keys; there are no values.
  kind.slot_bytes =
      latent ? model::ggml_row_bytes(type, cache.key_elements + cache.value_elements).count()
             : model::ggml_row_bytes(type, cache.key_elements).count() +
                   model::ggml_row_bytes(type, cache.value_elements).count();
  kind.slot_bytes += model::ggml_row_bytes(model::GgmlType::f16, cache.indexer_elements).count();
  kind.slot_replicated = latent ? kind.slot_bytes : 0;
  return kind;
}

/// Recurrent states as llama.cpp keeps them: 32 bits, convolution tail too.
std::int64_t recurrent_state(const model::Block& block, std::int64_t known) {
  if (block.delta_net) {
    const model::DeltaNet& net = *block.delta_net;
    const std::int64_t inner = net.value_heads * net.value_dim;
    const std::int64_t keys = net.key_heads * net.key_dim;
    return 4 * ((net.kernel - 1) * (inner + 2 * keys) + net.key_dim * inner);
  }
  if (block.mamba2) {
    const model::Mamba2& mamba = *block.mamba2;
    const std::int64_t inner = mamba.heads * mamba.head_dim;
    return 4 *
           ((mamba.kernel - 1) * (inner + 2 * mamba.groups * mamba.state) + mamba.state * inner);
  }
  if (block.mamba1) {
    const model::Mamba1& mamba = *block.mamba1;
    return 4 * ((mamba.kernel - 1) * mamba.inner + mamba.state * mamba.inner);
  }
  return known;
}

class LlamaCpp final : public Runtime {
 public:
  using Runtime::Runtime;

  [[nodiscard]] Support format(const model::Model& /*model*/,
                               const model::Recipe& asked) const override {
    if (asked.kind == model::Recipe::Kind::mixed) {
      return Support::no("format-unknown", "llama.cpp has no counterpart of MLX's " + asked.name);
    }
    return Support::yes();
  }

  [[nodiscard]] Support runs(const model::Model& model) const override {
    std::string why;
    if (model.nominal || model::find_gguf_architecture(model.architecture, &why)) {
      return Support::yes();
    }
    return Support::no(
        model::llama_lacks(model.architecture) ? "architecture-unknown" : "support-unknown",
        why.empty()
            ? fmt::format("llama.cpp's \"{}\" is not known to macfit", model.architecture.type)
            : why);
  }

  [[nodiscard]] Support pipeline(const model::Model& /*model*/,
                                 std::size_t /*nodes*/) const override {
    return Support::yes();
  }

  [[nodiscard]] Support tensor(const model::Model& model, const model::Recipe& /*recipe*/,
                               std::size_t nodes) const override {
    if (model.nominal) {
      return Support::yes();
    }
    if (model.architecture.widths_only) {
      return Support::no("shapes-unknown",
                         "the tensors' shapes are not known, so they can't be cut on paper");
    }
    const std::string name = model::find_gguf_architecture(model.architecture).value_or("");
    const ClassFacts* known = facts().find_class(name);
    if (known != nullptr ? !known->tensor : !facts().every_class.tensor) {
      return Support::no("no-tensor",
                         fmt::format("llama.cpp refuses --split-mode tensor for \"{}\"", name));
    }
    for (const model::Block& block : model.architecture.blocks) {
      if (block.attention && block.attention->kv_heads % static_cast<std::int64_t>(nodes) != 0) {
        return Support::no("not-divisible", fmt::format("{} KV heads do not divide over {} devices",
                                                        block.attention->kv_heads, nodes));
      }
    }
    return Support::yes();
  }

  [[nodiscard]] bool needs_macs() const override { return false; }

  /// ggml's Metal and RPC backends have no flash attention for unlike types (docs/runtimes.md).
  [[nodiscard]] Support kv_pair(KvFormat keys, KvFormat values) const override {
    if (keys == values) {
      return Support::yes();
    }
    return Support::no(
        "kv-types-differ",
        fmt::format("llama.cpp has no GPU attention for keys in {} and values in {}: attention "
                    "would fall to the client's CPU, so give both the same type",
                    kv_format_name(keys), kv_format_name(values)));
  }

  /// Token embedding, the host's compute buffer and the logits of every sequence.
  [[nodiscard]] Bytes host_bytes(const Profile& profile, const Workload& workload,
                                 std::size_t nodes) const override {
    if (!profile.graph) {
      return Bytes(0);
    }
    const LlamaContext context = llama_context(workload, workload.context.count());
    return Bytes(profile.host_weights) +
           Bytes(llama_host_compute(*profile.graph, context, nodes > 1)) +
           Bytes(profile.graph->vocabulary * 4 * workload.sequences);
  }

  /// --fit, on by default, would cut a context that leaves too little free.
  [[nodiscard]] std::vector<Problem> accepts(const Proposal& proposal) const override {
    if (!proposal.profile->graph || proposal.nodes.empty()) {
      return {};
    }
    const Proposal::Node& tightest =
        *std::min_element(proposal.nodes.begin(), proposal.nodes.end(),
                          [](const Proposal::Node& a, const Proposal::Node& b) {
                            return a.effective - a.demand < b.effective - b.demand;
                          });
    const Bytes left = tightest.gpu_limit - tightest.demand + tightest.base;
    if (left < Bytes(0) || left >= Bytes(llama_fit_margin)) {
      return {};
    }
    return {{"fit-margin",
             fmt::format("llama.cpp keeps 1 GiB of every device free by itself (--fit): with {} "
                         "left on {} it would cut the context unless -c is given",
                         format_gb(left), tightest.name)}};
  }

  [[nodiscard]] Support kv(const model::Model& model, KvFormat format) const override {
    const auto block = model::ggml_type_info(cache_type(format)).block;
    for (const model::Block& kind : model.architecture.blocks) {
      if (kind.attention && kind.attention->head_dim % block != 0) {
        return Support::no("kv-block",
                           fmt::format("a {} cache needs heads of a multiple of {}, not {}",
                                       kv_format_name(format), block, kind.attention->head_dim));
      }
    }
    return Support::yes();
  }

  [[nodiscard]] model::Recipe recipe(const model::Model& /*model*/,
                                     const model::Recipe& asked) const override {
    if (asked.kind == model::Recipe::Kind::gguf || asked.kind == model::Recipe::Kind::nominal) {
      return asked;
    }
    const auto named = [](const char* name) {
      model::Recipe recipe;
      recipe.name = name;
      recipe.kind = model::Recipe::Kind::gguf;
      return recipe;
    };
    if (asked.kind == model::Recipe::Kind::experts) {
      return named("MXFP4_MOE");
    }
    switch (asked.base.mode) {
      case model::Mode::bf16:
        return named("BF16");
      case model::Mode::f16:
      case model::Mode::f32:
        return named("F16");
      case model::Mode::fp8:
        return named("Q8_0");
      default:
        return model::gguf_default(asked.base.bits);
    }
  }

  [[nodiscard]] Profile profile(const model::Model& model, const model::Recipe& recipe, KvFormat kv,
                                std::size_t most_ranks) const override;

  [[nodiscard]] bool divides_by_gpu_limit() const override { return true; }

  [[nodiscard]] std::int64_t prefill_step(std::int64_t asked,
                                          std::size_t /*nodes*/) const override {
    return asked;
  }

  /// Nothing that is stated; the margin of the compute buffers covers small ones.
  [[nodiscard]] Bytes communication(std::size_t /*nodes*/,
                                    hardware::Transport /*transport*/) const override {
    return Bytes(0);
  }

  [[nodiscard]] std::string split_warning(std::int64_t /*layers*/,
                                          std::size_t /*nodes*/) const override {
    return {};
  }

  /// The output layer counts as one more on the last device.
  [[nodiscard]] std::string manual_split(const std::vector<std::int64_t>& split,
                                         std::int64_t unloaded) const override {
    std::string text;
    for (std::size_t i = 0; i < split.size(); ++i) {
      const bool last = i + 1 == split.size();
      text += (i > 0 ? "," : "") + std::to_string(split[i] + (last ? 1 + unloaded : 0));
    }
    return "start llama-server with --tensor-split " + text;
  }

 private:
  [[nodiscard]] std::vector<std::int64_t> divide(std::int64_t layers,
                                                 const std::vector<Bytes>& free_memory,
                                                 std::int64_t unloaded) const override {
    return llama_layers(layers, free_memory, unloaded);
  }
};

Profile LlamaCpp::profile(const model::Model& model, const model::Recipe& recipe, KvFormat kv,
                          std::size_t most_ranks) const {
  Profile profile;
  profile.recipe = recipe;
  model::WeightLayout layout;
  std::int64_t duplicate = 0;
  if (model.nominal || model.stored) {
    layout = model::weights_of(model, recipe);
    duplicate = model.architecture.tied ? layout.embedding.count() : 0;
  } else {
    const model::GgufWeights weights = model::gguf_weights(model.architecture, recipe);
    layout = weights.layout;
    duplicate = weights.tied_duplicate.count();
    profile.everywhere = weights.per_device.count();
    profile.unloaded_layers = weights.mtp_layers;
  }
  profile.format = layout.format;
  profile.weight_evidence = layout.evidence;
  profile.layers = layout.layers.size();
  profile.host_weights = layout.embedding.count();
  profile.last_weights =
      layout.head.count() + layout.other_global.count() - profile.everywhere + duplicate;
  profile.weights.assign(1, 0);
  std::int64_t replicated = 0;
  for (const model::LayerBytes& layer : layout.layers) {
    profile.weights.push_back(checked_add(profile.weights.back(), layer.total.count()));
    replicated = checked_add(replicated, layer.replicated.count());
    profile.largest_tensor = std::max(profile.largest_tensor, layer.largest_tensor.count());
  }
  const model::Architecture& architecture = model.architecture;
  profile.cache_known = architecture.cache_known && architecture.layers.size() == profile.layers;
  profile.hidden = architecture.hidden;
  profile.longest_context = architecture.context;
  profile.base_bytes = process_bytes;
  profile.graph = llama_graph(architecture);
  profile.collectives_per_token = 2 * static_cast<std::int64_t>(profile.layers);

  if (profile.cache_known) {
    const std::vector<model::LayerCache> shapes = model::cache_shapes(architecture);
    std::vector<std::size_t> kind_of_block;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      LayerKind kind = layer_kind(shapes[i], cache_type(kv));
      kind.constant_bytes = recurrent_state(architecture.blocks[i], kind.constant_bytes);
      const auto known = std::find(profile.kinds.begin(), profile.kinds.end(), kind);
      kind_of_block.push_back(static_cast<std::size_t>(known - profile.kinds.begin()));
      if (known == profile.kinds.end()) {
        profile.kinds.push_back(kind);
      }
    }
    count_kinds(profile, architecture.layers, kind_of_block);
  }

  const std::int64_t output = layout.head.count();
  const std::int64_t mirrored = replicated + profile.last_weights - output + profile.everywhere;
  profile.rank_weights.assign(most_ranks + 1, -1);
  for (std::int64_t ranks = 1; ranks <= static_cast<std::int64_t>(most_ranks); ++ranks) {
    profile.rank_weights[static_cast<std::size_t>(ranks)] =
        mirrored + ceil_div(profile.weights.back() - replicated + output, ranks);
  }
  return profile;
}

}  // namespace

std::unique_ptr<const Runtime> make_llama_cpp(std::shared_ptr<const Facts> facts) {
  return std::make_unique<LlamaCpp>(std::move(facts));
}

}  // namespace macfit::runtime
