// What families of config.json have in common: attention, experts, patterns over layers.

#include "hf_parts.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::read {
namespace {

std::string describe(const model::Attention& a) {
  const std::string_view span = a.span == model::Span::full      ? "full"
                                : a.span == model::Span::sliding ? "sliding"
                                                                 : "chunked";
  return std::string(span) + (a.shared_kv ? "-shared" : "");
}

std::string describe(const model::CompressedAttention& a) {
  return a.indexer ? "compressed-indexed" : a.ratio > 0 ? "compressed" : "sliding";
}

/// What a block does beside its feed-forward part; empty where it has no more.
std::string describe_mixer(const model::Block& b) {
  return b.attention            ? describe(*b.attention)
         : b.latent             ? (b.latent->indexer ? "latent-indexed" : "latent")
         : b.compressed         ? describe(*b.compressed)
         : b.delta_net          ? "delta"
         : b.kimi_delta         ? "kimi-delta"
         : b.mamba2 || b.mamba1 ? "mamba"
         : b.lightning          ? "lightning"
         : b.linear             ? "linear"
                                : "";
}

std::string describe(const model::Block& b) {
  std::string name = describe_mixer(b);
  if (b.experts) {
    return name + (name.empty() ? "moe" : "-moe");
  }
  return !name.empty() ? name : b.dense ? "mlp" : "none";
}

/// Longest context in tokens. It changes no shape, so that a senseless number counts as not stated.
std::int64_t context_of(const Config& c) {
  const ConfigNode* node = c.find({"max_position_embeddings", "max_sequence_length", "max_seq_len",
                                   "seq_length", "n_positions", "model_max_length"});
  if (node == nullptr || !node->is(ConfigNode::Kind::number) || !(node->number() >= 1.0) ||
      node->number() > 1e12) {
    return 0;
  }
  return static_cast<std::int64_t>(node->number());
}

/// A number that mlx-lm 0.32.2's class takes where the config does not say; most take the heads'.
std::optional<std::int64_t> kv_heads_unless_said(const ConfigNode& root) {
  struct Default {
    std::string_view type;
    std::int64_t heads;
  };
  static constexpr std::array<Default, 22> defaults = {{
      {"afmoe", 4},          {"cohere", 64},
      {"cohere2", 8},        {"deepseek", 32},
      {"falcon_h1", 2},      {"gemma3_text", 1},
      {"gemma4", 1},         {"gemma4_text", 1},
      {"gemma4_unified", 1}, {"gpt_oss", 8},
      {"laguna", 8},         {"minimax_m3", 4},
      {"minimax_m3_vl", 4},  {"mixtral", 8},
      {"muse_glimmer", 2},   {"nanochat", 10},
      {"phi", 32},           {"phimoe", 8},
      {"plamo3", 4},         {"qwen3_5", 8},
      {"qwen3_5_moe", 8},    {"gemma4_unified_text", 1},
  }};
  const ConfigNode* type = root.find("model_type");
  for (const Default& known : defaults) {
    if (type != nullptr && type->is(ConfigNode::Kind::string) && type->string() == known.type) {
      return known.heads;
    }
  }
  return std::nullopt;
}

}  // namespace

model::Attention grouped_attention(const Config& c, const AttentionRule& rule) {
  model::Attention a;
  const Keys head_keys = {"num_attention_heads"};
  const Keys kv_keys = {"num_key_value_heads"};
  a.heads = c.size(head_keys);
  const ConfigNode* stated = c.find(kv_keys);
  a.kv_heads = stated != nullptr ? stated->whole(1, largest_size)
                                 : kv_heads_unless_said(c.outer()).value_or(a.heads);
  if (a.heads % a.kv_heads != 0) {
    throw(stated != nullptr ? *stated : c.text())
        .error(fmt::format("{} attention heads are not divisible by {} key-value heads", a.heads,
                           a.kv_heads));
  }
  a.head_dim = c.size_or(rule.default_head_dim, {"head_dim", "attention_head_dim", "kv_channels"});
  if (a.head_dim == 0) {
    const std::int64_t hidden = c.hidden();
    if (hidden % a.heads != 0) {
      throw c.at(head_keys).error(
          fmt::format("hidden size {} is not divisible by {} heads, and \"head_dim\" is missing",
                      hidden, a.heads));
    }
    a.head_dim = hidden / a.heads;
  }
  a.value_dim = a.head_dim;
  a.norm = rule.norm;
  const bool flag = c.flag("attention_bias", false);
  a.qkv_bias = rule.bias == BiasRule::qkv || rule.bias == BiasRule::all ||
               (flag && rule.bias != BiasRule::none);
  a.output_bias = rule.bias == BiasRule::all || (flag && rule.bias == BiasRule::flag_all);
  return a;
}

model::LatentAttention latent_attention(const Config& c, bool with_indexer) {
  model::LatentAttention a;
  a.heads = c.size({"num_attention_heads"});
  a.query_rank = c.count_or(0, {"q_lora_rank"});
  a.kv_rank = c.size({"kv_lora_rank"});
  a.nope_dim = c.size({"qk_nope_head_dim"});
  a.rope_dim = c.size({"qk_rope_head_dim"});
  a.value_dim = c.size({"v_head_dim"});
  a.bias = c.flag("attention_bias", false);
  if (with_indexer) {
    a.indexer = model::Indexer{c.size({"index_n_heads"}), c.size({"index_head_dim"})};
    if (a.query_rank == 0) {
      throw c.text().error("\"q_lora_rank\" is missing, and the indexer reads that latent");
    }
  }
  return a;
}

model::DeltaNet delta_heads(const Config& c) {
  model::DeltaNet d;
  d.key_heads = c.size({"linear_num_key_heads"});
  const ConfigNode& value_heads = c.at({"linear_num_value_heads"});
  d.value_heads = value_heads.whole(1, largest_size);
  if (d.value_heads % d.key_heads != 0) {
    throw value_heads.error(fmt::format("{} value heads are not divisible by {} key heads",
                                        d.value_heads, d.key_heads));
  }
  d.key_dim = c.size({"linear_key_head_dim"});
  d.value_dim = c.size({"linear_value_head_dim"});
  return d;
}

model::Dense gated_mlp(std::int64_t width, bool bias) {
  model::Dense d;
  d.width = width;
  d.bias = bias;
  return d;
}

model::Experts experts_of(const Config& c, const ExpertRule& rule) {
  model::Experts e;
  e.count = c.size(rule.count);
  const ConfigNode& per_token = c.at(rule.per_token);
  e.per_token = per_token.whole(1, largest_size);
  if (e.per_token > e.count) {
    throw per_token.error(
        fmt::format("{} experts a token of {} experts in all", e.per_token, e.count));
  }
  e.width = c.size(rule.width);
  e.router = rule.router;
  return e;
}

model::Attention of_layer(const Config& c, std::int64_t layer, model::Attention attention) {
  const ConfigNode* node = c.of_layer(layer);
  if (node == nullptr) {
    return attention;
  }
  const bool square = attention.value_dim == attention.head_dim;
  for (std::size_t i = 0; i < node->keys().size(); ++i) {
    const std::string& key = node->keys()[i];
    const ConfigNode& value = node->member(i);
    if (key == "head_dim") {
      attention.head_dim = value.whole(1, largest_size);
    } else if (key == "num_key_value_heads") {
      attention.kv_heads = value.whole(1, largest_size);
    } else if (key == "num_attention_heads") {
      attention.heads = value.whole(1, largest_size);
    } else if (key == "sliding_window") {
      attention.window = value.whole(1, largest_size);
    } else {
      throw value.error("what this key changes in a single layer is not known");
    }
  }
  attention.value_dim = square ? attention.head_dim : attention.value_dim;
  if (attention.heads % attention.kv_heads != 0) {
    throw node->error(fmt::format("{} attention heads are not divisible by {} key-value heads",
                                  attention.heads, attention.kv_heads));
  }
  return attention;
}

model::Part part(std::string_view name, model::Part::Role role, std::int64_t rows,
                 std::int64_t columns, model::RouterFormat format) {
  model::Part p;
  p.name = name;
  p.role = role;
  p.rows = rows;
  p.columns = columns;
  p.format = format;
  return p;
}

model::Attention spanning(model::Attention attention, model::Span span, std::int64_t window) {
  attention.span = span;
  attention.window = span == model::Span::full ? 0 : window;
  return attention;
}

std::vector<std::string_view> layer_types(const Config& c, std::int64_t layers, const Keys& keys) {
  std::vector<std::string_view> types;
  if (const auto* list = c.per_layer(keys, layers)) {
    for (const ConfigNode& entry : *list) {
      types.emplace_back(entry.string());
    }
  }
  return types;
}

std::vector<model::Span> layer_spans(const Config& c, std::int64_t layers,
                                     const std::function<model::Span(std::int64_t)>& otherwise) {
  std::vector<model::Span> spans;
  if (const auto* list = c.per_layer({"layer_types"}, layers)) {
    for (const ConfigNode& entry : *list) {
      if (entry.string() == "full_attention") {
        spans.push_back(model::Span::full);
      } else if (entry.string() == "sliding_attention") {
        spans.push_back(model::Span::sliding);
      } else if (entry.string() == "chunked_attention") {
        spans.push_back(model::Span::chunked);
      } else {
        throw entry.expected(R"("full_attention", "sliding_attention" or "chunked_attention")");
      }
    }
    spans.resize(static_cast<std::size_t>(layers));  // less those of prediction layers
    return spans;
  }
  for (std::int64_t i = 0; i < layers; ++i) {
    spans.push_back(otherwise(i));
  }
  return spans;
}

std::vector<bool> sparse_layers(const Config& c, std::int64_t layers,
                                const std::function<bool(std::int64_t)>& otherwise) {
  std::vector<bool> sparse;
  if (const auto* list = c.per_layer({"mlp_layer_types"}, layers)) {
    for (const ConfigNode& entry : *list) {
      const std::string& name = entry.string();
      if (name != "dense" && name != "sparse" && name != "moe" && name != "hash_moe") {
        throw entry.expected(R"("dense", "sparse", "moe" or "hash_moe")");
      }
      sparse.push_back(name != "dense");
    }
    return sparse;
  }
  for (std::int64_t i = 0; i < layers; ++i) {
    sparse.push_back(otherwise(i));
  }
  return sparse;
}

std::vector<bool> attending_layers(const Config& c, std::int64_t layers, const Keys& keys) {
  std::vector<bool> attends;
  if (const auto* list = c.per_layer(keys, layers)) {
    for (const ConfigNode& entry : *list) {
      const std::string& kind = entry.string();
      const bool attention = kind == "attention" || kind == "full_attention";
      if (!attention && kind != "mamba" && kind != "linear_attention" && kind != "conv" &&
          kind != "recurrent") {
        throw entry.expected(R"("full_attention", "linear_attention", "mamba" or "conv")");
      }
      attends.push_back(attention);
    }
  }
  return attends;
}

model::Span every(std::int64_t period, std::int64_t i) {
  return i % period == period - 1 ? model::Span::full : model::Span::sliding;
}

std::int64_t window_of(const Config& c, const std::vector<model::Span>& spans,
                       std::int64_t fallback) {
  const std::int64_t window = c.count_or(fallback, {"sliding_window", "sliding_window_size"});
  const bool slides = std::find(spans.begin(), spans.end(), model::Span::sliding) != spans.end();
  if (slides && window == 0) {
    throw c.text().error("some layers slide, and \"sliding_window\" is missing");
  }
  return window;
}

bool tied_unless_said(std::string_view type) {
  // Defaults of the classes' arguments, mlx-lm 0.32.2.
  static constexpr std::array<std::string_view, 28> tied = {
      "llama",   "mistral",     "iquestcoder", "xverse",
      "qwen2",   "qwen2_vl",    "qwen2_5_vl",  "olmo",
      "olmo2",   "olmoe",       "ministral3",  "granite",
      "glm",     "granitemoe",  "exaone",      "granitemoehybrid",
      "smollm3", "falcon_h1",   "seed_oss",    "starcoder2",
      "jamba",   "youtu_llm",   "spark2_5",    "plamo2",
      "plamo3",  "gpt_bigcode", "gear",        "mamba"};
  return std::find(tied.begin(), tied.end(), type) != tied.end();
}

Assembly::Assembly(const Config& c, bool tied_by_default) : config_(&c) {
  architecture_.type = c.outer().find("model_type")->string();
  architecture_.hidden = c.hidden();
  architecture_.vocabulary = c.size({"vocab_size"});
  // A wrapper's own flag rules over its text model's.
  const ConfigNode* tied = c.outer().find("tie_word_embeddings");
  if (tied == nullptr) {
    tied = c.text().find("tie_word_embeddings");
  }
  architecture_.tied =
      tied != nullptr ? tied->boolean() : tied_by_default || tied_unless_said(architecture_.type);
  architecture_.context = context_of(c);
  architecture_.extras.mtp_parameters = 0;
  architecture_.extras.vision_parameters = 0;
}

void Assembly::add(model::Block block) {
  if (block.attention) {
    const auto layer = static_cast<std::int64_t>(architecture_.layers.size());
    block.attention = of_layer(*config_, layer, *block.attention);
  }
  block.name.clear();
  std::vector<model::Block>& blocks = architecture_.blocks;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    block.name = blocks[i].name;
    if (blocks[i] == block) {
      architecture_.layers.push_back(static_cast<std::uint16_t>(i));
      return;
    }
  }
  block.name = describe(block);
  const int number = ++kinds_[block.name];
  if (number > 1) {
    block.name += fmt::format("-{}", number);
  }
  architecture_.layers.push_back(static_cast<std::uint16_t>(blocks.size()));
  blocks.push_back(std::move(block));
}

model::Architecture layered(const Config& c, bool tied_by_default,
                            const std::function<model::Block(std::int64_t)>& block) {
  Assembly assembly(c, tied_by_default);
  const std::int64_t layers = c.layers();
  for (std::int64_t i = 0; i < layers; ++i) {
    assembly.add(block(i));
  }
  return assembly.finish();
}

std::int64_t block_parameters(const model::Architecture& a, const model::Block& block) {
  std::int64_t sum = 0;
  for (const model::Tensor& t : model::block_tensors(a, block)) {
    sum = checked_add(sum, t.elements());
  }
  return sum;
}

std::int64_t mtp_layer_parameters(const model::Architecture& a, const model::Block& block,
                                  std::int64_t norms, std::int64_t copies) {
  const std::int64_t joined = checked_mul(2, checked_mul(a.hidden, a.hidden));
  const std::int64_t rest = checked_add(checked_mul(norms, a.hidden),
                                        checked_mul(copies, checked_mul(a.vocabulary, a.hidden)));
  return checked_add(block_parameters(a, block), checked_add(joined, rest));
}

void set_mtp(model::Architecture& a, std::int64_t layers, std::int64_t parameters_of_one) {
  a.extras.mtp_layers = layers;
  a.extras.mtp_parameters = checked_mul(layers, parameters_of_one);
}

}  // namespace macfit::read
