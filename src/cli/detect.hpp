#pragma once

#include <string>
#include <vector>

#include "macfit/hardware/detect.hpp"

namespace macfit::cli {

/// This Mac, by the commands that macOS has. Throws Error anywhere but on a Mac.
[[nodiscard]] hardware::DetectedMac this_mac();

/// Macs read over ssh, side by side, each by one script; "this" among them is the one this runs on.
/// Only `hardware detect` calls it: nothing else opens a connection to another machine. Throws
/// Error where one can't be reached, does not answer, or is named in a way that ssh would take for
/// an option.
[[nodiscard]] std::vector<hardware::DetectedMac> macs_at(const std::vector<std::string>& hosts);

/// Macs by reports in files: what the script printed, or what a person pasted.
[[nodiscard]] std::vector<hardware::DetectedMac> macs_in_reports(
    const std::vector<std::string>& paths);

}  // namespace macfit::cli
