#pragma once

#include <nlohmann/json.hpp>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/model/architecture.hpp"
#include "manifest_problems_json.hpp"

namespace macfit::model {

/// The `architecture` of a manifest; without layers where something of it could not be read.
/// Errors have JSON pointers.
[[nodiscard]] Architecture read_architecture(const JsonValue& value, Problems& problems);

/// Its inverse: defaults are left out.
[[nodiscard]] nlohmann::ordered_json write_architecture(const Architecture& architecture);

}  // namespace macfit::model
