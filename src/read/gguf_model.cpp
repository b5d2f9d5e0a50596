// The model in a GGUF file: shapes from metadata and tensor names, bytes from the tensors
// themselves.

#include <algorithm>
#include <array>
#include <utility>

#include "by_widths.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/gguf_file.hpp"

namespace macfit::read {
namespace {

/// llama.cpp's numbers of mixtures (general.file_type).
struct FileType {
  std::int64_t id;
  std::string_view name;
};
constexpr FileType file_types[] = {
    {0, "F32"},      {1, "F16"},      {2, "Q4_0"},       {3, "Q4_1"},    {7, "Q8_0"},
    {8, "Q5_0"},     {9, "Q5_1"},     {10, "Q2_K"},      {11, "Q3_K_S"}, {12, "Q3_K_M"},
    {13, "Q3_K_L"},  {14, "Q4_K_S"},  {15, "Q4_K_M"},    {16, "Q5_K_S"}, {17, "Q5_K_M"},
    {18, "Q6_K"},    {19, "IQ2_XXS"}, {20, "IQ2_XS"},    {21, "Q2_K_S"}, {22, "IQ3_XS"},
    {23, "IQ3_XXS"}, {24, "IQ1_S"},   {25, "IQ4_NL"},    {26, "IQ3_S"},  {27, "IQ3_M"},
    {28, "IQ2_S"},   {29, "IQ2_M"},   {30, "IQ4_XS"},    {31, "IQ1_M"},  {32, "BF16"},
    {36, "TQ1_0"},   {37, "TQ2_0"},   {38, "MXFP4_MOE"},
};

/// The mixture that the file says it is, or the type that holds most of its bytes.
std::string format_name(const GgufHeader& header) {
  if (const auto id = header.number("general.file_type")) {
    for (const FileType& type : file_types) {
      if (type.id == *id) {
        return std::string(type.name);
      }
    }
  }
  std::map<model::GgmlType, Bytes> bytes;
  for (const GgufTensorInfo& t : header.tensors) {
    bytes[t.type] += t.bytes;
  }
  if (bytes.empty()) {
    return "GGUF";
  }
  const auto most = std::max_element(
      bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return std::string(model::ggml_type_info(most->first).name);
}

/// Metadata under the architecture's own prefix.
class Fields {
 public:
  Fields(const GgufHeader& header, std::string arch)
      : header_(header), prefix_(std::move(arch) + ".") {}

  [[nodiscard]] std::int64_t number(std::string_view key) const {
    return header_.number(prefix_ + std::string(key)).value_or(0);
  }
  [[nodiscard]] std::vector<std::int64_t> numbers(std::string_view key) const {
    const auto found = header_.metadata.find(prefix_ + std::string(key));
    if (found == header_.metadata.end()) {
      return {};
    }
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&found->second)) {
      return *list;
    }
    if (const auto* n = std::get_if<std::int64_t>(&found->second)) {
      return {*n};
    }
    return {};
  }

 private:
  const GgufHeader& header_;
  std::string prefix_;
};

/// What is known of the layers so far, as tensor after tensor goes by.
struct LayerFacts {
  model::GgufShape& shape;
  std::vector<bool> key;
  std::vector<bool> value;
};

/// A tensor's name that tells what metadata does not. An empty leaf stands for any.
struct Sign {
  std::string_view module;
  std::string_view leaf;
  void (*note)(LayerFacts& facts, std::size_t layer, const GgufTensorInfo& tensor);
};

constexpr Sign signs[] = {
    {"attn_q", "bias", [](LayerFacts& f, auto, const auto&) { f.shape.qkv_bias = true; }},
    {"attn_qkv", "bias", [](LayerFacts& f, auto, const auto&) { f.shape.qkv_bias = true; }},
    {"attn_output", "bias", [](LayerFacts& f, auto, const auto&) { f.shape.output_bias = true; }},
    {"attn_q_norm", "", [](LayerFacts& f, auto, const auto&) { f.shape.head_norm = true; }},
    {"attn_gate", "", [](LayerFacts& f, auto, const auto&) { f.shape.head_gate = true; }},
    {"attn_sinks", "", [](LayerFacts& f, auto, const auto&) { f.shape.sinks = true; }},
    {"exp_probs_b", "", [](LayerFacts& f, auto, const auto&) { f.shape.correction_bias = true; }},
    {"attn_k", "", [](LayerFacts& f, auto layer, const auto&) { f.key[layer] = true; }},
    {"attn_v", "", [](LayerFacts& f, auto layer, const auto&) { f.value[layer] = true; }},
    {"ffn_gate_inp", "", [](LayerFacts& f, auto layer, const auto&) { f.shape.moe[layer] = true; }},
    {"ffn_down_exps", "weight",
     [](LayerFacts& f, auto, const auto& t) { f.shape.expert_feed_forward = t.ne[0]; }},
    {"ffn_up_shexp", "",
     [](LayerFacts& f, auto, const auto& t) { f.shape.shared_feed_forward = t.ne[1]; }},
    {"ssm_norm", "",
     [](LayerFacts& f, auto layer, const auto&) { f.shape.recurrent[layer] = true; }},
    {"ssm_in", "", [](LayerFacts& f, auto layer, const auto&) { f.shape.recurrent[layer] = true; }},
    {"indexer.attn_k", "",
     [](LayerFacts& f, auto layer, const auto&) { f.shape.indexer[layer] = true; }},
    {"layer_output_scale", "",
     [](LayerFacts& f, auto, const auto&) { f.shape.layer_scalar = true; }},
    {"nextn.embed_tokens", "", [](LayerFacts& f, auto, const auto&) { f.shape.mtp_copies = true; }},
};

void note_global(model::GgufShape& s, const GgufTensorInfo& tensor) {
  if (tensor.name == "output.weight") {
    s.tied = false;
  } else if (tensor.name == "token_embd.weight") {
    s.vocabulary = tensor.ne[1];
  } else if (tensor.name == "rope_freqs.weight") {
    s.rope_factors = tensor.ne[0];
  }
}

/// What the names of the tensors tell that metadata does not.
void from_tensors(model::GgufShape& s, const GgufHeader& header) {
  constexpr std::int64_t most_listed = 512;
  const auto layers = static_cast<std::size_t>(std::clamp(s.layers, std::int64_t{0}, most_listed));
  LayerFacts facts{s, std::vector<bool>(layers), std::vector<bool>(layers)};
  s.moe.assign(layers, false);
  s.recurrent.assign(layers, false);
  s.indexer.assign(layers, false);
  s.tied = true;
  s.qkv_bias = s.output_bias = s.head_norm = s.head_gate = s.sinks = s.correction_bias = false;
  s.mtp_copies = false;
  for (const GgufTensorInfo& t : header.tensors) {
    if (!t.name.starts_with("blk.")) {
      note_global(s, t);
      continue;
    }
    const StoredName name = stored_gguf_name(t.name);
    const auto layer = static_cast<std::size_t>(name.layer);
    if (layer >= layers) {
      continue;
    }
    for (const Sign& sign : signs) {
      if (name.module == sign.module && (sign.leaf.empty() || name.leaf == sign.leaf)) {
        sign.note(facts, layer, t);
      }
    }
  }
  s.no_value.assign(layers, false);
  for (std::size_t i = 0; i < layers; ++i) {
    s.no_value[i] = facts.key[i] && !facts.value[i];
  }
}

std::string shard_name(const std::string& stem, std::int64_t index, std::int64_t count) {
  const auto five = [](std::int64_t n) {
    std::string digits = std::to_string(n);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return stem + "-" + five(index) + "-of-" + five(count) + ".gguf";
}

/// "model-00002-of-00003.gguf": its stem and numbers.
struct Shard {
  std::string stem;
  std::int64_t index = 0;
  std::int64_t count = 0;
};
std::optional<Shard> shard_of(const std::string& name) {
  constexpr std::string_view pattern = "-00000-of-00000.gguf";
  if (name.size() <= pattern.size()) {
    return std::nullopt;
  }
  const std::string_view tail = std::string_view(name).substr(name.size() - pattern.size());
  Shard shard;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '0') {
      if (tail[i] < '0' || tail[i] > '9') {
        return std::nullopt;
      }
      std::int64_t& n = i < 7 ? shard.index : shard.count;
      n = n * 10 + (tail[i] - '0');
    } else if (tail[i] != pattern[i]) {
      return std::nullopt;
    }
  }
  shard.stem = name.substr(0, name.size() - pattern.size());
  return shard;
}

}  // namespace

GgufHeader read_gguf_parts(const ByteSource& first, const GgufPart& part) {
  GgufHeader header = read_gguf_header(first);
  const std::int64_t count = header.number("split.count").value_or(1);
  for (std::int64_t i = 2; i <= count; ++i) {
    const std::shared_ptr<const ByteSource> source = part(i, count);
    GgufHeader next = read_gguf_header(*source);
    if (next.number("split.no").value_or(i - 1) != i - 1) {
      throw Error("the file is not part " + std::to_string(i) + " of its model",
                  Place{source->name(), {}, {}});
    }
    header.has_data = header.has_data && next.has_data;
    header.tensors.insert(header.tensors.end(), std::make_move_iterator(next.tensors.begin()),
                          std::make_move_iterator(next.tensors.end()));
  }
  const auto total = header.number("split.tensors.count");
  if (count > 1 && total && *total != static_cast<std::int64_t>(header.tensors.size())) {
    throw Error("the model should have " + std::to_string(*total) + " tensors; its files hold " +
                    std::to_string(header.tensors.size()),
                Place{first.name(), {}, {}});
  }
  return header;
}

GgufHeader read_gguf_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const auto shard = shard_of(name);
  const auto sibling = [&](std::int64_t index, std::int64_t count) {
    return path.parent_path() / shard_name(shard->stem, index, count);
  };
  const std::filesystem::path first = shard && shard->index > 1 ? sibling(1, shard->count) : path;
  const FileSource source(first);
  return read_gguf_parts(source, [&](std::int64_t index, std::int64_t count) {
    constexpr std::int64_t most_shards = 10'000;
    if (!shard || shard->count != count || count > most_shards) {
      throw Error(
          "the file says it is one of " + std::to_string(count) + ", which its name does not",
          Place{first.string(), {}, {}}, "expected a name such as \"model-00001-of-00003.gguf\"");
    }
    return std::make_shared<const FileSource>(sibling(index, count));
  });
}

model::GgufShape gguf_shape(const GgufHeader& header) {
  model::GgufShape s;
  s.arch = header.text("general.architecture").value_or("");
  if (s.arch.empty()) {
    throw Error("the metadata key general.architecture is missing");
  }
  const Fields f(header, s.arch);
  s.layers = f.number("block_count");
  s.mtp_layers = f.number("nextn_predict_layers");
  s.hidden = f.number("embedding_length");
  s.context = f.number("context_length");
  s.vocabulary = f.number("vocab_size");
  if (const auto tokens = header.lengths.find("tokenizer.ggml.tokens");
      s.vocabulary == 0 && tokens != header.lengths.end()) {
    s.vocabulary = static_cast<std::int64_t>(tokens->second);
  }
  s.feed_forward = f.numbers("feed_forward_length");
  s.heads = f.numbers("attention.head_count");
  s.kv_heads = f.numbers("attention.head_count_kv");
  s.key_length = f.number("attention.key_length");
  s.value_length = f.number("attention.value_length");
  s.key_length_sliding = f.number("attention.key_length_swa");
  s.value_length_sliding = f.number("attention.value_length_swa");
  s.rotary = f.number("rope.dimension_count");
  s.window = f.number("attention.sliding_window");
  const std::string pattern = "attention.sliding_window_pattern";
  s.sliding_pattern = f.number(pattern);
  if (s.sliding_pattern == 0) {
    for (const std::int64_t entry : f.numbers(pattern)) {
      s.sliding.push_back(entry != 0);
    }
  }
  s.shared_kv_layers = f.number("attention.shared_kv_layers");
  s.key_length_mla = f.number("attention.key_length_mla");
  s.value_length_mla = f.number("attention.value_length_mla");
  s.query_rank = f.number("attention.q_lora_rank");
  s.kv_rank = f.number("attention.kv_lora_rank");
  s.indexer_heads = f.number("attention.indexer.head_count");
  s.indexer_key_length = f.number("attention.indexer.key_length");
  s.experts = f.number("expert_count");
  s.experts_used = f.number("expert_used_count");
  s.experts_shared = f.number("expert_shared_count");
  s.expert_feed_forward = f.number("expert_feed_forward_length");
  s.shared_feed_forward = f.number("expert_shared_feed_forward_length");
  s.expert_latent = f.number("moe_latent_size");
  s.dense_lead = f.number("leading_dense_block_count");
  s.moe_step = f.number("interleave_moe_layer_step");
  s.gating = f.number("expert_gating_func");
  s.ssm_conv = f.number("ssm.conv_kernel");
  s.ssm_state = f.number("ssm.state_size");
  s.ssm_groups = f.number("ssm.group_count");
  s.ssm_rank = f.number("ssm.time_step_rank");
  s.ssm_inner = f.number("ssm.inner_size");
  s.kda_head = f.number("kda.head_dim");
  s.full_interval = f.number("full_attention_interval");
  s.per_layer_input = f.number("embedding_length_per_layer_input");
  if (!header.tensors.empty()) {
    from_tensors(s, header);
  }
  return s;
}

StoredWeights gguf_stored(const GgufHeader& header, const model::Architecture& architecture) {
  StoredCollector collector(architecture);
  for (const GgufTensorInfo& t : header.tensors) {
    collector.add(stored_gguf_name(t.name), t.bytes);
  }
  return std::move(collector).finish(format_name(header));
}

namespace {

/// The architecture as the metadata tell it or, where the name is not known, as the widths of the
/// tensors do; a note says what that is worth.
void read_shapes(model::Model& model, const GgufHeader& header, const std::string& arch) {
  if (model::gguf_shape_known(arch)) {
    model.architecture = model::architecture_from_gguf_shape(gguf_shape(header));
    model.architecture_source = "GGUF metadata";
    return;
  }
  const std::string unknown = "the GGUF architecture \"" + printable(arch) + "\" is not known: ";
  auto shapes = gguf_by_widths(header);
  const bool caches = shapes && shapes->cache_known;
  model.notes.push_back(unknown + (caches ? "weights are exact, caches follow from the widths of "
                                            "its tensors and are an estimate"
                                          : "weights are exact, caches can't be computed"));
  if (caches) {
    model.architecture = *std::move(shapes);
    model.architecture_source = "GGUF tensors";
    model.evidence = Evidence::estimated;
  }
}

/// What the file holds beside the language model.
void note_extras(model::Model& model, const StoredWeights& stored) {
  if (stored.mtp.count() > 0) {
    model.notes.push_back("the file holds " + format_gb(stored.mtp) +
                          " for multi-token prediction, which llama.cpp does not load by default");
  }
  if (stored.towers.count() > 0) {
    model.notes.push_back("the file holds " + format_gb(stored.towers) +
                          " of image or audio parts");
  }
}

/// What differs from a file that llama-quantize alone makes of this architecture.
void note_difference(model::Model& model, const GgufHeader& header, const model::Recipe& recipe,
                     Bytes file) {
  const model::GgufOptions options{.imatrix = false,
                                   .mtp = model.architecture.extras.mtp_layers > 0};
  const model::GgufWeights plain = model::gguf_weights(model.architecture, recipe, options);
  std::int64_t elements = 0;
  for (const GgufTensorInfo& t : header.tensors) {
    elements = checked_add(
        elements, checked_mul(checked_mul(t.ne[0], t.ne[1]), checked_mul(t.ne[2], t.ne[3])));
  }
  if (plain.parameters != elements) {
    model.notes.push_back("the file holds " + format_whole(elements) +
                          " weights, its metadata describe " + format_whole(plain.parameters));
  } else if (plain.file_bytes != file) {
    model.notes.push_back("not a plain " + recipe.name + ": " + format_gb(file) +
                          " where llama-quantize alone makes " + format_gb(plain.file_bytes));
  }
}

}  // namespace

model::Model gguf_model(const GgufHeader& header, std::string_view id) {
  model::Model model;
  model.id = id;
  model.source = model::Source::gguf;
  if (header.tensors.empty()) {
    throw Error("the GGUF file holds no tensors");
  }
  const std::string arch = header.text("general.architecture").value_or("");
  read_shapes(model, header, arch);
  StoredWeights stored = gguf_stored(header, model.architecture);
  // Known shapes give layers that may have nothing stored.
  if (std::all_of(stored.layout.layers.begin(), stored.layout.layers.end(),
                  [](const model::LayerBytes& layer) { return layer.total == Bytes{}; })) {
    throw Error(
        "the GGUF file holds no layers (\"blk.0. ...\")", {},
        arch == "clip" ? "this is a projector for images: name the language model's file" : "");
  }
  model::Recipe recipe;
  recipe.name = stored.layout.format;
  recipe.kind = model::Recipe::Kind::gguf;
  recipe.nominal_bits =
      model::find_gguf_mixture(recipe.name) ? model::gguf_mixture_bits(recipe.name) : 0.0;
  note_extras(model, stored);
  if (model::gguf_shape_known(arch) && model::find_gguf_mixture(recipe.name)) {
    note_difference(model, header, recipe, stored.file);
  }
  model.stored = std::move(stored.layout);
  model.default_recipe = std::move(recipe);
  return model;
}

}  // namespace macfit::read
