// Worked figures of MLX's rules, each against its function.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensor_split.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/runtime/mlx_rules.hpp"
#include "macfit/runtime/runtime.hpp"
#include "mlx_vectors.hpp"
#include "model_sources.hpp"
#include "published_file_json.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t most_slots = std::int64_t{1} << 30;

/// One block of worked figures: {"bpw": ...}.
struct Block {
  calibrate::Comparison& comparison;
  const Sources& sources;
  const std::string& name;
  const Json& value;

  void add(const std::string& id, const char* class_name, std::int64_t published,
           std::int64_t predicted, const std::string& reason = {}) const {
    comparison.add(id, class_name, static_cast<double>(published), static_cast<double>(predicted),
                   reason);
  }
  /// The class is the block's own name.
  void add(const std::string& id, std::int64_t published, std::int64_t predicted) const {
    add(id, name.c_str(), published, predicted);
  }
};

/// A list of numbers against another: how many agree of how many.
void add_list(const Block& b, const std::string& id, const std::vector<std::int64_t>& published,
              const std::vector<std::int64_t>& own) {
  std::int64_t same = 0;
  for (std::size_t i = 0; i < std::min(published.size(), own.size()); ++i) {
    same += published[i] == own[i] ? 1 : 0;
  }
  const auto count = static_cast<std::int64_t>(published.size());
  // More than the list has is as wrong as less.
  b.add(id, count, own.size() > published.size() ? static_cast<std::int64_t>(own.size()) : same);
}

std::vector<std::int64_t> numbers_of(const Json& list) {
  std::vector<std::int64_t> numbers;
  for (const Json& value : list) {
    if (value.is_array()) {
      const std::vector<std::int64_t> inner = numbers_of(value);
      numbers.insert(numbers.end(), inner.begin(), inner.end());
    } else {
      const auto whole = whole_of(value);
      if (!whole) {
        throw Error("a list holds something that is no whole number: " + shown(value));
      }
      numbers.push_back(*whole);
    }
  }
  return numbers;
}

std::vector<std::int64_t> flat(const std::vector<runtime::LayerRange>& ranges) {
  std::vector<std::int64_t> numbers;
  for (const runtime::LayerRange& range : ranges) {
    numbers.push_back(range.first);
    numbers.push_back(range.end);
  }
  return numbers;
}

model::WeightFormat format_of(const std::string& mode, std::int64_t bits, std::int64_t group) {
  const auto known = mode_named(mode);
  if (!known) {
    throw Error("no mode of MLX is known as \"" + printable(mode) + "\"");
  }
  return {*known, static_cast<int>(bits), static_cast<int>(group)};
}

void bits_per_weight(const Block& b) {
  for (const auto& [key, value] : b.value.items()) {
    const std::string id = b.name + " " + printable(key);
    const std::vector<std::string_view> parts = split(key, '-');
    if (parts.size() != 3 || parts[2].empty() || !value.is_number()) {
      b.comparison.skip(id, "not understood: mode-bits-gGROUP was expected");
      continue;
    }
    b.comparison.guarded(id, [&, &bits = value] {
      const model::WeightFormat format =
          format_of(std::string(parts[0]), parse_whole(parts[1], "bits", 1, 64),
                    parse_whole(parts[2].substr(1), "group", 1, 65536));
      b.comparison.add(id, b.name, bits.get<double>(), model::bits_per_weight(format));
    });
  }
}

void matrix(const Block& b, const Json& row, const std::string& id) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  const std::string mode = text_of(row, "mode");
  const model::WeightFormat format =
      format_of(mode.empty() ? "affine" : mode, need_whole(row, "bits", 1, 64),
                need_whole(row, "gs", 1, 65536));
  const std::int64_t stack = whole_of(row, "n") ? need_whole(row, "n", 1, most) : 1;
  const std::int64_t scale = whole_of(row, "fdt") ? need_whole(row, "fdt", 1, 8) : 2;
  const Bytes bytes = model::matrix_bytes(format, stack, need_whole(row, "out", 1, most),
                                          need_whole(row, "inn", 1, most), static_cast<int>(scale));
  b.add(id, need_whole(row, "bytes", 0, std::int64_t{1} << 53), bytes.count());
}

void slots(const Block& b, const Json& row, const std::string& id) {
  b.add(id, need_whole(row, "slots", 0, most_slots),
        runtime::kv_slots(need_whole(row, "prompt", 0, most_slots),
                          need_whole(row, "gen", 0, most_slots),
                          need_whole(row, "prefill", 1, most_slots)));
}

void rotating(const Block& b, const Json& row, const std::string& id) {
  const std::int64_t prompt = need_whole(row, "prompt", 0, most_slots);
  const std::int64_t generated = need_whole(row, "gen", 0, most_slots);
  const std::int64_t window = need_whole(row, "W", 1, most_slots);
  const std::int64_t step =
      whole_of(row, "prefill") ? need_whole(row, "prefill", 1, most_slots) : 2048;
  const std::vector<std::int64_t> published = numbers_of(list_of(row, "res"));
  if (published.size() != 2) {
    throw Error("\"res\" should be the slots in the end and at the peak");
  }
  b.add(id + " in the end", published[0], runtime::rotating_slots(prompt, generated, window, step));
  b.add(id + " peak", published[1], runtime::rotating_peak_slots(prompt, generated, window, step));
}

void pipeline(const Block& b, const Json& row, const std::string& id) {
  const std::int64_t layers = need_whole(row, "L", 0, 100'000);
  const std::int64_t ranks = need_whole(row, "P", 1, 100'000);
  const bool legacy = b.name == "pipe_legacy";
  const std::vector<runtime::LayerRange> ranges =
      legacy ? runtime::legacy_pipeline(layers, ranks)
             : runtime::pipeline_ranges(runtime::Catalog::embedded().get("mlx-lm").default_split(
                   layers, std::vector<Bytes>(static_cast<std::size_t>(ranks), Bytes(1))));
  add_list(b, id + " ranges", numbers_of(list_of(row, "ranges")), flat(ranges));
  if (member(row, "dropped") != nullptr) {
    add_list(b, id + " dropped", numbers_of(list_of(row, "dropped")),
             runtime::dropped_layers(ranges, layers));
  }
}

void exo(const Block& b, const Json& row, const std::string& id) {
  std::vector<Bytes> memory;
  for (const std::int64_t bytes : numbers_of(list_of(row, "mem"))) {
    if (bytes < 1) {
      throw Error("\"mem\" should hold positive numbers");
    }
    memory.emplace_back(bytes);
  }
  const std::int64_t layers = need_whole(row, "L", 1, 100'000);
  if (memory.empty() || static_cast<std::int64_t>(memory.size()) > layers) {
    throw Error("EXO wants at least a layer a node");
  }
  add_list(b, id, numbers_of(list_of(row, "res")),
           runtime::Catalog::embedded().get("exo").default_split(layers, memory));
}

void frames(const Block& b, const Json& row, const std::string& id) {
  const std::int64_t message = need_whole(row, "msg", 0, std::int64_t{1} << 53);
  const auto figure = [&](const char* key, std::int64_t own) {
    if (const auto published = whole_of(row, key)) {
      b.add(id + " " + key, *published, own);
    }
  };
  figure("frame", runtime::jaccl_frame_bytes(message, true));
  figure("chunks", runtime::jaccl_frames(message, true));
  figure("chunks_macos26_2", runtime::jaccl_frames(message, false));
}

void transient(const Block& b, const Json& row, const std::string& id) {
  const std::string text = text_of(row, "case");
  const auto bytes = whole_of(row, "bytes");
  const auto context = number_after(text, "T=");
  if (!bytes || !context) {
    throw Error("\"bytes\" and a context (\"T=\") are wanted");
  }
  if (const auto heads = number_after(text, "h="), step = number_after(text, "L="); heads && step) {
    b.add(id, *bytes, runtime::score_bytes(*heads, *step, *context));
    return;
  }
  const auto model = find_loosely(b.sources, text.substr(0, text.find(' ')));
  for (const model::Block& block :
       model ? model->architecture.blocks : std::vector<model::Block>()) {
    if (block.latent) {
      const model::LatentAttention& l = *block.latent;
      b.add(id, *bytes, runtime::expanded_bytes(l.heads, *context, l.nope_dim, l.value_dim));
      return;
    }
  }
  throw Error("neither heads and step are stated nor a model with latent attention");
}

void limits(const Block& b) {
  // "ws26": macOS 26; "_page_ceil": rounded up to a page, as it is read.
  const std::int64_t major = number_after(b.name, "ws").value_or(26);
  const bool page = b.name.ends_with("_page_ceil");
  hardware::Macos macos;
  macos.major = static_cast<int>(std::clamp<std::int64_t>(major, 15, 99));
  const hardware::Catalog& hardware = hardware::Catalog::embedded();
  for (const auto& [key, value] : b.value.items()) {
    const std::string id = b.name + " " + printable(key);
    const auto published = whole_of(value);
    if (!published) {
      b.comparison.skip(id, "no size: " + shown(value));
      continue;
    }
    b.comparison.guarded(id, [&, &gib_text = key, &bytes = *published] {
      const Bytes ram(checked_mul(parse_whole(gib_text, "GiB", 1, 1 << 20), gib));
      const hardware::GpuLimit limit = hardware.gpu_limit(ram, macos);
      if (page) {
        b.add(id, bytes, limit.bytes.count());
        return;
      }
      const auto& rules = hardware.gpu_limit_rules();
      for (const auto& row : macos.major >= 26 ? rules.from_26 : rules.up_to_15) {
        if (row.ram == ram) {
          const auto share =
              static_cast<double>(row.numerator) / static_cast<double>(row.denominator);
          b.add(id, bytes, std::llround(ram.as_double() * share));
          return;
        }
      }
      b.comparison.skip(id, "no limit was read at this size");
    });
  }
}

void high_layers(const Block& b) {
  model::Tensor down;
  down.name = "mlp.down_proj";
  down.rows = 64;
  down.columns = 64;
  down.quantized = model::Quantized::base;
  const model::Recipe recipe = model::parse_recipe("mixed_2_6");
  for (const auto& [key, value] : b.value.items()) {
    const std::string id = b.name + " " + printable(key);
    const auto layers = number_after(key, "L=");
    const auto count = whole_of(value);
    if (!layers || *layers < 1 || *layers > 100'000 || (!count && !value.is_array())) {
      b.comparison.skip(id, "not understood: \"L=layers\" with a list or a count was expected");
      continue;
    }
    std::vector<std::int64_t> high;
    for (std::int64_t i = 0; i < *layers; ++i) {
      const auto format = model::format_of(recipe, down, static_cast<std::size_t>(i),
                                           static_cast<std::size_t>(*layers));
      if (format && format->bits == recipe.high_bits) {
        high.push_back(i);
      }
    }
    if (count) {
      b.add(id, *count, static_cast<std::int64_t>(high.size()));
    } else {
      b.comparison.guarded(id, [&, &list = value] { add_list(b, id, numbers_of(list), high); });
    }
  }
}

void caches(const Block& b) {
  const bool growing = b.name == "kv_bytes_per_token";
  for (const auto& [key, value] : b.value.items()) {
    const std::string id = b.name + " " + printable(key);
    const auto published = whole_of(value);
    if (!published) {
      b.comparison.skip(id, "no size: " + shown(value));
      continue;
    }
    b.comparison.guarded(id, [&, &text = key, &bytes = *published] {
      const char* const class_name = growing ? "kv-per-token" : "kv-constant";
      if (const auto shape = growing ? cache_named(text) : std::nullopt) {
        b.add(id, class_name, bytes, model::kv_bytes_per_token(*shape).count(),
              "shapes as the name states them");
        return;
      }
      const auto model = find_loosely(b.sources, text.substr(0, text.find(' ')));
      if (!model) {
        throw Error("the name states no shapes, and the catalog has no such model");
      }
      const model::Architecture& a = model->architecture;
      b.add(id, class_name, bytes,
            growing ? model::kv_bytes_per_token(a, model::CacheRule::mlx_lm).count()
                    : model::kv_constant_bytes(a, model::CacheRule::mlx_lm).count(),
            "catalog " + model->id);
    });
  }
}

void quantized_cache(const Block& b) {
  const auto kv_heads = number_after(b.name, "(kv");
  const auto width = number_after(b.name, "hd");
  for (const auto& [key, value] : b.value.items()) {
    const std::string id = b.name + " " + printable(key);
    const auto published = whole_of(value);
    if (!published || !kv_heads || !width) {
      b.comparison.skip(id, "not understood: kv heads, a head's width and a size were expected");
      continue;
    }
    b.comparison.guarded(id, [&, &format_text = key, &bytes = *published] {
      model::WeightFormat format;
      if (format_text != "bf16") {
        const auto bits = number_after(format_text, "");
        const auto group = number_after(format_text, " g");
        if (!bits || !group) {
          throw Error("\"4bit g64\" was expected");
        }
        format = format_of("affine", *bits, *group);
      }
      b.add(id, "kv-quantized", bytes, model::matrix_bytes(format, 2, *kv_heads, *width).count());
    });
  }
}

/// "minimax_m2_4bit_tp": one rank of a tensor split.
void ranks(const Block& b, const Json& row, const std::string& id) {
  const std::string stem = b.name.substr(0, b.name.size() - 3);
  const std::size_t at = stem.rfind('_');
  const auto model = find_loosely(b.sources, stem.substr(0, at));
  const auto recipe =
      at == std::string::npos ? std::nullopt : model::find_recipe(stem.substr(at + 1));
  if (!model || !recipe) {
    throw Error("no model and format of the catalog is known as \"" + printable(stem) + "\"");
  }
  const model::TensorSplit split =
      model::tensor_split(model->architecture, *recipe, need_whole(row, "N", 1, 100'000));
  if (const auto bytes = whole_of(row, "per_rank")) {
    b.add(id + " per rank", "tensor-ranks", *bytes, split.rank ? split.rank->total().count() : 0);
  }
  const model::WeightLayout layout = model::weight_layout(model->architecture, *recipe);
  if (const auto bytes = whole_of(row, "full")) {
    b.add(id + " full", "weights", *bytes, layout.total().count());
  }
  if (const auto bytes = whole_of(row, "global_replicated")) {
    b.add(id + " global", "weights", *bytes, layout.global().count());
  }
  if (const auto bytes = whole_of(row, "layer"); bytes && !layout.layers.empty()) {
    b.add(id + " layer", "weights", *bytes, layout.layers.front().total.count());
  }
}

/// "gpt-oss-120b mxfp4 g32", "minimax-m2 affine g64 (…)": how many of the stated refusals macfit
/// has too.
void legality(const Block& b, const Json& row, const std::string& id) {
  const std::string text = text_of(row, "model");
  const std::vector<std::string_view> words = split(text, ' ');
  const auto model = find_loosely(b.sources, words.front());
  if (!model || words.size() < 2) {
    throw Error("no model and format of the catalog is known as \"" + printable(text) + "\"");
  }
  const auto group = number_after(text, " g");
  const auto recipe = words[1] == "affine"
                          ? model::find_recipe(fmt::format("4bit-gs{}", group.value_or(64)))
                          : model::find_recipe(words[1]);
  if (!recipe) {
    throw Error("no format is known as \"" + printable(std::string(words[1])) + "\"");
  }
  const model::TensorSplit split =
      model::tensor_split(model->architecture, *recipe, need_whole(row, "N", 1, 100'000));
  const Json& errors = list_of(row, "errors");
  std::int64_t found = 0;
  for (const Json& error : errors) {
    const model::SplitRule rule = split_rule_of(error.is_string() ? error.get<std::string>() : "");
    found += std::any_of(split.refusals.begin(), split.refusals.end(),
                         [&](const model::SplitRefusal& r) { return r.rule == rule; })
                 ? 1
                 : 0;
  }
  if (errors.empty()) {
    found = split.rank ? 0 : 1;
  }
  b.add(id + fmt::format(" N={}", need_whole(row, "N", 1, 100'000)), "refusals",
        static_cast<std::int64_t>(errors.size()), found,
        split.refusals.empty() ? "" : split.refusals.front().text);
}

struct Reader {
  std::string_view name;
  void (*whole)(const Block&);                                 ///< of an object
  void (*row)(const Block&, const Json&, const std::string&);  ///< of each element of a list
};

constexpr std::array<Reader, 13> readers = {{
    {"bpw", bits_per_weight, nullptr},
    {"mat_bytes", nullptr, matrix},
    {"kv_slots", nullptr, slots},
    {"rot_slots", nullptr, rotating},
    {"pipe_legacy", nullptr, pipeline},
    {"pipe_fixed", nullptr, pipeline},
    {"exo_split", nullptr, exo},
    {"jaccl_frame", nullptr, frames},
    {"prefill_transient", nullptr, transient},
    {"tp_legality", nullptr, legality},
    {"mixed_recipe_high_layers", high_layers, nullptr},
    {"kv_bytes_per_token", caches, nullptr},
    {"kv_constant_bytes", caches, nullptr},
}};

std::optional<Reader> reader_of(const std::string& name) {
  for (const Reader& reader : readers) {
    if (reader.name == name) {
      return reader;
    }
  }
  if (name.starts_with("ws") && number_after(name, "ws")) {
    return Reader{name, limits, nullptr};
  }
  if (name.starts_with("kv_quant_layer_token")) {
    return Reader{name, quantized_cache, nullptr};
  }
  if (name.ends_with("_tp")) {
    return Reader{name, nullptr, ranks};
  }
  return std::nullopt;
}

}  // namespace

bool compare_vectors(calibrate::Comparison& comparison, const Sources& sources, const Json& root) {
  if (!root.is_object() ||
      std::none_of(root.items().begin(), root.items().end(),
                   [](const auto& m) { return reader_of(m.key()).has_value(); })) {
    return false;
  }
  for (const auto& [name, value] : root.items()) {
    if (!value.is_structured()) {
      continue;  // words about the file
    }
    const Block block = {comparison, sources, name, value};
    const auto reader = reader_of(name);
    if (!reader) {
      comparison.skip(printable(name), "no rule for figures of this name");
    } else if (reader->whole != nullptr && value.is_object()) {
      reader->whole(block);
    } else if (reader->row != nullptr && value.is_array()) {
      std::size_t index = 0;
      for (const Json& row : value) {
        const std::string id = fmt::format("{} {}", name, ++index);
        comparison.guarded(id, [&] { reader->row(block, row, id); });
      }
    } else {
      comparison.skip(printable(name), "an object was expected for a list, or the other way round");
    }
  }
  return true;
}

}  // namespace macfit::verify
