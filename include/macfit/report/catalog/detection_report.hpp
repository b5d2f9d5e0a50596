#pragma once

#include <string>
#include <vector>

#include "macfit/hardware/detect.hpp"
#include "macfit/report/table/style.hpp"

namespace macfit::report {

/// What each Mac said of itself, a few lines each.
[[nodiscard]] std::string detection_text(const std::vector<hardware::DetectedMac>& macs,
                                         const Style& style);

}  // namespace macfit::report
