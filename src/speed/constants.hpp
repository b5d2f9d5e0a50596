#pragma once

#include <string>
#include <vector>

#include "macfit/speed/calibration.hpp"

namespace macfit::speed {

/// Seconds or ratios in one of a constant's units.
[[nodiscard]] double unit_of(const ConstantInfo& info);
/// In the order of Constant.
[[nodiscard]] std::vector<std::string> constant_names();

}  // namespace macfit::speed
