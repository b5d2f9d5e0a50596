// The tensors of attention and of what takes its place, kind by kind.

#include "macfit/core/quantity.hpp"
#include "tensor_list.hpp"

namespace macfit::model {
namespace {

constexpr auto attention_class = TensorClass::attention;
constexpr auto recurrent_class = TensorClass::recurrent;

std::int64_t product(std::int64_t a, std::int64_t b) { return checked_mul(a, b); }

/// Rows of the three projections of attention.
struct AttentionRows {
  std::int64_t query = 0;  ///< without a gate's half
  std::int64_t key = 0;
  std::int64_t value = 0;
};

void add_projections(TensorList& list, std::int64_t hidden, const Attention& a,
                     const AttentionRows& rows) {
  const std::int64_t query = a.gate == OutputGate::in_query ? product(2, rows.query) : rows.query;
  if (a.fused_qkv) {
    // mlx_lm/convert.py knows "v_proj" in a path wherever it stands.
    list.linear(a.plain_qkv ? "self_attn.query_key_value" : "self_attn.qkv_proj", attention_class,
                checked_add(query, checked_add(rows.key, rows.value)), hidden, Cut::rows,
                a.qkv_bias);
    return;
  }
  list.linear("self_attn.q_proj", attention_class, query, hidden, Cut::rows, a.qkv_bias);
  if (a.shared_kv || a.borrowed_kv) {
    return;
  }
  list.linear("self_attn.k_proj", attention_class, rows.key, hidden, Cut::rows, a.qkv_bias);
  if (!a.value_from_key) {
    list.linear("self_attn.v_proj", attention_class, rows.value, hidden, Cut::rows, a.qkv_bias);
  }
}

/// A gate that is a matrix of its own.
void add_gate(TensorList& list, std::int64_t hidden, const Attention& a) {
  if (a.gate == OutputGate::per_head || a.gate == OutputGate::per_head_raw) {
    list.linear("self_attn.g_proj", attention_class, a.heads, hidden, Cut::rows, false, 1,
                a.gate == OutputGate::per_head ? Quantized::base : Quantized::spared);
  } else if (a.gate == OutputGate::full_width) {
    list.linear("self_attn.gate_proj", attention_class, product(a.heads, a.value_dim), hidden,
                Cut::rows);
  }
}

void add_head_norms(TensorList& list, const Attention& a, const AttentionRows& rows) {
  if (a.norm == HeadNorm::per_head) {
    list.raw("self_attn.q_norm", TensorClass::norm, a.head_dim);
    if (!a.shared_kv) {
      list.raw("self_attn.k_norm", TensorClass::norm, a.head_dim);
    }
  } else if (a.norm == HeadNorm::full_width) {
    list.raw("self_attn.q_norm", TensorClass::norm, rows.query, 1, Cut::rows);
    if (!a.shared_kv) {
      list.raw("self_attn.k_norm", TensorClass::norm, rows.key, 1, Cut::rows);
    }
  }
}

void add(TensorList& list, std::int64_t hidden, const Attention& a) {
  const AttentionRows rows{product(a.heads, a.head_dim), product(a.kv_heads, a.head_dim),
                           product(a.kv_heads, a.value_dim)};
  add_projections(list, hidden, a, rows);
  add_gate(list, hidden, a);
  list.linear("self_attn.o_proj", attention_class, hidden, product(a.heads, a.value_dim),
              Cut::columns, a.output_bias);
  add_head_norms(list, a, rows);
  if (a.sinks) {
    list.raw("self_attn.sinks", attention_class, a.heads, 1, Cut::rows);
  }
  if (a.indexer) {
    const Indexer& i = *a.indexer;
    constexpr auto c = TensorClass::indexer;
    list.linear("self_attn.index_q_proj", c, product(i.heads, i.head_dim), hidden, Cut::rows);
    list.linear("self_attn.index_k_proj", c, i.head_dim, hidden, Cut::replicated);
    list.raw("self_attn.index_q_norm", c, i.head_dim);
    list.raw("self_attn.index_k_norm", c, i.head_dim);
  }
}

void add(TensorList& list, std::int64_t hidden, const LatentAttention& a) {
  const std::size_t first = list.size();
  const std::int64_t query = product(a.heads, checked_add(a.nope_dim, a.rope_dim));
  const auto linear = [&](std::string_view path, std::int64_t rows, std::int64_t columns, Cut cut,
                          bool bias = false) {
    list.linear(path, attention_class, rows, columns, cut, bias, 1,
                a.raw ? Quantized::spared : Quantized::base);
  };
  if (a.query_rank > 0) {
    linear("self_attn.q_a_proj", a.query_rank, hidden, Cut::replicated, a.bias);
    list.raw("self_attn.q_a_layernorm", TensorClass::norm, a.query_rank);
    linear("self_attn.q_b_proj", query, a.query_rank, Cut::rows);
  } else {
    linear("self_attn.q_proj", query, hidden, Cut::rows);
  }
  linear("self_attn.kv_a_proj_with_mqa", checked_add(a.kv_rank, a.rope_dim), hidden,
         Cut::replicated, a.bias);
  list.raw("self_attn.kv_a_layernorm", TensorClass::norm, a.kv_rank);
  if (a.expanded) {
    linear("self_attn.kv_b_proj", product(a.heads, checked_add(a.nope_dim, a.value_dim)), a.kv_rank,
           Cut::rows);
  } else {
    // The two halves of kv_b_proj as mlx-lm holds them: one matrix a head, groups run along the
    // last axis.
    const Quantized absorbed = a.raw || a.raw_absorbed ? Quantized::spared : Quantized::base;
    list.linear("self_attn.embed_q", attention_class, a.kv_rank, a.nope_dim, Cut::stack, false,
                a.heads, absorbed);
    list.linear("self_attn.unembed_out", attention_class, a.value_dim, a.kv_rank, Cut::stack, false,
                a.heads, absorbed);
  }
  list.linear("self_attn.o_proj", attention_class, hidden, product(a.heads, a.value_dim),
              Cut::columns, a.bias);
  if (a.indexer) {
    const Indexer& i = *a.indexer;
    constexpr auto c = TensorClass::indexer;
    list.linear("self_attn.indexer.wq_b", c, product(i.heads, i.head_dim), a.query_rank,
                Cut::replicated);
    list.linear("self_attn.indexer.wk", c, i.head_dim, hidden, Cut::replicated);
    list.raw("self_attn.indexer.k_norm", c, i.head_dim);
    list.raw("self_attn.indexer.k_norm.bias", c, i.head_dim);
    list.linear("self_attn.indexer.weights_proj", c, i.heads, hidden, Cut::replicated);
  }
  list.repeat(first, a.copies);
}

/// Pools keys over a number of tokens; by fours, windows overlap and the projections are doubled.
void add_compressor(TensorList& list, std::string_view path, TensorClass c, std::int64_t hidden,
                    std::int64_t ratio, std::int64_t head_dim) {
  const std::string base(path);
  const std::int64_t width = product(ratio == 4 ? 2 : 1, head_dim);
  list.linear(base + ".wkv", c, width, hidden, Cut::replicated);
  list.linear(base + ".wgate", c, width, hidden, Cut::replicated);
  list.raw(base + ".ape", c, ratio, width).f32 = true;
  list.raw(base + ".norm", TensorClass::norm, head_dim);
}

void add(TensorList& list, std::int64_t hidden, const CompressedAttention& a) {
  const std::int64_t query = product(a.heads, a.head_dim);
  list.linear("self_attn.wq_a", attention_class, a.query_rank, hidden, Cut::replicated);
  list.raw("self_attn.q_norm", TensorClass::norm, a.query_rank);
  list.linear("self_attn.wq_b", attention_class, query, a.query_rank, Cut::rows);
  list.linear("self_attn.wkv", attention_class, a.head_dim, hidden, Cut::replicated);
  list.raw("self_attn.kv_norm", TensorClass::norm, a.head_dim);
  const std::int64_t output = product(a.output_groups, a.output_rank);
  list.linear("self_attn.wo_a", attention_class, output, query / a.output_groups, Cut::rows);
  list.linear("self_attn.wo_b", attention_class, hidden, output, Cut::columns);
  list.raw("self_attn.attn_sink", attention_class, a.heads, 1, Cut::rows).f32 = true;
  if (a.ratio > 0) {
    add_compressor(list, "self_attn.compressor", attention_class, hidden, a.ratio, a.head_dim);
  }
  if (a.indexer) {
    const Indexer& i = *a.indexer;
    constexpr auto c = TensorClass::indexer;
    list.linear("self_attn.indexer.wq_b", c, product(i.heads, i.head_dim), a.query_rank,
                Cut::replicated);
    list.linear("self_attn.indexer.weights_proj", c, i.heads, hidden, Cut::replicated);
    add_compressor(list, "self_attn.indexer.compressor", c, hidden, a.ratio, i.head_dim);
  }
}

void add(TensorList& list, std::int64_t hidden, const DeltaNet& d) {
  constexpr auto c = recurrent_class;
  const std::int64_t key = product(d.key_heads, d.key_dim);
  const std::int64_t value = product(d.value_heads, d.value_dim);
  const std::int64_t convolved = checked_add(product(2, key), value);
  if (d.separate) {
    list.linear("linear_attn.q_proj", c, key, hidden, Cut::rows);
    list.linear("linear_attn.k_proj", c, key, hidden, Cut::rows);
    for (const char* path : {"linear_attn.v_proj", "linear_attn.g_proj"}) {
      list.linear(path, c, value, hidden, Cut::rows);
    }
    for (const char* path : {"linear_attn.a_proj", "linear_attn.b_proj"}) {
      list.linear(path, c, d.value_heads, hidden, Cut::rows);
    }
  } else if (d.split_projections) {
    list.linear("linear_attn.in_proj_qkv", c, convolved, hidden, Cut::rows);
    list.linear("linear_attn.in_proj_z", c, value, hidden, Cut::rows);
    list.linear("linear_attn.in_proj_b", c, d.value_heads, hidden, Cut::rows);
    list.linear("linear_attn.in_proj_a", c, d.value_heads, hidden, Cut::rows);
  } else {
    list.linear("linear_attn.in_proj_qkvz", c, checked_add(convolved, value), hidden, Cut::rows);
    list.linear("linear_attn.in_proj_ba", c, product(2, d.value_heads), hidden, Cut::rows);
  }
  list.raw("linear_attn.conv1d", c, convolved, d.kernel, Cut::rows);
  list.raw("linear_attn.A_log", c, d.value_heads, 1, Cut::rows).f32 = d.f32_decay;
  list.raw("linear_attn.dt_bias", c, d.value_heads, 1, Cut::rows);
  list.raw("linear_attn.norm", TensorClass::norm, d.value_dim);
  list.linear("linear_attn.out_proj", c, hidden, value, Cut::columns);
}

void add(TensorList& list, std::int64_t hidden, const KimiDelta& d) {
  constexpr auto c = recurrent_class;
  const std::int64_t width = product(d.heads, d.head_dim);
  if (d.fused_qkv) {
    list.linear("self_attn.qkv_proj", c, product(3, width), hidden, Cut::rows);
  } else {
    for (const char* path : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}) {
      list.linear(path, c, width, hidden, Cut::rows);
    }
  }
  for (const char* path : {"self_attn.q_conv", "self_attn.k_conv", "self_attn.v_conv"}) {
    list.raw(path, c, width, d.kernel, Cut::rows);
  }
  const auto low_rank = [&](const std::string& path, bool full) {
    if (full) {
      list.linear(path + "_proj", c, width, hidden, Cut::rows);
    } else {
      list.linear(path + "_a_proj", c, d.head_dim, hidden, Cut::replicated);
      list.linear(path + "_b_proj", c, width, d.head_dim, Cut::rows);
    }
  };
  low_rank("self_attn.f", d.full_decay);
  low_rank("self_attn.g", d.full_gate);
  list.linear("self_attn.b_proj", c, d.heads, hidden, Cut::rows, false, 1,
              d.raw_beta ? Quantized::spared : Quantized::base);
  list.raw("self_attn.A_log", c, d.heads, 1, Cut::rows).f32 = d.f32_state;
  list.raw("self_attn.dt_bias", c, width, 1, Cut::rows).f32 = d.f32_state;
  list.raw("self_attn.o_norm", TensorClass::norm, d.head_dim);
  list.linear("self_attn.o_proj", c, hidden, width, Cut::columns);
}

void add(TensorList& list, std::int64_t hidden, const Mamba2& m) {
  constexpr auto c = recurrent_class;
  const std::int64_t inner = product(m.heads, m.head_dim);
  const std::int64_t convolved = checked_add(inner, product(2, product(m.groups, m.state)));
  list.linear("mixer.in_proj", c, checked_add(checked_add(inner, convolved), m.heads), hidden,
              Cut::rows, m.projection_bias);
  list.raw("mixer.conv1d", c, convolved, m.kernel, Cut::rows);
  if (m.conv_bias) {
    list.raw("mixer.conv1d.bias", c, convolved, 1, Cut::rows);
  }
  list.raw("mixer.A_log", c, m.heads, 1, Cut::rows).f32 = m.f32_decay;
  list.raw("mixer.D", c, m.heads, 1, Cut::rows);
  list.raw("mixer.dt_bias", c, m.heads, 1, Cut::rows);
  if (m.norm) {
    list.raw("mixer.norm", TensorClass::norm, inner, 1, Cut::rows);
  }
  list.linear("mixer.out_proj", c, hidden, inner, Cut::columns, m.projection_bias);
}

void add(TensorList& list, std::int64_t hidden, const Mamba1& m) {
  constexpr auto c = recurrent_class;
  list.linear("mamba.in_proj", c, product(2, m.inner), hidden, Cut::rows, m.projection_bias);
  list.raw("mamba.conv1d", c, m.inner, m.kernel, Cut::rows);
  if (m.conv_bias) {
    list.raw("mamba.conv1d.bias", c, m.inner, 1, Cut::rows);
  }
  list.linear("mamba.x_proj", c, checked_add(m.time_rank, product(2, m.state)), m.inner,
              Cut::columns);
  list.linear("mamba.dt_proj", c, m.inner, m.time_rank, Cut::rows, true);
  list.raw("mamba.A_log", c, m.inner, m.state, Cut::rows);
  list.raw("mamba.D", c, m.inner, 1, Cut::rows);
  if (m.norms) {
    list.raw("mamba.dt_layernorm", TensorClass::norm, m.time_rank);
    list.raw("mamba.b_layernorm", TensorClass::norm, m.state);
    list.raw("mamba.c_layernorm", TensorClass::norm, m.state);
  }
  list.linear("mamba.out_proj", c, hidden, m.inner, Cut::columns, m.projection_bias);
}

void add(TensorList& list, std::int64_t hidden, const Lightning& l) {
  constexpr auto c = recurrent_class;
  const std::int64_t width = product(l.heads, l.head_dim);
  list.linear("self_attn.qkv_proj", c, product(3, width), hidden, Cut::rows);
  list.linear("self_attn.output_gate", c, width, hidden, Cut::rows);
  list.linear("self_attn.out_proj", c, hidden, width, Cut::columns);
  list.raw("self_attn.norm", TensorClass::norm, width, 1, Cut::rows);
}

void add(TensorList& list, std::int64_t hidden, const ShortConv& s) {
  constexpr auto c = recurrent_class;
  list.linear("conv.in_proj", c, product(3, hidden), hidden, Cut::rows, s.bias);
  list.raw("conv.conv", c, hidden, s.kernel, Cut::rows);
  if (s.bias) {
    list.raw("conv.conv.bias", c, hidden, 1, Cut::rows);
  }
  list.linear("conv.out_proj", c, hidden, hidden, Cut::columns, s.bias);
}

void add(TensorList& list, std::int64_t hidden, const LinearMixer&) {
  list.linear("self_attn.linear_attn", attention_class, hidden, hidden, Cut::replicated);
}

template <class Mixer>
void add_if(TensorList& list, std::int64_t hidden, const std::optional<Mixer>& mixer) {
  if (mixer) {
    add(list, hidden, *mixer);
  }
}

}  // namespace

void add_mixer(TensorList& list, std::int64_t hidden, const Block& block) {
  add_if(list, hidden, block.attention);
  add_if(list, hidden, block.latent);
  add_if(list, hidden, block.compressed);
  add_if(list, hidden, block.delta_net);
  add_if(list, hidden, block.kimi_delta);
  add_if(list, hidden, block.mamba2);
  add_if(list, hidden, block.mamba1);
  add_if(list, hidden, block.lightning);
  add_if(list, hidden, block.short_conv);
  add_if(list, hidden, block.linear);
}

}  // namespace macfit::model
