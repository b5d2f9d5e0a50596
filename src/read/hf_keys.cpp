// Which keys of a config.json change no tensor and no cache. What is neither read nor listed here
// may: figures are then estimates, and the key is named.

#include <algorithm>
#include <array>

#include "hf_parts.hpp"

namespace macfit::read {
namespace {

using Kind = ConfigNode::Kind;

constexpr std::array<std::string_view, 22> endings = {"_act",
                                                      "_activation",
                                                      "_alpha",
                                                      "_beta",
                                                      "_coef",
                                                      "_dropout",
                                                      "_eps",
                                                      "_epsilon",
                                                      "_id",
                                                      "_ids",
                                                      "_limit",
                                                      "_loss",
                                                      "_multiplier",
                                                      "_pdrop",
                                                      "_range",
                                                      "_rotary_factor",
                                                      "_scale",
                                                      "_scaling",
                                                      "_scaling_factor",
                                                      "_softcapping",
                                                      "_std",
                                                      "_theta"};

constexpr std::array<std::string_view, 9> beginnings = {"audio_",   "image_",       "vision_",
                                                        "video_",   "quantization", "rope_",
                                                        "summary_", "num_beam",     "time_step_"};

// Sorted. Sources: the classes of mlx-lm 0.32.2 and transformers 5.24, which build nothing by them.
constexpr std::array<std::string_view, 96> harmless = {
    "add_cross_attention",
    "attention_probs_dropout_prob",
    "attention_softmax_in_fp32",
    "attn_temperature_tuning",
    "auto_map",
    "block_dim",
    "block_size",
    "block_use_swiglu",
    "chunk_size",
    "chunk_size_feed_forward",
    "conv_dim",
    "conv_dim_out",
    "dense_attention_every_n_layers",
    "dim_model_base",
    "dspark_block_size",
    "dspark_markov_rank",
    "early_stopping",
    "enable_moe_fp32_combine",
    "ep_size",
    "expand",
    "global_attn_every_n_layers",
    "group_norm_size",
    "hc_sinkhorn_iters",
    "hidden_dropout_prob",
    "id2label",
    "index_local_blocks",
    "index_share_for_mtp_iteration",
    "index_skip_topk_offset",
    "index_topk",
    "index_topk_blocks",
    "index_topk_freq",
    "indexer_rope_interleave",
    "initial_context_length",
    "is_decoder",
    "kda_lower_bound",
    "kda_safe_gate",
    "label2id",
    "length_penalty",
    "linear_a_log_max",
    "linear_allow_neg_eigval",
    "linear_dt_init_floor",
    "linear_dt_max",
    "linear_dt_min",
    "logits_soft_cap",
    "mamba_chunk_size",
    "mamba_norm_before_gate",
    "masked_softmax_fusion",
    "max_length",
    "max_window_layers",
    "min_length",
    "mla_use_nope",
    "mlp_multipliers",
    "moe_capacity",
    "moe_norm_min",
    "moe_renormalize",
    "moe_shared_expert_overlap",
    "moe_use_aux_free",
    "mtp_mlp_layer_types",
    "mtp_share_layers",
    "n_ctx",
    "n_group",
    "n_mamba_layers",
    "no_bias",
    "no_rope_layer_interval",
    "no_rope_layers",
    "norm_topk_prob",
    "num_channels",
    "num_expert_group",
    "num_logits_to_keep",
    "num_return_sequences",
    "original_max_position_embeddings",
    "output_attentions",
    "output_hidden_states",
    "output_router_logits",
    "pretraining_tp",
    "qk_head_dim",
    "query_pre_attn_scalar",
    "repetition_penalty",
    "rescale_prenorm_residual",
    "residual_in_fp32",
    "return_dict",
    "rotary_dim",
    "rotary_emb_base",
    "rotary_pct",
    "scale_attention_softmax_in_fp32",
    "scale_attn_weights",
    "scale_depth",
    "scale_emb",
    "seq_aux",
    "ssm_multipliers",
    "temperature",
    "top_k",
    "top_p",
    "topk_group",
    "typical_p",
    "use_cache",
};

// What only names or counts something outside the text model's tensors.
constexpr std::array<std::string_view, 33> more_harmless = {"capacity_factor",
                                                            "eoa_token_index",
                                                            "temperature_scale",
                                                            "activation_sparsity_pattern",
                                                            "altup_active_idx",
                                                            "altup_coef_clip",
                                                            "altup_correct_scale",
                                                            "_num_mtp_layers",
                                                            "architectures",
                                                            "flash_attn",
                                                            "mtp_transformer_layers",
                                                            "router_jitter_noise",
                                                            "route_norm",
                                                            "tokenizer_class",
                                                            "torch_dtype",
                                                            "transformers_version",
                                                            "use_associative_scan",
                                                            "use_flash_attn",
                                                            "use_gemma_norm",
                                                            "use_grouped_topk",
                                                            "use_mamba_kernels",
                                                            "use_mtp",
                                                            "mup_enabled",
                                                            "window_attention_alibi",
                                                            "attention_window_size",
                                                            "mamba_d_head",
                                                            "mla_scale_kv_lora",
                                                            "mla_scale_q_lora",
                                                            "model_max_length",
                                                            "num_transformer_layers",
                                                            "partial_rotary_factors",
                                                            "swiglu_limits",
                                                            "swiglu_limits_shared"};

// Keys whose meaning is known, and which a family that does not ask for them does without: a width
// of dense layers in a mixture that has none, a count of heads beside latent attention.
constexpr std::array<std::string_view, 25> known_elsewhere = {"_sliding_window_pattern",
                                                              "attention_chunk_size",
                                                              "expert_hidden_dim",
                                                              "experts_per_token",
                                                              "full_attention_interval",
                                                              "head_dim",
                                                              "hidden_size",
                                                              "intermediate_size",
                                                              "intermediate_size_mlp",
                                                              "layer_types",
                                                              "max_position_embeddings",
                                                              "multi_query",
                                                              "n_embed",
                                                              "n_shared_experts",
                                                              "num_attention_heads",
                                                              "num_hidden_layers",
                                                              "num_key_value_heads",
                                                              "num_mtp_modules",
                                                              "padded_vocab_size",
                                                              "qk_rope_head_dim",
                                                              "seq_length",
                                                              "tie_word_embeddings",
                                                              "use_qk_norm",
                                                              "vocab_size",
                                                              "vocab_size_per_layer_input"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

bool changes_nothing(std::string_view key) {
  return among(harmless, key) || among(more_harmless, key) || among(known_elsewhere, key) ||
         std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view e) { return key.ends_with(e); }) ||
         std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view b) { return key.starts_with(b); });
}

/// Nothing, no, zero: a part that the model does not have.
bool is_absence(const ConfigNode& value) {
  switch (value.kind()) {
    case Kind::null:
    case Kind::string:
      return true;
    case Kind::boolean:
      return !value.boolean();
    case Kind::number:
      return value.number() == 0.0;
    case Kind::array:
      return value.array().empty();
    case Kind::object:
      return value.keys().empty();
  }
  return false;
}

}  // namespace

std::vector<const ConfigNode*> unread_keys(const ConfigNode& text) {
  std::vector<const ConfigNode*> unread;
  for (std::size_t i = 0; i < text.keys().size(); ++i) {
    const ConfigNode& value = text.member(i);
    if (!value.asked_for() && !is_absence(value) && !changes_nothing(text.keys()[i]) &&
        text.keys()[i] != "text_config") {
      unread.push_back(&value);
    }
  }
  return unread;
}

}  // namespace macfit::read
