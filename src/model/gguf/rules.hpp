#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"

// What differs between the architectures that llama.cpp knows; shared by the files of this folder.
namespace macfit::model::gguf {

enum class Norms : std::uint8_t {
  pre,         ///< attn_norm, ffn_norm
  post_named,  ///< attn_norm, post_attention_norm (which stands before the feed-forward)
  sandwich,    ///< attn_norm, post_attention_norm, ffn_norm, post_ffw_norm
  post,        ///< post_attention_norm, post_ffw_norm
  one,         ///< attn_norm alone
};

/// Whether layers have something that a file may or may not say.
enum class Has : std::uint8_t {
  no,      ///< where the file says so
  yes,     ///< unless the file says otherwise
  large,   ///< as `yes` in models of 64 layers and more, else as `no`
  always,  ///< whatever the file says
};

enum class Sinks : std::uint8_t { none, all, sliding };

/// What layers keep that don't attend.
enum class State : std::uint8_t { none, delta_net, kimi_delta, mamba2, mamba1, short_conv };

enum class Correction : std::uint8_t {
  no,
  yes,
  unless_softmax,  ///< told by the gating function
  written,         ///< the converter writes one, learned or not
};

/// Dense feed-forward parts in layers with experts.
enum class Beside : std::uint8_t { no, yes, other_width };

/// Models of 80 layers whose values the loader gives more bits ("70B").
enum class Wide : std::uint8_t { no, yes, grouped };

/// All that is particular about one of llama.cpp's architectures: a new one is a row of the table.
struct Rule {
  std::string_view name;                    ///< llama.cpp's own
  std::vector<std::string_view> types;      ///< Hugging Face model types; the first is the usual
  std::string_view type_with_experts = {};  ///< the usual where there are experts; empty: the same
  std::string_view type_by_softmax = {};    ///< the usual where gates are softmax; empty: the same
  std::string_view name_with_experts = {};  ///< llama.cpp's own where there are; empty: the same
  Norms norms = Norms::pre;
  std::string_view post_attention_norm = "post_attention_norm";
  std::string_view ffn_norm = "ffn_norm";
  std::string_view post_ffn_norm = "post_ffw_norm";
  std::string_view output_norm = "output_norm";
  bool part_norms = false;  ///< three more where a layer holds a dense part and experts
  // Attention.
  bool fused_qkv = false;  ///< attn_qkv
  bool kv_array = false;   ///< head_count_kv is written per layer, 0 without attention
  bool latent = false;     ///< MLA
  int full_every = 0;      ///< of the sliding pattern where the file has none; 0: no layer slides
  bool chunked = false;    ///< sliding layers see chunks instead
  Has qkv_bias = Has::no;
  Has output_bias = Has::no;
  HeadNorm head_norm = HeadNorm::per_head;
  Has has_head_norm = Has::no;
  OutputGate gate = OutputGate::per_head;
  Has has_gate = Has::no;
  Sinks sinks = Sinks::none;
  bool full_rope_factors = false;  ///< rope_freqs covers half a head of the full layers
  // Other mixers.
  State state = State::none;
  bool split_projections = false;  ///< of DeltaNet: ssm_alpha and ssm_beta apart
  bool one_part = false;           ///< a layer is a mixer or a feed-forward part
  bool optional_parts = false;     ///< attention may be one matrix or left out, as may the rest
  bool beside_attention = false;   ///< every layer has the state and attention
  // Feed-forward parts.
  int matrices = 3;
  bool fused_gate_up = false;    ///< the gate's rows are in ffn_up
  bool gate_in_length = false;   ///< feed_forward_length counts gate and up together
  Beside dense = Beside::no;     ///< in layers with experts
  bool eight_bit_dense = false;  ///< MLX quantizes that part to eight bits
  RouterFormat router = RouterFormat::base;
  bool router_f32 = false;
  bool router_scale = false;
  bool expert_bias = false;  ///< of experts and router
  Correction correction = Correction::no;
  bool shared_gate = false;
  bool shared_like_routed = false;  ///< the shared expert's width where the file has none
  // The rest.
  bool biased = false;  ///< matrices, norms; one more norm after the embedding
  bool mtp = false;     ///< the converter keeps MTP layers
  Wide wide = Wide::no;
  bool cache_unchecked = false;  ///< read in the loader's source, never compared with its report
  /// Written from the converter's source and never held against a file: sizes by it are estimated,
  /// and files of it are read by the widths of their tensors.
  bool unread = false;
  bool constants = false;  ///< a layer's single numbers are in the header, no tensors
};

[[nodiscard]] const std::vector<Rule>& rules();
[[nodiscard]] const Rule* find_rule(std::string_view gguf_name);
/// The rule for a model; null, with the reason in `why`, where there is none.
[[nodiscard]] const Rule* rule_of(const Architecture& architecture, std::string* why);
/// The same; throws Error with the reason.
[[nodiscard]] const Rule& require_rule(const Architecture& architecture);

/// Routed experts of the layers that have them; 0 without any.
[[nodiscard]] std::int64_t expert_count(const Architecture& architecture);

/// Query heads for each key/value head of the first layer, as hparams.n_gqa() has it: 0 where that
/// layer is written without key/value heads.
[[nodiscard]] std::int64_t heads_per_kv_head(const Architecture& architecture, const Rule& rule);

}  // namespace macfit::model::gguf
