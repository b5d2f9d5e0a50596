#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/model/model.hpp"
#include "macfit/runtime/workload.hpp"

namespace macfit::plan {

struct Request;

/// A model that lives on the cluster already (`--beside`): what it takes is not there for others.
struct Neighbor {
  model::Model model;
  model::Recipe recipe;
  runtime::Workload workload;
  std::string node;  ///< where it lives, by name; empty: where a plan for it alone puts it

  // What settle() found:
  std::string format;                                ///< as its runtime loads it
  std::string runtime;                               ///< "mlx-lm"
  std::vector<std::pair<std::size_t, Bytes>> lives;  ///< its demand on each node that holds it
};

/// Places the request's neighbors, one replica each, in their order, by the rules that place any
/// model, and takes their demands off the nodes (hardware::Node::occupied). Starts anew each time:
/// to be called again when the cluster changes. Throws Error where one does not load.
void settle(Request& request);

/// " − 18,204,000,000 occupied", as the end of a formula for effective memory; "" where nothing is.
[[nodiscard]] std::string occupied_words(const hardware::Node& node);

}  // namespace macfit::plan
