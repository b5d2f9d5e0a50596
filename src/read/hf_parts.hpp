#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "config_node.hpp"
#include "macfit/model/architecture.hpp"

namespace macfit::read {

/// A family of models: what its `model_type` is called and how its fields become blocks.
struct Family {
  std::string_view type;
  model::Architecture (*read)(const Config& config);
};

[[nodiscard]] std::span<const Family> dense_families();
[[nodiscard]] std::span<const Family> sparse_families();
[[nodiscard]] std::span<const Family> latent_families();
[[nodiscard]] std::span<const Family> hybrid_families();
[[nodiscard]] std::span<const Family> plain_families();
[[nodiscard]] std::span<const Family> routed_families();
[[nodiscard]] std::span<const Family> state_families();
[[nodiscard]] std::span<const Family> windowed_families();

/// Mistral 4, alone or inside Mistral 3's wrapper.
[[nodiscard]] model::Architecture mistral4(const Config& c);

/// A model_type that no family has, by what its keys say of a layer.
[[nodiscard]] model::Architecture by_keys(const Config& c);
/// "a GQA transformer".
[[nodiscard]] std::string_view kind_by_keys(const model::Architecture& a);

/// What of a text model's config nobody asked for and may change sizes.
[[nodiscard]] std::vector<const ConfigNode*> unread_keys(const ConfigNode& text);

// ---- parts of a block -------------------------------------------------------------------------

enum class BiasRule : std::uint8_t {
  none,
  qkv,       ///< always on q, k and v, never on o
  all,       ///< always on all four
  flag_qkv,  ///< on q, k and v where `attention_bias` says so
  flag_all,  ///< on all four where `attention_bias` says so
};

struct AttentionRule {
  BiasRule bias = BiasRule::flag_all;
  model::HeadNorm norm = model::HeadNorm::none;
  std::int64_t default_head_dim = 0;  ///< 0: hidden / heads
};

/// Grouped-query attention from the usual fields, of full span.
[[nodiscard]] model::Attention grouped_attention(const Config& c, const AttentionRule& rule);

/// MLA from the usual fields; with an indexer where `index_n_heads` is there.
[[nodiscard]] model::LatentAttention latent_attention(const Config& c, bool with_indexer);

/// Heads and widths of a gated delta net; the rest is a family's own.
[[nodiscard]] model::DeltaNet delta_heads(const Config& c);

[[nodiscard]] model::Dense gated_mlp(std::int64_t width, bool bias = false);

struct ExpertRule {
  Keys count = {"num_experts"};
  Keys per_token = {"num_experts_per_tok"};
  Keys width = {"moe_intermediate_size"};
  model::RouterFormat router = model::RouterFormat::base;
};
[[nodiscard]] model::Experts experts_of(const Config& c, const ExpertRule& rule);

/// One attention with the span and window of a layer.
[[nodiscard]] model::Attention spanning(model::Attention attention, model::Span span,
                                        std::int64_t window);

/// Attention as `per_layer_config` alters it for one layer (transformers 5 writes head widths and
/// counts so). Throws Error where it holds a key that is not known here.
[[nodiscard]] model::Attention of_layer(const Config& c, std::int64_t layer,
                                        model::Attention attention);

/// A tensor that no typed part tells of.
[[nodiscard]] model::Part part(std::string_view name, model::Part::Role role, std::int64_t rows,
                               std::int64_t columns = 1,
                               model::RouterFormat format = model::RouterFormat::raw);

// ---- patterns over the layers -----------------------------------------------------------------

/// The strings of `layer_types`; empty where the field is absent.
[[nodiscard]] std::vector<std::string_view> layer_types(const Config& c, std::int64_t layers,
                                                        const Keys& keys = {"layer_types"});

/// The spans that `layer_types` gives; `otherwise` for each layer where the field is absent.
[[nodiscard]] std::vector<model::Span> layer_spans(
    const Config& c, std::int64_t layers,
    const std::function<model::Span(std::int64_t)>& otherwise);

/// Which layers have experts: `mlp_layer_types` where it is there (transformers 5 writes it for all
/// families), else `otherwise`.
[[nodiscard]] std::vector<bool> sparse_layers(const Config& c, std::int64_t layers,
                                              const std::function<bool(std::int64_t)>& otherwise);

/// True where `layer_types` names the layer's mixer as one that attends; other names are recurrent.
/// Empty where the field is absent.
[[nodiscard]] std::vector<bool> attending_layers(const Config& c, std::int64_t layers,
                                                 const Keys& keys = {"layer_types"});

/// Span of layer i where every `period`-th layer is full: i % period == period - 1.
[[nodiscard]] model::Span every(std::int64_t period, std::int64_t i);

/// The window in tokens; an error where some layer slides and the config gives no window.
[[nodiscard]] std::int64_t window_of(const Config& c, const std::vector<model::Span>& spans,
                                     std::int64_t fallback = 0);

/// Whether mlx-lm's class of this `model_type` takes the embedding for the head where the config
/// does not say.
[[nodiscard]] bool tied_unless_said(std::string_view type);

// ---- the whole --------------------------------------------------------------------------------

/// Collects layers; equal blocks become one kind.
class Assembly {
 public:
  /// Reads hidden, vocabulary, context and `tie_word_embeddings`.
  Assembly(const Config& c, bool tied_by_default);

  void add(model::Block block);
  [[nodiscard]] model::Architecture& architecture() { return architecture_; }
  [[nodiscard]] std::int64_t hidden() const { return architecture_.hidden; }
  [[nodiscard]] model::Architecture finish() { return std::move(architecture_); }

 private:
  const Config* config_;
  model::Architecture architecture_;
  std::map<std::string, int> kinds_;  // how many blocks share a description
};

/// A model whose layer i is block(i).
[[nodiscard]] model::Architecture layered(const Config& c, bool tied_by_default,
                                          const std::function<model::Block(std::int64_t)>& block);

// ---- what is counted apart --------------------------------------------------------------------

/// Parameters of one layer of this kind.
[[nodiscard]] std::int64_t block_parameters(const model::Architecture& a,
                                            const model::Block& block);

/// One prediction layer as most families have it: the block, eh_proj [H, 2H], `norms` of [H], and
/// `copies` of the embedding's size.
[[nodiscard]] std::int64_t mtp_layer_parameters(const model::Architecture& a,
                                                const model::Block& block, std::int64_t norms,
                                                std::int64_t copies);

void set_mtp(model::Architecture& a, std::int64_t layers, std::int64_t parameters_of_one);

/// Towers and projectors by `vision_config`; null where the tower's shape is not known.
void set_vision(const Config& c, model::Architecture& a);

}  // namespace macfit::read
