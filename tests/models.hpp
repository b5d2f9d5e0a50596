#pragma once

#include <vector>

#include "macfit/model/catalog.hpp"

namespace macfit::test {

/// The catalog's models whose demand can be computed whatever the context.
inline const std::vector<model::Model>& plannable_models() {
  static const std::vector<model::Model> all = [] {
    std::vector<model::Model> kept;
    for (model::Model& model : model::Catalog::embedded().all()) {
      if (model.architecture.cache_known && !model.architecture.layers.empty()) {
        kept.push_back(std::move(model));
      }
    }
    return kept;
  }();
  return all;
}

}  // namespace macfit::test
