#include "published_file_json.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;

/// Copies the members that say something.
void copy_all(Json& to, const Json* from) {
  if (from == nullptr || !from->is_object()) {
    return;
  }
  for (const auto& [key, value] : from->items()) {
    if (!value.is_null()) {
      to[key] = value;
    }
  }
}

/// Families spell the same fact differently: every spelling is written, each family reads its own.
void copy_as(Json& to, const Json& from, const char* key,
             std::initializer_list<const char*> spellings) {
  if (const Json* value = member(from, key)) {
    for (const char* spelling : spellings) {
      to[spelling] = *value;
    }
  }
}

void add_experts(Json& config, const Json& moe) {
  copy_as(config, moe, "n_experts",
          {"num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"});
  copy_as(config, moe, "experts_per_token",
          {"num_experts_per_tok", "num_experts_per_token", "moe_k"});
  copy_as(
      config, moe, "shared_experts",
      {"n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"});
  copy_as(config, moe, "moe_intermediate_size", {"moe_intermediate_size"});
  copy_as(config, moe, "shared_intermediate_size",
          {"shared_expert_intermediate_size", "moe_shared_expert_intermediate_size",
           "shared_intermediate_size", "share_expert_dim"});
  copy_as(config, moe, "latent_size", {"moe_latent_size"});
  copy_as(config, moe, "first_dense_layers",
          {"first_k_dense_replace", "moe_layer_start_index", "num_dense_layers"});
  copy_as(config, moe, "moe_layer_step",
          {"decoder_sparse_step", "interleave_moe_layer_step", "expert_layer_period"});
}

/// DBRX nests what others write flat.
void add_nested(Json& config, const Json& row) {
  config["attn_config"] = {{"kv_n_heads", config.value("num_key_value_heads", 1)}};
  const Json& moe = object_of(row, "moe");
  Json& experts = config["ffn_config"] = Json::object();
  copy_as(experts, moe, "n_experts", {"moe_num_experts"});
  copy_as(experts, moe, "experts_per_token", {"moe_top_k"});
  copy_as(experts, moe, "moe_intermediate_size", {"ffn_hidden_size"});
}

}  // namespace

std::string config_of_row(const Json& row) {
  if (text_of(row, "model_type").empty()) {
    return {};
  }
  Json config = Json::object();
  for (const char* key : {"model_type", "num_hidden_layers", "hidden_size", "intermediate_size",
                          "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
                          "tie_word_embeddings", "max_position_embeddings"}) {
    copy_as(config, row, key, {key});
  }
  if (const Json* architecture = member(row, "architecture")) {
    config["architectures"] = Json::array({*architecture});
  }
  copy_as(config, row, "rope", {"rope_scaling"});
  copy_as(config, row, "mtp_layers", {"num_nextn_predict_layers", "mtp_num_hidden_layers"});
  copy_all(config, member(row, "mla"));
  copy_all(config, member(row, "dsa_indexer"));
  copy_all(config, member(row, "gated_deltanet"));
  copy_all(config, member(row, "mamba"));
  copy_as(config, row, "layer_pattern", {"hybrid_override_pattern"});
  copy_as(config, row, "kda", {"linear_attn_config"});
  if (config.contains("kv_lora_rank")) {
    config.erase("head_dim");  // hidden / heads: of no use with latent attention
  }
  if (const Json* moe = member(row, "moe"); moe != nullptr && moe->is_object()) {
    add_experts(config, *moe);
  }
  if (const Json* cache = member(row, "kv_cache")) {
    copy_as(config, *cache, "window", {"sliding_window"});
    copy_as(config, *cache, "shared_kv_layers", {"num_kv_shared_layers"});
    copy_as(config, *cache, "attention_k_eq_v", {"attention_k_eq_v"});
  }
  if (text_of(row, "model_type") == "dbrx") {
    copy_as(config, row, "hidden_size", {"d_model"});
    copy_as(config, row, "num_attention_heads", {"n_heads"});
    copy_as(config, row, "num_hidden_layers", {"n_layers"});
    add_nested(config, row);
  }
  return config.dump();
}

}  // namespace macfit::verify
