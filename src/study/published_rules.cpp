// Why publishers count other parameters than a model loads: rules that explain the difference to
// the last one.

#include "published_rules.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::study {
namespace {

using model::Architecture;
using model::Block;

std::int64_t layers_of(const Architecture& a) { return static_cast<std::int64_t>(a.layers.size()); }

/// What a block of a kind counts, over all layers.
template <class Of>
std::int64_t over_layers(const Architecture& a, Of&& of) {
  std::int64_t sum = 0;
  for (const std::uint16_t kind : a.layers) {
    sum += of(a.blocks[kind]);
  }
  return sum;
}

/// Scales of an FP8 checkpoint: one a block of 128 x 128 of every matrix but routers and the
/// indexer's weights (and what `kept` names).
std::int64_t fp8_scales(const Architecture& a, const Block& block, std::string_view kept) {
  std::int64_t scales = 0;
  for (const model::Tensor& t : model::block_tensors(a, block)) {
    const bool plain = t.columns == 1 || t.tensor_class == model::TensorClass::other ||
                       t.tensor_class == model::TensorClass::router ||
                       t.tensor_class == model::TensorClass::norm ||
                       t.name.find("weights_proj") != std::string::npos ||
                       (!kept.empty() && t.name.find(kept) != std::string::npos);
    if (!plain) {
      scales = checked_add(scales, checked_mul(t.stack, checked_mul(ceil_div(t.rows, 128),
                                                                    ceil_div(t.columns, 128))));
    }
  }
  return scales;
}

std::int64_t fp8_scales(const Architecture& a, std::string_view kept = {}) {
  return over_layers(a, [&](const Block& block) { return fp8_scales(a, block, kept); });
}

/// The MTP layer is one more of the last kind.
std::int64_t fp8_scales_with_mtp(const Architecture& a) {
  const bool mtp = a.extras.mtp_parameters.value_or(0) > 0 && !a.layers.empty();
  return fp8_scales(a) + (mtp ? fp8_scales(a, a.block_of(a.layers.size() - 1), {}) : 0);
}

/// Experts of all layers: as many numbers as routers have biases.
std::int64_t router_biases(const Architecture& a) {
  return over_layers(a, [](const Block& b) { return b.experts ? b.experts->count : 0; });
}

std::int64_t experts_in_mtp(const Architecture& a) {
  const Block& last = a.block_of(a.layers.size() - 1);
  std::int64_t most = last.experts ? last.experts->count : 0;
  for (const Block& block : a.blocks) {
    most = std::max(most, block.experts ? block.experts->count : 0);
  }
  return a.extras.mtp_layers > 0 ? most : 0;
}

std::int64_t first_head_dim(const Architecture& a) {
  for (const Block& block : a.blocks) {
    if (block.attention) {
      return block.attention->head_dim;
    }
  }
  return 0;
}

bool named(const model::Tensor& t, std::string_view part) {
  return t.name.find(part) != std::string::npos;
}

/// DeepSeek V4: mixing weights of hyper-connections, positions of compressors, sinks.
bool is_bare_array(const model::Tensor& t) {
  return named(t, "_hc.") || named(t, "hc_head.") || named(t, ".ape") || named(t, "attn_sink");
}

std::int64_t bare_arrays(const std::vector<model::Tensor>& tensors) {
  std::int64_t elements = 0;
  for (const model::Tensor& t : tensors) {
    elements = checked_add(elements, is_bare_array(t) ? t.elements() : 0);
  }
  return elements;
}

std::int64_t bare_arrays(const Architecture& a) {
  return bare_arrays(model::global_tensors(a)) +
         over_layers(a, [&](const Block& b) { return bare_arrays(model::block_tensors(a, b)); });
}

/// DeepSeek V4's FP8 checkpoint beyond text and the matrices and norms of its MTP layer: scales,
/// MTP's copies of embedding and head, and its bare arrays.
std::int64_t compressed_checkpoint(const Architecture& a) {
  const Block* last = a.layers.empty() ? nullptr : &a.block_of(a.layers.size() - 1);
  if (last == nullptr || !last->compressed || a.extras.mtp_layers != 1) {
    return 0;
  }
  // The MTP layer sees its window alone.
  Block mtp = *last;
  mtp.compressed->ratio = 0;
  mtp.compressed->indexer.reset();
  const auto scales = [&](const Block& block) { return fp8_scales(a, block, "compressor"); };
  const std::int64_t side = ceil_div(a.hidden, 128);
  return over_layers(a, scales) + scales(mtp) + 2 * checked_mul(side, side) +
         2 * checked_mul(a.vocabulary, a.hidden) + bare_arrays(model::block_tensors(a, mtp)) +
         bare_arrays(model::global_tensors(a));
}

struct Rule {
  std::string_view name;
  std::string_view text;
  /// Elements that the published figure counts beside text, MTP and towers.
  std::int64_t (*elements)(const Architecture&);
};

// Each is one way in which publishers' counts differ from what a runtime loads, worked out on
// published checkpoints (docs/validation.md).
constexpr std::array<Rule, 14> rules = {{
    {"fp8-block-scales", "an FP8 checkpoint's 32-bit scales count as elements",
     fp8_scales_with_mtp},
    {"fp8-block-scales-and-56-a-layer",
     "FP8 scales, and 56 more elements a layer that no source explains",
     [](const Architecture& a) { return fp8_scales(a) + 56 * layers_of(a); }},
    {"fp8-block-scales-but-o-proj", "FP8 scales, with output projections left in 16 bits",
     [](const Architecture& a) { return fp8_scales(a, "o_proj") + a.extras.mtp_layers * 16'192; }},
    {"rotary-buffers", "an old checkpoint stores half a head of rotary frequencies a layer",
     [](const Architecture& a) { return layers_of(a) * first_head_dim(a) / 2; }},
    {"router-bias-left-out", "the routers' correction biases are not counted",
     [](const Architecture& a) { return -router_biases(a) - experts_in_mtp(a); }},
    {"router-bias-left-out-of-text", "the routers' correction biases are not counted, MTP's are",
     [](const Architecture& a) { return -router_biases(a); }},
    {"router-bias-dropped", "the file holds router biases that mlx-lm does not load",
     router_biases},
    {"router-bias-dropped-with-mtp", "the file holds router biases that mlx-lm does not load",
     [](const Architecture& a) { return router_biases(a) + experts_in_mtp(a); }},
    {"tied-head-twice", "the tied head is counted a second time",
     [](const Architecture& a) { return checked_mul(a.vocabulary, a.hidden); }},
    {"tied-head-twice-less-buffers",
     "the tied head counts a second time, each layer's scalar and 2,304 of the tower's do not",
     [](const Architecture& a) {
       return checked_mul(a.vocabulary, a.hidden) - layers_of(a) - std::int64_t{2304};
     }},
    {"unused-kv", "the file holds keys and values of layers that read another layer's",
     [](const Architecture& a) { return a.extras.unused_kv_parameters; }},
    {"bare-arrays-left-out", "hyper-connections, compressors' positions and sinks are not counted",
     [](const Architecture& a) { return -bare_arrays(a); }},
    {"fp8-block-scales-and-mtp-copies",
     "FP8 scales, MTP's copies of embedding and head, its hyper-connections and sinks",
     compressed_checkpoint},
    {"unused-kv-less-buffers", "the same, less 928 elements of the audio tower's buffers",
     [](const Architecture& a) { return a.extras.unused_kv_parameters - 928; }},
}};

/// The unit that a figure was rounded to, or 0 where it has all its digits.
std::int64_t rounding_unit(std::int64_t published) {
  constexpr std::int64_t coarse = 10'000'000;
  if (published < coarse || published % coarse != 0) {
    return 0;
  }
  std::int64_t unit = coarse;
  while (unit < published / 10 && published % (unit * 10) == 0) {
    unit *= 10;
  }
  return unit;
}

struct Sum {
  std::int64_t parameters;
  std::string_view name;
};

}  // namespace

PublishedTotal explain_total(const Architecture& architecture, const CountedParts& parts,
                             std::int64_t published) {
  const std::array<Sum, 4> sums = {{
      {checked_add(checked_add(parts.text, parts.mtp), parts.vision), "text, MTP and towers"},
      {checked_add(parts.text, parts.mtp), "text and MTP"},
      {checked_add(parts.text, parts.vision), "text and towers"},
      {parts.text, "text"},
  }};
  const auto nearest = *std::min_element(sums.begin(), sums.end(), [&](const Sum& a, const Sum& b) {
    return std::abs(a.parameters - published) < std::abs(b.parameters - published);
  });
  PublishedTotal total;
  total.parameters = nearest.parameters;
  total.low = nearest.parameters;
  total.high = nearest.parameters;
  if (nearest.parameters == published) {
    // Where there is but text, saying so is no news.
    total.reason = parts.mtp == 0 && parts.vision == 0 ? "" : std::string(nearest.name);
    return total;
  }
  if (const std::int64_t unit = rounding_unit(published); unit > 0) {
    total.rounded = true;
    total.low = std::max<std::int64_t>(nearest.parameters - unit / 2, 0);
    total.high = checked_add(nearest.parameters, unit / 2);
    total.reason = fmt::format("rounded by its publisher to {}", format_parameters(unit));
    return total;
  }
  for (const Sum& sum : sums) {
    for (const Rule& rule : rules) {
      const std::int64_t elements = rule.elements(architecture);
      if (elements != 0 && checked_add(sum.parameters, elements) == published) {
        total.parameters = published;
        total.low = published;
        total.high = published;
        total.reason = fmt::format("{} ({:+}): {}", rule.name, elements, rule.text);
        return total;
      }
    }
  }
  total.reason = fmt::format("no rule known: the published count has {:+} beside {}",
                             published - nearest.parameters,
                             parts.mtp == 0 && parts.vision == 0 ? "text" : nearest.name);
  return total;
}

}  // namespace macfit::study
