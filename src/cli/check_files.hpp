#pragma once

#include <string>
#include <vector>

#include "log.hpp"
#include "macfit/study/check.hpp"

namespace macfit::cli {

/// The manifests that a command line names: files, folders, globs, "-". A file that can't be read
/// is among them with the reason. `from_top`: paths are shown from $GITHUB_WORKSPACE or, outside
/// it, from here. Throws Error where a glob or a folder holds nothing to check.
[[nodiscard]] std::vector<study::CheckInput> read_check_files(
    const std::vector<std::string>& arguments, bool from_top, const Log& log);

}  // namespace macfit::cli
