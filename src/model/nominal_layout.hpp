#pragma once

#include <cstdint>

#include "macfit/model/layout.hpp"
#include "macfit/model/model.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::model {

/// Parameters of a nominal model's embedding, and of its head.
[[nodiscard]] std::int64_t nominal_embedding(const Model& model);

/// Weights of a nominal model: exactly its parameters at the recipe's bits each, or exactly the
/// size that its name states.
[[nodiscard]] WeightLayout nominal_layout(const Model& model, const Recipe& recipe);

}  // namespace macfit::model
