#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/core/quantity.hpp"

namespace macfit::runtime {

// How EXO@b5375f8c places a model (src/exo/master/placement.py, placement_utils.py): what it
// compares, and so what it forgets. docs/runtimes.md has the rules in words.

/// Layers a node by its share of free memory: whole parts first, what is left to the largest
/// fractions (ties in order), then every node without a layer takes one from the fullest. Throws
/// Error where there are fewer layers than nodes, or no memory.
[[nodiscard]] std::vector<std::int64_t> exo_layers(std::int64_t layers,
                                                   const std::vector<Bytes>& available);

struct ExoRequest {
  Bytes storage;  ///< the card's size of the checkpoint, right or rounded
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::optional<std::int64_t> kv_heads;
  bool tensor = false;           ///< sharding "Tensor" instead of "Pipeline"
  bool supports_tensor = true;   ///< what the card says
  std::size_t min_nodes = 1;     ///< --min-nodes of the placement request
  std::vector<Bytes> available;  ///< free memory a node; every node is connected with every other
};

/// What EXO answers. It never looks at caches, activations, the system or the GPU limit.
struct ExoPlacement {
  bool accepted = false;
  std::string refusal;               ///< why not; empty where accepted
  std::vector<std::size_t> nodes;    ///< the fewest that hold the checkpoint in sum
  std::vector<std::int64_t> layers;  ///< of each of those, first layers first; empty under tensor
  /// What it compares with each node's free memory: the checkpoint's bytes by layers, without what
  /// every node of a pipeline holds besides. Empty under tensor, which it does not check.
  std::vector<Bytes> compared;
  Bytes preview;  ///< memory_delta_by_node of its preview: the checkpoint in equal parts
};

[[nodiscard]] ExoPlacement exo_place(const ExoRequest& request);

/// A node that EXO accepts and whose demand is more than it may hold.
struct ExoOverflow {
  std::size_t node = 0;  ///< index into `demand`
  Bytes missing;
};
/// The node that runs out by most; none where all fit.
[[nodiscard]] std::optional<ExoOverflow> exo_overflow(const std::vector<Bytes>& demand,
                                                      const std::vector<Bytes>& limits);

}  // namespace macfit::runtime
