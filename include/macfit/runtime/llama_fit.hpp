#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/runtime/profile.hpp"

namespace macfit::runtime {

/// What llama.cpp keeps free of every device where it fits a model to memory by itself.
inline constexpr std::int64_t llama_fit_margin = 1024 * mib;

/// Layers a device, servers first: layer i goes to the first one whose share of the free memory,
/// summed up, lies above i / (layers + 1); the output layer is the last. In 32-bit floats, as
/// llama.cpp computes. `unloaded` layers behind the last are counted, but not loaded.
[[nodiscard]] std::vector<std::int64_t> llama_layers(std::int64_t layers,
                                                     const std::vector<Bytes>& free_memory,
                                                     std::int64_t unloaded);

/// The context that llama.cpp's --fit (on by default) arrives at when no -c is given: the model's
/// longest where every device keeps its margin, else less, down to 4,096; below that layers or
/// experts would leave the GPU. `free_memory` is each device's, servers first, the client's own GPU
/// last; every device is sized as a generic one, as behind RPC.
/// Source: common/fit of llama.cpp v0.5.0 (docs/runtimes.md).
[[nodiscard]] std::int64_t llama_fit_context(const Profile& profile,
                                             const std::vector<Bytes>& free_memory);

}  // namespace macfit::runtime
