#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"

namespace macfit::read {

/// The architecture that a Hugging Face config.json describes, told by its `model_type` and fields
/// alone. Throws Error with a JSON pointer where a field that gives a shape is missing, out of
/// range or contradicts another, and where the `model_type` is not known.
[[nodiscard]] model::Architecture read_hf_config(std::string_view json_text);

/// Every `model_type` that read_hf_config understands, sorted.
[[nodiscard]] std::vector<std::string> known_model_types();

}  // namespace macfit::read
