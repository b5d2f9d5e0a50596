// The tensors that a converted GGUF file holds, by name, shape and kind.

#include <algorithm>
#include <utility>

#include "macfit/core/error.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "rules.hpp"

namespace macfit::model {
namespace {

using Keep = GgufTensor::Keep;

std::int64_t sum(std::int64_t a, std::int64_t b, std::int64_t c = 0) {
  return checked_add(checked_add(a, b), c);
}

/// Collects the tensors of one layer, or those outside the layers.
class Builder {
 public:
  Builder(const Architecture& architecture, const gguf::Rule& rule, std::vector<GgufTensor>& out)
      : arch_(architecture), rule_(rule), out_(out), e_(architecture.hidden) {}

  void globals();
  void layer(int index, const Block& block, bool mtp);
  void mtp_extras(bool copies);

 private:
  enum class Split : bool { no, yes };

  void add(std::string_view name, GgmlShape ne, TensorClass c, Keep keep, Split split = Split::no) {
    GgufTensor t;
    t.name =
        layer_ < 0 ? std::string(name) : "blk." + std::to_string(layer_) + "." + std::string(name);
    t.ne = ne;
    t.keep = keep;
    t.tensor_class = c;
    t.layer = layer_;
    t.mtp = mtp_;
    t.split = split == Split::yes;
    out_.push_back(std::move(t));
  }
  void weight(std::string_view name, std::int64_t columns, std::int64_t rows, TensorClass c,
              Split split = Split::no, std::int64_t stack = 1) {
    add(std::string(name) + ".weight", {columns, rows, stack, 1}, c, Keep::quantized, split);
  }
  void f32(std::string_view name, GgmlShape ne, TensorClass c, Split split = Split::no) {
    add(name, ne, c, Keep::f32, split);
  }
  void norm(std::string_view name, std::int64_t width) {
    f32(std::string(name) + ".weight", {width, 1, 1, 1}, TensorClass::norm);
  }
  void layer_norm(std::string_view name, bool bias) {
    norm(name, e_);
    if (bias) {
      f32(std::string(name) + ".bias", {e_, 1, 1, 1}, TensorClass::norm);
    }
  }

  void norms(const Block& block);
  void attention(const Attention& a);
  void latent(const LatentAttention& a);
  void delta_net(const DeltaNet& d);
  void kimi_delta(const KimiDelta& k);
  void mamba2(const Mamba2& m);
  void mamba1(const Mamba1& m);
  void short_conv(const ShortConv& s);
  void dense(const Dense& d);
  void experts(const Experts& x);
  void shared(const Experts& x);

  const Architecture& arch_;
  const gguf::Rule& rule_;
  std::vector<GgufTensor>& out_;
  std::int64_t e_;
  int layer_ = -1;
  bool mtp_ = false;
};

void Builder::globals() {
  const std::int64_t v = arch_.vocabulary;
  weight("token_embd", e_, v, TensorClass::embedding);
  if (arch_.embedding_norm) {
    layer_norm("token_embd_norm", true);
  }
  layer_norm(rule_.output_norm, arch_.final_norm_bias);
  if (!arch_.tied) {
    weight("output", e_, v, TensorClass::head, Split::yes);
  }
  std::int64_t rope = arch_.rope_factors;
  std::int64_t per_layer = 0;
  for (const std::uint16_t index : arch_.layers) {
    const Block& block = arch_.blocks[index];
    if (rule_.full_rope_factors && block.attention && block.attention->span == Span::full) {
      rope = block.attention->head_dim / 2;
    }
    per_layer = sum(per_layer, block.per_layer_input);
  }
  if (rope > 0) {
    f32("rope_freqs.weight", {rope, 1, 1, 1}, TensorClass::other);
  }
  if (per_layer > 0) {
    weight("per_layer_token_embd", per_layer, std::max(arch_.per_layer_vocabulary, std::int64_t{1}),
           TensorClass::embedding);
    add("per_layer_model_proj.weight", {e_, per_layer, 1, 1}, TensorClass::other, Keep::source);
    norm("per_layer_proj_norm", arch_.blocks.front().per_layer_input);
  }
}

bool has_mixer(const Block& block) {
  return block.attention || block.latent || block.delta_net || block.kimi_delta || block.mamba2 ||
         block.mamba1 || block.short_conv || block.linear;
}

void Builder::norms(const Block& block) {
  const bool mixer = has_mixer(block);
  switch (rule_.norms) {
    case gguf::Norms::pre:
      if (mixer) {
        layer_norm("attn_norm", block.norm_bias);
      }
      if (block.dense || block.experts) {
        layer_norm(rule_.ffn_norm, block.norm_bias);
      }
      break;
    case gguf::Norms::post_named:
      layer_norm("attn_norm", block.norm_bias);
      layer_norm(rule_.post_attention_norm, block.norm_bias);
      break;
    case gguf::Norms::sandwich:
      layer_norm("attn_norm", block.norm_bias);
      layer_norm(rule_.post_attention_norm, block.norm_bias);
      layer_norm(rule_.ffn_norm, block.norm_bias);
      layer_norm(rule_.post_ffn_norm, block.norm_bias);
      break;
    case gguf::Norms::post:
      layer_norm(rule_.post_attention_norm, block.norm_bias);
      layer_norm(rule_.post_ffn_norm, block.norm_bias);
      break;
    case gguf::Norms::one:
      layer_norm("attn_norm", block.norm_bias);
      break;
  }
  if (rule_.part_norms && block.experts) {
    norm("pre_ffw_norm_2", e_);
    norm("post_ffw_norm_1", e_);
    norm("post_ffw_norm_2", e_);
  }
}

void Builder::attention(const Attention& a) {
  const auto c = TensorClass::attention;
  const std::int64_t q = checked_mul(a.heads, a.head_dim, a.gate == OutputGate::in_query ? 2 : 1);
  const std::int64_t k = checked_mul(a.kv_heads, a.head_dim);
  const std::int64_t v = checked_mul(a.kv_heads, a.value_dim);
  const std::int64_t o = checked_mul(a.heads, a.value_dim);
  const auto bias = [&](std::string_view name, std::int64_t n) {
    if (a.qkv_bias) {
      f32(std::string(name) + ".bias", {n, 1, 1, 1}, c, Split::yes);
    }
  };
  if (rule_.fused_qkv) {
    weight("attn_qkv", e_, sum(q, k, v), c, Split::yes);
    bias("attn_qkv", sum(q, k, v));
  } else {
    weight("attn_q", e_, q, c, Split::yes);
    weight("attn_k", e_, k, c, Split::yes);
    bias("attn_q", q);
    bias("attn_k", k);
    if (!a.value_from_key) {
      weight("attn_v", e_, v, c, Split::yes);
      bias("attn_v", v);
    }
  }
  weight("attn_output", o, e_, c, Split::yes);
  if (a.output_bias) {
    f32("attn_output.bias", {e_, 1, 1, 1}, c);
  }
  if (a.norm == HeadNorm::per_head) {
    norm("attn_q_norm", a.head_dim);
    norm("attn_k_norm", a.head_dim);
  } else if (a.norm == HeadNorm::full_width) {
    norm("attn_q_norm", checked_mul(a.heads, a.head_dim));
    norm("attn_k_norm", k);
  }
  if (a.sinks) {
    f32("attn_sinks.weight", {a.heads, 1, 1, 1}, c, Split::yes);
  }
  if (a.gate == OutputGate::per_head) {
    weight("attn_gate", e_, a.heads, c, Split::yes);
  } else if (a.gate == OutputGate::full_width) {
    weight("attn_gate", e_, o, c, Split::yes);
  }
}

void Builder::latent(const LatentAttention& a) {
  const auto c = TensorClass::attention;
  const std::int64_t key = sum(a.nope_dim, a.rope_dim);
  if (a.query_rank > 0) {
    weight("attn_q_a", e_, a.query_rank, c);
    norm("attn_q_a_norm", a.query_rank);
    weight("attn_q_b", a.query_rank, checked_mul(a.heads, key), c);
  } else {
    weight("attn_q", e_, checked_mul(a.heads, key), c, Split::yes);
  }
  weight("attn_kv_a_mqa", e_, sum(a.kv_rank, a.rope_dim), c);
  norm("attn_kv_a_norm", a.kv_rank);
  weight("attn_k_b", a.nope_dim, a.kv_rank, c, Split::no, a.heads);
  weight("attn_v_b", a.kv_rank, a.value_dim, c, Split::no, a.heads);
  weight("attn_output", checked_mul(a.heads, a.value_dim), e_, c, Split::yes);
  if (a.indexer) {
    const Indexer& x = *a.indexer;
    weight("indexer.attn_q_b", a.query_rank, checked_mul(x.heads, x.head_dim),
           TensorClass::indexer);
    weight("indexer.attn_k", e_, x.head_dim, TensorClass::indexer);
    weight("indexer.proj", e_, x.heads, TensorClass::indexer);
    f32("indexer.k_norm.weight", {x.head_dim, 1, 1, 1}, TensorClass::norm);
    f32("indexer.k_norm.bias", {x.head_dim, 1, 1, 1}, TensorClass::norm);
  }
}

void Builder::delta_net(const DeltaNet& d) {
  const auto c = TensorClass::recurrent;
  const std::int64_t inner = checked_mul(d.value_heads, d.value_dim);
  const std::int64_t mixed = sum(checked_mul(2, d.key_heads, d.key_dim), inner);
  weight("attn_qkv", e_, mixed, c, Split::yes);
  weight("attn_gate", e_, inner, c, Split::yes);
  if (d.split_projections) {
    weight("ssm_beta", e_, d.value_heads, c, Split::yes);
    weight("ssm_alpha", e_, d.value_heads, c, Split::yes);
  } else {
    weight("ssm_ba", e_, checked_mul(2, d.value_heads), c, Split::yes);
  }
  weight("ssm_out", inner, e_, c, Split::yes);
  f32("ssm_conv1d.weight", {d.kernel, mixed, 1, 1}, c, Split::yes);
  f32("ssm_dt.bias", {d.value_heads, 1, 1, 1}, c, Split::yes);
  f32("ssm_a", {d.value_heads, 1, 1, 1}, c, Split::yes);
  norm("ssm_norm", d.value_dim);
}

void Builder::kimi_delta(const KimiDelta& k) {
  const auto c = TensorClass::recurrent;
  const std::int64_t width = checked_mul(k.heads, k.head_dim);
  weight("attn_q", e_, width, c, Split::yes);
  weight("attn_k", e_, width, c, Split::yes);
  weight("attn_v", e_, width, c, Split::yes);
  weight("attn_output", width, e_, c, Split::yes);
  for (const std::string_view name : {"ssm_conv1d_q", "ssm_conv1d_k", "ssm_conv1d_v"}) {
    f32(std::string(name) + ".weight", {k.kernel, 1, width, 1}, c, Split::yes);
  }
  weight("ssm_f_a", e_, k.head_dim, c, Split::yes);
  weight("ssm_f_b", k.head_dim, width, c, Split::yes);
  weight("ssm_g_a", e_, k.head_dim, c, Split::yes);
  weight("ssm_g_b", k.head_dim, width, c, Split::yes);
  weight("ssm_beta", e_, k.heads, c, Split::yes);
  f32("ssm_a", {1, k.heads, 1, 1}, c, Split::yes);
  f32("ssm_dt.bias", {width, 1, 1, 1}, c, Split::yes);
  norm("ssm_norm", k.head_dim);
}

void Builder::mamba2(const Mamba2& m) {
  const auto c = TensorClass::recurrent;
  const std::int64_t inner = checked_mul(m.heads, m.head_dim);
  const std::int64_t mixed = sum(inner, checked_mul(2, m.groups, m.state));
  weight("ssm_in", e_, sum(inner, mixed, m.heads), c, Split::yes);
  weight("ssm_out", inner, e_, c, Split::yes);
  f32("ssm_conv1d.weight", {m.kernel, mixed, 1, 1}, c, Split::yes);
  if (m.conv_bias) {
    f32("ssm_conv1d.bias", {mixed, 1, 1, 1}, c, Split::yes);
  }
  f32("ssm_dt.bias", {m.heads, 1, 1, 1}, c, Split::yes);
  f32("ssm_a", {1, m.heads, 1, 1}, c, Split::yes);
  f32("ssm_d", {1, m.heads, 1, 1}, c, Split::yes);
  const std::int64_t groups = std::max(m.groups, std::int64_t{1});
  f32("ssm_norm.weight", {inner / groups, groups, 1, 1}, TensorClass::norm);
}

void Builder::mamba1(const Mamba1& m) {
  const auto c = TensorClass::recurrent;
  weight("ssm_in", e_, checked_mul(2, m.inner), c, Split::yes);
  f32("ssm_conv1d.weight", {m.kernel, m.inner, 1, 1}, c, Split::yes);
  if (m.conv_bias) {
    f32("ssm_conv1d.bias", {m.inner, 1, 1, 1}, c, Split::yes);
  }
  weight("ssm_x", m.inner, sum(m.time_rank, checked_mul(2, m.state)), c, Split::yes);
  weight("ssm_dt", m.time_rank, m.inner, c, Split::yes);
  f32("ssm_dt.bias", {m.inner, 1, 1, 1}, c, Split::yes);
  f32("ssm_a", {m.state, m.inner, 1, 1}, c, Split::yes);
  f32("ssm_d", {m.inner, 1, 1, 1}, c, Split::yes);
  weight("ssm_out", m.inner, e_, c, Split::yes);
  norm("ssm_dt_norm", m.time_rank);
  norm("ssm_b_norm", m.state);
  norm("ssm_c_norm", m.state);
}

void Builder::short_conv(const ShortConv& s) {
  const auto c = TensorClass::recurrent;
  weight("shortconv.in_proj", e_, checked_mul(3, e_), c, Split::yes);
  f32("shortconv.conv.weight", {s.kernel, e_, 1, 1}, c, Split::yes);
  weight("shortconv.out_proj", e_, e_, c, Split::yes);
}

void Builder::dense(const Dense& d) {
  const auto c = TensorClass::dense;
  const auto bias = [&](std::string_view name, std::int64_t n, Split split) {
    if (d.bias) {
      f32(std::string(name) + ".bias", {n, 1, 1, 1}, c, split);
    }
  };
  const bool fused = rule_.fused_gate_up;
  if (d.matrices == 3 && !fused) {
    weight("ffn_gate", e_, d.width, c, Split::yes);
    bias("ffn_gate", d.width, Split::yes);
  }
  weight("ffn_up", e_, fused ? checked_mul(2, d.width) : d.width, c, Split::yes);
  bias("ffn_up", d.width, Split::yes);
  weight("ffn_down", d.width, e_, c, Split::yes);
  bias("ffn_down", e_, Split::no);
}

void Builder::experts(const Experts& x) {
  const auto c = TensorClass::experts;
  const std::int64_t width = x.latent > 0 ? x.latent : e_;
  f32("ffn_gate_inp.weight", {e_, x.count, 1, 1}, TensorClass::router);
  if (x.router_bias) {
    f32("ffn_gate_inp.bias", {x.count, 1, 1, 1}, TensorClass::router);
  }
  if (x.correction_bias || rule_.correction == gguf::Correction::written) {
    f32("exp_probs_b.bias", {x.count, 1, 1, 1}, TensorClass::router);
  }
  if (x.latent > 0) {
    weight("ffn_latent_down", e_, x.latent, TensorClass::other);
    weight("ffn_latent_up", x.latent, e_, TensorClass::other);
  }
  if (rule_.router_scale) {
    f32("ffn_gate_inp.scale", {e_, 1, 1, 1}, TensorClass::router);
    f32("ffn_down_exps.scale", {x.count, 1, 1, 1}, TensorClass::router);
    weight("ffn_gate_up_exps", e_, checked_mul(2, x.width), c, Split::yes, x.count);
  } else {
    if (x.matrices == 3) {
      weight("ffn_gate_exps", width, x.width, c, Split::yes, x.count);
    }
    weight("ffn_up_exps", width, x.width, c, Split::yes, x.count);
  }
  weight("ffn_down_exps", x.width, width, c, Split::yes, x.count);
  if (x.bias) {
    if (x.matrices == 3) {
      f32("ffn_gate_exps.bias", {x.width, x.count, 1, 1}, c, Split::yes);
    }
    f32("ffn_up_exps.bias", {x.width, x.count, 1, 1}, c, Split::yes);
    f32("ffn_down_exps.bias", {width, x.count, 1, 1}, c);
  }
  shared(x);
}

void Builder::shared(const Experts& x) {
  if (x.shared_width <= 0) {
    return;
  }
  const auto c = TensorClass::shared_experts;
  if (x.matrices == 3) {
    weight("ffn_gate_shexp", e_, x.shared_width, c);
  }
  weight("ffn_up_shexp", e_, x.shared_width, c);
  weight("ffn_down_shexp", x.shared_width, e_, c);
  if (x.shared_gate) {
    f32("ffn_gate_inp_shexp.weight", {e_, 1, 1, 1}, c);
  }
}

void Builder::layer(int index, const Block& block, bool mtp) {
  layer_ = index;
  mtp_ = mtp;
  norms(block);
  if (block.attention) {
    attention(*block.attention);
  }
  if (block.latent) {
    latent(*block.latent);
  }
  if (block.delta_net) {
    delta_net(*block.delta_net);
  }
  if (block.kimi_delta) {
    kimi_delta(*block.kimi_delta);
  }
  if (block.mamba2) {
    mamba2(*block.mamba2);
  }
  if (block.mamba1) {
    mamba1(*block.mamba1);
  }
  if (block.short_conv) {
    short_conv(*block.short_conv);
  }
  if (block.linear) {
    weight("attn_output", e_, e_, TensorClass::attention, Split::yes);
  }
  if (block.dense) {
    dense(*block.dense);
  }
  if (block.experts) {
    experts(*block.experts);
  }
  if (block.layer_scalar) {
    f32("layer_output_scale.weight", {1, 1, 1, 1}, TensorClass::other);
  }
  if (block.per_layer_input > 0) {
    weight("inp_gate", e_, block.per_layer_input, TensorClass::other);
    weight("proj", block.per_layer_input, e_, TensorClass::other);
    norm("post_norm", e_);
  }
}

void Builder::mtp_extras(bool copies) {
  const std::int64_t v = arch_.vocabulary;
  weight("nextn.eh_proj", checked_mul(2, e_), e_, TensorClass::other);
  if (copies) {
    weight("nextn.embed_tokens", e_, v, TensorClass::embedding);
    weight("nextn.shared_head_head", e_, v, TensorClass::head);
  }
  norm("nextn.enorm", e_);
  norm("nextn.hnorm", e_);
  norm("nextn.shared_head_norm", e_);
}

/// The layer that MTP layers repeat: the last one with attention that sees everything, as hybrids
/// have it, and with an indexer of its own where only some have one (GLM-5.2).
const Block& mtp_block(const Architecture& architecture) {
  const bool indexed =
      std::any_of(architecture.blocks.begin(), architecture.blocks.end(),
                  [](const Block& block) { return block.latent && block.latent->indexer; });
  for (std::size_t i = architecture.layers.size(); i-- > 0;) {
    const Block& block = architecture.block_of(i);
    if ((block.latent && block.latent->indexer.has_value() == indexed) ||
        (block.attention && block.attention->span == Span::full)) {
      return block;
    }
  }
  return architecture.block_of(architecture.layers.size() - 1);
}

std::int64_t elements_of(const std::vector<GgufTensor>& tensors, int layer) {
  std::int64_t total = 0;
  for (const GgufTensor& t : tensors) {
    total = sum(total, t.layer == layer ? t.elements() : 0);
  }
  return total;
}

}  // namespace

std::vector<GgufTensor> gguf_tensors(const Architecture& architecture, const GgufOptions& options) {
  const gguf::Rule& rule = gguf::require_rule(architecture);
  if (architecture.layers.empty()) {
    throw Error("the model's layers are not known");
  }
  std::vector<GgufTensor> tensors;
  Builder builder(architecture, rule, tensors);
  builder.globals();
  int index = 0;
  for (const std::uint16_t kind : architecture.layers) {
    builder.layer(index++, architecture.blocks[kind], false);
  }
  if (options.mtp.value_or(rule.mtp)) {
    const Extras& extras = architecture.extras;
    for (std::int64_t i = 0; i < extras.mtp_layers; ++i) {
      builder.layer(index, mtp_block(architecture), true);
      // Some checkpoints hold a second embedding and head here, some do not: their count tells.
      const std::int64_t e = architecture.hidden;
      const std::int64_t plain =
          sum(elements_of(tensors, index), checked_mul(2, e, e), checked_mul(3, e));
      const bool copies =
          !extras.mtp_parameters || *extras.mtp_parameters / extras.mtp_layers > sum(plain, e);
      builder.mtp_extras(copies);
      ++index;
    }
  }
  std::stable_sort(tensors.begin(), tensors.end(), [](const GgufTensor& a, const GgufTensor& b) {
    return std::pair(a.layer, std::string_view(a.name)) <
           std::pair(b.layer, std::string_view(b.name));
  });
  return tensors;
}

}  // namespace macfit::model
