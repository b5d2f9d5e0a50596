// Published parameter counts against the shapes.

#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/read/hf_config.hpp"
#include "model_sources.hpp"
#include "published_file_json.hpp"
#include "study/published_rules.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;

constexpr const char* own_shapes = "the row's own shapes";

std::int64_t most_experts(const model::Architecture& a) {
  std::int64_t most = 0;
  for (const model::Block& block : a.blocks) {
    most = std::max(most, block.experts ? block.experts->count : 0);
  }
  return most;
}

/// Layers that see everything, and elements that one token adds to one of them.
struct FullCache {
  std::int64_t layers = 0;
  std::int64_t elements = 0;
};
FullCache full_cache(const model::Architecture& a) {
  using Kind = model::LayerCache::Kind;
  const std::vector<model::LayerCache> shapes = model::cache_shapes(a);
  FullCache full;
  for (const std::uint16_t index : a.layers) {
    const model::LayerCache& cache = shapes[index];
    if ((cache.kind == Kind::attention || cache.kind == Kind::latent) &&
        cache.span == model::Span::full) {
      ++full.layers;
      full.elements = cache.key_elements + cache.value_elements;
    }
  }
  return full;
}

/// The same for an excerpt read as if it were whole: families hide more behind fields that it
/// lacks, and a cache that comes out otherwise than stated shows that.
bool cache_agrees(const model::Architecture& a, const Json& row) {
  const Json& cache = object_of(row, "kv_cache");
  const FullCache full = full_cache(a);
  const auto layers = whole_of(cache, "full_layers");
  auto elements = whole_of(cache, "elements_per_token_per_full_layer");
  if (!elements) {
    elements = whole_of(cache, "elements_per_token_per_layer");
  }
  return (!layers || *layers == full.layers) && (!elements || *elements == full.elements);
}

/// Does a fuller description say what the row says? What the row leaves out is no difference.
bool agrees(const model::Architecture& a, const Json& row) {
  const auto same = [](const std::optional<std::int64_t>& stated, std::int64_t value) {
    return !stated || *stated == value;
  };
  const Json* moe = member(row, "moe");
  const Json* tied = member(row, "tie_word_embeddings");
  return same(whole_of(row, "num_hidden_layers"), static_cast<std::int64_t>(a.layers.size())) &&
         same(whole_of(row, "hidden_size"), a.hidden) &&
         same(whole_of(row, "vocab_size"), a.vocabulary) &&
         (tied == nullptr || !tied->is_boolean() || tied->get<bool>() == a.tied) &&
         (moe == nullptr || same(whole_of(*moe, "n_experts"), most_experts(a)));
}

/// The row's shapes are an excerpt without biases, norms and patterns. A full description of the
/// same name is taken where it agrees with all that the row states, else the row alone counts.
Found architecture_of(const Sources& sources, const Json& row) {
  std::string why;
  for (const char* key : {"name", "hf_repo"}) {
    const std::string name = text_of(row, key);
    for (const auto find : {find_config, find_catalog}) {
      try {
        auto found = name.empty() ? std::nullopt : find(sources, name);
        if (found && agrees(found->architecture, row)) {
          return *std::move(found);
        }
      } catch (const Error& error) {
        why = error.what();
      }
    }
  }
  const std::string config = config_of_row(row);
  if (config.empty()) {
    throw Error(why.empty() ? "the row names no model_type, and no config or catalog entry agrees "
                              "with its shapes"
                            : why);
  }
  Found found;
  found.architecture = read::read_hf_config(config);
  found.config = config;
  found.from = own_shapes;
  if (!agrees(found.architecture, row) || !cache_agrees(found.architecture, row)) {
    throw Error(why.empty() ? "the row's shapes are an excerpt that doesn't make the model it "
                              "describes, and no config or catalog entry agrees with it"
                            : why);
  }
  return found;
}

std::string joined(const std::string& reason, const std::string& more) {
  return reason.empty() || more.empty() ? reason + more : reason + "; " + more;
}

}  // namespace

void compare_model_row(calibrate::Comparison& comparison, const Sources& sources, const Json& row,
                       const std::string& id) {
  if (const Json* mark = member(row, "do_not_use")) {
    comparison.skip(id, "marked do_not_use: " + shown(*mark));
    return;
  }
  const Found found = architecture_of(sources, row);
  const model::Architecture& a = found.architecture;
  const model::ParameterCount count = model::count_parameters(a);
  const bool excerpt = found.from == own_shapes;
  const std::string from = excerpt ? "shapes of the row alone" : "";
  const std::string suffix = excerpt ? "-by-excerpt" : "";

  study::CountedParts parts;
  parts.text = count.total;
  std::string borrowed;
  // Configs may not tell of MTP layers and towers that the checkpoint has: then the row does.
  const auto part = [&](std::int64_t own, const char* key, const char* name) {
    const std::int64_t stated = whole_of(row, key).value_or(0);
    if (own == 0 && stated > 0) {
      borrowed = joined(borrowed, std::string(name) + " parameters as the row states them");
      return stated;
    }
    return own;
  };
  parts.mtp = part(a.extras.mtp_parameters.value_or(0), "mtp_params", "MTP");
  parts.vision = part(a.extras.vision_parameters.value_or(0), "params_vision", "vision");

  const std::optional<std::int64_t> published = whole_of(row, "published_total");
  if (published && *published > 0) {
    const study::PublishedTotal total = study::explain_total(a, parts, *published);
    calibrate::Row result;
    result.id = id;
    result.class_name = (total.rounded ? "published-total-rounded" : "published-total") + suffix;
    result.published = static_cast<double>(*published);
    result.predicted = static_cast<double>(total.parameters);
    result.low = static_cast<double>(total.low);
    result.high = static_cast<double>(total.high);
    result.reason = joined(joined(total.reason, borrowed), from);
    comparison.add(std::move(result));
  } else {
    comparison.skip(id, "no published total");
  }
  // These were reckoned from shapes by whoever made the list: a rule may explain a difference, but
  // does not count as macfit's figure.
  const auto reckoned = [&](const char* key, const char* name, std::int64_t own) {
    const auto stated = whole_of(row, key);
    if (!stated || *stated <= 0) {
      return;
    }
    const std::string why =
        *stated == own ? "" : study::explain_total(a, {own, 0, 0}, *stated).reason;
    comparison.add(id + ": " + name, std::string(name) + "-parameters" + suffix,
                   static_cast<double>(*stated), static_cast<double>(own), joined(why, from));
  };
  reckoned("params_text", "text", count.total);
  reckoned("computed_active_incl_embed_head", "active", count.active);
}

}  // namespace macfit::verify
