// Which of GGML's types a mixture ("Q4_K_M") gives each tensor: llama-quantize's rules, told by
// tables.

#include <algorithm>
#include <span>
#include <string>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "rules.hpp"

namespace macfit::model {
namespace {

using T = GgmlType;

enum class Mix : std::uint8_t {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q2_k_s,
  q3_k_s,
  q3_k_m,
  q3_k_l,
  q4_k_s,
  q4_k_m,
  q5_k_s,
  q5_k_m,
  q6_k,
  iq1_s,
  iq1_m,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq2_m,
  iq3_xxs,
  iq3_xs,
  iq3_s,
  iq3_m,
  iq4_nl,
  iq4_xs,
  tq1_0,
  tq2_0,
  mxfp4_moe,
};

struct MixInfo {
  Mix mix;
  std::string_view name;
  T base;       ///< what a tensor gets that no rule names
  double bits;  ///< per weight of Llama 3.1 8B (MXFP4_MOE: of gpt-oss 120B); the tests recompute it
};

// Smallest first.
constexpr MixInfo mixes[] = {
    {Mix::iq1_s, "IQ1_S", T::iq1_s, 2.00},
    {Mix::iq1_m, "IQ1_M", T::iq1_m, 2.15},
    {Mix::tq1_0, "TQ1_0", T::tq1_0, 2.19},
    {Mix::iq2_xxs, "IQ2_XXS", T::iq2_xxs, 2.38},
    {Mix::tq2_0, "TQ2_0", T::tq2_0, 2.52},
    {Mix::iq2_xs, "IQ2_XS", T::iq2_xs, 2.59},
    {Mix::iq2_s, "IQ2_S", T::iq2_xs, 2.74},
    {Mix::iq2_m, "IQ2_M", T::iq2_s, 2.93},
    {Mix::q2_k_s, "Q2_K_S", T::q2_k, 2.97},
    {Mix::q2_k, "Q2_K", T::q2_k, 3.16},
    {Mix::iq3_xxs, "IQ3_XXS", T::iq3_xxs, 3.37},
    {Mix::iq3_xs, "IQ3_XS", T::iq3_s, 3.50},
    {Mix::q3_k_s, "Q3_K_S", T::q3_k, 3.64},
    {Mix::iq3_s, "IQ3_S", T::iq3_s, 3.66},
    {Mix::iq3_m, "IQ3_M", T::iq3_s, 3.76},
    {Mix::q3_k_m, "Q3_K_M", T::q3_k, 4.00},
    {Mix::q3_k_l, "Q3_K_L", T::q3_k, 4.30},
    {Mix::mxfp4_moe, "MXFP4_MOE", T::mxfp4, 4.30},
    {Mix::iq4_xs, "IQ4_XS", T::iq4_xs, 4.46},
    {Mix::q4_0, "Q4_0", T::q4_0, 4.64},
    {Mix::q4_k_s, "Q4_K_S", T::q4_k, 4.67},
    {Mix::iq4_nl, "IQ4_NL", T::iq4_nl, 4.68},
    {Mix::q4_k_m, "Q4_K_M", T::q4_k, 4.89},
    {Mix::q4_1, "Q4_1", T::q4_1, 5.10},
    {Mix::q5_0, "Q5_0", T::q5_0, 5.57},
    {Mix::q5_k_s, "Q5_K_S", T::q5_k, 5.57},
    {Mix::q5_k_m, "Q5_K_M", T::q5_k, 5.70},
    {Mix::q5_1, "Q5_1", T::q5_1, 6.04},
    {Mix::q6_k, "Q6_K", T::q6_k, 6.56},
    {Mix::q8_0, "Q8_0", T::q8_0, 8.50},
    {Mix::bf16, "BF16", T::bf16, 16.00},
    {Mix::f16, "F16", T::f16, 16.00},
    {Mix::f32, "F32", T::f32, 32.00},
};

const MixInfo* find_mix(std::string_view name) {
  for (const MixInfo& info : mixes) {
    if (same_name(info.name, name)) {
      return &info;
    }
  }
  return nullptr;
}

/// Which of the tensors of one kind.
enum class Where : std::uint8_t {
  anywhere,
  first_two,
  first_four,
  first_sixteenth,
  early,  ///< the first eighth
  more,   ///< those that `more` names
};

/// In which models.
enum class Of : std::uint8_t {
  any,
  eight,    ///< eight experts
  grouped,  ///< four or more query heads for each key/value head
  imatrix,  ///< quantized with an importance matrix
  plain,    ///< without
};

/// A tensor that gets another type than its mixture's base: the first row that holds counts.
struct Pick {
  Mix mix;
  Where where;
  Of of;
  T type;
};

constexpr Pick value_picks[] = {
    {Mix::q2_k, Where::anywhere, Of::grouped, T::q4_k},
    {Mix::q2_k, Where::anywhere, Of::any, T::q3_k},
    {Mix::q2_k_s, Where::anywhere, Of::grouped, T::q4_k},
    {Mix::iq3_xs, Where::anywhere, Of::grouped, T::q4_k},
    {Mix::iq3_s, Where::anywhere, Of::grouped, T::q4_k},
    {Mix::q3_k_m, Where::first_two, Of::any, T::q5_k},
    {Mix::q3_k_m, Where::anywhere, Of::any, T::q4_k},
    {Mix::q3_k_l, Where::anywhere, Of::any, T::q5_k},
    {Mix::q4_k_s, Where::first_four, Of::any, T::q5_k},
    {Mix::q4_k_m, Where::more, Of::any, T::q6_k},
    {Mix::q5_k_m, Where::more, Of::any, T::q6_k},
    {Mix::iq3_xxs, Where::anywhere, Of::grouped, T::q4_k},
    {Mix::iq3_xxs, Where::anywhere, Of::plain, T::iq3_s},
    {Mix::iq3_m, Where::anywhere, Of::any, T::q4_k},
    {Mix::iq4_nl, Where::anywhere, Of::grouped, T::q5_k},
    {Mix::iq4_xs, Where::anywhere, Of::grouped, T::q5_k},
};

constexpr Pick down_picks[] = {
    {Mix::q2_k, Where::anywhere, Of::any, T::q3_k},
    {Mix::q2_k_s, Where::early, Of::any, T::q4_k},
    {Mix::q3_k_m, Where::first_sixteenth, Of::any, T::q5_k},
    {Mix::q3_k_m, Where::anywhere, Of::any, T::q4_k},
    {Mix::q3_k_l, Where::anywhere, Of::any, T::q5_k},
    {Mix::q4_0, Where::early, Of::imatrix, T::q4_1},
    {Mix::q5_0, Where::early, Of::imatrix, T::q5_1},
    {Mix::q4_k_s, Where::early, Of::any, T::q5_k},
    {Mix::q4_k_m, Where::more, Of::any, T::q6_k},
    {Mix::q5_k_m, Where::more, Of::any, T::q6_k},
    {Mix::iq3_xxs, Where::anywhere, Of::imatrix, T::iq3_xxs},
    {Mix::iq3_xxs, Where::early, Of::any, T::q4_k},
    {Mix::iq3_xxs, Where::anywhere, Of::any, T::q3_k},
    {Mix::iq3_m, Where::early, Of::any, T::q4_k},
    {Mix::iq3_m, Where::more, Of::eight, T::q4_k},
    {Mix::iq4_nl, Where::early, Of::plain, T::q5_k},
    {Mix::iq4_xs, Where::early, Of::plain, T::q5_k},
};

constexpr Pick output_picks[] = {
    {Mix::q2_k, Where::anywhere, Of::eight, T::q5_k},
    {Mix::q3_k_s, Where::anywhere, Of::eight, T::q5_k},
    {Mix::q3_k_m, Where::anywhere, Of::eight, T::q5_k},
    {Mix::q3_k_l, Where::anywhere, Of::eight, T::q3_k},
    {Mix::q4_k_s, Where::anywhere, Of::eight, T::q5_k},
    {Mix::q4_k_m, Where::anywhere, Of::eight, T::q5_k},
    {Mix::iq3_xxs, Where::anywhere, Of::eight, T::q5_k},
    {Mix::iq3_xs, Where::anywhere, Of::eight, T::q5_k},
    {Mix::iq3_s, Where::anywhere, Of::eight, T::q5_k},
    {Mix::iq3_m, Where::anywhere, Of::eight, T::q5_k},
    {Mix::iq4_nl, Where::anywhere, Of::eight, T::q5_k},
    {Mix::iq4_xs, Where::anywhere, Of::eight, T::q5_k},
    {Mix::q2_k, Where::anywhere, Of::any, T::q3_k},
    {Mix::q3_k_m, Where::anywhere, Of::any, T::q4_k},
    {Mix::q3_k_l, Where::anywhere, Of::any, T::q5_k},
    {Mix::iq3_xxs, Where::anywhere, Of::any, T::iq3_s},
    {Mix::iq3_m, Where::anywhere, Of::any, T::q4_k},
};

/// A type with smaller blocks, for rows that the wanted one's can't cut.
struct Fallback {
  T wanted;
  T instead;
};
constexpr Fallback fallbacks[] = {
    {T::iq1_s, T::iq4_nl}, {T::iq1_m, T::iq4_nl},   {T::iq2_xxs, T::iq4_nl}, {T::iq2_xs, T::iq4_nl},
    {T::iq2_s, T::iq4_nl}, {T::iq3_xxs, T::iq4_nl}, {T::iq3_s, T::iq4_nl},   {T::iq4_xs, T::iq4_nl},
    {T::q2_k, T::q4_0},    {T::q3_k, T::q4_0},      {T::tq1_0, T::q4_0},     {T::tq2_0, T::q4_0},
    {T::q4_k, T::q5_0},    {T::q5_k, T::q5_1},      {T::q6_k, T::q8_0},
};

template <class... Ms>
constexpr bool any(Mix mix, Ms... of) {
  return ((mix == of) || ...);
}

/// Which layers get more bits.
constexpr bool more(std::int64_t i, std::int64_t n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

/// True of the i-th of n tensors of its kind.
constexpr bool within(Where where, std::int64_t i, std::int64_t n) {
  switch (where) {
    case Where::anywhere:
      return true;
    case Where::first_two:
      return i < 2;
    case Where::first_four:
      return i < 4;
    case Where::first_sixteenth:
      return i < n / 16;
    case Where::early:
      return i < n / 8;
    case Where::more:
      return more(i, n);
  }
  return false;
}

/// What the quantizer knows of the whole model, and what it has counted so far.
class Quantizer {
 public:
  Quantizer(const Architecture& architecture, const std::vector<GgufTensor>& tensors,
            const MixInfo& mix, bool imatrix)
      : mix_(mix.mix), base_(mix.base), imatrix_(imatrix) {
    const gguf::Rule& rule = gguf::require_rule(architecture);
    gqa_ = gguf::heads_per_kv_head(architecture, rule);
    experts_ = gguf::expert_count(architecture);
    for (const GgufTensor& t : tensors) {
      layers_ = std::max(layers_, static_cast<std::int64_t>(t.layer) + 1);
      has_output_ = has_output_ || t.name == "output.weight";
      values_ += is_value(part(t)) ? 1 : 0;
    }
    // The loader calls these "70B" and gives their values more.
    wide_ = static_cast<std::int64_t>(architecture.layers.size()) == 80 &&
            (rule.wide == gguf::Wide::yes ||
             (rule.wide == gguf::Wide::grouped && gqa_ != 1 && experts_ != 8));
  }

  T type(const GgufTensor& tensor) {
    if (tensor.keep == GgufTensor::Keep::f32 || mix_ == Mix::f32) {
      return T::f32;
    }
    if (tensor.keep == GgufTensor::Keep::source) {
      return mix_ == Mix::f16 ? T::f16 : T::bf16;
    }
    if (any(mix_, Mix::f16, Mix::bf16)) {
      return base_;
    }
    return fallback(wanted(tensor), tensor.ne[0]);
  }

 private:
  /// The name without its layer and ".weight": "ffn_down_exps".
  static std::string_view part(const GgufTensor& tensor) {
    std::string_view name = tensor.name;
    if (tensor.layer >= 0) {
      name.remove_prefix(name.find('.', 4) + 1);
    }
    constexpr std::string_view suffix = ".weight";
    if (name.ends_with(suffix)) {
      name.remove_suffix(suffix.size());
    }
    return name;
  }
  static bool is_value(std::string_view name) {
    return name == "attn_v" || name == "attn_qkv" || name == "attn_kv_b";
  }
  /// A feed-forward tensor's place: its own count, or the layer where there are experts.
  std::int64_t place(const GgufTensor& tensor, std::int64_t& count) const {
    const std::int64_t counted = count++;
    return experts_ > 1 ? tensor.layer : counted;
  }

  T wanted(const GgufTensor& tensor);
  T output(std::int64_t columns) const;
  T embedding() const;
  T tiny(const GgufTensor& tensor, std::string_view name);
  T value(std::int64_t i) const;
  T query_or_key(std::string_view name) const;
  T feed_forward(const GgufTensor& tensor, std::string_view name);
  bool holds(Of of) const;
  T pick(std::span<const Pick> picks, std::int64_t i, std::int64_t n) const;
  static T fallback(T type, std::int64_t columns);

  Mix mix_;
  T base_;
  bool imatrix_;
  bool has_output_ = false;
  bool wide_ = false;
  std::int64_t gqa_ = 0;
  std::int64_t experts_ = 0;
  std::int64_t layers_ = 0;
  std::int64_t values_ = 0;
  std::int64_t value_count_ = 0;
  std::int64_t down_count_ = 0;
  std::int64_t gate_count_ = 0;
  std::int64_t up_count_ = 0;
};

T Quantizer::output(std::int64_t columns) const {
  if (mix_ == Mix::mxfp4_moe || columns % ggml_type_info(base_).block != 0) {
    return T::q8_0;
  }
  if (any(mix_, Mix::iq1_s, Mix::iq1_m, Mix::iq2_xxs, Mix::iq2_xs, Mix::iq2_s, Mix::iq2_m,
          Mix::iq3_xxs)) {
    return T::q5_k;
  }
  return base_ == T::q8_0 ? T::q8_0 : T::q6_k;
}

T Quantizer::embedding() const {
  if (any(mix_, Mix::iq1_s, Mix::iq1_m, Mix::iq2_xxs, Mix::iq2_xs)) {
    return T::q2_k;
  }
  if (any(mix_, Mix::iq2_s, Mix::iq2_m, Mix::iq3_xxs)) {
    return T::iq3_s;
  }
  return any(mix_, Mix::tq1_0, Mix::tq2_0) ? T::q4_k : base_;
}

/// The mixtures below three bits have rules of their own.
T Quantizer::tiny(const GgufTensor& tensor, std::string_view name) {
  const bool second = any(mix_, Mix::iq2_s, Mix::iq2_m);
  if (is_value(name)) {
    if (gqa_ >= 4 || experts_ >= 4) {
      return T::q4_k;
    }
    return second ? T::iq3_s : T::q2_k;
  }
  if (name == "attn_k" && experts_ == 8) {
    return T::q4_k;
  }
  if (name.starts_with("ffn_down") && tensor.layer >= 0) {
    const bool early = down_count_++ < layers_ / 8;
    return early ? (second ? T::iq3_s : T::q2_k) : base_;
  }
  if (name == "attn_output") {
    if (experts_ == 8) {
      return T::q5_k;
    }
    if (any(mix_, Mix::iq1_s, Mix::iq1_m)) {
      return T::iq2_xxs;
    }
    return second ? T::iq3_s : base_;
  }
  return base_;
}

bool Quantizer::holds(Of of) const {
  switch (of) {
    case Of::any:
      return true;
    case Of::eight:
      return experts_ == 8;
    case Of::grouped:
      return gqa_ >= 4;
    case Of::imatrix:
      return imatrix_;
    case Of::plain:
      return !imatrix_;
  }
  return false;
}

T Quantizer::pick(std::span<const Pick> picks, std::int64_t i, std::int64_t n) const {
  for (const Pick& one : picks) {
    if (one.mix == mix_ && holds(one.of) && within(one.where, i, n)) {
      return one.type;
    }
  }
  return base_;
}

T Quantizer::value(std::int64_t i) const {
  if (experts_ == 8) {
    return T::q8_0;
  }
  const T type = pick(value_picks, i, values_);
  return wide_ && (type == T::q3_k || type == T::q4_k) ? T::q5_k : type;
}

/// Gate, up and down, shared or routed; what is none of them has the base.
T Quantizer::feed_forward(const GgufTensor& tensor, std::string_view name) {
  if (name.starts_with("ffn_down")) {
    return pick(down_picks, place(tensor, down_count_), layers_);
  }
  const bool gate = name.starts_with("ffn_gate");
  if (!gate && !name.starts_with("ffn_up")) {
    return base_;
  }
  const std::int64_t i = place(tensor, gate ? gate_count_ : up_count_);
  const bool middle = i >= layers_ / 8 && i < 7 * layers_ / 8;
  return mix_ == Mix::iq3_xs && middle ? T::iq3_xxs : base_;
}

T Quantizer::query_or_key(std::string_view name) const {
  if (name == "attn_k" && experts_ == 8) {
    return T::q8_0;
  }
  return mix_ == Mix::iq3_xs ? T::iq3_xxs : mix_ == Mix::iq3_xxs ? T::iq2_s : base_;
}

T Quantizer::wanted(const GgufTensor& tensor) {
  const std::string_view name = part(tensor);
  const bool embeds = name == "token_embd" || name == "per_layer_token_embd";
  if (name == "output" || (embeds && !has_output_)) {
    return output(tensor.ne[0]);
  }
  if (mix_ == Mix::mxfp4_moe) {
    return tensor.ne[2] > 1 ? T::mxfp4 : T::q8_0;
  }
  if (embeds) {
    return embedding();
  }
  if (any(mix_, Mix::iq1_s, Mix::iq1_m, Mix::iq2_xxs, Mix::iq2_xs, Mix::iq2_s, Mix::iq2_m)) {
    return tiny(tensor, name);
  }
  if (is_value(name)) {
    return value(value_count_++);
  }
  if (name == "attn_k" || name == "attn_q") {
    return query_or_key(name);
  }
  if (name == "attn_output") {
    return pick(output_picks, 0, layers_);
  }
  return feed_forward(tensor, name);
}

/// Where rows can't be cut into the wanted type's blocks, a type with smaller blocks takes over.
T Quantizer::fallback(T type, std::int64_t columns) {
  if (columns % ggml_type_info(type).block == 0) {
    return type;
  }
  T other = T::f16;
  for (const Fallback& fallback : fallbacks) {
    if (fallback.wanted == type) {
      other = fallback.instead;
    }
  }
  return columns % ggml_type_info(other).block == 0 ? other : T::f16;
}

}  // namespace

std::vector<std::string> gguf_mixture_names() {
  std::vector<std::string> names;
  for (const MixInfo& info : mixes) {
    names.emplace_back(info.name);
  }
  return names;
}

std::optional<std::string> find_gguf_mixture(std::string_view name) {
  const MixInfo* info = find_mix(name);
  if (info == nullptr) {
    return std::nullopt;
  }
  return std::string(info->name);
}

double gguf_mixture_bits(std::string_view name) {
  const MixInfo* info = find_mix(name);
  if (info == nullptr) {
    throw unknown_name("llama.cpp mixture", name, gguf_mixture_names());
  }
  return info->bits;
}

std::vector<GgmlType> gguf_types(const Architecture& architecture,
                                 const std::vector<GgufTensor>& tensors, std::string_view mixture,
                                 const GgufOptions& options) {
  const MixInfo* info = find_mix(mixture);
  if (info == nullptr) {
    throw unknown_name("llama.cpp mixture", mixture, gguf_mixture_names());
  }
  Quantizer quantizer(architecture, tensors, *info, options.imatrix);
  std::vector<GgmlType> types;
  types.reserve(tensors.size());
  for (const GgufTensor& tensor : tensors) {
    types.push_back(quantizer.type(tensor));
  }
  return types;
}

}  // namespace macfit::model
