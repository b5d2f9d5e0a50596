// Bytes of mlx-lm's own classes against the library's.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensor_split.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/runtime/runtime.hpp"
#include "model_sources.hpp"
#include "published_file_json.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;
using model::Architecture;
using model::Recipe;

model::Model as_model(const Architecture& architecture) {
  model::Model model;
  model.architecture = architecture;
  return model;
}

/// One model's figures and where they go.
struct MlxRow {
  calibrate::Comparison& comparison;
  const Json& row;
  const std::string& id;
  const Architecture& architecture;
};

void compare_bytes(const MlxRow& r) {
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
      r.comparison.add(id, "weights", static_cast<double>(size),
                       model::weight_layout(r.architecture, recipe).total().as_double());
    });
  }
}

void compare_layers(const MlxRow& r) {
  const Json* published = member(r.row, "layer_bytes_4bit");
  const auto global = whole_of(r.row, "embed_head_norm_bytes_4bit");
  if (published == nullptr && !global) {
    return;
  }
  const model::WeightLayout layout =
      model::weight_layout(r.architecture, model::parse_recipe("4bit"));
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

/// Caches by mlx-lm's kinds, counted: "full", "rot1024", "chunk8192", "arr2", "(full+full)".
std::map<std::string, std::int64_t> cache_kinds(const Architecture& a) {
  using Kind = model::LayerCache::Kind;
  const std::vector<model::LayerCache> shapes = model::cache_shapes(a);
  std::map<std::string, std::int64_t> kinds;
  for (const std::uint16_t index : a.layers) {
    const model::LayerCache& cache = shapes[index];
    switch (cache.kind) {
      case Kind::none:
        break;
      case Kind::recurrent:
        // Three convolutions and a state where queries, keys and values have their own.
        ++kinds[a.blocks[index].kimi_delta ? "arr4" : "arr2"];
        break;
      case Kind::latent:
        ++kinds[cache.indexer_elements > 0 ? "(full+full)" : "full"];
        break;
      case Kind::attention:
        if (cache.span == model::Span::full || cache.mlx_full) {
          ++kinds["full"];
        } else {
          ++kinds[(cache.span == model::Span::sliding ? "rot" : "chunk") +
                  std::to_string(cache.window)];
        }
        break;
    }
  }
  return kinds;
}

void compare_caches(const MlxRow& r) {
  using model::CacheRule;
  struct Figure {
    const char* key;
    const char* class_name;
    Bytes (*bytes)(const Architecture&);
  };
  static constexpr Figure figures[] = {
      {"kv_bytes_per_token", "kv-per-token",
       [](const Architecture& a) { return model::kv_bytes_per_token(a, CacheRule::mlx_lm); }},
      {"kv_constant_bytes", "kv-states", model::kv_state_bytes},
      {"kv_window_bytes_when_full", "kv-windows",
       [](const Architecture& a) { return model::kv_window_bytes(a, CacheRule::mlx_lm); }},
  };
  for (const Figure& figure : figures) {
    const auto published = whole_of(r.row, figure.key);
    const std::string id = r.id + " " + figure.key;
    if (published && !r.architecture.cache_known) {
      r.comparison.skip(id, "the cache of this architecture is not known");
    } else if (published) {
      r.comparison.guarded(id, [&] {
        r.comparison.add(id, figure.class_name, static_cast<double>(*published),
                         figure.bytes(r.architecture).as_double());
      });
    }
  }
  const Json* kinds = member(r.row, "caches");
  if (kinds == nullptr || !kinds->is_object()) {
    return;
  }
  std::map<std::string, std::int64_t> own = cache_kinds(r.architecture);
  for (const auto& [kind, count] : kinds->items()) {
    const std::string id = r.id + " caches " + printable(kind);
    if (const auto whole = whole_of(count)) {
      r.comparison.add(id, "caches", static_cast<double>(*whole), static_cast<double>(own[kind]));
    } else {
      r.comparison.skip(id, "no count: " + shown(count));
    }
  }
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
  const model::TensorSplit split = model::tensor_split(r.architecture, name->recipe, name->ranks);
  if (published.is_string()) {
    // 1: refused.
    r.comparison.add(id, "refusals", 1.0, split.rank ? 0.0 : 1.0,
                     split.refusals.empty() ? "" : split.refusals.front().text);
    return;
  }
  const auto bytes = whole_of(published);
  if (!bytes) {
    r.comparison.skip(id, "no size: " + shown(published));
  } else if (!split.rank && by_heads(split)) {
    r.comparison.skip(id, "mlx-lm starts and computes wrong results, macfit refuses: " +
                              split.refusals.front().text);
  } else {
    r.comparison.add(id, "tensor-ranks", static_cast<double>(*bytes),
                     split.rank ? split.rank->total().as_double() : 0.0,
                     split.refusals.empty() ? "" : "refused: " + split.refusals.front().text);
  }
}

void compare_splits(const MlxRow& r) {
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
  const auto support = runtime::Catalog::embedded()
                           .get("mlx-lm@d78bf58e")
                           .tensor(as_model(r.architecture), model::parse_recipe("4bit"), 2);
  r.comparison.add(id, "refusals", 1.0, support.ok ? 0.0 : 1.0, support.reason);
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
    const auto support =
        runtime::Catalog::embedded().get("mlx-lm@d78bf58e").runs(as_model(found.architecture));
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
  const Found found = get_model(sources, text_of(row, "config"));
  const MlxRow r = {comparison, row, id, found.architecture};
  if (const auto parameters = whole_of(row, "parameters")) {
    comparison.add(id + " parameters", "parameters", static_cast<double>(*parameters),
                   static_cast<double>(model::count_parameters(found.architecture).total));
  }
  compare_bytes(r);
  comparison.guarded(id + " layers, 4bit", [&] { compare_layers(r); });
  compare_caches(r);
  compare_splits(r);
}

}  // namespace macfit::verify
