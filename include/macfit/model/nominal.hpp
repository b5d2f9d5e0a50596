#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "macfit/core/quantity.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/model.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::model {

/// What a name such as "230b-q4", "400b-a17b-q8", "70b-4.5bpw", "1.5t" or "215gb-q8" says.
struct NominalName {
  std::string text;                    ///< as given, in lower case
  std::int64_t parameters = 0;         ///< 0 where `weights` is stated instead
  std::int64_t active_parameters = 0;  ///< 0: dense
  std::optional<Bytes> weights;        ///< "215gb"
  std::optional<Recipe> recipe;        ///< none: the caller's --quant, else q4
};

/// True for a number followed by b, t, m or a unit of bytes: no catalog name looks like that, so
/// whatever else is wrong with it is an error of a nominal name.
[[nodiscard]] bool looks_nominal(std::string_view name) noexcept;

/// Throws Error saying which part is wrong and what was expected.
[[nodiscard]] NominalName parse_nominal(std::string_view name);

/// The model that the name stands for: parameters as stated, shapes between those of the catalog's
/// plain models of the same sort (dense, experts), weights by size alone. A bigger one never needs
/// less. Set `name.recipe` first where the user chose a format elsewhere.
[[nodiscard]] Model nominal_model(const NominalName& name, const Catalog& catalog);

/// A model with the format to plan it in.
struct NamedModel {
  Model model;
  Recipe recipe;
};

/// The format to plan a model in: as asked, else the model's default, else q4.
[[nodiscard]] Recipe recipe_of(const Model& model, const std::optional<Recipe>& asked);

/// What a person types: a name of the catalog, or a size such as "230b-q4". Throws Error naming the
/// nearest known names, or what is wrong with the size.
[[nodiscard]] NamedModel find_model(std::string_view name, const Catalog& catalog,
                                    const std::optional<Recipe>& asked = std::nullopt);

}  // namespace macfit::model
