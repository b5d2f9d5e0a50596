#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "macfit/model/architecture.hpp"
#include "verify.hpp"

// What is compared of llama.cpp beside weights and caches, which llama_memory_json.cpp
// does: compute buffers, where layers go, and the contexts of --fit.

namespace macfit::verify {

/// The compute buffers of some cases of one model. Figures of one reason are skipped together.
/// `remote`: the devices are RPC servers.
void compare_llama_compute(calibrate::Comparison& comparison, const std::string& id,
                           const model::Architecture& architecture, const nlohmann::json& cases,
                           bool remote);

/// Layers and weights on each device by llama.cpp's own split. `devices` has one name a layer and
/// the output's; `shares` the free memory that llama.cpp divided by.
void compare_llama_placement(calibrate::Comparison& comparison, const std::string& id,
                             const model::Architecture& architecture, const std::string& mixture,
                             const std::vector<std::string>& devices,
                             const std::vector<double>& shares);

/// The free memory that a profile's name states: {96, 48} for "metal2_96_48", {1, 1} for
/// "metal2_equal"; empty where it names no layer split.
[[nodiscard]] std::vector<double> profile_shares(const std::string& profile);

/// The context that --fit arrives at; `shape` is the model's.
void compare_llama_fit(calibrate::Comparison& comparison, const std::string& id,
                       const nlohmann::json& shape, const nlohmann::json& row);

}  // namespace macfit::verify
