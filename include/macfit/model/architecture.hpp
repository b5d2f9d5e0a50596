#pragma once

// What a model is made of, as every room sees it: blocks of attention, state and feed-forward
// parts, in layers.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/core/error.hpp"

namespace macfit::model {

// A model is a sequence of layers; every layer is one of a few kinds of Block; a block is one mixer
// (attention or a recurrent replacement) and one feed-forward part, either of which may be absent.
// All sizes are element counts. Rules and sources: docs/models.md.

enum class Span : std::uint8_t {
  full,     ///< sees the whole context
  sliding,  ///< sees the last `window` tokens; the cache rotates
  chunked,  ///< sees its own chunk of `window` tokens
};

enum class HeadNorm : std::uint8_t {
  none,
  per_head,    ///< one weight of head_dim for queries, one for keys
  full_width,  ///< heads * head_dim for queries, kv_heads * head_dim for keys
};

enum class OutputGate : std::uint8_t {
  none,
  in_query,      ///< the query projection has twice the rows (Qwen3-Next, Qwen3.5)
  per_head,      ///< a projection of its own with one row a head (Step)
  per_head_raw,  ///< the same, in 16 bits by the model's own rule (Spark)
  full_width,    ///< a projection of its own with a row an element of all heads (Trinity)
};

/// Keys chosen by a small scorer beside the attention (DeepSeek V3.2, GLM-5).
struct Indexer {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  bool operator==(const Indexer&) const = default;
};

/// Multi-head, grouped-query or multi-query attention.
struct Attention {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;   ///< of queries and keys
  std::int64_t value_dim = 0;  ///< of values; mostly head_dim
  Span span = Span::full;
  std::int64_t window = 0;  ///< tokens; 0 with Span::full
  bool qkv_bias = false;
  bool output_bias = false;
  HeadNorm norm = HeadNorm::none;
  OutputGate gate = OutputGate::none;
  bool sinks = false;           ///< one learned logit a head
  bool fused_qkv = false;       ///< one matrix for q, k and v: same count, other names
  bool plain_qkv = false;       ///< the name of that matrix, which mixed recipes don't know (Ling)
  bool value_from_key = false;  ///< no value projection; values are cached all the same
  bool shared_kv = false;       ///< reads an earlier layer's cache: no k, v, key norm, no cache
  bool borrowed_kv = false;  ///< keys and values of an earlier layer, cached again (Hunyuan's CLA)
  bool uncached = false;     ///< reads an earlier layer's cache, its own keys unused (Gemma 3n)
  bool mlx_full = false;     ///< mlx-lm caches the whole context in spite of the window (Gemma 2)
  std::int64_t copies = 1;   ///< caches of one layer: a looped layer has one a loop
  std::optional<Indexer> indexer;  ///< chooses blocks of keys; reads the hidden width (MiniMax M3)
  bool operator==(const Attention&) const = default;
};

/// Multi-head latent attention (MLA).
struct LatentAttention {
  std::int64_t heads = 0;
  std::int64_t query_rank = 0;  ///< 0: one direct query projection
  std::int64_t kv_rank = 0;     ///< width of the cached latent
  std::int64_t nope_dim = 0;    ///< per head, without position
  std::int64_t rope_dim = 0;    ///< shared by the heads, with position
  std::int64_t value_dim = 0;   ///< per head
  bool expanded = false;        ///< keys and values stored and cached per head (DeepSeek V2)
  bool bias = false;            ///< on the projections to and from the hidden width
  bool raw_absorbed = false;    ///< the halves of kv_b_proj stay in 16 bits (Ling 2.5)
  bool raw = false;             ///< so does every projection but the output's (Ling 3)
  std::int64_t copies = 1;      ///< in one layer, each with its cache (LongCat)
  std::optional<Indexer> indexer;
  bool operator==(const LatentAttention&) const = default;
};

/// DeepSeek V4's attention: one narrow key that is its own value, a sliding window, beside it
/// keys pooled over `ratio` tokens, and an output projection in groups.
struct CompressedAttention {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;  ///< of queries and of the one key
  std::int64_t query_rank = 0;
  std::int64_t output_groups = 0;
  std::int64_t output_rank = 0;  ///< per group
  std::int64_t window = 0;
  std::int64_t ratio = 0;          ///< tokens to a pooled key; 0: the window alone
  std::optional<Indexer> indexer;  ///< chooses pooled keys
  bool operator==(const CompressedAttention&) const = default;
};

/// Gated DeltaNet (Qwen3-Next, Qwen3.5): fixed state, no growing cache.
struct DeltaNet {
  std::int64_t key_heads = 0;
  std::int64_t value_heads = 0;
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;
  std::int64_t kernel = 4;         ///< convolution width; kernel - 1 columns are state
  bool split_projections = false;  ///< four input matrices instead of two (Qwen3.5)
  bool f32_decay = false;          ///< A_log stays 32-bit (Qwen3.5)
  bool separate = false;           ///< a matrix each for q, k, v, gate, a and b (OLMo hybrid)
  bool operator==(const DeltaNet&) const = default;
};

/// Kimi Delta Attention (Kimi Linear, Kimi K3, Ling 3).
struct KimiDelta {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t kernel = 4;
  bool fused_qkv = false;   ///< one matrix for q, k and v (Kimi K3)
  bool full_decay = false;  ///< the decay's projection is one matrix, not two of low rank
  bool full_gate = false;   ///< likewise the output gate's
  bool raw_beta = false;    ///< the projection of the step size stays in 16 bits
  bool f32_state = true;    ///< A_log and dt_bias stay 32-bit
  bool operator==(const KimiDelta&) const = default;
};

/// Mamba-2 (Nemotron-H, Granite hybrid): inner width heads * head_dim.
struct Mamba2 {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t state = 0;
  std::int64_t groups = 0;
  std::int64_t kernel = 4;
  bool conv_bias = true;
  bool projection_bias = false;
  bool f32_decay = false;  ///< A_log stays 32-bit (Nemotron-H)
  bool norm = true;        ///< weights before the output projection (Falcon-H1 has none)
  bool operator==(const Mamba2&) const = default;
};

/// Mamba-1 (Jamba).
struct Mamba1 {
  std::int64_t inner = 0;
  std::int64_t state = 0;
  std::int64_t time_rank = 0;
  std::int64_t kernel = 4;
  bool conv_bias = true;
  bool projection_bias = false;
  bool norms = true;  ///< of the three parts that x_proj makes (Jamba; Mamba has none)
  bool operator==(const Mamba1&) const = default;
};

/// Lightning attention (MiniMax-M1): linear, fixed state.
struct Lightning {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  bool operator==(const Lightning&) const = default;
};

/// A gated convolution over a few tokens in place of attention (LFM2): its last columns are state.
struct ShortConv {
  std::int64_t kernel = 3;
  bool bias = false;
  bool operator==(const ShortConv&) const = default;
};

/// One hidden x hidden matrix in place of attention (Nemotron-NAS).
struct LinearMixer {
  bool operator==(const LinearMixer&) const = default;
};

enum class RouterFormat : std::uint8_t {
  base,       ///< an ordinary linear layer: quantized as the rest
  eight_bit,  ///< 8 bit, group 64, whatever the rest
  spared,     ///< 16 bits by the model's own rule, which mixed recipes replace by theirs
  raw,        ///< never quantized
};

/// A matrix or vector that the typed parts don't tell of: what a few families have beside them, or
/// a mixer of one family alone (RWKV-7, RecurrentGemma).
struct Part {
  enum class Role : std::uint8_t { attention, recurrent, dense, norm, embedding, other };
  std::string name;  ///< module path as block_tensors() gives it
  Role role = Role::other;
  std::int64_t stack = 1;
  std::int64_t rows = 0;
  std::int64_t columns = 1;
  RouterFormat format = RouterFormat::raw;
  bool f32 = false;
  bool operator==(const Part&) const = default;
};

/// A dense feed-forward part.
struct Dense {
  std::int64_t width = 0;  ///< intermediate size
  int matrices = 3;        ///< 3: gate, up, down; 2: up, down; 1: one [hidden, hidden]
  bool bias = false;
  bool fused_gate_up = false;
  bool plain_names = false;  ///< of two matrices: fc1 and fc2, which mixed recipes don't know (Phi)
  bool eight_bit = false;    ///< at 8 bit under mlx-vlm's converter, not mlx-lm's (Gemma 4 26B)
  std::int64_t copies = 1;   ///< in one layer (LongCat)
  bool operator==(const Dense&) const = default;
};

/// A mixture of experts.
struct Experts {
  std::int64_t count = 0;
  std::int64_t per_token = 0;
  std::int64_t width = 0;  ///< of one expert
  int matrices = 3;
  bool bias = false;  ///< on the experts' matrices (gpt-oss)
  RouterFormat router = RouterFormat::base;
  bool router_bias = false;
  bool router_f32 = false;        ///< router weights stay 32-bit (MiniMax)
  bool correction_bias = false;   ///< one number an expert
  bool correction_f32 = true;     ///< in 32 bits
  bool router_scale = false;      ///< Gemma 4: scale [hidden] and per-expert scale [count]
  std::int64_t shared_width = 0;  ///< summed width of the shared experts; 0: none
  bool shared_gate = false;       ///< a [1, hidden] gate on the shared expert
  bool shared_fused = false;      ///< shared gate and up as one matrix (Granite hybrid)
  std::int64_t idle = 0;          ///< rows of the router that stand for no expert (LongCat)
  std::int64_t hash_rows = 0;     ///< experts by token in a table of so many rows (DeepSeek V4)
  std::int64_t latent = 0;        ///< experts work on this width instead of hidden (Nemotron-3)
  bool operator==(const Experts&) const = default;
};

/// One kind of layer.
struct Block {
  std::string name;  ///< "full", "sliding-moe": unique within the architecture

  // At most one mixer, but attention and Mamba-2 side by side (Falcon-H1).
  std::optional<Attention> attention;
  std::optional<LatentAttention> latent;
  std::optional<CompressedAttention> compressed;
  std::optional<DeltaNet> delta_net;
  std::optional<KimiDelta> kimi_delta;
  std::optional<Mamba2> mamba2;
  std::optional<Mamba1> mamba1;
  std::optional<Lightning> lightning;
  std::optional<ShortConv> short_conv;
  std::optional<LinearMixer> linear;

  // Both may be present side by side (Gemma 4 26B, Grok-2).
  std::optional<Dense> dense;
  std::optional<Experts> experts;

  int norms = 2;                     ///< weights of [hidden] beside those inside the mixer
  bool norm_bias = false;            ///< LayerNorm instead of RMSNorm
  bool layer_scalar = false;         ///< one number a layer (Gemma 4)
  std::int64_t per_layer_input = 0;  ///< Gemma 4 E-models: width of the per-layer input
  std::vector<Part> parts;           ///< what none of the above tells of
  std::int64_t state_bytes = 0;      ///< kept for each sequence beside what the mixer keeps
  std::int64_t streams = 0;          ///< hyper-connections: residual streams (DeepSeek V4)
  bool operator==(const Block&) const = default;
};

/// What a checkpoint holds beside the text model and text generation under mlx-lm does not load:
/// known by parameter count alone. 0: there is none; null: there is, and its count is not known.
struct Extras {
  /// A matrix outside the towers, which mlx-vlm quantizes as the text model's.
  struct Projector {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    bool operator==(const Projector&) const = default;
  };

  std::int64_t mtp_layers = 0;
  std::optional<std::int64_t> mtp_parameters;     ///< multi-token prediction
  std::optional<std::int64_t> vision_parameters;  ///< towers and projectors, audio included
  std::vector<Projector> projectors;              ///< counted in vision_parameters (Gemma 4)
  std::int64_t unused_kv_parameters = 0;  ///< K/V of layers that read another's cache (Gemma 4 E)
  bool operator==(const Extras&) const = default;
};

/// A decoder-only language model's shapes.
struct Architecture {
  std::string type;  ///< Hugging Face `model_type` ("qwen3_moe")
  std::int64_t hidden = 0;
  std::int64_t vocabulary = 0;
  bool tied = false;                  ///< the head is the embedding: stored once
  std::int64_t context = 0;           ///< longest context in tokens; 0: not stated
  std::vector<Block> blocks;          ///< the kinds of layer
  std::vector<std::uint16_t> layers;  ///< for each layer, first to last, its index into `blocks`
  bool final_norm = true;             ///< false: without weights (OLMo 1)
  bool final_norm_bias = false;
  bool head_bias = false;       ///< one number a vocabulary entry (Phi-2, Phi-3.5-MoE)
  bool embedding_norm = false;  ///< BLOOM
  RouterFormat embedding_format = RouterFormat::base;
  RouterFormat head_format = RouterFormat::base;
  std::vector<Part> parts;                ///< outside the layers, in no other field
  std::int64_t per_layer_vocabulary = 0;  ///< Gemma 4 E-models: rows of the per-layer embedding
  /// Llama 3 rope scaling: half the rotated width, which GGUF stores as so many 32-bit factors.
  std::int64_t rope_factors = 0;
  /// False where the weights are known and the cache rule is not (DeepSeek V4): plans are refused.
  bool cache_known = true;
  /// True where widths of a file's tensors tell of caches and nothing tells the rest: such shapes
  /// count no parameters and give no weights in another format.
  bool widths_only = false;
  Extras extras;
  bool operator==(const Architecture&) const = default;

  [[nodiscard]] const Block& block_of(std::size_t layer) const { return blocks[layers[layer]]; }
};

/// Throws Error (with a JSON pointer below `pointer`) where shapes contradict each other: no
/// layers, heads not divisible by KV heads, a block index out of range, an absent width.
void validate(const Architecture& architecture, const std::string& pointer = {});

/// All that validate() finds wrong, not the first alone.
[[nodiscard]] std::vector<Error> contradictions(const Architecture& architecture,
                                                const std::string& pointer = {});

/// Whether any of its layers is a mixture of experts.
[[nodiscard]] bool has_experts(const Architecture& architecture);

}  // namespace macfit::model
