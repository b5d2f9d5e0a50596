#pragma once

#include "macfit/speed/calibration.hpp"

namespace macfit::speed {

/// hardware/calibration.json as compiled in, whole. Calibration::embedded() leaves its `fitted`
/// rows unread: they are nine tenths of the text, and no prediction needs them.
[[nodiscard]] Calibration stored_calibration();

}  // namespace macfit::speed
