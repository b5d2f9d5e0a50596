// Shapes from a GGUF file's metadata, in the words of config.json's families.

#include "macfit/model/gguf/shape.hpp"

#include <algorithm>
#include <optional>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "rules.hpp"

namespace macfit::model {
namespace {

constexpr std::int64_t most_gguf_layers = 512;  // as llama.cpp has it
constexpr std::int64_t widest = std::int64_t{1} << 30;
constexpr std::int64_t most_heads = std::int64_t{1} << 20;
constexpr std::int64_t softmax = 1;  // of expert_gating_func

/// What holds where a file states it or leaves it to the architecture.
bool holds(gguf::Has rule, const std::optional<bool>& stated, std::int64_t layers) {
  switch (rule) {
    case gguf::Has::always:
      return true;
    case gguf::Has::yes:
      return stated.value_or(true);
    case gguf::Has::large:
      return stated.value_or(layers >= 64);
    case gguf::Has::no:
      break;
  }
  return stated.value_or(false);
}

class Shaper {
 public:
  explicit Shaper(const GgufShape& shape) : s_(shape), rule_(find()) {}

  Architecture build();

 private:
  [[nodiscard]] const gguf::Rule& find() const {
    const gguf::Rule* rule = gguf::find_rule(s_.arch);
    if (rule == nullptr || rule->unread) {
      std::vector<std::string> known;
      for (const gguf::Rule& r : gguf::rules()) {
        if (!r.unread) {
          known.emplace_back(r.name);
        }
      }
      throw unknown_name("GGUF architecture", s_.arch, known);
    }
    return *rule;
  }
  [[nodiscard]] bool has(gguf::Has rule, const std::optional<bool>& stated) const {
    return holds(rule, stated, s_.layers);
  }
  static std::int64_t checked(std::int64_t value, std::string_view what, std::int64_t low,
                              std::int64_t high) {
    if (value < low || value > high) {
      throw Error("the model's " + std::string(what) + " is " + std::to_string(value) +
                  "; expected a number from " + std::to_string(low) + " to " +
                  std::to_string(high));
    }
    return value;
  }
  static std::int64_t width(std::int64_t value, std::string_view what) {
    return checked(value, what, 1, widest);
  }
  static std::int64_t at(const std::vector<std::int64_t>& list, std::size_t layer) {
    if (list.empty()) {
      return 0;
    }
    return layer < list.size() ? list[layer] : list.back();
  }
  static bool flag(const std::vector<bool>& list, std::size_t layer) {
    return layer < list.size() && list[layer];
  }

  [[nodiscard]] std::string model_type() const;
  [[nodiscard]] bool sliding(std::size_t layer) const;
  [[nodiscard]] bool recurrent(std::size_t layer) const;
  [[nodiscard]] bool moe(std::size_t layer) const;
  [[nodiscard]] Block block(std::size_t layer) const;
  void mixer(Block& block, std::size_t layer) const;
  void state(Block& block, std::size_t layer) const;
  [[nodiscard]] Attention heads(std::size_t layer, bool slides) const;
  [[nodiscard]] Attention attention(std::size_t layer) const;
  [[nodiscard]] LatentAttention latent(std::size_t layer) const;
  [[nodiscard]] Experts experts() const;
  [[nodiscard]] std::optional<Dense> dense(std::int64_t feed, bool beside_experts) const;
  void feed_forward(Block& block, std::size_t layer) const;
  [[nodiscard]] int norms(const Block& block) const;
  void name(Block& block, const std::vector<Block>& others) const;

  const GgufShape& s_;
  const gguf::Rule& rule_;
};

std::string Shaper::model_type() const {
  if (!rule_.type_with_experts.empty() && s_.experts > 0) {
    return std::string(rule_.type_with_experts);
  }
  if (!rule_.type_by_softmax.empty() && s_.gating == softmax) {
    return std::string(rule_.type_by_softmax);
  }
  return std::string(rule_.types.front());
}

bool Shaper::sliding(std::size_t layer) const {
  if (rule_.full_every == 0 || (s_.window <= 0 && !rule_.chunked)) {
    return false;
  }
  if (!s_.sliding.empty()) {
    return flag(s_.sliding, layer);
  }
  const std::int64_t pattern = s_.sliding_pattern > 0 ? s_.sliding_pattern : rule_.full_every;
  return static_cast<std::int64_t>(layer) % pattern < pattern - 1;
}

bool Shaper::recurrent(std::size_t layer) const {
  if (rule_.state == gguf::State::none) {
    return false;
  }
  if (!s_.recurrent.empty()) {
    return flag(s_.recurrent, layer);
  }
  if (rule_.state == gguf::State::delta_net) {
    const std::int64_t interval = s_.full_interval > 0 ? s_.full_interval : 4;
    return (static_cast<std::int64_t>(layer) + 1) % interval != 0;
  }
  const bool bare = at(s_.kv_heads, layer) == 0;
  return rule_.one_part ? bare && at(s_.feed_forward, layer) == 0 : bare;
}

bool Shaper::moe(std::size_t layer) const {
  if (s_.experts <= 0) {
    return false;
  }
  if (!s_.moe.empty()) {
    return flag(s_.moe, layer);
  }
  const auto i = static_cast<std::int64_t>(layer);
  if (i < s_.dense_lead) {
    return false;
  }
  return s_.moe_step <= 1 || (i + 1) % s_.moe_step == 0;
}

/// Heads, and how wide each is.
Attention Shaper::heads(std::size_t layer, bool slides) const {
  Attention a;
  a.heads = checked(at(s_.heads, layer), "number of heads", 1, most_heads);
  a.kv_heads = at(s_.kv_heads, layer) > 0 ? at(s_.kv_heads, layer) : a.heads;
  checked(a.kv_heads, "number of key/value heads", 1, most_heads);
  if (a.heads % a.kv_heads != 0) {
    throw Error("the model has " + std::to_string(a.heads) + " heads, which " +
                std::to_string(a.kv_heads) + " key/value heads do not divide");
  }
  a.head_dim = s_.key_length > 0 ? s_.key_length : s_.hidden / a.heads;
  if (slides && s_.key_length_sliding > 0) {
    a.head_dim = s_.key_length_sliding;
  }
  a.value_dim = s_.value_length > 0 ? s_.value_length : a.head_dim;
  if (slides && s_.value_length_sliding > 0) {
    a.value_dim = s_.value_length_sliding;
  }
  width(a.head_dim, "head width");
  width(a.value_dim, "value head width");
  return a;
}

Attention Shaper::attention(std::size_t layer) const {
  const bool slides = sliding(layer);
  Attention a = heads(layer, slides);
  if (slides) {
    a.span = rule_.chunked ? Span::chunked : Span::sliding;
    a.window = rule_.chunked && s_.window <= 0 ? 8192 : width(s_.window, "sliding window");
  }
  a.qkv_bias = has(rule_.qkv_bias, s_.qkv_bias);
  a.output_bias = has(rule_.output_bias, s_.output_bias);
  a.norm = has(rule_.has_head_norm, s_.head_norm) ? rule_.head_norm : HeadNorm::none;
  a.gate = has(rule_.has_gate, s_.head_gate) ? rule_.gate : OutputGate::none;
  a.sinks = rule_.sinks == gguf::Sinks::all ||
            (rule_.sinks == gguf::Sinks::sliding && s_.sinks.value_or(true) && slides);
  a.fused_qkv = rule_.fused_qkv;
  a.value_from_key = flag(s_.no_value, layer);
  a.shared_kv = static_cast<std::int64_t>(layer) >= s_.layers - s_.mtp_layers - s_.shared_kv_layers;
  return a;
}

LatentAttention Shaper::latent(std::size_t layer) const {
  LatentAttention a;
  a.heads = checked(at(s_.heads, layer), "number of heads", 1, most_heads);
  a.query_rank = checked(s_.query_rank, "query rank", 0, widest);
  a.kv_rank = width(s_.kv_rank, "key/value rank");
  a.rope_dim = width(s_.rotary, "rotated width");
  const std::int64_t key = s_.key_length_mla > 0 ? s_.key_length_mla : s_.key_length;
  const std::int64_t value = s_.value_length_mla > 0 ? s_.value_length_mla : s_.value_length;
  width(key, "key width");
  a.nope_dim = width(key - a.rope_dim, "key width without its rotated part");
  a.value_dim = width(value, "value width");
  a.expanded = model_type() == "deepseek_v2";
  if (s_.indexer_heads > 0 && (s_.indexer.empty() || flag(s_.indexer, layer))) {
    a.indexer = Indexer{checked(s_.indexer_heads, "number of indexer heads", 1, most_heads),
                        width(s_.indexer_key_length, "indexer width")};
  }
  return a;
}

void Shaper::state(Block& block, std::size_t layer) const {
  const std::int64_t conv = checked(s_.ssm_conv, "convolution width", 1, 1024);
  if (rule_.state == gguf::State::kimi_delta) {
    block.kimi_delta = KimiDelta{checked(at(s_.heads, layer), "number of heads", 1, most_heads),
                                 width(s_.kda_head, "recurrent head width"), conv};
    return;
  }
  const std::int64_t inner = width(s_.ssm_inner, "inner width");
  const std::int64_t size = width(s_.ssm_state, "state width");
  const std::int64_t rank = width(s_.ssm_rank, "time step rank");
  if (rule_.state == gguf::State::mamba1) {
    block.mamba1 = Mamba1{inner, size, rank, conv, true, false};
    return;
  }
  if (inner % rank != 0) {
    throw Error("the model's inner width " + std::to_string(inner) + " is not divisible by its " +
                std::to_string(rank) + " heads");
  }
  const std::int64_t groups = width(s_.ssm_groups, "number of groups");
  if (rule_.state == gguf::State::mamba2) {
    block.mamba2 = Mamba2{rank, inner / rank, size, groups, conv, true, false};
  } else {
    block.delta_net = DeltaNet{groups, rank, size, inner / rank, conv, rule_.split_projections};
  }
}

void Shaper::mixer(Block& block, std::size_t layer) const {
  if (recurrent(layer)) {
    state(block, layer);
    return;
  }
  if (rule_.latent) {
    block.latent = latent(layer);
    return;
  }
  const bool attends = at(s_.kv_heads, layer) > 0;
  if (rule_.optional_parts && !attends) {
    if (at(s_.heads, layer) > 0) {
      block.linear = LinearMixer{};
    }
    return;
  }
  if (rule_.one_part && !attends) {
    return;
  }
  block.attention = attention(layer);
}

Experts Shaper::experts() const {
  Experts x;
  x.count = checked(s_.experts, "number of experts", 1, 65536);
  x.per_token =
      checked(s_.experts_used > 0 ? s_.experts_used : 1, "number of experts used", 1, x.count);
  x.width = width(s_.expert_feed_forward > 0 ? s_.expert_feed_forward : at(s_.feed_forward, 0),
                  "expert width");
  x.matrices = rule_.matrices;
  x.bias = rule_.expert_bias;
  x.router_bias = rule_.expert_bias;
  x.router = rule_.router;
  x.router_f32 = rule_.router_f32;
  const bool corrected = rule_.correction == gguf::Correction::unless_softmax
                             ? s_.gating != softmax
                             : rule_.correction != gguf::Correction::no;
  x.correction_bias = s_.correction_bias.value_or(corrected);
  x.router_scale = rule_.router_scale;
  x.shared_width =
      s_.shared_feed_forward > 0 ? s_.shared_feed_forward : checked_mul(s_.experts_shared, x.width);
  checked(x.shared_width, "shared expert width", 0, widest);
  if (rule_.shared_like_routed && x.shared_width == 0) {
    x.shared_width = x.width;
  }
  x.shared_gate = x.shared_width > 0 && rule_.shared_gate;
  x.latent = checked(s_.expert_latent, "expert latent width", 0, widest);
  return x;
}

/// The dense part of `width`; nothing where the architecture may leave it out.
std::optional<Dense> Shaper::dense(std::int64_t feed, bool beside_experts) const {
  if (feed <= 0 && rule_.optional_parts) {
    return std::nullopt;
  }
  Dense d;
  d.width = width(feed, "feed-forward width");
  d.matrices = rule_.matrices;
  d.bias = rule_.biased;
  d.fused_gate_up = rule_.fused_gate_up;
  d.eight_bit = beside_experts && rule_.eight_bit_dense;
  return d;
}

void Shaper::feed_forward(Block& block, std::size_t layer) const {
  if (moe(layer)) {
    block.experts = experts();
  }
  const std::int64_t feed = at(s_.feed_forward, layer) / (rule_.gate_in_length ? 2 : 1);
  bool needed = !block.experts;
  if (block.experts && feed > 0) {
    // Grok-1 gives its experts' width here and has no dense part; Grok-2 has both.
    needed = rule_.dense == gguf::Beside::yes ||
             (rule_.dense == gguf::Beside::other_width && block.experts->width != feed);
  }
  if (needed) {
    block.dense = dense(feed, block.experts.has_value());
  }
}

int Shaper::norms(const Block& block) const {
  if (rule_.optional_parts) {
    return (block.attention || block.linear ? 1 : 0) + (block.dense ? 1 : 0);
  }
  switch (rule_.norms) {
    case gguf::Norms::sandwich:
      return rule_.part_norms && block.experts ? 7 : 4;
    case gguf::Norms::one:
      return 1;
    case gguf::Norms::pre:
    case gguf::Norms::post_named:
    case gguf::Norms::post:
      break;
  }
  return 2;
}

Block Shaper::block(std::size_t layer) const {
  Block b;
  mixer(b, layer);
  if (!(rule_.one_part && (b.attention || b.mamba2))) {
    feed_forward(b, layer);
  }
  b.norms = norms(b);
  b.norm_bias = rule_.biased;
  b.layer_scalar = s_.layer_scalar;
  b.per_layer_input = checked(s_.per_layer_input, "per-layer input width", 0, widest);
  return b;
}

void Shaper::name(Block& block, const std::vector<Block>& others) const {
  std::string text = "none";
  if (block.attention) {
    const Span span = block.attention->span;
    text = span == Span::full ? "full" : span == Span::sliding ? "sliding" : "chunked";
  } else if (block.latent) {
    text = "latent";
  } else if (block.delta_net || block.kimi_delta) {
    text = "recurrent";
  } else if (block.mamba1 || block.mamba2) {
    text = "mamba";
  } else if (block.linear) {
    text = "linear";
  }
  text += block.experts ? "-moe" : "";
  block.name = text;
  for (int i = 2; std::any_of(others.begin(), others.end(),
                              [&](const Block& other) { return other.name == block.name; });
       ++i) {
    block.name = text + "-" + std::to_string(i);
  }
}

Architecture Shaper::build() {
  Architecture a;
  a.type = model_type();
  a.hidden = width(s_.hidden, "embedding length");
  a.vocabulary = width(s_.vocabulary, "vocabulary");
  a.context = checked(s_.context, "context length", 0, std::int64_t{1} << 40);
  a.tied = s_.tied;
  a.rope_factors = checked(s_.rope_factors, "number of rope factors", 0, widest);
  a.final_norm_bias = rule_.biased;
  a.embedding_norm = rule_.biased;
  a.per_layer_vocabulary = s_.per_layer_input > 0 ? a.vocabulary : 0;
  checked(s_.layers, "number of layers", 1, most_gguf_layers);
  checked(s_.mtp_layers, "number of MTP layers", 0, s_.layers - 1);
  const auto loaded = static_cast<std::size_t>(s_.layers - s_.mtp_layers);
  for (std::size_t i = 0; i < loaded; ++i) {
    Block b = block(i);
    const auto same = std::find_if(a.blocks.begin(), a.blocks.end(), [&](const Block& other) {
      b.name = other.name;
      return b == other;
    });
    a.layers.push_back(static_cast<std::uint16_t>(same - a.blocks.begin()));
    if (same == a.blocks.end()) {
      name(b, a.blocks);
      a.blocks.push_back(std::move(b));
    }
  }
  validate(a);
  a.extras.mtp_layers = s_.mtp_layers;
  if (s_.mtp_layers > 0) {
    std::int64_t total = 0;
    for (const GgufTensor& t : gguf_tensors(a, {.imatrix = false, .mtp = true})) {
      const bool copy =
          t.tensor_class == TensorClass::embedding || t.tensor_class == TensorClass::head;
      if (t.mtp && (s_.mtp_copies || !copy)) {
        total = checked_add(total, t.elements());
      }
    }
    a.extras.mtp_parameters = total;
  }
  return a;
}

}  // namespace

bool gguf_shape_known(std::string_view arch) {
  const gguf::Rule* rule = gguf::find_rule(arch);
  return rule != nullptr && !rule->unread;
}

Architecture architecture_from_gguf_shape(const GgufShape& shape) { return Shaper(shape).build(); }

}  // namespace macfit::model
