#include "macfit/model/gguf/shape.hpp"

#include <algorithm>
#include <initializer_list>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "rules.hpp"

namespace macfit::model {
namespace {

constexpr std::int64_t most_layers = 512;  // as llama.cpp has it
constexpr std::int64_t widest = std::int64_t{1} << 30;
constexpr std::int64_t most_heads = std::int64_t{1} << 20;

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Shaper {
 public:
  explicit Shaper(const GgufShape& shape) : s_(shape), rule_(find()) {}

  Architecture build();

 private:
  [[nodiscard]] const gguf::Rule& find() const {
    const gguf::Rule* rule = gguf::find_rule(s_.arch);
    if (rule == nullptr) {
      std::vector<std::string> known;
      for (const gguf::Rule& r : gguf::rules()) {
        known.emplace_back(r.name);
      }
      throw unknown_name("GGUF architecture", s_.arch, known);
    }
    return *rule;
  }
  [[nodiscard]] bool is(std::initializer_list<std::string_view> names) const {
    return one_of(rule_.name, names);
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
  [[nodiscard]] Attention attention(std::size_t layer) const;
  [[nodiscard]] LatentAttention latent(std::size_t layer) const;
  [[nodiscard]] Experts experts() const;
  void name(Block& block, const std::vector<Block>& others) const;

  const GgufShape& s_;
  const gguf::Rule& rule_;
};

std::string Shaper::model_type() const {
  if (rule_.name == "llama" && s_.experts > 0) {
    return "mixtral";
  }
  if (rule_.name == "deepseek2" && s_.gating == 1) {
    return "deepseek_v2";
  }
  return std::string(rule_.types.front());
}

bool Shaper::sliding(std::size_t layer) const {
  if (!is({"gemma2", "gemma3", "gemma4", "gpt-oss", "cohere2", "llama4", "olmo2", "exaone4",
           "mimo2", "step35"})) {
    return false;
  }
  if (s_.window <= 0 && rule_.name != "llama4") {
    return false;
  }
  if (!s_.sliding.empty()) {
    return flag(s_.sliding, layer);
  }
  std::int64_t pattern = s_.sliding_pattern;
  if (pattern <= 0) {
    pattern = is({"gpt-oss", "gemma2"}) ? 2 : is({"gemma3", "gemma4"}) ? 6 : 4;
  }
  return static_cast<std::int64_t>(layer) % pattern < pattern - 1;
}

bool Shaper::recurrent(std::size_t layer) const {
  if (!is({"qwen3next", "qwen35", "qwen35moe", "kimi-linear", "nemotron_h", "nemotron_h_moe",
           "granitehybrid", "jamba"})) {
    return false;
  }
  if (!s_.recurrent.empty()) {
    return flag(s_.recurrent, layer);
  }
  if (is({"qwen3next", "qwen35", "qwen35moe"})) {
    const std::int64_t interval = s_.full_interval > 0 ? s_.full_interval : 4;
    return (static_cast<std::int64_t>(layer) + 1) % interval != 0;
  }
  const bool bare = at(s_.kv_heads, layer) == 0;
  return is({"nemotron_h", "nemotron_h_moe"}) ? bare && at(s_.feed_forward, layer) == 0 : bare;
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

Attention Shaper::attention(std::size_t layer) const {
  Attention a;
  const bool slides = sliding(layer);
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
  if (slides) {
    const bool chunks = rule_.name == "llama4";
    a.span = chunks ? Span::chunked : Span::sliding;
    a.window = chunks && s_.window <= 0 ? 8192 : width(s_.window, "sliding window");
  }
  a.qkv_bias = is({"qwen", "qwen2", "qwen2moe", "gpt-oss", "bloom"}) ||
               s_.qkv_bias.value_or(rule_.name == "glm4moe");
  a.output_bias = is({"gpt-oss", "bloom"}) || s_.output_bias.value_or(false);
  if (is({"minimax-m2", "olmo2", "olmoe"})) {
    a.norm = HeadNorm::full_width;
  } else if (is({"command-r"})) {
    a.norm = s_.head_norm.value_or(s_.layers >= 64) ? HeadNorm::full_width : HeadNorm::none;
  } else if (is({"qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe", "qwen3next", "qwen35", "qwen35moe",
                 "gemma3", "gemma4", "exaone4", "hunyuan-moe", "step35"}) ||
             s_.head_norm.value_or(rule_.name == "bailingmoe2")) {
    a.norm = HeadNorm::per_head;
  }
  if (is({"qwen3next", "qwen35", "qwen35moe"})) {
    a.gate = OutputGate::in_query;
  } else if (s_.head_gate.value_or(rule_.name == "step35")) {
    a.gate = OutputGate::per_head;
  }
  a.sinks = rule_.name == "gpt-oss" || (rule_.name == "mimo2" && s_.sinks.value_or(true) && slides);
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
  if (rule_.name == "kimi-linear") {
    block.kimi_delta = KimiDelta{checked(at(s_.heads, layer), "number of heads", 1, most_heads),
                                 width(s_.kda_head, "recurrent head width"), conv};
    return;
  }
  const std::int64_t inner = width(s_.ssm_inner, "inner width");
  const std::int64_t size = width(s_.ssm_state, "state width");
  const std::int64_t rank = width(s_.ssm_rank, "time step rank");
  if (rule_.name == "jamba") {
    block.mamba1 = Mamba1{inner, size, rank, conv, true, false};
    return;
  }
  if (inner % rank != 0) {
    throw Error("the model's inner width " + std::to_string(inner) + " is not divisible by its " +
                std::to_string(rank) + " heads");
  }
  const std::int64_t groups = width(s_.ssm_groups, "number of groups");
  if (is({"nemotron_h", "nemotron_h_moe", "granitehybrid"})) {
    block.mamba2 = Mamba2{rank, inner / rank, size, groups, conv, true, false};
  } else {
    block.delta_net = DeltaNet{groups, rank, size, inner / rank, conv, rule_.name != "qwen3next"};
  }
}

void Shaper::mixer(Block& block, std::size_t layer) const {
  if (recurrent(layer)) {
    state(block, layer);
    return;
  }
  if (is({"deepseek2", "deepseek32", "glm-dsa", "kimi-linear"})) {
    block.latent = latent(layer);
    return;
  }
  const bool attends = at(s_.kv_heads, layer) > 0;
  if (rule_.name == "deci" && !attends) {
    if (at(s_.heads, layer) > 0) {
      block.linear = LinearMixer{};
    }
    return;
  }
  if (is({"nemotron_h", "nemotron_h_moe"}) && !attends) {
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
  x.matrices = rule_.name == "nemotron_h_moe" ? 2 : 3;
  const bool oss = rule_.name == "gpt-oss";
  x.bias = oss;
  x.router_bias = oss;
  if (is({"minimax-m2", "gpt-oss", "qwen3moe", "qwen3vlmoe", "qwen3next", "qwen35moe",
          "kimi-linear", "gemma4", "granitemoe", "granitehybrid", "jamba", "bailingmoe2",
          "step35"})) {
    x.router = RouterFormat::eight_bit;
  } else if (is({"deepseek2", "deepseek32", "glm-dsa", "glm4moe", "nemotron_h_moe", "mimo2"})) {
    x.router = RouterFormat::raw;
  }
  x.router_f32 = rule_.name == "minimax-m2";
  constexpr std::int64_t softmax = 1;
  const bool corrected = is({"minimax-m2", "glm4moe", "deepseek32", "glm-dsa", "kimi-linear",
                             "nemotron_h_moe", "mimo2", "step35", "bailingmoe2", "ernie4_5-moe"}) ||
                         (rule_.name == "deepseek2" && s_.gating != softmax);
  x.correction_bias = s_.correction_bias.value_or(corrected);
  x.router_scale = rule_.name == "gemma4";
  x.shared_width =
      s_.shared_feed_forward > 0 ? s_.shared_feed_forward : checked_mul(s_.experts_shared, x.width);
  checked(x.shared_width, "shared expert width", 0, widest);
  if (rule_.name == "llama4" && x.shared_width == 0) {
    x.shared_width = x.width;
  }
  x.shared_gate = x.shared_width > 0 && is({"qwen3next", "qwen35moe", "qwen2moe"});
  x.latent = checked(s_.expert_latent, "expert latent width", 0, widest);
  return x;
}

Block Shaper::block(std::size_t layer) const {
  Block b;
  mixer(b, layer);
  const bool nemotron = is({"nemotron_h", "nemotron_h_moe"});
  const bool mixes = b.attention || b.mamba2;
  // The first Qwen counts gate and up together.
  const std::int64_t feed = at(s_.feed_forward, layer) / (rule_.name == "qwen" ? 2 : 1);
  if (!(nemotron && mixes)) {
    if (moe(layer)) {
      b.experts = experts();
    }
    // Grok-1 gives its experts' width here and has no dense part; Grok-2 has both.
    const bool both = feed > 0 && (rule_.name == "gemma4" ||
                                   (rule_.name == "grok" && b.experts && b.experts->width != feed));
    if (!b.experts || both) {
      if (feed > 0 || rule_.name != "deci") {
        Dense d;
        d.width = width(feed, "feed-forward width");
        d.matrices = nemotron || rule_.name == "bloom" ? 2 : 3;
        d.bias = rule_.name == "bloom";
        d.fused_gate_up = rule_.fused_gate_up;
        d.eight_bit = b.experts && rule_.name == "gemma4";
        b.dense = d;
      }
    }
  }
  switch (rule_.norms) {
    case gguf::Norms::pre:
    case gguf::Norms::post_named:
    case gguf::Norms::post:
      b.norms = 2;
      break;
    case gguf::Norms::sandwich:
      b.norms = rule_.name == "gemma4" && b.experts ? 7 : 4;
      break;
    case gguf::Norms::one:
      b.norms = 1;
      break;
  }
  if (rule_.name == "deci") {
    b.norms = (b.attention || b.linear ? 1 : 0) + (b.dense ? 1 : 0);
  }
  b.norm_bias = rule_.name == "bloom";
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
  a.final_norm_bias = rule_.name == "bloom";
  a.embedding_norm = rule_.name == "bloom";
  a.per_layer_vocabulary = s_.per_layer_input > 0 ? a.vocabulary : 0;
  checked(s_.layers, "number of layers", 1, most_layers);
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

bool gguf_shape_known(std::string_view arch) { return gguf::find_rule(arch) != nullptr; }

Architecture architecture_from_gguf_shape(const GgufShape& shape) { return Shaper(shape).build(); }

}  // namespace macfit::model
