#pragma once

#include <nlohmann/json.hpp>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/plan/flags.hpp"

namespace macfit::plan {

/// A flag's value in JSON: a text, a number, or for lists an array of them. Throws Error with the
/// JSON pointer, as all below.
[[nodiscard]] std::string flag_value(const JsonValue& value);

/// The flags of a request without their dashes ("prefill_step" is "prefill-step" too) over
/// `defaults`; other keys are left for others to ask for.
[[nodiscard]] RequestFlags read_flags(JsonObject& object, const RequestFlags& defaults);

/// message, hint (null where there is none) and, where known, file, pointer and offset.
[[nodiscard]] nlohmann::ordered_json error_json(const Error& error);

}  // namespace macfit::plan
