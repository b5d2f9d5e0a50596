#pragma once

#include <nlohmann/json.hpp>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/model/architecture.hpp"

namespace macfit::model {

/// The `architecture` of a manifest. Throws Error with a JSON pointer.
[[nodiscard]] Architecture read_architecture(const JsonValue& value);

/// Its inverse: defaults are left out.
[[nodiscard]] nlohmann::ordered_json write_architecture(const Architecture& architecture);

}  // namespace macfit::model
