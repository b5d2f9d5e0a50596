#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/model/architecture.hpp"

namespace macfit::read {

/// What a config.json says of a model's shapes, and how sure that is.
struct ConfigReading {
  model::Architecture architecture;
  Evidence evidence = Evidence::exact;
  std::vector<std::string> notes;  ///< why it is not exact
};

/// As read_hf_config(). A `model_type` that no family has is read by its keys alone, as an
/// estimate; a key that is not understood and may change sizes makes an estimate of a known one,
/// and an error of an unknown one.
[[nodiscard]] ConfigReading read_config(std::string_view json_text);

/// The architecture that a Hugging Face config.json describes, told by its `model_type` and fields
/// alone. Throws Error with a JSON pointer where a field that gives a shape is missing, out of
/// range or contradicts another, and where the `model_type` is not known.
[[nodiscard]] model::Architecture read_hf_config(std::string_view json_text);

/// Every `model_type` that read_hf_config understands, sorted.
[[nodiscard]] std::vector<std::string> known_model_types();

}  // namespace macfit::read
