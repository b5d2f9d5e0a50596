#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "verify.hpp"

// Readers of files of published figures, one for each kind of row. They are lenient: keys that they
// don't know are passed over, and a row that lacks a figure is skipped with a reason.

namespace macfit::verify {

/// The member, or null where it is absent, null, or `object` is no object.
[[nodiscard]] const nlohmann::json* member(const nlohmann::json& object, const char* key);
/// The member if it is a list or an object, else an empty one.
[[nodiscard]] const nlohmann::json& list_of(const nlohmann::json& object, const char* key);
[[nodiscard]] const nlohmann::json& object_of(const nlohmann::json& object, const char* key);
[[nodiscard]] std::string text_of(const nlohmann::json& object, const char* key);
/// A whole number, written as one or as 8.0, of at most 2^53 in size.
[[nodiscard]] std::optional<std::int64_t> whole_of(const nlohmann::json& value);
[[nodiscard]] std::optional<std::int64_t> whole_of(const nlohmann::json& object, const char* key);
[[nodiscard]] std::optional<double> number_of(const nlohmann::json& object, const char* key);
/// The member as a whole number in [low, high]; throws Error naming it where it is not one.
[[nodiscard]] std::int64_t need_whole(const nlohmann::json& object, const char* key,
                                      std::int64_t low, std::int64_t high);
/// A JSON value as it is shown in a reason.
[[nodiscard]] std::string shown(const nlohmann::json& value);

/// What one row says, given `index` where it has no name.
using CompareRow = void (*)(calibrate::Comparison& comparison, const Sources& sources,
                            const nlohmann::json& row, const std::string& id);

void compare_model_row(calibrate::Comparison& comparison, const Sources& sources,
                       const nlohmann::json& row, const std::string& id);
void compare_size_row(calibrate::Comparison& comparison, const Sources& sources,
                      const nlohmann::json& row, const std::string& id);
void compare_mlx_row(calibrate::Comparison& comparison, const Sources& sources,
                     const nlohmann::json& row, const std::string& id);
void compare_quantized_row(calibrate::Comparison& comparison, const Sources& sources,
                           const nlohmann::json& row, const std::string& id);

/// Whole documents: false where there is nothing of the kind in it.
[[nodiscard]] bool compare_llama(calibrate::Comparison& comparison, const nlohmann::json& root);
[[nodiscard]] bool compare_vectors(calibrate::Comparison& comparison, const Sources& sources,
                                   const nlohmann::json& root);

/// The shapes that a row of parameter counts states, written as a config.json; empty where it
/// names no family.
[[nodiscard]] std::string config_of_row(const nlohmann::json& row);

}  // namespace macfit::verify
