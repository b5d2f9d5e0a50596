#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/io/hf_config.hpp"
#include "macfit/model/tensors.hpp"
#include "published_rules.hpp"
#include "sources.hpp"
#include "truth_json.hpp"

namespace macfit::study {
namespace {

using Json = nlohmann::json;

std::int64_t most_experts(const model::Architecture& a) {
  std::int64_t most = 0;
  for (const model::Block& block : a.blocks) {
    most = std::max(most, block.experts ? block.experts->count : 0);
  }
  return most;
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
Found architecture_of(const VerifySources& sources, const Json& row) {
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
  found.architecture = model::read_hf_config(config);
  found.config = config;
  found.from = "the row's own shapes";
  return found;
}

std::string joined(const std::string& reason, const std::string& more) {
  return reason.empty() || more.empty() ? reason + more : reason + "; " + more;
}

}  // namespace

void compare_model_row(Comparison& comparison, const VerifySources& sources, const Json& row,
                       const std::string& id) {
  if (const Json* mark = member(row, "do_not_use")) {
    comparison.skip(id, "marked do_not_use: " + shown(*mark));
    return;
  }
  const Found found = architecture_of(sources, row);
  const model::Architecture& a = found.architecture;
  const model::ParameterCount count = model::count_parameters(a);
  const std::string from = found.from == "the row's own shapes" ? "shapes of the row alone" : "";

  CountedParts parts;
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
    const PublishedTotal total = explain_total(a, parts, *published);
    Row result;
    result.id = id;
    result.class_name = total.rounded ? "published-total-rounded" : "published-total";
    result.published = static_cast<double>(*published);
    result.predicted = static_cast<double>(total.parameters);
    result.low = static_cast<double>(total.low);
    result.high = static_cast<double>(total.high);
    result.reason = joined(joined(total.reason, borrowed), from);
    comparison.add(std::move(result));
  } else {
    comparison.skip(id, "no published total");
  }
  if (const auto text = whole_of(row, "params_text"); text && *text > 0) {
    comparison.add(id + ": text", "text-parameters", static_cast<double>(*text),
                   static_cast<double>(count.total), from);
  }
  if (const auto active = whole_of(row, "computed_active_incl_embed_head"); active && *active > 0) {
    comparison.add(id + ": active", "active-parameters", static_cast<double>(*active),
                   static_cast<double>(count.active), from);
  }
}

}  // namespace macfit::study
