#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"

namespace macfit {
class JsonValue;
}

namespace macfit::model {

/// A model in the words of GGUF's metadata. Lists hold one entry a layer, or one for all of them,
/// or nothing where unknown; the layers include MTP layers, as GGUF counts them.
struct GgufShape {
  std::string arch;
  std::int64_t layers = 0;
  std::int64_t mtp_layers = 0;
  bool mtp_copies = true;  ///< MTP layers hold an embedding and a head of their own
  std::int64_t hidden = 0;
  std::int64_t vocabulary = 0;
  std::int64_t context = 0;
  bool tied = false;

  std::vector<std::int64_t> heads;
  std::vector<std::int64_t> kv_heads;      ///< 0: the layer has no attention
  std::vector<std::int64_t> feed_forward;  ///< 0: the layer has no dense part
  std::int64_t key_length = 0;             ///< 0: hidden / heads
  std::int64_t value_length = 0;           ///< 0: as keys
  std::int64_t key_length_sliding = 0;     ///< where sliding layers differ
  std::int64_t value_length_sliding = 0;
  std::int64_t rotary = 0;  ///< rotated part of a head
  std::int64_t rope_factors = 0;

  std::int64_t window = 0;
  std::int64_t sliding_pattern = 0;  ///< every so manieth layer sees everything
  std::vector<bool> sliding;         ///< wins over the pattern
  std::int64_t shared_kv_layers = 0;
  std::vector<bool> no_value;  ///< layers whose values are the keys

  std::int64_t key_length_mla = 0;
  std::int64_t value_length_mla = 0;
  std::int64_t query_rank = 0;
  std::int64_t kv_rank = 0;
  std::int64_t indexer_heads = 0;
  std::int64_t indexer_key_length = 0;
  std::vector<bool> indexer;  ///< layers that have one; empty: all

  std::optional<bool> qkv_bias;
  std::optional<bool> output_bias;
  std::optional<bool> head_norm;
  std::optional<bool> head_gate;
  std::optional<bool> sinks;

  std::int64_t experts = 0;
  std::int64_t experts_used = 0;
  std::int64_t experts_shared = 0;
  std::int64_t expert_feed_forward = 0;
  std::int64_t shared_feed_forward = 0;  ///< 0: experts_shared * expert_feed_forward
  std::int64_t expert_latent = 0;
  std::int64_t dense_lead = 0;
  std::int64_t moe_step = 0;  ///< every so manieth layer is a mixture; 0: every one
  std::vector<bool> moe;      ///< wins over lead and step
  std::int64_t gating = 0;
  std::optional<bool> correction_bias;

  std::int64_t ssm_conv = 0;
  std::int64_t ssm_state = 0;
  std::int64_t ssm_groups = 0;
  std::int64_t ssm_rank = 0;
  std::int64_t ssm_inner = 0;
  std::int64_t kda_head = 0;
  std::int64_t full_interval = 0;  ///< every so manieth layer has attention
  std::vector<bool> recurrent;     ///< wins over the interval and kv_heads

  std::int64_t per_layer_input = 0;
  bool layer_scalar = false;
};

/// The architectures that can be read back from their metadata.
[[nodiscard]] bool gguf_shape_known(std::string_view arch);

/// Throws Error where the architecture is not known or a size is missing, absurd or contradicts
/// another.
[[nodiscard]] Architecture architecture_from_gguf_shape(const GgufShape& shape);

/// The same from JSON as comparisons with llama.cpp state it: {"arch": "llama", "n_layer": 32,
/// "n_embd": 4096, "n_head": 32, ...}. Keys that shape nothing are ignored.
[[nodiscard]] Architecture architecture_from_gguf_shape(const JsonValue& shape);
[[nodiscard]] Architecture architecture_from_gguf_shape(std::string_view json_text);

}  // namespace macfit::model
