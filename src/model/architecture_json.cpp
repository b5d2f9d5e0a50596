// Architectures in manifests: one list of fields for reader and writer.

#include "architecture_json.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "layers_text.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"

namespace macfit::model {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t largest = std::int64_t{1} << 40;

template <class Enum>
struct Names;

template <>
struct Names<Span> {
  static constexpr std::array<std::string_view, 3> words = {"full", "sliding", "chunked"};
};
template <>
struct Names<HeadNorm> {
  static constexpr std::array<std::string_view, 3> words = {"none", "per-head", "full-width"};
};
template <>
struct Names<OutputGate> {
  static constexpr std::array<std::string_view, 5> words = {"none", "in-query", "per-head",
                                                            "per-head-raw", "full-width"};
};
template <>
struct Names<Part::Role> {
  static constexpr std::array<std::string_view, 6> words = {"attention", "recurrent", "dense",
                                                            "norm",      "embedding", "other"};
};
template <>
struct Names<RouterFormat> {
  static constexpr std::array<std::string_view, 4> words = {"base", "eight-bit", "spared", "raw"};
};

// One list of fields a struct serves the reader and the writer: visit(fields, struct). A field that
// holds its default is not written, so a manifest shows what is particular about a model.

template <class Visitor>
void visit(Visitor& v, Indexer& i) {
  v.required("heads", i.heads);
  v.required("head_dim", i.head_dim);
}

template <class Visitor>
void visit(Visitor& v, Attention& a) {
  v.required("heads", a.heads);
  v.field("kv_heads", a.kv_heads, a.heads);
  v.required("head_dim", a.head_dim);
  v.field("value_dim", a.value_dim, a.head_dim);
  v.field("span", a.span, Span::full);
  v.field("window", a.window, std::int64_t{0});
  v.field("qkv_bias", a.qkv_bias, false);
  v.field("output_bias", a.output_bias, false);
  v.field("head_norm", a.norm, HeadNorm::none);
  v.field("output_gate", a.gate, OutputGate::none);
  v.field("sinks", a.sinks, false);
  v.field("fused_qkv", a.fused_qkv, false);
  v.field("plain_qkv", a.plain_qkv, false);
  v.field("value_from_key", a.value_from_key, false);
  v.field("shared_kv", a.shared_kv, false);
  v.field("borrowed_kv", a.borrowed_kv, false);
  v.field("uncached", a.uncached, false);
  v.field("mlx_full", a.mlx_full, false);
  v.field("copies", a.copies, std::int64_t{1});
  v.part("indexer", a.indexer);
}

template <class Visitor>
void visit(Visitor& v, LatentAttention& a) {
  v.required("heads", a.heads);
  v.field("query_rank", a.query_rank, std::int64_t{0});
  v.required("kv_rank", a.kv_rank);
  v.required("nope_dim", a.nope_dim);
  v.field("rope_dim", a.rope_dim, std::int64_t{0});
  v.required("value_dim", a.value_dim);
  v.field("expanded", a.expanded, false);
  v.field("bias", a.bias, false);
  v.field("raw_absorbed", a.raw_absorbed, false);
  v.field("raw", a.raw, false);
  v.field("copies", a.copies, std::int64_t{1});
  v.part("indexer", a.indexer);
}

template <class Visitor>
void visit(Visitor& v, CompressedAttention& a) {
  v.required("heads", a.heads);
  v.required("head_dim", a.head_dim);
  v.required("query_rank", a.query_rank);
  v.required("output_groups", a.output_groups);
  v.required("output_rank", a.output_rank);
  v.required("window", a.window);
  v.field("ratio", a.ratio, std::int64_t{0});
  v.part("indexer", a.indexer);
}

template <class Visitor>
void visit(Visitor& v, DeltaNet& d) {
  v.required("key_heads", d.key_heads);
  v.required("value_heads", d.value_heads);
  v.required("key_dim", d.key_dim);
  v.required("value_dim", d.value_dim);
  v.field("kernel", d.kernel, std::int64_t{4});
  v.field("split_projections", d.split_projections, false);
  v.field("f32_decay", d.f32_decay, false);
  v.field("separate", d.separate, false);
}

template <class Visitor>
void visit(Visitor& v, KimiDelta& d) {
  v.required("heads", d.heads);
  v.required("head_dim", d.head_dim);
  v.field("kernel", d.kernel, std::int64_t{4});
  v.field("fused_qkv", d.fused_qkv, false);
  v.field("full_decay", d.full_decay, false);
  v.field("full_gate", d.full_gate, false);
  v.field("raw_beta", d.raw_beta, false);
  v.field("f32_state", d.f32_state, true);
}

template <class Visitor>
void visit(Visitor& v, Mamba2& m) {
  v.required("heads", m.heads);
  v.required("head_dim", m.head_dim);
  v.required("state", m.state);
  v.field("groups", m.groups, std::int64_t{1});
  v.field("kernel", m.kernel, std::int64_t{4});
  v.field("conv_bias", m.conv_bias, true);
  v.field("projection_bias", m.projection_bias, false);
  v.field("f32_decay", m.f32_decay, false);
  v.field("norm", m.norm, true);
}

template <class Visitor>
void visit(Visitor& v, Mamba1& m) {
  v.required("inner", m.inner);
  v.required("state", m.state);
  v.required("time_rank", m.time_rank);
  v.field("kernel", m.kernel, std::int64_t{4});
  v.field("conv_bias", m.conv_bias, true);
  v.field("projection_bias", m.projection_bias, false);
  v.field("norms", m.norms, true);
}

template <class Visitor>
void visit(Visitor& v, Lightning& l) {
  v.required("heads", l.heads);
  v.required("head_dim", l.head_dim);
}

template <class Visitor>
void visit(Visitor& v, ShortConv& s) {
  v.field("kernel", s.kernel, std::int64_t{3});
  v.field("bias", s.bias, false);
}

template <class Visitor>
void visit(Visitor& v, Part& p) {
  v.required("name", p.name);
  v.field("role", p.role, Part::Role::other);
  v.field("stack", p.stack, std::int64_t{1});
  v.required("rows", p.rows);
  v.field("columns", p.columns, std::int64_t{1});
  v.field("format", p.format, RouterFormat::raw);
  v.field("f32", p.f32, false);
}

template <class Visitor>
void visit(Visitor& /*v*/, LinearMixer& /*m*/) {}

template <class Visitor>
void visit(Visitor& v, Dense& d) {
  v.required("width", d.width);
  v.field("matrices", d.matrices, 3);
  v.field("bias", d.bias, false);
  v.field("fused_gate_up", d.fused_gate_up, false);
  v.field("plain_names", d.plain_names, false);
  v.field("eight_bit", d.eight_bit, false);
  v.field("copies", d.copies, std::int64_t{1});
}

template <class Visitor>
void visit(Visitor& v, Experts& e) {
  v.required("count", e.count);
  v.required("per_token", e.per_token);
  v.required("width", e.width);
  v.field("matrices", e.matrices, 3);
  v.field("bias", e.bias, false);
  v.field("router", e.router, RouterFormat::base);
  v.field("router_bias", e.router_bias, false);
  v.field("router_f32", e.router_f32, false);
  v.field("correction_bias", e.correction_bias, false);
  v.field("correction_f32", e.correction_f32, true);
  v.field("router_scale", e.router_scale, false);
  v.field("shared_width", e.shared_width, std::int64_t{0});
  v.field("shared_gate", e.shared_gate, false);
  v.field("shared_fused", e.shared_fused, false);
  v.field("idle", e.idle, std::int64_t{0});
  v.field("hash_rows", e.hash_rows, std::int64_t{0});
  v.field("latent", e.latent, std::int64_t{0});
}

template <class Visitor>
void visit(Visitor& v, Block& b) {
  v.part("attention", b.attention);
  v.part("latent", b.latent);
  v.part("compressed", b.compressed);
  v.part("delta_net", b.delta_net);
  v.part("kimi_delta", b.kimi_delta);
  v.part("mamba2", b.mamba2);
  v.part("mamba1", b.mamba1);
  v.part("lightning", b.lightning);
  v.part("short_conv", b.short_conv);
  v.part("linear", b.linear);
  v.part("dense", b.dense);
  v.part("experts", b.experts);
  v.field("norms", b.norms, 2);
  v.field("norm_bias", b.norm_bias, false);
  v.field("layer_scalar", b.layer_scalar, false);
  v.field("per_layer_input", b.per_layer_input, std::int64_t{0});
  v.parts("parts", b.parts);
  v.field("state_bytes", b.state_bytes, std::int64_t{0});
  v.field("streams", b.streams, std::int64_t{0});
}

template <class Visitor>
void visit(Visitor& v, Extras::Projector& p) {
  v.required("rows", p.rows);
  v.required("columns", p.columns);
}

template <class Visitor>
void visit(Visitor& v, Extras& e) {
  v.field("mtp_layers", e.mtp_layers, std::int64_t{0});
  v.known("mtp_parameters", e.mtp_parameters);
  v.known("vision_parameters", e.vision_parameters);
  v.parts("projectors", e.projectors);
  v.field("unused_kv_parameters", e.unused_kv_parameters, std::int64_t{0});
}

/// All of an architecture but its blocks, layers and extras.
template <class Visitor>
void visit(Visitor& v, Architecture& a) {
  v.required("type", a.type);
  v.required("hidden", a.hidden);
  v.required("vocabulary", a.vocabulary);
  v.field("tied", a.tied, false);
  v.field("context", a.context, std::int64_t{0});
  v.field("final_norm", a.final_norm, true);
  v.field("final_norm_bias", a.final_norm_bias, false);
  v.field("head_bias", a.head_bias, false);
  v.field("embedding_norm", a.embedding_norm, false);
  v.field("embedding_format", a.embedding_format, RouterFormat::base);
  v.field("head_format", a.head_format, RouterFormat::base);
  v.parts("parts", a.parts);
  v.field("per_layer_vocabulary", a.per_layer_vocabulary, std::int64_t{0});
  v.field("rope_factors", a.rope_factors, std::int64_t{0});
  v.field("cache_known", a.cache_known, true);
  v.field("widths_only", a.widths_only, false);
}

/// The keys that a struct's fields have.
class Keys {
 public:
  template <class T>
  [[nodiscard]] static std::vector<std::string> of() {
    Keys keys;
    T fields;
    visit(keys, fields);
    return std::move(keys.names_);
  }

  template <class T>
  void required(std::string_view key, T& /*field*/) {
    names_.emplace_back(key);
  }
  template <class T>
  void field(std::string_view key, T& /*field*/, const T& /*otherwise*/) {
    names_.emplace_back(key);
  }
  void known(std::string_view key, std::optional<std::int64_t>& /*count*/) {
    names_.emplace_back(key);
  }
  template <class T>
  void part(std::string_view key, T& /*part*/) {
    names_.emplace_back(key);
  }
  template <class T>
  void parts(std::string_view key, T& /*parts*/) {
    names_.emplace_back(key);
  }

 private:
  std::vector<std::string> names_;
};

class Reader {
 public:
  Reader(const JsonValue& value, Problems& problems) : object_(value), problems_(&problems) {}

  /// All of a struct whose fields are the whole object.
  template <class T>
  static void whole(const JsonValue& value, Problems& problems, T& fields) {
    problems.attempt([&] {
      Reader reader(value, problems);
      problems.unknown_keys(reader.object_, Keys::of<T>());
      visit(reader, fields);
    });
  }

  template <class T>
  void required(std::string_view key, T& field) {
    problems_->attempt([&] { read(object_.at(key), 1, field); });
  }
  template <class T>
  void field(std::string_view key, T& field, const T& otherwise) {
    field = otherwise;
    problems_->attempt([&] {
      if (const auto value = object_.find(key)) {
        read(*value, 0, field);
      }
    });
  }
  /// A count that is 0 where it is not there, and unknown where it is null.
  void known(std::string_view key, std::optional<std::int64_t>& count) {
    count = 0;
    problems_->attempt([&] {
      const auto value = object_.find(key);
      if (value) {
        count = value->whole(0, largest);
      } else if (object_.contains(key)) {
        count = std::nullopt;
      }
    });
  }
  template <class T>
  void part(std::string_view key, std::optional<T>& part) {
    if (const auto value = object_.find(key)) {
      whole(*value, *problems_, part.emplace());
    }
  }
  template <class T>
  void parts(std::string_view key, std::vector<T>& parts) {
    if (const auto value = object_.find(key)) {
      problems_->attempt([&] {
        for (const JsonValue& element : value->array()) {
          whole(element, *problems_, parts.emplace_back());
        }
      });
    }
  }
  [[nodiscard]] JsonObject& object() { return object_; }

 private:
  static void read(const JsonValue& value, std::int64_t low, std::int64_t& field) {
    field = value.whole(low, largest);
  }
  static void read(const JsonValue& value, std::int64_t low, int& field) {
    field = static_cast<int>(value.whole(low, 1000));
  }
  static void read(const JsonValue& value, std::int64_t /*low*/, bool& field) {
    field = value.boolean();
  }
  static void read(const JsonValue& value, std::int64_t /*low*/, std::string& field) {
    field = value.string();
    if (field.empty()) {
      throw value.expected("a word");
    }
  }
  template <class Enum, std::size_t count = Names<Enum>::words.size()>
  static void read(const JsonValue& value, std::int64_t /*low*/, Enum& field) {
    const std::string word = value.string();
    const auto& words = Names<Enum>::words;
    for (std::size_t i = 0; i < count; ++i) {
      if (word == words[i]) {
        field = static_cast<Enum>(i);
        return;
      }
    }
    std::vector<std::string> known(words.begin(), words.end());
    throw value.error("expected " + join_words(known, "or") + ", found \"" + printable(word) +
                      "\"");
  }

  JsonObject object_;
  Problems* problems_;
};

class Writer {
 public:
  template <class T>
  void required(std::string_view key, const T& field) {
    put(key, field);
  }
  template <class T>
  void field(std::string_view key, const T& field, const T& otherwise) {
    if (!(field == otherwise)) {
      put(key, field);
    }
  }
  void known(std::string_view key, const std::optional<std::int64_t>& count) {
    if (!count) {
      json_[std::string(key)] = nullptr;
    } else if (*count != 0) {
      put(key, *count);
    }
  }
  template <class T>
  void part(std::string_view key, std::optional<T>& part) {
    if (part) {
      Writer writer;
      visit(writer, *part);
      json_[std::string(key)] = std::move(writer.json_);
    }
  }
  template <class T>
  void parts(std::string_view key, std::vector<T>& parts) {
    for (T& part : parts) {
      Writer writer;
      visit(writer, part);
      json_[std::string(key)].push_back(std::move(writer.json_));
    }
  }
  [[nodiscard]] ordered_json take() { return std::move(json_); }
  [[nodiscard]] ordered_json& json() { return json_; }

 private:
  template <class T>
  void put(std::string_view key, const T& field) {
    if constexpr (std::is_enum_v<T>) {
      json_[std::string(key)] = std::string(Names<T>::words.at(static_cast<std::size_t>(field)));
    } else {
      json_[std::string(key)] = field;
    }
  }

  ordered_json json_ = ordered_json::object();
};

void read_layers(const JsonValue& value, Architecture& architecture) {
  std::vector<std::uint16_t> layers;
  if (value.is_string()) {
    append_layers(value.string(), value.pointer(), architecture.blocks, layers);
  } else if (value.is_array()) {
    for (const JsonValue& line : value.array()) {
      append_layers(line.string(), line.pointer(), architecture.blocks, layers);
    }
  } else {
    throw value.expected("a text such as \"3*dense 58*moe\", or a list of such");
  }
  // A JSON object has no order: blocks count in the order in which the layers use them.
  std::vector<Block> used;
  std::vector<std::optional<std::uint16_t>> place(architecture.blocks.size());
  for (std::uint16_t& layer : layers) {
    if (!place[layer]) {
      place[layer] = static_cast<std::uint16_t>(used.size());
      used.push_back(architecture.blocks[layer]);
    }
    layer = *place[layer];
  }
  for (std::size_t i = 0; i < place.size(); ++i) {
    if (!place[i]) {
      throw value.error("no layer is of the block \"" + architecture.blocks[i].name + "\"");
    }
  }
  architecture.blocks = std::move(used);
  architecture.layers = std::move(layers);
}

/// A pointer with the block's name where contradictions() counts blocks.
Error with_block_name(const Error& error, const Architecture& architecture,
                      const std::string& pointer) {
  const std::string prefix = pointer + "/blocks/";
  Place place = error.place();
  if (!place.pointer || place.pointer->compare(0, prefix.size(), prefix) != 0) {
    return error;
  }
  const std::size_t end = std::min(place.pointer->find('/', prefix.size()), place.pointer->size());
  const auto index = static_cast<std::size_t>(
      parse_whole(std::string_view(*place.pointer).substr(prefix.size(), end - prefix.size()),
                  "block", 0, most_layers));
  place.pointer = prefix + architecture.blocks.at(index).name + place.pointer->substr(end);
  return Error(error.message(), std::move(place), error.hint());
}

void read_blocks(const JsonValue& blocks, Problems& problems, Architecture& architecture) {
  for (const auto& member : blocks.object().members()) {
    problems.attempt([&] {
      if (!is_block_name(member.first)) {
        throw member.second.error(
            "\"" + printable(member.first) +
            "\" can't name a block: expected letters, digits, \"-\" and \"_\", "
            "a letter first");
      }
      Block& block = architecture.blocks.emplace_back();
      block.name = member.first;
      Reader::whole(member.second, problems, block);
    });
  }
  if (architecture.blocks.size() > most_layers) {
    throw blocks.error("more than " + std::to_string(most_layers) + " blocks");
  }
}

}  // namespace

Architecture read_architecture(const JsonValue& value, Problems& problems) {
  const std::size_t gaps = problems.gaps();
  Architecture architecture;
  problems.attempt([&] {
    Reader reader(value, problems);
    std::vector<std::string> keys = Keys::of<Architecture>();
    keys.insert(keys.end(), {"blocks", "layers", "extras"});
    problems.unknown_keys(reader.object(), keys);
    visit(reader, architecture);
    const bool blocks = problems.attempt(
        [&] { read_blocks(reader.object().at("blocks"), problems, architecture); });
    problems.attempt([&] {
      const JsonValue layers = reader.object().at("layers");
      // Without blocks, every layer would be of an unknown one.
      if (blocks && !architecture.blocks.empty()) {
        read_layers(layers, architecture);
      }
    });
    architecture.extras = {0, 0, 0, {}, 0};
    if (const auto extras = reader.object().find("extras")) {
      Reader::whole(*extras, problems, architecture.extras);
    }
  });
  if (problems.gaps() == gaps) {
    for (const Error& error : contradictions(architecture, value.pointer())) {
      problems.add("shapes", with_block_name(error, architecture, value.pointer()));
    }
  }
  if (problems.gaps() != gaps) {
    architecture.layers.clear();
  }
  return architecture;
}

ordered_json write_architecture(const Architecture& architecture) {
  Architecture copy = architecture;  // one visit() serves both ways, so it takes its struct by &
  Writer writer;
  visit(writer, copy);
  ordered_json blocks = ordered_json::object();
  for (Block& block : copy.blocks) {
    Writer block_writer;
    visit(block_writer, block);
    blocks[block.name] = block_writer.take();
  }
  writer.json()["blocks"] = std::move(blocks);
  const std::vector<std::string> lines = layers_lines(copy.blocks, copy.layers, 80);
  writer.json()["layers"] = lines.size() == 1 ? ordered_json(lines.front()) : ordered_json(lines);
  Writer extras;
  visit(extras, copy.extras);
  if (!extras.json().empty()) {
    writer.json()["extras"] = extras.take();
  }
  return writer.take();
}

}  // namespace macfit::model
