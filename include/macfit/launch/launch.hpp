#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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
/// first. `model_path`, where not empty, is the file or folder that was planned for. Pure: the
/// caller writes. The same plan gives the same bytes.
/// Throws Error for a plan that won't fit, and for a nominal model (naming its nearest real ones).
[[nodiscard]] Folder make_folder(const plan::Plan& plan, const std::string& model_path = {});

/// A folder written anew over an older one: `settings` of the new one, with what a person has
/// filled in in the `older` one. Throws Error where that was filled in for other nodes.
[[nodiscard]] std::string keep_settings(const std::string& settings, const std::string& older);

/// What becomes of a file of an older folder.
enum class Old : std::uint8_t {
  written,  ///< launch writes it, or wrote it once: it goes
  result,   ///< the scripts or macfit run wrote it: it stays
  foreign,  ///< somebody else's
};
[[nodiscard]] Old old_file(std::string_view name) noexcept;

}  // namespace macfit::launch
