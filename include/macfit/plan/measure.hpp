#pragma once

#include <string>

#include "macfit/plan/placement.hpp"
#include "macfit/plan/request.hpp"

namespace macfit::plan {

/// The repository that somebody publishes a placement's format in; the model's own where it is
/// unquantized; empty where none is known.
[[nodiscard]] std::string repository_of(const model::Model& model, const Placement& placement);

/// How to check a placement's speeds on the Macs themselves, with the runtime's own tool.
struct Measurement {
  std::string full;   ///< at the context asked for: a command for one node's shell
  std::string brief;  ///< on a short prompt; empty where the context is no longer
};
/// Both empty for a split over several nodes, which spike.sh of `macfit launch` measures, and where
/// the runtime has no such tool. MODEL and MODEL.gguf stand for a checkpoint.
[[nodiscard]] Measurement measurement_of(const Request& request, const Placement& placement);

}  // namespace macfit::plan
