#pragma once

#include <string>

#include "macfit/report/style.hpp"
#include "macfit/speed/calibration.hpp"
#include "macfit/study/calibrate.hpp"

namespace macfit::report {

/// Errors per class, rows that look wrong, rows that could not be predicted.
[[nodiscard]] std::string speed_validation_text(const study::SpeedValidation& result,
                                                const Style& style);

/// The constants with their spread, and the intervals.
[[nodiscard]] std::string calibration_text(const speed::Calibration& calibration,
                                           const Style& style);

}  // namespace macfit::report
