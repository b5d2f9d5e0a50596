#pragma once

#include <string>
#include <vector>

#include "macfit/plan/plan.hpp"

namespace macfit::launch {

struct File {
  std::string path;      ///< relative to the folder
  unsigned mode = 0644;  ///< 0755 for a script
  std::string text;
};

struct Folder {
  std::vector<File> files;
  std::vector<std::string> warnings;  ///< what stands in the way, with its remedy
};

/// Everything to run a plan's winning placement: hostfiles, requests, scripts and what to read
/// first. Pure: the caller writes. The same plan gives the same bytes.
/// Throws Error for a plan that won't fit, and for a nominal model (naming its nearest real ones).
[[nodiscard]] Folder make_folder(const plan::Plan& plan);

}  // namespace macfit::launch
