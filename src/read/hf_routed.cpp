// More families with routed experts, as mlx-lm 0.32.2's classes hold them.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/quantity.hpp"

namespace macfit::read {
namespace {

using Role = model::Part::Role;

/// What tells families apart whose layers are attention, then a dense part or experts.
struct RoutedRule {
  int norms = 2;
  model::RouterFormat router = model::RouterFormat::eight_bit;
  bool correction = true;
  Keys dense_first = {"first_k_dense_replace"};
  std::int64_t dense_layers = 0;  ///< where no key says how many come first
  Keys dense_width = {"intermediate_size"};
  Keys width = {"moe_intermediate_size"};
  Keys shared_width = {"moe_shared_expert_intermediate_size"};  ///< of one shared expert
  Keys shared_count = {"num_shared_experts"};
};

/// The shared experts' width: a width of one and a count of them.
std::int64_t shared_of(const Config& c, const RoutedRule& rule, std::int64_t width) {
  const std::int64_t one = c.size_or(width, rule.shared_width);
  return checked_mul(one, c.count_or(0, rule.shared_count));
}

/// `mixer(i, block)` fills in what stands before the feed-forward part.
model::Architecture routed_model(const Config& c, const RoutedRule& rule,
                                 const std::function<void(std::int64_t, model::Block&)>& mixer) {
  const std::int64_t layers = c.layers();
  const std::int64_t first = c.count_or(rule.dense_layers, rule.dense_first);
  const bool any = c.experts() > 0;
  const std::vector<bool> sparse =
      sparse_layers(c, layers, [&](std::int64_t i) { return i >= first; });
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.norms = rule.norms;
    mixer(i, b);
    if (!any || !sparse[static_cast<std::size_t>(i)]) {
      b.dense = gated_mlp(c.size(rule.dense_width), c.flag("mlp_bias", false));
      return b;
    }
    b.experts = experts_of(c, {.width = rule.width, .router = rule.router});
    b.experts->correction_bias = rule.correction;
    b.experts->shared_width = shared_of(c, rule, b.experts->width);
    return b;
  });
}

/// Attention whose spans `layer_types` gives.
std::function<void(std::int64_t, model::Block&)> spanning_mixer(const Config& c,
                                                                const model::Attention& attention,
                                                                std::int64_t window) {
  const std::vector<model::Span> spans =
      layer_spans(c, c.layers(), [](std::int64_t) { return model::Span::full; });
  const std::int64_t width = window_of(c, spans, window);
  return [attention, spans, width](std::int64_t i, model::Block& b) {
    b.attention = spanning(attention, spans[static_cast<std::size_t>(i)], width);
  };
}

model::Architecture klear(const Config& c) {
  const model::Attention attention = grouped_attention(c, {.norm = model::HeadNorm::per_head});
  const ConfigNode* dense = c.find({"mlp_only_layers"});
  const std::int64_t step = c.size_or(1, {"decoder_sparse_step"});
  const auto sparse = [&](std::int64_t i) {
    const bool named = dense != nullptr && std::any_of(dense->array().begin(), dense->array().end(),
                                                       [&](const ConfigNode& e) {
                                                         return e.whole(0, most_layers) == i;
                                                       });
    return !named && (i + 1) % step == 0;
  };
  return layered(c, false, [&](std::int64_t i) {
    model::Block b;
    b.attention = attention;
    if (!sparse(i)) {
      b.dense = gated_mlp(c.size({"intermediate_size"}));
      return b;
    }
    b.experts = experts_of(c, {.router = model::RouterFormat::eight_bit});
    b.experts->correction_bias = true;
    b.experts->shared_width = checked_mul(b.experts->width, c.count_or(0, {"n_shared_experts"}));
    b.parts.push_back(
        part("mlp.coefficient", Role::other, 2, c.hidden(), model::RouterFormat::base));
    b.parts.push_back(part("mlp.coefficient.bias", Role::other, 2));
    return b;
  });
}

/// Trinity: a gate as wide as all heads, four norms.
model::Architecture afmoe(const Config& c) {
  if (c.find({"layer_types"}) == nullptr) {
    throw c.text().error("\"layer_types\" is missing");
  }
  model::Attention attention = grouped_attention(
      c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head, .default_head_dim = 64});
  attention.gate = model::OutputGate::full_width;
  return routed_model(c,
                      {.norms = 4,
                       .dense_first = {"num_dense_layers"},
                       .dense_layers = 2,
                       .shared_width = {"moe_intermediate_size"}},
                      spanning_mixer(c, attention, 2048));
}

/// Head counts of their own in every layer, a gate on each head.
model::Architecture laguna(const Config& c) {
  const std::int64_t layers = c.layers();
  model::Attention attention = grouped_attention(
      c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head, .default_head_dim = 128});
  attention.qkv_bias = c.flag("qkv_bias", false);
  attention.output_bias = c.flag("attention_bias", false);
  const ConfigNode* gating = c.find({"gating"});
  if (gating != nullptr && gating->is(ConfigNode::Kind::string) && gating->string() != "per-head") {
    throw gating->expected(R"(true, false or "per-head")");
  }
  if (gating == nullptr || !gating->is(ConfigNode::Kind::boolean) || gating->boolean()) {
    attention.gate = model::OutputGate::per_head;
  }
  const auto* heads = c.per_layer({"num_attention_heads_per_layer"}, layers);
  const auto spans = spanning_mixer(c, attention, 512);
  return routed_model(c,
                      {.dense_layers = 1,
                       .shared_width = {"shared_expert_intermediate_size"},
                       .shared_count = {"laguna has one"}},
                      [&](std::int64_t i, model::Block& b) {
                        spans(i, b);
                        if (heads != nullptr) {
                          const ConfigNode& own = (*heads)[static_cast<std::size_t>(i)];
                          b.attention->heads = own.whole(1, largest_size);
                          if (b.attention->heads % b.attention->kv_heads != 0) {
                            throw own.error("heads are not divisible by the key-value heads");
                          }
                        }
                      });
}

/// One shared expert whose width alone the config states.
model::Architecture with_one_shared(model::Architecture a, std::int64_t width) {
  for (model::Block& b : a.blocks) {
    if (b.experts) {
      b.experts->shared_width = width;
    }
  }
  return a;
}

model::Architecture laguna_model(const Config& c) {
  return with_one_shared(laguna(c), c.size_or(512, {"shared_expert_intermediate_size"}));
}

model::Architecture mellum(const Config& c) {
  const model::Attention attention =
      grouped_attention(c, {.bias = BiasRule::none, .norm = model::HeadNorm::per_head});
  return routed_model(c, {.correction = false}, spanning_mixer(c, attention, 0));
}

/// No class in mlx-lm 0.32.2: by its keys and the total that its maker publishes.
model::Architecture hy_v3(const Config& c) {
  model::Attention attention = grouped_attention(
      c, {.norm = c.flag("qk_norm", true) ? model::HeadNorm::per_head : model::HeadNorm::none});
  model::Architecture a =
      routed_model(c, {.router = model::RouterFormat::raw, .dense_layers = 1},
                   [&](std::int64_t, model::Block& b) { b.attention = attention; });
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

/// Which layers choose blocks of keys: a list of the published file, or `layer_types`.
std::vector<bool> choosing_layers(const Config& c, const ConfigNode* own, std::int64_t layers) {
  std::vector<bool> chooses(static_cast<std::size_t>(layers), true);
  if (const auto* types = c.per_layer({"layer_types"}, layers)) {
    for (std::size_t i = 0; i < chooses.size(); ++i) {
      chooses[i] = (*types)[i].string() != "full_attention";
    }
    return chooses;
  }
  const ConfigNode* list = own != nullptr ? own->find("sparse_attention_freq") : nullptr;
  list = list != nullptr ? list : c.find({"sparse_attention_freq"});
  if (list != nullptr) {
    if (std::cmp_less(list->array().size(), layers)) {
      throw list->error(fmt::format("it has {} entries, and the model has {} layers",
                                    list->array().size(), layers));
    }
    for (std::size_t i = 0; i < chooses.size(); ++i) {
      chooses[i] = list->array()[i].whole(0, 1) == 1;
    }
  }
  return chooses;
}

/// MiniMax M3: head norms, keys chosen by blocks in some layers.
model::Architecture minimax_m3(const Config& c) {
  const std::int64_t layers = c.layers();
  for (const char* key : {"use_routing_bias", "dense_intermediate_size"}) {
    (void)c.find({key});  // always built; of dense layers, where there are any
  }
  model::Attention attention = grouped_attention(
      c, {.bias = BiasRule::none,
          .norm = c.flag("use_qk_norm", true) ? model::HeadNorm::per_head : model::HeadNorm::none,
          .default_head_dim = 128});
  const ConfigNode* own = c.find({"sparse_attention_config"});
  const Config nested(c.outer(), own != nullptr ? *own : c.text());
  const bool indexed = nested.find({"sparse_block_size", "index_block_size"}) != nullptr;
  const std::vector<bool> chooses = choosing_layers(c, own, layers);
  std::optional<model::Indexer> indexer;
  if (indexed) {
    indexer = model::Indexer{nested.size({"sparse_num_index_heads", "index_n_heads"}),
                             nested.size({"sparse_index_dim", "index_head_dim"})};
  }
  const auto* listed = c.per_layer({"moe_layer_freq"}, layers);
  if (listed != nullptr) {
    (void)c.find({"first_k_dense_replace"});  // the list says it
  }
  const ConfigNode* own_width = c.find({"moe_intermediate_size"});
  const std::int64_t width = c.size({"intermediate_size"});
  if (own_width != nullptr && own_width->whole(1, largest_size) != width) {
    throw own_width->error("experts of another width than \"intermediate_size\" are not known");
  }
  const std::vector<bool> sparse = sparse_layers(c, layers, [&](std::int64_t i) {
    return listed == nullptr || (*listed)[static_cast<std::size_t>(i)].whole(0, 1) == 1;
  });
  const std::int64_t shared = c.size_or(3072, {"shared_intermediate_size"});
  model::Architecture a = layered(c, false, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    model::Block b;
    b.attention = attention;
    if (chooses[at]) {
      b.attention->indexer = indexer;
    }
    if (!sparse[at]) {
      b.dense = gated_mlp(c.size({"dense_intermediate_size"}));
      return b;
    }
    b.experts =
        experts_of(c, {.width = {"intermediate_size"}, .router = model::RouterFormat::eight_bit});
    b.experts->correction_bias = true;
    b.experts->shared_width = shared;
    return b;
  });
  a.extras.mtp_layers = c.count_or(0, {"num_mtp_modules", "num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  if (c.wrapped()) {
    set_vision(c, a);
  }
  return a;
}

/// Phi-2's layer with experts of two matrices and biases in place of its feed-forward part.
model::Architecture phixtral(const Config& c) {
  model::Attention attention = grouped_attention(c, {.bias = BiasRule::all});
  attention.fused_qkv = true;
  model::Block b;
  b.attention = attention;
  b.norms = 1;
  b.norm_bias = true;
  model::Experts e;
  e.count = c.size({"num_experts"});
  e.per_token = c.size({"num_experts_per_tok"});
  e.width = checked_mul(4, c.hidden());
  e.matrices = 2;
  e.bias = true;
  b.experts = e;
  model::Architecture a = layered(c, false, [&](std::int64_t) { return b; });
  a.tied = false;
  a.final_norm_bias = true;
  a.head_bias = true;
  return a;
}

/// LongCat: two latent attentions and two dense parts in a layer, experts beside them, some of
/// which are no experts.
model::Architecture longcat(const Config& c) {
  model::Block b;
  b.latent = latent_attention(c, false);
  b.latent->copies = 2;
  b.dense = gated_mlp(c.size({"ffn_hidden_size"}));
  b.dense->copies = 2;
  b.norms = 4;
  b.experts = experts_of(c, {.count = {"n_routed_experts"},
                             .per_token = {"moe_topk"},
                             .width = {"expert_ffn_hidden_size"},
                             .router = model::RouterFormat::eight_bit});
  b.experts->idle = c.count_or(0, {"zero_expert_num"});
  b.experts->correction_bias = true;
  b.experts->router_bias = c.flag("router_bias", false);
  model::Architecture a = layered(c, false, [&](std::int64_t) { return b; });
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

/// LongCat with embeddings of runs of tokens: a table and a projection for each length and part.
model::Architecture longcat_ngram(const Config& c) {
  model::Architecture a = longcat(c);
  const std::int64_t parts = c.size_or(4, {"emb_split_num"});
  const ConfigNode* neighbors = c.find({"emb_neighbor_num"});
  const std::int64_t longest = neighbors != nullptr ? neighbors->whole(2, 64) : 4;
  const std::int64_t count = checked_mul(parts, longest - 1);
  if (count > 1024 || count > a.hidden) {
    throw c.text().error(fmt::format("{} tables of runs of tokens are too many", count));
  }
  const std::int64_t rows = checked_mul(c.size_or(78, {"ngram_vocab_size_ratio"}), a.vocabulary);
  const std::int64_t width = a.hidden / count;
  for (std::int64_t i = 0; i < count; ++i) {
    a.parts.push_back(part(fmt::format("model.ngram_embeddings.embedders.{}", i), Role::embedding,
                           checked_add(rows, 2 * i + 1), width, model::RouterFormat::base));
    a.parts.push_back(part(fmt::format("model.ngram_embeddings.post_projs.{}", i), Role::embedding,
                           a.hidden, width, model::RouterFormat::base));
  }
  // The last tokens' numbers, 64 bits each, stand beside the first layer's cache.
  model::Block first = a.block_of(0);
  first.state_bytes = checked_mul(8, longest - 1);
  first.name += "-first";
  a.layers.front() = static_cast<std::uint16_t>(a.blocks.size());
  a.blocks.push_back(std::move(first));
  if (a.layers.size() == 1) {
    a.layers.front() = 0;
    a.blocks.erase(a.blocks.begin());
  }
  return a;
}

// ---- mixtures with recurrent layers ---------------------------------------------------------

/// The last layer of every group attends, and those of an incomplete group at the end.
bool ends_group(const Config& c, std::int64_t i, std::int64_t layers) {
  const std::int64_t group = c.size({"layer_group_size"});
  return (i + 1) % group == 0 || i >= layers / group * group;
}

/// Linear attention of Ling and Ring, with its gate; `element` is the size of a number of its
/// state.
void add_lightning(const Config& c, model::Block& b, std::int64_t head_dim, bool norm,
                   std::int64_t element) {
  const std::int64_t hidden = c.hidden();
  const std::int64_t heads = c.size({"num_attention_heads"});
  const std::int64_t width = checked_mul(heads, head_dim);
  const bool qkv_bias = c.flag("use_qkv_bias", false);
  const bool bias = c.flag("use_bias", false);
  const auto matrix = [&](const char* name, std::int64_t rows, std::int64_t columns, bool biased) {
    b.parts.push_back(part(name, Role::recurrent, rows, columns, model::RouterFormat::base));
    if (biased) {
      b.parts.push_back(part(fmt::format("{}.bias", name), Role::recurrent, rows));
    }
  };
  matrix("attention.query_key_value", checked_mul(3, width), hidden, qkv_bias);
  matrix("attention.dense", hidden, width, bias);
  matrix("attention.g_proj", width, hidden, false);
  b.parts.push_back(part("attention.g_norm", Role::norm, width));
  if (norm) {
    b.parts.push_back(part("attention.key_layernorm", Role::norm, head_dim));
    b.parts.push_back(part("attention.query_layernorm", Role::norm, head_dim));
  }
  b.state_bytes = checked_mul(element, checked_mul(width, head_dim));
}

/// Ling 2.5: linear attention, and latent attention with absorbed matrices that stay 16-bit.
model::Architecture bailing_hybrid(const Config& c) {
  const std::int64_t layers = c.layers();
  model::LatentAttention latent = latent_attention(c, false);
  latent.bias = c.flag("use_qkv_bias", false);
  latent.raw_absorbed = true;
  const std::int64_t head_dim = c.size({"head_dim"});
  const bool norm = c.flag("use_qk_norm", true);
  RoutedRule rule;
  rule.correction = c.flag("moe_router_enable_expert_bias", true);
  model::Architecture a = routed_model(c, rule, [&](std::int64_t i, model::Block& b) {
    if (ends_group(c, i, layers)) {
      b.latent = latent;
    } else {
      add_lightning(c, b, head_dim, norm, 4);
    }
  });
  a.extras.mtp_layers = c.count_or(0, {"num_nextn_predict_layers"});
  if (a.extras.mtp_layers > 0) {
    a.extras.mtp_parameters.reset();
  }
  return a;
}

model::Architecture bailing_linear(const Config& c) {
  const std::int64_t layers = c.layers();
  const bool norm = c.flag("use_qk_norm", false);
  model::Attention attention = grouped_attention(
      c,
      {.bias = BiasRule::none, .norm = norm ? model::HeadNorm::per_head : model::HeadNorm::none});
  attention.fused_qkv = true;
  attention.plain_qkv = true;
  attention.qkv_bias = c.flag("use_qkv_bias", false);
  attention.output_bias = c.flag("use_bias", false);
  RoutedRule rule;
  rule.correction = c.flag("moe_router_enable_expert_bias", false);
  return routed_model(c, rule, [&](std::int64_t i, model::Block& b) {
    if (ends_group(c, i, layers)) {
      b.attention = attention;
    } else {
      add_lightning(c, b, attention.head_dim, norm, 2);
    }
  });
}

/// Ling 3: delta attention with gates of full rank, latent attention with a gate on each head;
/// everything of the latter, embedding and head stay 16-bit.
model::Architecture bailing_v3(const Config& c) {
  const std::int64_t layers = c.layers();
  if (!c.flag("no_kda_lora", true)) {
    throw c.at({"no_kda_lora"}).error("gates of low rank are not known for this model_type");
  }
  model::KimiDelta delta;
  delta.heads = c.size({"num_attention_heads"});
  delta.head_dim = c.size({"head_dim"});
  delta.kernel = c.size_or(4, {"short_conv_kernel_size"});
  delta.full_decay = true;
  delta.full_gate = true;
  delta.raw_beta = true;
  delta.f32_state = false;
  model::LatentAttention latent = latent_attention(c, false);
  latent.raw = true;
  model::Architecture a =
      routed_model(c, {.router = model::RouterFormat::raw, .dense_layers = 1},
                   [&](std::int64_t i, model::Block& b) {
                     if (ends_group(c, i, layers)) {
                       b.latent = latent;
                       b.parts.push_back(part("attention.g_proj", Role::attention, latent.heads,
                                              c.hidden(), model::RouterFormat::spared));
                     } else {
                       b.kimi_delta = delta;
                     }
                   });
  for (model::Block& b : a.blocks) {
    if (b.experts) {
      b.experts->correction_f32 = false;
    }
  }
  a.type = "bailing_moe_v3";
  a.embedding_format = model::RouterFormat::spared;
  a.head_format = model::RouterFormat::spared;
  return a;
}

/// The `model_type` of both generations is one; their class name is not.
model::Architecture bailing(const Config& c) {
  const ConfigNode* names = c.outer().find("architectures");
  const bool third =
      names != nullptr && names->is(ConfigNode::Kind::array) &&
      std::any_of(names->array().begin(), names->array().end(), [](const ConfigNode& n) {
        return n.is(ConfigNode::Kind::string) && n.string() == "BailingMoeV3ForCausalLM";
      });
  return third ? bailing_v3(c) : bailing_hybrid(c);
}

/// Kimi K3: delta attention, latent attention with a wide gate, experts on a narrower width, and
/// weights that mix the residuals of blocks of layers.
model::Architecture kimi_k3(const Config& c) {
  const std::int64_t layers = c.layers();
  const std::int64_t hidden = c.hidden();
  const Config linear(c.outer(), c.at({"linear_attn_config"}));
  model::KimiDelta delta;
  delta.heads = linear.size({"num_heads"});
  delta.head_dim = linear.size({"head_dim"});
  delta.kernel = linear.size({"short_conv_kernel_size"});
  delta.fused_qkv = true;
  delta.full_gate = linear.flag("use_full_rank_gate", false);
  std::vector<bool> is_delta(static_cast<std::size_t>(layers), false);
  for (const ConfigNode& entry : linear.at({"kda_layers"}).array()) {
    is_delta[static_cast<std::size_t>(entry.whole(1, layers) - 1)] = true;  // counted from 1
  }
  const model::LatentAttention latent = latent_attention(c, false);
  const bool gate = c.flag("mla_use_output_gate", false);
  const bool mixes = c.find({"attn_res_block_size"}) != nullptr;
  RoutedRule rule;
  rule.shared_width = {"moe_intermediate_size"};
  model::Architecture a = routed_model(c, rule, [&](std::int64_t i, model::Block& b) {
    if (is_delta[static_cast<std::size_t>(i)]) {
      b.kimi_delta = delta;
    } else {
      b.latent = latent;
      if (gate) {
        b.parts.push_back(part("self_attn.g_proj", Role::attention,
                               checked_mul(latent.heads, latent.value_dim), hidden,
                               model::RouterFormat::base));
      }
    }
    if (mixes) {
      for (const char* name : {"self_attention_res", "mlp_res"}) {
        b.parts.push_back(part(fmt::format("{}_proj", name), Role::other, 1, hidden,
                               model::RouterFormat::spared));
        b.parts.push_back(part(fmt::format("{}_norm", name), Role::norm, hidden));
      }
    }
  });
  for (model::Block& b : a.blocks) {
    if (b.experts) {
      b.experts->latent = c.count_or(0, {"routed_expert_hidden_size"});
      if (b.experts->latent > 0 && c.flag("latent_moe_use_norm", false)) {
        b.parts.push_back(part("mlp.routed_expert_norm", Role::norm, b.experts->latent));
      }
    }
  }
  if (mixes) {
    a.parts.push_back(
        part("model.output_attn_res_proj", Role::other, 1, hidden, model::RouterFormat::spared));
    a.parts.push_back(part("model.output_attn_res_norm", Role::norm, hidden));
  }
  if (c.wrapped()) {
    set_vision(c, a);
  }
  return a;
}

constexpr std::array routed_table = {
    Family{"Klear", klear},
    Family{"afmoe", afmoe},
    Family{"laguna", laguna_model},
    Family{"mellum", mellum},
    Family{"hy_v3", hy_v3},
    Family{"minimax_m3", minimax_m3},
    Family{"minimax_m3_vl", minimax_m3},
    Family{"phixtral", phixtral},
    Family{"phi-msft", phixtral},
    Family{"longcat_flash", longcat},
    Family{"longcat_flash_ngram", longcat_ngram},
    Family{"bailing_hybrid", bailing},
    Family{"bailing_moe_v3", bailing_v3},
    Family{"bailing_moe_linear", bailing_linear},
    Family{"kimi_k3", kimi_k3},
};

}  // namespace

std::span<const Family> routed_families() { return routed_table; }

}  // namespace macfit::read
