#include "configs.hpp"

#include <filesystem>
#include <optional>
#include <system_error>

#include "files.hpp"
#include "macfit/core/error.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

/// A name out of a file must not lead out of the folder.
bool plain_name(const std::string& name) {
  constexpr std::size_t longest = 200;
  return !name.empty() && name.size() <= longest && name[0] != '.' &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

Configs configs_in(const std::string& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error("there is no such folder", Place{folder, {}, {}},
                "--configs wants a folder of config.json files named org--Name.json");
  }
  return [folder](const std::string& name) -> std::optional<std::string> {
    const fs::path path = fs::path(folder) / (name + ".json");
    std::error_code unreadable;
    if (!plain_name(name) || !fs::exists(path, unreadable)) {
      return std::nullopt;
    }
    return read_text(path.string());
  };
}

}  // namespace macfit::cli
