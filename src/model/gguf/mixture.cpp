#include <algorithm>
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

template <class... Ms>
constexpr bool any(Mix mix, Ms... of) {
  return ((mix == of) || ...);
}

/// Which layers get more bits.
constexpr bool more(std::int64_t i, std::int64_t n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
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
            (rule.name == "qwen2" || rule.name == "deci" ||
             (rule.name == "llama" && gqa_ != 1 && experts_ != 8));
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
  T down(std::int64_t i) const;
  T attention_output() const;
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

T Quantizer::value(std::int64_t i) const {
  const std::int64_t n = values_;
  T type = base_;
  switch (mix_) {
    case Mix::q2_k:
      type = gqa_ >= 4 ? T::q4_k : T::q3_k;
      break;
    case Mix::q2_k_s:
    case Mix::iq3_xs:
    case Mix::iq3_s:
      type = gqa_ >= 4 ? T::q4_k : base_;
      break;
    case Mix::q3_k_m:
      type = i < 2 ? T::q5_k : T::q4_k;
      break;
    case Mix::q3_k_l:
      type = T::q5_k;
      break;
    case Mix::q4_k_s:
      type = i < 4 ? T::q5_k : base_;
      break;
    case Mix::q4_k_m:
    case Mix::q5_k_m:
      type = more(i, n) ? T::q6_k : base_;
      break;
    case Mix::iq3_xxs:
      type = gqa_ >= 4 ? T::q4_k : (imatrix_ ? T::iq3_xxs : T::iq3_s);
      break;
    case Mix::iq3_m:
      type = T::q4_k;
      break;
    case Mix::iq4_nl:
    case Mix::iq4_xs:
      type = gqa_ >= 4 ? T::q5_k : base_;
      break;
    default:
      break;
  }
  if (wide_ && (type == T::q3_k || type == T::q4_k)) {
    type = T::q5_k;
  }
  return experts_ == 8 ? T::q8_0 : type;
}

T Quantizer::down(std::int64_t i) const {
  const std::int64_t n = layers_;
  const bool early = i < n / 8;
  switch (mix_) {
    case Mix::q2_k:
      return T::q3_k;
    case Mix::q2_k_s:
      return early ? T::q4_k : base_;
    case Mix::q3_k_m:
      return i < n / 16 ? T::q5_k : T::q4_k;
    case Mix::q3_k_l:
      return T::q5_k;
    case Mix::q4_0:
      return imatrix_ && early ? T::q4_1 : base_;
    case Mix::q5_0:
      return imatrix_ && early ? T::q5_1 : base_;
    case Mix::q4_k_s:
      return early ? T::q5_k : base_;
    case Mix::q4_k_m:
    case Mix::q5_k_m:
      return more(i, n) ? T::q6_k : base_;
    case Mix::iq3_xxs:
      return imatrix_ ? base_ : (early ? T::q4_k : T::q3_k);
    case Mix::iq3_m:
      return early || (experts_ == 8 && more(i, n)) ? T::q4_k : base_;
    case Mix::iq4_nl:
    case Mix::iq4_xs:
      return early && !imatrix_ ? T::q5_k : base_;
    default:
      return base_;
  }
}

T Quantizer::attention_output() const {
  if (experts_ == 8) {
    const bool raised =
        any(mix_, Mix::q2_k, Mix::q3_k_s, Mix::q3_k_m, Mix::q4_k_s, Mix::q4_k_m, Mix::iq3_xxs,
            Mix::iq3_xs, Mix::iq3_s, Mix::iq3_m, Mix::iq4_nl, Mix::iq4_xs);
    return raised ? T::q5_k : base_;
  }
  switch (mix_) {
    case Mix::q2_k:
      return T::q3_k;
    case Mix::q3_k_m:
    case Mix::iq3_m:
      return T::q4_k;
    case Mix::q3_k_l:
      return T::q5_k;
    case Mix::iq3_xxs:
      return T::iq3_s;
    default:
      return base_;
  }
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
    if (name == "attn_k" && experts_ == 8) {
      return T::q8_0;
    }
    return mix_ == Mix::iq3_xs ? T::iq3_xxs : mix_ == Mix::iq3_xxs ? T::iq2_s : base_;
  }
  if (name == "attn_output") {
    return attention_output();
  }
  if (name.starts_with("ffn_down")) {
    return down(place(tensor, down_count_));
  }
  const bool gate = name.starts_with("ffn_gate");
  if (gate || name.starts_with("ffn_up")) {
    const std::int64_t i = place(tensor, gate ? gate_count_ : up_count_);
    const bool middle = i >= layers_ / 8 && i < 7 * layers_ / 8;
    return mix_ == Mix::iq3_xs && middle ? T::iq3_xxs : base_;
  }
  return base_;
}

/// Where rows can't be cut into the wanted type's blocks, a type with smaller blocks takes over.
T Quantizer::fallback(T type, std::int64_t columns) {
  if (columns % ggml_type_info(type).block == 0) {
    return type;
  }
  T other = T::f16;
  switch (type) {
    case T::iq1_s:
    case T::iq1_m:
    case T::iq2_xxs:
    case T::iq2_xs:
    case T::iq2_s:
    case T::iq3_xxs:
    case T::iq3_s:
    case T::iq4_xs:
      other = T::iq4_nl;
      break;
    case T::q2_k:
    case T::q3_k:
    case T::tq1_0:
    case T::tq2_0:
      other = T::q4_0;
      break;
    case T::q4_k:
      other = T::q5_0;
      break;
    case T::q5_k:
      other = T::q5_1;
      break;
    case T::q6_k:
      other = T::q8_0;
      break;
    default:
      break;
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
