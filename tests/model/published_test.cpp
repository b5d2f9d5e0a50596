#include <cmath>
#include <functional>
#include <map>

#include "macfit/model/catalog.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/model/tensors.hpp"
#include "test.hpp"

// The parameter counts that publishers state, against what the shapes make. Where they differ, the
// manifest names a rule, and the rule is reckoned here to the last parameter.

namespace macfit::model {
namespace {

std::int64_t expert_layers(const Architecture& a) {
  return std::count_if(a.layers.begin(), a.layers.end(),
                       [&](std::uint16_t block) { return a.blocks[block].experts.has_value(); });
}

std::int64_t expert_count(const Architecture& a) {
  for (const Block& block : a.blocks) {
    if (block.experts) {
      return block.experts->count;
    }
  }
  return 0;
}

std::int64_t ceil128(std::int64_t n) { return (n + 127) / 128; }

/// Scales of an FP8 checkpoint: one a block of 128 x 128 of every matrix but embedding, head,
/// routers and the indexer's weights.
std::int64_t fp8_scales(const Architecture& a, std::size_t layer, std::string_view kept_too = {}) {
  std::int64_t scales = 0;
  for (const Tensor& t : block_tensors(a, a.block_of(layer))) {
    const bool kept = t.columns == 1 || t.tensor_class == TensorClass::router ||
                      t.tensor_class == TensorClass::norm ||
                      t.name.find("weights_proj") != std::string::npos ||
                      (!kept_too.empty() && t.name.find(kept_too) != std::string::npos);
    scales += kept ? 0 : t.stack * ceil128(t.rows) * ceil128(t.columns);
  }
  return scales;
}

std::int64_t fp8_scales(const Architecture& a, std::string_view kept_too = {}) {
  std::int64_t scales = 0;
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    scales += fp8_scales(a, i, kept_too);
  }
  return scales;
}

using Rule = std::function<bool(const Architecture&, std::int64_t difference, std::int64_t total)>;

const std::map<std::string, Rule>& rules() {
  static const std::map<std::string, Rule> all = {
      {"fp8-block-scales",
       [](const Architecture& a, std::int64_t difference, std::int64_t) {
         // The MTP layer is one more of the last kind.
         const bool mtp = a.extras.mtp_parameters.value_or(0) > 0;
         return difference == fp8_scales(a) + (mtp ? fp8_scales(a, a.layers.size() - 1) : 0);
       }},
      {"fp8-block-scales-and-56-a-layer",
       [](const Architecture& a, std::int64_t difference, std::int64_t) {
         return difference == fp8_scales(a) + 56 * static_cast<std::int64_t>(a.layers.size());
       }},
      {"fp8-block-scales-but-o-proj",
       [](const Architecture& a, std::int64_t difference, std::int64_t) {
         return difference == fp8_scales(a, "o_proj") + a.extras.mtp_layers * 16'192;
       }},
      {"rotary-buffers",
       [](const Architecture& a, std::int64_t difference, std::int64_t) {
         return difference ==
                static_cast<std::int64_t>(a.layers.size()) * a.block_of(0).attention->head_dim / 2;
       }},
      {"router-bias-left-out",
       [](const Architecture& a, std::int64_t difference, std::int64_t) {
         const std::int64_t layers = expert_layers(a) + (a.extras.mtp_layers > 0 ? 1 : 0);
         return difference == -layers * expert_count(a);
       }},
      {"router-bias-dropped",
       [](const Architecture& a, std::int64_t difference, std::int64_t) {
         return difference == expert_layers(a) * expert_count(a);
       }},
      {"tied-head-twice", [](const Architecture& a, std::int64_t difference,
                             std::int64_t) { return difference == a.vocabulary * a.hidden; }},
      {"tied-head-twice-less-buffers",
       [](const Architecture& a, std::int64_t difference, std::int64_t) {
         return difference == a.vocabulary * a.hidden - static_cast<std::int64_t>(a.layers.size()) -
                                  std::int64_t{2304};
       }},
      {"unused-kv", [](const Architecture& a, std::int64_t difference,
                       std::int64_t) { return difference == a.extras.unused_kv_parameters - 928; }},
      {"rounded",
       [](const Architecture&, std::int64_t difference, std::int64_t total) {
         return std::abs(static_cast<double>(difference)) < 0.006 * static_cast<double>(total);
       }},
      {"near",
       [](const Architecture&, std::int64_t difference, std::int64_t total) {
         return std::abs(static_cast<double>(difference)) < 0.0002 * static_cast<double>(total);
       }},
  };
  return all;
}

TEST_CASE("published totals follow from the shapes", "[model]") {
  int exact = 0;
  int by_rule = 0;
  for (const Model& model : Catalog::embedded().all()) {
    if (!model.published_count) {
      continue;
    }
    const std::int64_t published = model.published_count->parameters;
    const std::int64_t text = count_parameters(model.architecture).total;
    const std::int64_t mtp = model.architecture.extras.mtp_parameters.value_or(0);
    const std::int64_t vision = model.architecture.extras.vision_parameters.value_or(0);
    const std::string& note = model.published_count->note;
    INFO(model.id << ": published " << published << ", text " << text << ", MTP " << mtp
                  << ", vision " << vision << ", rule " << note);
    const bool equal = published == text || published == text + mtp || published == text + vision ||
                       published == text + mtp + vision;
    if (note.empty()) {
      CHECK(equal);
      ++exact;
      continue;
    }
    CHECK_FALSE(equal);  // a rule that explains nothing
    const auto rule = rules().find(note.substr(0, note.find(':')));
    REQUIRE(rule != rules().end());
    CHECK(rule->second(model.architecture, published - text - mtp - vision, published));
    ++by_rule;
  }
  CHECK(exact > 75);
  CHECK(by_rule > 15);
}

}  // namespace
}  // namespace macfit::model
