#pragma once

#include <string>

#include "macfit/calibrate/calibrate.hpp"
#include "macfit/report/table/style.hpp"
#include "macfit/speed/calibration.hpp"

namespace macfit::report {

/// Errors per class, rows that look wrong, rows that could not be predicted.
[[nodiscard]] std::string speed_validation_text(const calibrate::SpeedValidation& result,
                                                const Style& style);

/// The constants with their spread, and the intervals.
[[nodiscard]] std::string calibration_text(const speed::Calibration& calibration,
                                           const Style& style);

}  // namespace macfit::report
