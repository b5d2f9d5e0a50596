#include "macfit/read/stored_layout.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::read {
namespace {

using Part = StoredName::Part;
using Tokens = std::vector<std::string_view>;

constexpr std::int64_t most_layers = 10'000;

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool holds_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](auto part) { return holds(text, part); });
}

bool is_any(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::find(of.begin(), of.end(), text) != of.end();
}

/// A layer or expert number; nothing where the token is not one.
std::optional<std::int64_t> number(std::string_view token) {
  if (token.empty() || token.size() > 9) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string join(const Tokens& tokens, std::size_t first, std::size_t last) {
  std::string text;
  for (std::size_t i = first; i < last; ++i) {
    text += text.empty() ? "" : ".";
    text += tokens[i];
  }
  return text;
}

bool is_tower(std::string_view name) {
  return holds_any(
      name, {"vision_tower", "vision_model", "vision_encoder", "visual.", "multi_modal_projector",
             "multimodal_projector", "mm_projector", "audio_tower", "audio_encoder", "embed_vision",
             "embed_audio", "patch_embed", "image_newline", "vision_embed", "vision_adapter"});
}

/// Suffixes that belong to a module rather than name one.
bool is_leaf(std::string_view token) {
  return is_any(token, {"weight", "bias", "scales", "biases", "weight_scale", "weight_scale_inv",
                        "weight_scale_2", "weight_packed", "weight_shape", "weight_global_scale",
                        "input_scale", "input_global_scale", "k_scale", "v_scale",
                        "activation_scale", "qweight", "qzeros", "g_idx", "scale"});
}

model::TensorClass text_class(std::string_view module, std::int64_t layer) {
  if (layer < 0) {
    if (holds(module, "norm") || module.ends_with("ln_f")) {
      return model::TensorClass::norm;
    }
    if (holds_any(module, {"embed_tokens", "wte", "word_embeddings", "tok_embeddings", "embeddings",
                           "token_embd", "embed_in"}) ||
        module == "embed") {
      return model::TensorClass::embedding;
    }
    if (holds_any(module, {"lm_head", "embed_out"}) || is_any(module, {"output", "head"})) {
      return model::TensorClass::head;
    }
    return model::TensorClass::other;
  }
  if (holds(module, "indexer")) {
    return model::TensorClass::indexer;
  }
  if (holds_any(module, {"norm", "ln_1", "ln_2", "ln_attn", "ln_mlp"})) {
    return model::TensorClass::norm;
  }
  if (holds(module, "shared")) {
    return model::TensorClass::shared_experts;
  }
  if (holds_any(module, {"e_score_correction_bias", "expert_bias", "router", "moe_statics",
                         "correction_bias"}) ||
      module.ends_with(".gate") || module == "gate") {
    return model::TensorClass::router;
  }
  if (holds_any(module, {"experts", "switch_mlp", "switch_glu"})) {
    return model::TensorClass::experts;
  }
  if (holds_any(module,
                {"linear_attn", "mamba", "conv1d", "A_log", "dt_bias", "in_proj", "out_proj", "ssm",
                 "_conv", "mixer.D", "f_a_proj", "f_b_proj", "g_a_proj", "g_b_proj", "b_proj"}) &&
      !holds_any(module, {"kv_b_proj", "q_b_proj"})) {
    return model::TensorClass::recurrent;
  }
  if (holds_any(module, {"attn", "attention", "q_proj", "k_proj", "v_proj", "o_proj", "c_attn",
                         "qkv", "sinks"})) {
    return model::TensorClass::attention;
  }
  if (holds_any(module, {"mlp", "feed_forward", "ffn", "up_proj", "down_proj", "gate_proj", "fc1",
                         "fc2"})) {
    return model::TensorClass::dense;
  }
  return model::TensorClass::other;
}

/// What ranks of a tensor split don't cut.
bool is_replicated(const StoredName& name) {
  const model::TensorClass c = name.tensor_class;
  if (name.layer < 0) {
    return true;
  }
  if (c == model::TensorClass::norm || c == model::TensorClass::router ||
      c == model::TensorClass::indexer || c == model::TensorClass::other) {
    return true;
  }
  return holds_any(name.module, {"q_a_proj", "kv_a_proj", "shared_expert_gate"}) ||
         (is_any(name.leaf, {"bias"}) && holds_any(name.module, {"o_proj", "down_proj"}));
}

}  // namespace

StoredName stored_name(std::string_view full) {
  StoredName result;
  const Tokens tokens = split(full, '.');
  std::size_t last = tokens.size();
  if (last > 1 && is_leaf(tokens[last - 1])) {
    result.leaf = tokens[--last];
  }
  std::size_t first = 0;
  if (is_tower(full)) {
    result.part = Part::tower;
  } else {
    if (is_any(tokens.front(), {"mtp", "nextn"}) || holds_any(full, {".mtp.", "mtp_", ".nextn."})) {
      result.part = Part::mtp;
    }
    for (std::size_t i = 0; i + 1 < last; ++i) {
      const auto index = number(tokens[i + 1]);
      if (index && is_any(tokens[i], {"layers", "h", "blocks", "block", "layer"})) {
        if (*index >= most_layers) {
          throw Error("the tensor " + printable(full) + " names a layer beyond " +
                      std::to_string(most_layers));
        }
        result.layer = *index;
        first = i + 2;
        break;
      }
    }
  }
  result.module = join(tokens, first, last);
  if (result.part == Part::tower) {
    return result;
  }
  if (result.layer < 0) {
    result.tensor_class = text_class(result.module, -1);
  } else {
    result.tensor_class = text_class(result.module, result.layer);
  }
  if (holds_any(result.module, {"eh_proj", "enorm", "hnorm", "shared_head"})) {
    result.part = Part::mtp;
  }
  result.replicated = is_replicated(result);
  return result;
}

StoredName stored_gguf_name(std::string_view full) {
  StoredName result;
  const Tokens tokens = split(full, '.');
  std::size_t first = 0;
  std::size_t last = tokens.size();
  if (last > 1 && is_leaf(tokens[last - 1])) {
    result.leaf = tokens[--last];
  }
  if (is_any(tokens.front(), {"v", "mm", "a"})) {
    result.part = Part::tower;
    result.module = join(tokens, 0, last);
    return result;
  }
  if (tokens.front() == "blk" && tokens.size() > 2) {
    const auto index = number(tokens[1]);
    if (!index || *index >= most_layers) {
      throw Error("the tensor " + printable(full) + " names no layer below " +
                  std::to_string(most_layers));
    }
    result.layer = *index;
    first = 2;
  }
  result.module = join(tokens, first, last);
  const std::string_view m = result.module;
  bool cut = false;
  if (result.layer < 0) {
    result.tensor_class = holds(m, "norm")         ? model::TensorClass::norm
                          : holds(m, "token_embd") ? model::TensorClass::embedding
                          : m == "output"          ? model::TensorClass::head
                                                   : model::TensorClass::other;
  } else if (m.starts_with("nextn")) {
    result.part = Part::mtp;
  } else if (m.starts_with("indexer")) {
    result.tensor_class = model::TensorClass::indexer;
  } else if (m.ends_with("_norm") || holds(m, "_norm_")) {
    result.tensor_class = model::TensorClass::norm;
  } else if (m.ends_with("_shexp")) {
    result.tensor_class = model::TensorClass::shared_experts;
  } else if (m.ends_with("_exps")) {
    result.tensor_class = model::TensorClass::experts;
    cut = !(m == "ffn_down_exps" && result.leaf == "bias");
  } else if (m == "ffn_gate_inp" || m == "exp_probs_b") {
    result.tensor_class = model::TensorClass::router;
  } else if (m.starts_with("ssm_") || m == "attn_gate") {
    result.tensor_class = model::TensorClass::recurrent;
    cut = true;
  } else if (m.starts_with("attn_")) {
    result.tensor_class = model::TensorClass::attention;
    cut = is_any(m, {"attn_q", "attn_k", "attn_v", "attn_qkv", "attn_sinks"}) ||
          (m == "attn_output" && result.leaf == "weight");
  } else if (is_any(m, {"ffn_gate", "ffn_up", "ffn_down"})) {
    result.tensor_class = model::TensorClass::dense;
    cut = !(m == "ffn_down" && result.leaf == "bias");
  }
  result.replicated = !cut;
  return result;
}

std::string canonical_module(std::string_view module) {
  Tokens tokens = split(module, '.');
  std::vector<std::string> out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string_view t = tokens[i];
    if (is_any(t, {"block_sparse_moe", "feed_forward", "moe", "ffn"})) {
      t = "mlp";
    } else if (is_any(t, {"attention", "attn", "self_attention"})) {
      t = "self_attn";
    } else if (is_any(t, {"experts", "switch_glu", "switch_mlp"})) {
      if (!out.empty() && out.back() == "switch_mlp") {
        continue;
      }
      if (out.empty() || out.back() != "mlp") {
        out.emplace_back("mlp");
      }
      t = "switch_mlp";
    } else if (is_any(t, {"shared_expert", "shared_mlp", "share_expert"})) {
      if (out.empty() || out.back() != "mlp") {
        out.emplace_back("mlp");
      }
      t = "shared_experts";
    } else if (t == "router") {
      if (out.empty() || out.back() != "mlp") {
        out.emplace_back("mlp");
      }
      t = "gate";
    } else if (!out.empty() && ((t == "proj" && out.back() == "gate") ||
                                (number(t) && out.back() == "switch_mlp"))) {
      continue;
    } else if (t == "w1" || t == "w2" || t == "w3") {
      t = t == "w1" ? "gate_proj" : t == "w2" ? "down_proj" : "up_proj";
    } else if (t == "mixer" && i + 1 < tokens.size()) {
      const std::string_view next = tokens[i + 1];
      if (is_any(next, {"q_proj", "k_proj", "v_proj", "o_proj"})) {
        t = "self_attn";
      } else if (!is_any(next,
                         {"in_proj", "out_proj", "conv1d", "A_log", "D", "dt_bias", "norm"})) {
        t = "mlp";
      }
    }
    if (out.empty() || out.back() != t) {
      out.emplace_back(t);
    }
  }
  std::string text;
  for (const std::string& t : out) {
    text += text.empty() ? "" : ".";
    text += t;
  }
  return text;
}

StoredCollector::StoredCollector(const model::Architecture& architecture)
    : architecture_(architecture) {
  result_.layout.layers.resize(architecture.layers.size());
}

void StoredCollector::add(const StoredName& name, Bytes bytes) {
  result_.file += bytes;
  if (name.part == Part::tower) {
    result_.towers += bytes;
    return;
  }
  const std::size_t known = architecture_.layers.size();
  const auto layer = static_cast<std::size_t>(std::max(name.layer, std::int64_t{0}));
  if (name.part == Part::mtp || (name.layer >= 0 && known > 0 && layer >= known)) {
    result_.mtp += bytes;
    return;
  }
  model::WeightLayout& layout = result_.layout;
  layout.by_class[static_cast<std::size_t>(name.tensor_class)] += bytes;
  if (name.layer < 0) {
    (name.tensor_class == model::TensorClass::embedding ? layout.embedding
     : name.tensor_class == model::TensorClass::head    ? layout.head
                                                        : layout.other_global) += bytes;
    return;
  }
  if (layer >= layout.layers.size()) {
    layout.layers.resize(layer + 1);
  }
  model::LayerBytes& sums = layout.layers[layer];
  sums.total += bytes;
  sums.largest_tensor = std::max(sums.largest_tensor, bytes);
  if (name.replicated) {
    sums.replicated += bytes;
  }
  if (name.tensor_class == model::TensorClass::experts) {
    sums.experts += bytes;
  }
}

StoredWeights StoredCollector::finish(std::string format) && {
  result_.layout.format = std::move(format);
  for (std::size_t i = 0; i < result_.layout.layers.size(); ++i) {
    model::LayerBytes& layer = result_.layout.layers[i];
    layer.experts_active = layer.experts;
    if (i < architecture_.layers.size()) {
      if (const auto& experts = architecture_.block_of(i).experts) {
        layer.experts_active = Bytes(layer.experts.count() / experts->count) * experts->per_token;
      }
    }
  }
  return std::move(result_);
}

}  // namespace macfit::read
