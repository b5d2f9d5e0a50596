// Families with multi-head latent attention: DeepSeek V2 and later, Kimi K2, GLM-4.7-Flash, GLM-5.

#include <array>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

model::Experts routed(const Config& c, bool correction) {
  model::Experts e =
      experts_of(c, {.count = {"n_routed_experts"}, .router = model::RouterFormat::raw});
  e.correction_bias = correction;
  e.shared_width = checked_mul(e.width, c.count_or(0, {"n_shared_experts"}));
  return e;
}

/// All layers from `first_k_dense_replace` on have experts, every `moe_layer_freq`-th.
std::vector<bool> sparse_layers(const Config& c, std::int64_t layers) {
  // GLM-4.7-Flash's class has one where the config does not say.
  const bool lite = c.outer().find("model_type")->string() == "glm4_moe_lite";
  const std::int64_t first = c.count_or(lite ? 1 : 0, {"first_k_dense_replace"});
  const std::int64_t step = c.size_or(1, {"moe_layer_freq"});
  const bool any = c.experts() > 0;
  return sparse_layers(c, layers,
                       [&](std::int64_t i) { return any && i >= first && i % step == 0; });
}

struct LatentRule {
  bool expanded = false;   ///< keys and values held per head
  bool correction = true;  ///< a 32-bit bias on the routers
  bool indexer = false;
  std::int64_t mtp_copies = 2;  ///< embedding and head stored again with the prediction layer
};

model::Architecture latent_model(const Config& c, const LatentRule& rule) {
  const std::int64_t layers = c.layers();
  model::LatentAttention attention = latent_attention(c, rule.indexer);
  attention.expanded = rule.expanded;
  const std::vector<bool> sparse = sparse_layers(c, layers);
  // GLM-5.2: "shared" layers use the choice of the indexer before them.
  const auto* indexers = c.per_layer({"indexer_types"}, layers);
  const auto has_indexer = [&](std::int64_t i) {
    if (!rule.indexer || indexers == nullptr) {
      return rule.indexer;
    }
    const ConfigNode& entry = (*indexers)[static_cast<std::size_t>(i)];
    if (entry.string() != "full" && entry.string() != "shared") {
      throw entry.expected(R"("full" or "shared")");
    }
    return entry.string() == "full";
  };
  const auto block = [&](bool with_experts) {
    model::Block b;
    b.latent = attention;
    if (with_experts) {
      b.experts = routed(c, rule.correction);
    } else {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
    }
    return b;
  };
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    model::Block b = block(sparse[static_cast<std::size_t>(i)]);
    if (!has_indexer(i)) {
      b.latent->indexer.reset();
    }
    return b;
  });
  const std::int64_t mtp = c.count_or(0, {"num_nextn_predict_layers"});
  if (mtp > 0) {
    set_mtp(a, mtp, mtp_layer_parameters(a, block(c.experts() > 0), 3, rule.mtp_copies));
  }
  return a;
}

model::Architecture deepseek_v2(const Config& c) {
  return latent_model(c, {.expanded = true, .correction = false});
}

model::Architecture deepseek_v3(const Config& c) { return latent_model(c, {}); }

model::Architecture deepseek_v32(const Config& c) { return latent_model(c, {.indexer = true}); }

model::Architecture glm_moe_dsa(const Config& c) {
  return latent_model(c, {.indexer = true, .mtp_copies = 0});
}

model::Architecture kimi_k25(const Config& c) {
  model::Architecture a = latent_model(c, {});
  set_vision(c, a);
  return a;
}

}  // namespace

// Routers quantized as the rest, without a correction.
model::Architecture mistral4(const Config& c) {
  model::Architecture a = latent_model(c, {.correction = false});
  for (model::Block& b : a.blocks) {
    if (b.experts) {
      b.experts->router = model::RouterFormat::base;
    }
  }
  return a;
}

namespace {

model::Architecture dense_latent(const Config& c, bool tied, model::LatentAttention attention) {
  attention.expanded = true;
  const model::Dense mlp = gated_mlp(c.size({"intermediate_size"}), c.flag("mlp_bias", false));
  return layered(c, tied, [&](std::int64_t) {
    model::Block b;
    b.latent = attention;
    b.dense = mlp;
    return b;
  });
}

model::Architecture youtu_llm(const Config& c) {
  return dense_latent(c, true, latent_attention(c, false));
}

/// Values are as wide as a head of the hidden width.
model::Architecture minicpm3(const Config& c) {
  model::LatentAttention attention;
  const ConfigNode& heads = c.at({"num_attention_heads"});
  attention.heads = heads.whole(1, largest_size);
  attention.query_rank = c.size({"q_lora_rank"});
  attention.kv_rank = c.size({"kv_lora_rank"});
  attention.nope_dim = c.size({"qk_nope_head_dim"});
  attention.rope_dim = c.size({"qk_rope_head_dim"});
  if (c.hidden() % attention.heads != 0) {
    throw heads.error("the hidden size is not divisible by the heads");
  }
  attention.value_dim = c.hidden() / attention.heads;
  attention.bias = c.flag("attention_bias", false);
  return dense_latent(c, false, attention);
}

/// Tokens to a pooled key, layer by layer: a list that goes on with the prediction layers, or, as
/// transformers 5 writes it, a ratio for each name of a layer.
std::vector<std::int64_t> pooled_ratios(const Config& c, std::int64_t layers) {
  std::vector<std::int64_t> ratios;
  if (const ConfigNode* rates = c.find({"compress_rates"})) {
    for (const ConfigNode& entry : c.at({"layer_types"}).array()) {
      const ConfigNode* rate = rates->find(entry.string());
      if (rate == nullptr && entry.string() != "sliding_attention") {
        throw entry.error("\"compress_rates\" holds no such name");
      }
      ratios.push_back(rate == nullptr ? 0 : rate->whole(0, largest_size));
    }
  } else {
    for (const ConfigNode& entry : c.at({"compress_ratios"}).array()) {
      ratios.push_back(entry.whole(0, largest_size));
    }
  }
  if (std::cmp_less(ratios.size(), layers)) {
    throw c.at({"compress_ratios", "layer_types"})
        .error(
            fmt::format("it has {} entries, and the model has {} layers", ratios.size(), layers));
  }
  return ratios;
}

/// Weights after mlx-lm's model class; how its pooled caches grow is not established.
model::Architecture deepseek_v4(const Config& c) {
  const std::int64_t layers = c.layers();
  model::CompressedAttention attention;
  const ConfigNode& heads = c.at({"num_attention_heads"});
  attention.heads = heads.whole(1, largest_size);
  attention.head_dim = c.size({"head_dim"});
  attention.query_rank = c.size({"q_lora_rank"});
  attention.output_groups = c.size({"o_groups"});
  attention.output_rank = c.size({"o_lora_rank"});
  attention.window = c.size_or(128, {"sliding_window"});
  if (attention.heads % attention.output_groups != 0) {
    throw heads.error(fmt::format("{} heads are not divisible by {} output groups", attention.heads,
                                  attention.output_groups));
  }
  const std::vector<std::int64_t> ratios = pooled_ratios(c, layers);
  const auto* kinds = c.per_layer({"mlp_layer_types"}, layers);
  const std::int64_t first = c.count_or(0, {"num_hash_layers"});
  const auto hashed = [&](std::int64_t i) {
    return kinds == nullptr ? i < first
                            : (*kinds)[static_cast<std::size_t>(i)].string() == "hash_moe";
  };
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.compressed = attention;
    b.compressed->ratio = ratios[static_cast<std::size_t>(i)];
    if (b.compressed->ratio == 4) {
      b.compressed->indexer = model::Indexer{c.size({"index_n_heads"}), c.size({"index_head_dim"})};
    }
    b.experts = routed(c, !hashed(i));
    if (hashed(i)) {
      b.experts->hash_rows = c.size({"vocab_size"});
    }
    b.streams = c.at({"hc_mult"}).whole(1, 64);
    return b;
  });
  a.cache_known = false;
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

constexpr std::array latent_table = {
    Family{"deepseek_v2", deepseek_v2},   Family{"deepseek_v3", deepseek_v3},
    Family{"deepseek_v32", deepseek_v32}, Family{"deepseek_v4", deepseek_v4},
    Family{"deepseek_ref", deepseek_v4},  // DeepSeek V4 in its own layout
    Family{"kimi_k2", deepseek_v3},       Family{"kimi_k25", kimi_k25},
    Family{"kimi_vl", kimi_k25},          Family{"joyai_llm_flash", deepseek_v3},
    Family{"mistral4", mistral4},         Family{"youtu_llm", youtu_llm},
    Family{"minicpm3", minicpm3},         Family{"glm4_moe_lite", deepseek_v3},
    Family{"glm_moe_dsa", glm_moe_dsa},
};

}  // namespace

std::span<const Family> latent_families() { return latent_table; }

}  // namespace macfit::read
