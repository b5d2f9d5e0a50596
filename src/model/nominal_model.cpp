// A model of a stated size: shapes interpolated between the catalog's, weights by the size alone.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/model/spelling.hpp"
#include "macfit/model/tensors.hpp"
#include "nominal_layout.hpp"

namespace macfit::model {
namespace {

// The models between which shapes are interpolated: plain attention in every layer, of the current
// generation, spread over the sizes. Their shapes are the catalog's; only their choice stands here,
// as reading every model for one nominal name would take longer than planning it.
constexpr std::array<std::string_view, 7> dense_ladder = {
    "qwen3-0.6b", "qwen3-4b",      "qwen3-8b",      "qwen3-14b",
    "qwen3-32b",  "llama-3.1-70b", "llama-3.1-405b"};
constexpr std::array<std::string_view, 5> experts_ladder = {"qwen3-30b-a3b", "glm-4.5-air",
                                                            "minimax-m2.5", "glm-4.5", "ling-1t"};

/// What a nominal model takes over from real ones; in this order in Rung::values.
enum Dimension : std::size_t {
  layers,
  hidden,
  heads,
  kv_heads,
  head_dim,
  vocabulary,
  width,
  expert_count,
  experts_per_token,
  dimension_count
};

struct Rung {
  std::string id;
  double parameters = 0;
  std::array<double, dimension_count> values{};
  double expert_share = 0;  ///< of the active parameters, in routed experts
};

std::optional<Rung> rung_of(const Model& model, bool experts) {
  const Architecture& a = model.architecture;
  if (a.layers.empty()) {
    return std::nullopt;
  }
  const Block& block = a.block_of(a.layers.size() - 1);
  if (!block.attention || block.experts.has_value() != experts || (!experts && !block.dense)) {
    return std::nullopt;
  }
  const ParameterCount count = count_parameters(a);
  Rung rung;
  rung.id = model.id;
  rung.parameters = static_cast<double>(count.total);
  const auto set = [&](Dimension dimension, std::int64_t value) {
    rung.values[dimension] = static_cast<double>(std::max<std::int64_t>(value, 1));
  };
  set(layers, static_cast<std::int64_t>(a.layers.size()));
  set(hidden, a.hidden);
  set(heads, block.attention->heads);
  set(kv_heads, block.attention->kv_heads);
  set(head_dim, block.attention->head_dim);
  set(vocabulary, a.vocabulary);
  set(width, experts ? block.experts->width : block.dense->width);
  set(expert_count, experts ? block.experts->count : 1);
  set(experts_per_token, experts ? block.experts->per_token : 1);
  if (experts && block.experts->count > block.experts->per_token) {
    // total - active = what the experts not chosen hold.
    const double chosen = static_cast<double>(block.experts->per_token) /
                          static_cast<double>(block.experts->count - block.experts->per_token);
    rung.expert_share = static_cast<double>(count.total - count.active) * chosen /
                        static_cast<double>(count.active);
  }
  return rung;
}

/// Rungs by size, each dimension raised to the running maximum: a bigger model never gets a smaller
/// shape.
std::vector<Rung> read_ladder(const Catalog& catalog, bool experts) {
  std::vector<Rung> ladder;
  const auto add = [&](const std::optional<Model>& model) {
    if (model) {
      if (auto rung = rung_of(*model, experts)) {
        ladder.push_back(*std::move(rung));
      }
    }
  };
  if (experts) {
    for (const std::string_view id : experts_ladder) {
      add(catalog.find(id));
    }
  } else {
    for (const std::string_view id : dense_ladder) {
      add(catalog.find(id));
    }
  }
  std::sort(ladder.begin(), ladder.end(), [](const Rung& a, const Rung& b) {
    return a.parameters != b.parameters ? a.parameters < b.parameters : a.id < b.id;
  });
  for (std::size_t i = 1; i < ladder.size(); ++i) {
    for (std::size_t d = 0; d < dimension_count; ++d) {
      ladder[i].values[d] = std::max(ladder[i].values[d], ladder[i - 1].values[d]);
    }
  }
  return ladder;
}

/// Straight lines between the rungs where both axes are logarithms; the outermost lines go on.
class Interpolation {
 public:
  Interpolation(const std::vector<Rung>& ladder, double parameters)
      : low_(ladder.front()), high_(ladder.back()) {
    for (std::size_t i = 1; i < ladder.size(); ++i) {
      low_ = ladder[i - 1];
      high_ = ladder[i];
      if (parameters <= high_.parameters) {
        break;
      }
    }
    const double span = std::log(high_.parameters / low_.parameters);
    at_ = span > 0 ? std::log(parameters / low_.parameters) / span : 0;
  }

  [[nodiscard]] double operator()(Dimension dimension) const {
    const double from = std::log(low_.values[dimension]);
    const double to = std::log(high_.values[dimension]);
    return std::exp(from + (to - from) * at_);
  }
  /// A multiple of `step`, at least one.
  [[nodiscard]] std::int64_t multiple(Dimension dimension, std::int64_t step) const {
    const double steps = std::round((*this)(dimension) / static_cast<double>(step));
    return step * static_cast<std::int64_t>(std::clamp(steps, 1.0, 1e6));
  }
  [[nodiscard]] std::int64_t power_of_two(Dimension dimension) const {
    const double power = std::round(std::log2((*this)(dimension)));
    return std::int64_t{1} << static_cast<int>(std::clamp(power, 0.0, 20.0));
  }
  [[nodiscard]] std::vector<std::string> between() const {
    return low_.id == high_.id ? std::vector<std::string>{low_.id}
                               : std::vector<std::string>{low_.id, high_.id};
  }

 private:
  Rung low_;
  Rung high_;
  double at_ = 0;
};

Architecture shape(const Interpolation& at, bool experts) {
  Architecture a;
  a.type = "nominal";
  a.hidden = at.multiple(hidden, 256);
  a.vocabulary = at.multiple(vocabulary, 128);
  Attention attention;
  attention.kv_heads = at.power_of_two(kv_heads);
  attention.heads = round_up(at.multiple(heads, 1), attention.kv_heads);
  attention.head_dim = at.multiple(head_dim, 64);
  attention.value_dim = attention.head_dim;
  Block block;
  block.name = experts ? "moe" : "full";
  block.attention = attention;
  if (experts) {
    Experts e;
    e.count = at.power_of_two(expert_count);
    e.per_token = std::min(e.count, at.multiple(experts_per_token, 1));
    e.width = at.multiple(width, 256);
    block.experts = e;
  } else {
    Dense d;
    d.width = at.multiple(width, 256);
    block.dense = d;
  }
  a.blocks.push_back(std::move(block));
  // Whole shares for 2, 3, 4 and 6 nodes: else one layer more could make the fullest node lighter.
  a.layers.assign(static_cast<std::size_t>(std::min<std::int64_t>(at.multiple(layers, 12), 1200)),
                  0);
  return a;
}

std::vector<std::string> nearest_models(const Catalog& catalog, std::int64_t parameters,
                                        bool experts) {
  std::vector<Catalog::Size> sizes = catalog.sizes();
  std::erase_if(sizes, [&](const Catalog::Size& size) {
    return (size.active_parameters < size.parameters) != experts;
  });
  const auto distance = [&](const Catalog::Size& size) {
    return std::abs(
        std::log(static_cast<double>(size.parameters) / static_cast<double>(parameters)));
  };
  // Of models with the same shapes the last by name is named: mostly the newest.
  std::stable_sort(sizes.begin(), sizes.end(), [&](const Catalog::Size& a, const Catalog::Size& b) {
    const double to_a = distance(a);
    const double to_b = distance(b);
    return to_a != to_b ? to_a < to_b : a.id > b.id;
  });
  std::vector<std::string> ids;
  std::int64_t last = 0;
  for (const Catalog::Size& size : sizes) {
    if (ids.size() < 3 && size.parameters != last) {
      ids.push_back(size.id);
      last = size.parameters;
    }
  }
  return ids;
}

std::int64_t at_bits(std::int64_t parameters, double bits) {
  return std::llround(static_cast<double>(parameters) * bits / 8);
}

/// The part of `total` that the i-th of `count` equal shares gets: the remainder to the first ones.
std::int64_t share(std::int64_t total, std::int64_t count, std::int64_t i) {
  return total / count + (i < total % count ? 1 : 0);
}

/// True for the recipe that the name's own size was stated in, read by either runtime's rule.
bool is_stated(const Model& model, const Recipe& recipe) {
  if (!model.default_recipe) {
    return false;
  }
  const Recipe& stated = *model.default_recipe;
  return stated == recipe ||
         (stated.kind == Recipe::Kind::uniform && stated.base.mode == Mode::affine &&
          recipe.kind == Recipe::Kind::gguf && gguf_default(stated.base.bits).name == recipe.name);
}

}  // namespace

Model nominal_model(const NominalName& name, const Catalog& catalog) {
  Model model;
  model.id = name.text;
  model.source = Source::nominal;
  model.evidence = Evidence::estimated;
  model.default_recipe = name.recipe ? *name.recipe : parse_recipe("q4");
  Nominal nominal;
  nominal.weights = name.weights;
  nominal.parameters =
      name.weights
          ? std::llround(name.weights->as_double() * 8 / nominal_bits(*model.default_recipe))
          : name.parameters;
  nominal.dense = name.active_parameters == 0;
  nominal.active_parameters = nominal.dense ? nominal.parameters : name.active_parameters;
  if (nominal.active_parameters > nominal.parameters) {
    throw Error("\"" + printable(name.text, 80) +
                "\": " + format_parameters(nominal.active_parameters) +
                " active parameters, and weights of " + format_gb(*name.weights) + " hold " +
                format_parameters(nominal.parameters) + " in " + model.default_recipe->name);
  }
  std::vector<Rung> ladder = read_ladder(catalog, !nominal.dense);
  if (ladder.size() < 2) {
    ladder = read_ladder(Catalog::embedded(), !nominal.dense);
  }
  const Interpolation at(ladder, static_cast<double>(nominal.parameters));
  model.architecture = shape(at, !nominal.dense);
  if (!nominal.dense) {
    for (const Rung& rung : ladder) {
      nominal.expert_share += rung.expert_share / static_cast<double>(ladder.size());
    }
  }
  nominal.nearest = nearest_models(catalog, nominal.parameters, !nominal.dense);
  model.architecture_source = "interpolated: " + join_words(at.between());
  model.notes.push_back(
      "Known by its size alone; layers, heads and vocabulary are estimated from " +
      join_words(at.between()) + ".");
  model.nominal = std::move(nominal);
  return model;
}

std::int64_t nominal_embedding(const Model& model) {
  // A name may state fewer parameters than the vocabulary alone would take.
  return std::min(checked_mul(model.architecture.vocabulary, model.architecture.hidden),
                  model.nominal->active_parameters / 4);
}

WeightLayout nominal_layout(const Model& model, const Recipe& recipe) {
  const Nominal& nominal = *model.nominal;
  const Architecture& a = model.architecture;
  const std::int64_t total = nominal.weights && is_stated(model, recipe)
                                 ? nominal.weights->count()
                                 : at_bits(nominal.parameters, nominal_bits(recipe));
  // Bits as they come out for the total, so that the parts of "215gb" sum to it as well.
  const double bits = static_cast<double>(total) * 8 / static_cast<double>(nominal.parameters);
  const std::int64_t rows = nominal_embedding(model);

  WeightLayout layout;
  layout.format = recipe.name;
  layout.evidence = Evidence::estimated;
  layout.embedding = Bytes(at_bits(rows, bits));
  layout.head = layout.embedding;
  const std::int64_t in_layers = total - layout.global().count();

  const std::int64_t chosen = std::llround(
      static_cast<double>(nominal.active_parameters - 2 * rows) * nominal.expert_share);
  const std::int64_t routed =
      nominal.dense
          ? 0
          : std::min(at_bits(nominal.parameters - nominal.active_parameters + chosen, bits),
                     in_layers);
  const std::int64_t active = std::min(nominal.dense ? 0 : at_bits(chosen, bits), routed);

  const Block& block = a.blocks.front();
  const std::int64_t attention_parameters = a.hidden * 2 *
                                            (block.attention->heads + block.attention->kv_heads) *
                                            block.attention->head_dim;
  const auto count = static_cast<std::int64_t>(a.layers.size());
  auto& by_class = layout.by_class;
  const auto of_class = [&](TensorClass c) -> Bytes& {
    return by_class.at(static_cast<std::size_t>(c));
  };
  of_class(TensorClass::embedding) = layout.embedding;
  of_class(TensorClass::head) = layout.head;
  for (std::int64_t i = 0; i < count; ++i) {
    LayerBytes layer;
    layer.total = Bytes(share(in_layers, count, i));
    layer.experts = std::min(Bytes(share(routed, count, i)), layer.total);
    layer.experts_active = std::min(Bytes(share(active, count, i)), layer.experts);
    const Bytes rest = layer.total - layer.experts;
    const Bytes attention =
        nominal.dense ? std::min(Bytes(at_bits(attention_parameters, bits)), rest) : rest;
    of_class(TensorClass::attention) += attention;
    of_class(TensorClass::dense) += rest - attention;
    of_class(TensorClass::experts) += layer.experts;
    // Gate, up and down are alike: of the experts a third, of a dense layer at most that.
    const Bytes matrices = nominal.dense ? rest - attention : layer.experts;
    layer.largest_tensor = Bytes(ceil_div(matrices.count(), 3));
    layout.layers.push_back(layer);
  }
  return layout;
}

Recipe recipe_of(const Model& model, const std::optional<Recipe>& asked) {
  return asked ? *asked : model.default_recipe ? *model.default_recipe : parse_recipe("q4");
}

NamedModel find_model(std::string_view name, const Catalog& catalog,
                      const std::optional<Recipe>& asked) {
  NamedModel found;
  if (auto known = catalog.find(name)) {
    found.model = std::move(*known);
  } else if (looks_nominal(name)) {
    NominalName size = parse_nominal(name);
    if (!size.recipe) {
      size.recipe = asked;
    }
    found.model = nominal_model(size, catalog);
    // Weights that are stated are weights in their own format.
    found.recipe = recipe_of(found.model, size.weights ? std::nullopt : asked);
    return found;
  } else if (const auto spelled = read_spelling(name, catalog)) {
    found.model = catalog.get(spelled->id);
    std::string note = spelled->note;
    if (!asked && !spelled->format_note.empty()) {
      note += " " + spelled->format_note;
    }
    found.model.notes.insert(found.model.notes.begin(), std::move(note));
    found.recipe = recipe_of(found.model, asked ? asked : spelled->recipe);
    return found;
  } else {
    found.model = catalog.get(name);  // throws
  }
  found.recipe = recipe_of(found.model, asked);
  return found;
}

}  // namespace macfit::model
