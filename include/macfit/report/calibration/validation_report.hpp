#pragma once

#include <string>

#include "macfit/calibrate/validation.hpp"
#include "macfit/report/table/style.hpp"

namespace macfit::report {

/// A comparison with published truth for a person: a table of classes, the ten figures that are
/// furthest off with what explains them, what was skipped and why.
[[nodiscard]] std::string validation_text(const calibrate::Validation& validation,
                                          const Style& style);

/// macfit.validation/1, two-space indented, ending in a newline.
[[nodiscard]] std::string validation_json(const calibrate::Validation& validation);

}  // namespace macfit::report
