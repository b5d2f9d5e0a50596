// Bytes of mlx-lm's own classes against the library's.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensor_split.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/read/hf_config.hpp"
#include "macfit/read/mlx_checkpoint.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/runtime/runtime.hpp"
#include "model_sources.hpp"
#include "published_file_json.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;
using model::Architecture;
using model::Recipe;

model::Model as_model(const Found& found) {
  model::Model model;
  model.architecture = found.architecture;
  model.evidence = found.evidence;
  return model;
}

/// One model's figures and where they go.
struct MlxRow {
  calibrate::Comparison& comparison;
  const Json& row;
  const std::string& id;
  const model::Model& model;
  const runtime::Runtime& rules;  ///< mlx-lm at the release that states them

  [[nodiscard]] const Architecture& architecture() const { return model.architecture; }
  [[nodiscard]] Recipe recipe(const Recipe& asked) const { return rules.recipe(model, asked); }
  [[nodiscard]] model::WeightLayout layout(const Recipe& asked) const {
    return model::weight_layout(architecture(), recipe(asked));
  }
  /// Figures that are not called exact are told apart from those that are.
  void add(const std::string& figure, const std::string& class_name, double published,
           double predicted, std::string reason = {}) const {
    comparison.add(figure,
                   model.evidence == Evidence::exact ? class_name : class_name + "-estimated",
                   published, predicted, std::move(reason));
  }
};

void compare_bytes(const MlxRow& r) {
  if (const auto bytes = whole_of(r.row, "bytes_4bit")) {
    r.comparison.guarded(r.id + " 4bit", [&] {
      r.add(r.id + " 4bit", "weights", static_cast<double>(*bytes),
            r.layout(model::parse_recipe("4bit")).total().as_double());
    });
  }
  const Json* formats = member(r.row, "bytes");
  if (formats == nullptr || !formats->is_object()) {
    return;
  }
  for (const auto& [name, published] : formats->items()) {
    const std::string id = r.id + " " + printable(name);
    const auto bytes = whole_of(published);
    if (!bytes) {
      r.comparison.skip(id, "no size: " + shown(published));
      continue;
    }
    const Recipe recipe = [&, &format = name] {
      auto found = model::find_recipe(format);
      return found ? *std::move(found) : Recipe();
    }();
    if (recipe.name.empty()) {
      r.comparison.skip(id, "no rule for this format");
      continue;
    }
    r.comparison.guarded(id, [&, &size = *bytes] {
      r.add(id, "weights", static_cast<double>(size), r.layout(recipe).total().as_double());
    });
  }
}

void compare_layers(const MlxRow& r) {
  const Json* published = member(r.row, "layer_bytes_4bit");
  const auto global = whole_of(r.row, "embed_head_norm_bytes_4bit");
  if (published == nullptr && !global) {
    return;
  }
  const model::WeightLayout layout = r.layout(model::parse_recipe("4bit"));
  if (global) {
    r.comparison.add(r.id + " embedding, head and norm, 4bit", "weights-outside-layers",
                     static_cast<double>(*global), layout.global().as_double());
  }
  std::map<std::string, std::int64_t> layers;
  for (const model::LayerBytes& layer : layout.layers) {
    ++layers[std::to_string(layer.total.count())];
  }
  if (published == nullptr || !published->is_object()) {
    return;
  }
  for (const auto& [bytes, count] : published->items()) {
    const std::string id = r.id + " layers of " + printable(bytes) + " B, 4bit";
    if (const auto whole = whole_of(count)) {
      r.comparison.add(id, "layers", static_cast<double>(*whole),
                       static_cast<double>(layers[bytes]));
    } else {
      r.comparison.skip(id, "no count: " + shown(count));
    }
  }
}

/// "rot1024", "chunk8192", "full".
std::string growth_name(const model::LayerCache& cache) {
  if (cache.span == model::Span::full || cache.mlx_full) {
    return "full";
  }
  return (cache.span == model::Span::sliding ? "rot" : "chunk") + std::to_string(cache.window);
}

/// Arrays of state that a layer of this kind keeps.
std::string state_name(const model::Block& block) {
  // Three convolutions and a state where queries, keys and values have their own.
  const bool apart = (block.kimi_delta && !block.kimi_delta->fused_qkv) ||
                     (block.delta_net && block.delta_net->separate);
  const bool one = block.short_conv || block.lightning;
  return apart ? "arr4" : one ? "arr1" : "arr2";
}

/// Caches by mlx-lm's kinds, counted: "full", "rot1024", "chunk8192", "arr2", "(full+full)".
std::map<std::string, std::int64_t> cache_kinds(const Architecture& a) {
  using Kind = model::LayerCache::Kind;
  const std::vector<model::LayerCache> shapes = model::cache_shapes(a);
  const bool indexed = std::any_of(shapes.begin(), shapes.end(), [](const model::LayerCache& c) {
    return c.indexer_elements > 0;
  });
  std::map<std::string, std::int64_t> kinds;
  for (const std::uint16_t index : a.layers) {
    const model::LayerCache& cache = shapes[index];
    const model::Block& block = a.blocks[index];
    if (cache.kind == Kind::none) {
      continue;
    }
    if (cache.kind == Kind::recurrent) {
      ++kinds[state_name(block)];
    } else if (block.attention && block.mamba2) {
      ++kinds["(" + state_name(block) + "+" + growth_name(cache) + ")"];
    } else if (cache.indexer_elements > 0) {
      ++kinds["(full+full)"];
    } else {
      // A layer without an indexer in a model that has them wraps its one cache too (MiniMax M3).
      const bool wrapped = block.attention && (indexed || a.type == "minimax_m3_vl");
      ++kinds[wrapped ? "(full)" : growth_name(cache)];
    }
  }
  return kinds;
}

/// What mlx-lm of this release adds for each token, by what a plan counts.
Bytes kv_per_token(const MlxRow& r) {
  const runtime::Profile profile =
      r.rules.profile(r.model, model::parse_recipe("bf16"), runtime::KvFormat::bf16, 1);
  const std::size_t kinds = profile.kinds.size();
  Bytes sum;
  for (std::size_t i = 0; i < kinds; ++i) {
    if (profile.kinds[i].growth == runtime::LayerKind::Growth::slots) {
      sum += Bytes(profile.kinds[i].slot_bytes) * profile.kind_counts[profile.layers * kinds + i];
    }
  }
  return sum;
}

void compare_caches(const MlxRow& r) {
  using model::CacheRule;
  struct Figure {
    const char* key;
    const char* class_name;
    Bytes (*bytes)(const MlxRow&);
  };
  static constexpr Figure figures[] = {
      {"kv_bytes_per_token", "kv-per-token", kv_per_token},
      {"kv_constant_bytes", "kv-states",
       [](const MlxRow& row) {
         // Rows without a figure of windows count them here.
         return member(row.row, "kv_window_bytes_when_full") != nullptr
                    ? model::kv_state_bytes(row.architecture())
                    : model::kv_constant_bytes(row.architecture(), CacheRule::mlx_lm);
       }},
      {"kv_window_bytes_when_full", "kv-windows",
       [](const MlxRow& row) {
         return model::kv_window_bytes(row.architecture(), CacheRule::mlx_lm);
       }},
  };
  for (const Figure& figure : figures) {
    const auto published = whole_of(r.row, figure.key);
    const std::string id = r.id + " " + figure.key;
    if (published && !r.architecture().cache_known) {
      r.comparison.skip(id, "the cache of this architecture is not known");
    } else if (published) {
      r.comparison.guarded(id, [&] {
        r.add(id, figure.class_name, static_cast<double>(*published), figure.bytes(r).as_double());
      });
    }
  }
  const Json* kinds = member(r.row, "caches");
  if (kinds == nullptr || !kinds->is_object()) {
    return;
  }
  std::map<std::string, std::int64_t> own = cache_kinds(r.architecture());
  const auto layers = static_cast<std::int64_t>(r.architecture().layers.size());
  std::int64_t own_total = 0;
  for (const auto& [kind, count] : own) {
    own_total += count;
  }
  for (const auto& [kind, count] : kinds->items()) {
    const std::string id = r.id + " caches " + printable(kind);
    const auto published = whole_of(count);
    const bool paired = kind.find('+') != std::string::npos && own[kind] == 0;
    const bool twice = own[kind] == layers && published == 2 * layers;
    const bool empty = own_total < layers && published == own[kind] + 1;
    if (paired || twice || empty) {
      r.comparison.skip(id,
                        "layers with two caches, with an empty one or run twice: their bytes are "
                        "compared");
      continue;
    }
    if (kind.find("arr") != std::string::npos && own[kind] == 0) {
      r.comparison.skip(id, "in how many arrays a state is kept, shapes don't say");
    } else if (const auto whole = whole_of(count)) {
      r.add(id, "caches", static_cast<double>(*whole), static_cast<double>(own[kind]));
    } else {
      r.comparison.skip(id, "no count: " + shown(count));
    }
  }
}

/// Multi-token prediction, towers and the longest context, which rows of saved configs state.
void compare_extras(const MlxRow& r) {
  const model::Extras& extras = r.architecture().extras;
  const auto add = [&](const char* key, const std::optional<std::int64_t>& own) {
    const auto published = whole_of(r.row, key);
    if (published && own) {
      r.add(r.id + " " + key, "extras", static_cast<double>(*published), static_cast<double>(*own));
    } else if (published) {
      r.comparison.skip(r.id + " " + key, "known to be there, not how many");
    }
  };
  add("mtp", extras.mtp_parameters);
  add("vision", extras.vision_parameters);
  add("context_tokens", r.architecture().context);
}

/// "4bit N=2".
struct SplitName {
  Recipe recipe;
  std::int64_t ranks = 0;
};
std::optional<SplitName> split_name(const std::string& key) {
  const std::size_t at = key.find(" N=");
  if (at == std::string::npos) {
    return std::nullopt;
  }
  auto recipe = model::find_recipe(key.substr(0, at));
  if (!recipe) {
    return std::nullopt;
  }
  try {
    return SplitName{*std::move(recipe), parse_whole(key.substr(at + 3), "N", 1, 100'000)};
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool by_heads(const model::TensorSplit& split) {
  return std::any_of(split.refusals.begin(), split.refusals.end(), [](const auto& refusal) {
    return refusal.rule == model::SplitRule::heads || refusal.rule == model::SplitRule::kv_heads;
  });
}

void compare_split(const MlxRow& r, const std::string& key, const Json& published) {
  const std::string id = r.id + " " + printable(key);
  const std::optional<SplitName> name = split_name(key);
  if (!name) {
    r.comparison.skip(id, "no rule for this split");
    return;
  }
  const Recipe recipe = r.recipe(name->recipe);
  const auto ranks = static_cast<std::size_t>(name->ranks);
  const runtime::Support support = r.rules.tensor(r.model, recipe, ranks);
  if (published.is_string()) {
    // 1: refused.
    r.add(id, "refusals", 1.0, support.ok ? 0.0 : 1.0, support.reason);
    return;
  }
  const auto bytes = whole_of(published);
  if (!bytes) {
    r.comparison.skip(id, "no size: " + shown(published));
    return;
  }
  const model::TensorSplit split = model::tensor_split(r.architecture(), recipe, name->ranks);
  if (!split.rank && by_heads(split)) {
    r.comparison.skip(id, "mlx-lm starts and computes wrong results, macfit refuses: " +
                              split.refusals.front().text);
  } else {
    const std::int64_t rank =
        support.ok
            ? r.rules.profile(r.model, recipe, runtime::KvFormat::bf16, ranks).rank_weights[ranks]
            : 0;
    r.add(id, "tensor-ranks", static_cast<double>(*bytes), static_cast<double>(rank),
          support.ok ? "" : "refused: " + support.reason);
  }
}

/// What a class takes for a key that a config leaves out: the keys are left out here too.
void compare_defaults(const MlxRow& r, const Sources& sources) {
  const std::string name = file_name_of(text_of(r.row, "config"));
  const auto text = sources.config ? sources.config(name) : std::nullopt;
  if (!text) {
    return;
  }
  for (const auto& [key, published] : object_of(r.row, "without").items()) {
    const std::string id = r.id + " without " + printable(key);
    const auto parameters = whole_of(published);
    if (!parameters) {
      r.comparison.skip(id, "mlx-lm demands the key");
      continue;
    }
    r.comparison.guarded(id, [&, &left_out = key] {
      Json config = Json::parse(*text);
      config.erase(left_out);
      if (config.contains("text_config")) {
        config["text_config"].erase(left_out);
      }
      r.add(
          id, "defaults", static_cast<double>(*parameters),
          static_cast<double>(model::count_parameters(read::read_hf_config(config.dump())).total));
    });
  }
}

void compare_splits(const MlxRow& r) {
  if (const Json* pipeline = member(r.row, "has_pipeline")) {
    if (pipeline->is_boolean()) {
      const runtime::Support support = r.rules.pipeline(r.model, 2);
      r.add(r.id + " pipeline", "pipelines", pipeline->get<bool>() ? 1.0 : 0.0,
            support.ok ? 1.0 : 0.0, support.reason);
    }
  }
  const Json* splits = member(r.row, "tensor");
  if (splits == nullptr) {
    return;
  }
  if (splits->is_object()) {
    for (const auto& [key, published] : splits->items()) {
      r.comparison.guarded(r.id + " " + printable(key), [&, &split = key, &value = published] {
        compare_split(r, split, value);
      });
    }
    return;
  }
  const std::string text = text_of(r.row, "tensor");
  const std::string id = r.id + " tensor split";
  if (text.rfind("no shard", 0) != 0) {
    r.comparison.skip(id, "not understood: " + shown(*splits));
    return;
  }
  const auto support = r.rules.tensor(r.model, model::parse_recipe("4bit"), 2);
  r.add(id, "refusals", 1.0, support.ok ? 0.0 : 1.0, support.reason);
}

const runtime::Runtime& rules_of(const Sources& sources) {
  return runtime::Catalog::embedded().get("mlx-lm@" + sources.mlx_lm);
}

/// What mlx-lm can't load, macfit must refuse for it.
void compare_refusal(calibrate::Comparison& comparison, const Sources& sources, const Json& row,
                     const std::string& id) {
  const std::string why = text_of(row, "why");
  if (!why.empty() && why.find("No module named") == std::string::npos) {
    comparison.skip(
        id, "mlx-lm fails on this excerpt of a config, not on the model: " + printable(why));
    return;
  }
  try {
    const Found found = get_model(sources, text_of(row, "config"));
    const auto support = rules_of(sources).runs(as_model(found));
    comparison.add(id, "refusals", 1.0, support.ok ? 0.0 : 1.0, support.reason);
  } catch (const Error& error) {
    if (!sources.config || !sources.config(file_name_of(text_of(row, "config")))) {
      throw;
    }
    comparison.add(id, "refusals", 1.0, 1.0, error.message());  // a family that no reader knows
  }
}

}  // namespace

void compare_mlx_row(calibrate::Comparison& comparison, const Sources& sources, const Json& row,
                     const std::string& id) {
  for (const char* key : {"do_not_use", "suspect"}) {
    if (const Json* mark = member(row, key)) {
      comparison.skip(id, std::string(key) + ": " + shown(*mark));
      return;
    }
  }
  if (text_of(row, "mlx_lm") == "unsupported") {
    compare_refusal(comparison, sources, row, id);
    return;
  }
  const model::Model model = as_model(get_model(sources, text_of(row, "config")));
  const MlxRow r = {comparison, row, id, model, rules_of(sources)};
  if (const auto parameters = whole_of(row, "parameters")) {
    r.add(id + " parameters", "parameters", static_cast<double>(*parameters),
          static_cast<double>(model::count_parameters(model.architecture).total));
  }
  compare_bytes(r);
  comparison.guarded(id + " layers, 4bit", [&] { compare_layers(r); });
  compare_caches(r);
  compare_extras(r);
  compare_defaults(r, sources);
  compare_splits(r);
}

void compare_quantized_row(calibrate::Comparison& comparison, const Sources& sources,
                           const Json& row, const std::string& id) {
  const std::optional<Found> base = find_config(sources, text_of(row, "base_config"));
  if (!base) {
    comparison.skip(id, "there is no config of " + printable(text_of(row, "base_config")));
    return;
  }
  Json config = Json::parse(base->config);
  for (const char* key : {"quantization", "quantization_config"}) {
    config.erase(key);
    if (const Json* block = member(row, key)) {
      config[key] = *block;
    }
  }
  const model::Model read = read::config_model(config.dump(), id);
  const Json* bytes = member(row, "mlx_lm_bytes");
  const std::string words = text_of(row, "refuses");
  if (bytes == nullptr && !words.empty()) {
    // 1: refused, and for the reason given: its first words, before it names tensors.
    const auto start = [](const std::string& text) { return text.substr(0, text.find(" in ")); };
    const bool same =
        !read.refusal.empty() && start(read.refusal).substr(0, 30) == start(words).substr(0, 30);
    comparison.add(id, "refusals", 1.0, same ? 1.0 : 0.0, read.refusal + " / " + words);
    return;
  }
  const auto size = bytes != nullptr ? whole_of(*bytes) : std::nullopt;
  if (!size) {
    comparison.skip(id, "no size");
    return;
  }
  if (!read.refusal.empty() || !read.default_recipe) {
    comparison.add(id, "weights", static_cast<double>(*size), 0.0, "refused: " + read.refusal);
    return;
  }
  const model::WeightLayout layout = model::weights_of(read, *read.default_recipe);
  comparison.add(id, layout.evidence == Evidence::exact ? "weights" : "weights-estimated",
                 static_cast<double>(*size), layout.total().as_double());
}

}  // namespace macfit::verify
