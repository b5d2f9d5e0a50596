#include "macfit/read/stored_layout.hpp"

// Tensor names of checkpoints tell class, layer and module; tables of patterns hold what is known
// of them.

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::read {
namespace {

using NamePart = StoredName::Part;
using Tokens = std::vector<std::string_view>;

constexpr std::int64_t most_stored_layers = 10'000;

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

using Class = model::TensorClass;

/// How a pattern is looked for in a module's path.
enum class Match : std::uint8_t { part, whole, start, end };

bool matches(std::string_view module, std::string_view text, Match match) {
  switch (match) {
    case Match::part:
      return holds(module, text);
    case Match::whole:
      return module == text;
    case Match::start:
      return module.starts_with(text);
    case Match::end:
      return module.ends_with(text);
  }
  return false;
}

/// What a pattern in a module's path says of its tensors: the first that is found counts.
struct Mark {
  std::string_view text;
  Class tensor_class;
  Match match = Match::part;
};

constexpr Mark global_marks[] = {
    {"norm", Class::norm},
    {"ln_f", Class::norm, Match::end},
    {"embed_tokens", Class::embedding},
    {"wte", Class::embedding},
    {"word_embeddings", Class::embedding},
    {"tok_embeddings", Class::embedding},
    {"embeddings", Class::embedding},
    {"token_embd", Class::embedding},
    {"embed_in", Class::embedding},
    {"embed", Class::embedding, Match::whole},
    {"lm_head", Class::head},
    {"embed_out", Class::head},
    {"output", Class::head, Match::whole},
    {"head", Class::head, Match::whole},
};

constexpr Mark layer_marks[] = {
    {"indexer", Class::indexer},
    {"norm", Class::norm},
    {"ln_1", Class::norm},
    {"ln_2", Class::norm},
    {"ln_attn", Class::norm},
    {"ln_mlp", Class::norm},
    {"shared", Class::shared_experts},
    {"e_score_correction_bias", Class::router},
    {"expert_bias", Class::router},
    {"router", Class::router},
    {"moe_statics", Class::router},
    {"correction_bias", Class::router},
    {".gate", Class::router, Match::end},
    {"gate", Class::router, Match::whole},
    {"experts", Class::experts},
    {"switch_mlp", Class::experts},
    {"switch_glu", Class::experts},
    // MLA's, before the recurrent b_proj that ends them.
    {"kv_b_proj", Class::attention},
    {"q_b_proj", Class::attention},
    {"linear_attn", Class::recurrent},
    {"mamba", Class::recurrent},
    {"conv1d", Class::recurrent},
    {"A_log", Class::recurrent},
    {"dt_bias", Class::recurrent},
    {"in_proj", Class::recurrent},
    {"out_proj", Class::recurrent},
    {"ssm", Class::recurrent},
    {"_conv", Class::recurrent},
    {"mixer.D", Class::recurrent},
    {"f_a_proj", Class::recurrent},
    {"f_b_proj", Class::recurrent},
    {"g_a_proj", Class::recurrent},
    {"g_b_proj", Class::recurrent},
    {"b_proj", Class::recurrent},
    {"attn", Class::attention},
    {"attention", Class::attention},
    {"q_proj", Class::attention},
    {"k_proj", Class::attention},
    {"v_proj", Class::attention},
    {"o_proj", Class::attention},
    {"c_attn", Class::attention},
    {"qkv", Class::attention},
    {"sinks", Class::attention},
    {"mlp", Class::dense},
    {"feed_forward", Class::dense},
    {"ffn", Class::dense},
    {"up_proj", Class::dense},
    {"down_proj", Class::dense},
    {"gate_proj", Class::dense},
    {"fc1", Class::dense},
    {"fc2", Class::dense},
};

Class text_class(std::string_view module, std::int64_t layer) {
  const std::span<const Mark> marks =
      layer < 0 ? std::span<const Mark>(global_marks) : std::span<const Mark>(layer_marks);
  for (const Mark& mark : marks) {
    if (matches(module, mark.text, mark.match)) {
      return mark.tensor_class;
    }
  }
  return Class::other;
}

/// Which of a module's tensors a tensor split cuts.
enum class Cuts : std::uint8_t { none, all, but_bias, weight };

/// The same for GGUF's names of a layer's modules.
struct GgufMark {
  std::string_view text;
  Match match;
  Class tensor_class;
  Cuts cuts = Cuts::none;
};

constexpr GgufMark gguf_marks[] = {
    {"indexer", Match::start, Class::indexer},
    {"_norm", Match::end, Class::norm},
    {"_norm_", Match::part, Class::norm},
    {"_shexp", Match::end, Class::shared_experts},
    {"ffn_down_exps", Match::whole, Class::experts, Cuts::but_bias},
    {"_exps", Match::end, Class::experts, Cuts::all},
    {"ffn_gate_inp", Match::whole, Class::router},
    {"exp_probs_b", Match::whole, Class::router},
    {"ssm_", Match::start, Class::recurrent, Cuts::all},
    {"attn_gate", Match::whole, Class::recurrent, Cuts::all},
    {"attn_output", Match::whole, Class::attention, Cuts::weight},
    {"attn_q", Match::whole, Class::attention, Cuts::all},
    {"attn_k", Match::whole, Class::attention, Cuts::all},
    {"attn_v", Match::whole, Class::attention, Cuts::all},
    {"attn_qkv", Match::whole, Class::attention, Cuts::all},
    {"attn_sinks", Match::whole, Class::attention, Cuts::all},
    {"attn_", Match::start, Class::attention},
    {"ffn_down", Match::whole, Class::dense, Cuts::but_bias},
    {"ffn_gate", Match::whole, Class::dense, Cuts::all},
    {"ffn_up", Match::whole, Class::dense, Cuts::all},
};

bool is_cut(Cuts cuts, std::string_view leaf) {
  switch (cuts) {
    case Cuts::none:
      return false;
    case Cuts::all:
      return true;
    case Cuts::but_bias:
      return leaf != "bias";
    case Cuts::weight:
      return leaf == "weight";
  }
  return false;
}

Class gguf_global_class(std::string_view module) {
  return holds(module, "norm")         ? Class::norm
         : holds(module, "token_embd") ? Class::embedding
         : module == "output"          ? Class::head
                                       : Class::other;
}

/// One token of a module's path as block_tensors() has it.
struct Spelling {
  std::string_view found;
  std::string_view canonical;
  bool below_mlp = false;  ///< where the path leaves that out
};

constexpr Spelling tensor_spellings[] = {
    {"block_sparse_moe", "mlp"},
    {"feed_forward", "mlp"},
    {"moe", "mlp"},
    {"ffn", "mlp"},
    {"attention", "self_attn"},
    {"attn", "self_attn"},
    {"self_attention", "self_attn"},
    {"experts", "switch_mlp", true},
    {"switch_glu", "switch_mlp", true},
    {"switch_mlp", "switch_mlp", true},
    {"shared_expert", "shared_experts", true},
    {"shared_mlp", "shared_experts", true},
    {"share_expert", "shared_experts", true},
    {"router", "gate", true},
    {"w1", "gate_proj"},
    {"w2", "down_proj"},
    {"w3", "up_proj"},
};

/// "mixer" stands for attention, a recurrent part or a feed-forward one: `next` tells which.
Spelling canonical_token(std::string_view token, std::string_view next) {
  if (token == "mixer" && !next.empty()) {
    if (is_any(next, {"q_proj", "k_proj", "v_proj", "o_proj"})) {
      return {token, "self_attn"};
    }
    const bool recurrent =
        is_any(next, {"in_proj", "out_proj", "conv1d", "A_log", "D", "dt_bias", "norm"});
    return {token, recurrent ? token : "mlp"};
  }
  for (const Spelling& spelling : tensor_spellings) {
    if (spelling.found == token) {
      return spelling;
    }
  }
  return {token, token};
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
    result.part = NamePart::tower;
  } else {
    if (is_any(tokens.front(), {"mtp", "nextn"}) || holds_any(full, {".mtp.", "mtp_", ".nextn."})) {
      result.part = NamePart::mtp;
    }
    for (std::size_t i = 0; i + 1 < last; ++i) {
      const auto index = number(tokens[i + 1]);
      if (index && is_any(tokens[i], {"layers", "h", "blocks", "block", "layer"})) {
        if (*index >= most_stored_layers) {
          throw Error("the tensor " + printable(full) + " names a layer beyond " +
                      std::to_string(most_stored_layers));
        }
        result.layer = *index;
        first = i + 2;
        break;
      }
    }
  }
  result.module = join(tokens, first, last);
  if (result.part == NamePart::tower) {
    return result;
  }
  if (result.layer < 0) {
    result.tensor_class = text_class(result.module, -1);
  } else {
    result.tensor_class = text_class(result.module, result.layer);
  }
  if (holds_any(result.module, {"eh_proj", "enorm", "hnorm", "shared_head"})) {
    result.part = NamePart::mtp;
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
    result.part = NamePart::tower;
    result.module = join(tokens, 0, last);
    return result;
  }
  if (tokens.front() == "blk" && tokens.size() > 2) {
    const auto index = number(tokens[1]);
    if (!index || *index >= most_stored_layers) {
      throw Error("the tensor " + printable(full) + " names no layer below " +
                  std::to_string(most_stored_layers));
    }
    result.layer = *index;
    first = 2;
  }
  result.module = join(tokens, first, last);
  result.replicated = true;
  if (result.layer < 0) {
    result.tensor_class = gguf_global_class(result.module);
    return result;
  }
  if (result.module.starts_with("nextn")) {
    result.part = NamePart::mtp;
    return result;
  }
  for (const GgufMark& mark : gguf_marks) {
    if (matches(result.module, mark.text, mark.match)) {
      result.tensor_class = mark.tensor_class;
      result.replicated = !is_cut(mark.cuts, result.leaf);
      break;
    }
  }
  return result;
}

std::string canonical_module(std::string_view module) {
  const Tokens tokens = split(module, '.');
  Tokens out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view before = out.empty() ? std::string_view{} : out.back();
    const bool dropped =
        (tokens[i] == "proj" && before == "gate") || (number(tokens[i]) && before == "switch_mlp");
    const Spelling spelling =
        canonical_token(tokens[i], i + 1 < tokens.size() ? tokens[i + 1] : std::string_view{});
    if (dropped || spelling.canonical == before) {
      continue;
    }
    if (spelling.below_mlp && before != "mlp") {
      out.emplace_back("mlp");
    }
    out.push_back(spelling.canonical);
  }
  return join(out, 0, out.size());
}

StoredCollector::StoredCollector(const model::Architecture& architecture)
    : architecture_(architecture) {
  result_.layout.layers.resize(architecture.layers.size());
}

void StoredCollector::add(const StoredName& name, Bytes bytes) {
  result_.file += bytes;
  if (name.part == NamePart::tower) {
    result_.towers += bytes;
    return;
  }
  const std::size_t known = architecture_.layers.size();
  const auto layer = static_cast<std::size_t>(std::max(name.layer, std::int64_t{0}));
  if (name.part == NamePart::mtp || (name.layer >= 0 && known > 0 && layer >= known)) {
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
