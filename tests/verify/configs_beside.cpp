#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "verify.hpp"

namespace macfit::verify {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> text_in(const fs::path& folder, const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find_first_of("/\\") != std::string::npos) {
    return std::nullopt;
  }
  std::ifstream file(folder / (name + ".json"), std::ios::binary);
  if (!file) {
    return std::nullopt;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

}  // namespace

ConfigSource configs_beside(const std::string& file) {
  constexpr std::string_view stem = "configs";
  const fs::path parent = fs::path(file).has_parent_path() ? fs::path(file).parent_path() : ".";
  const std::string name = fs::path(file).stem().string();
  std::vector<fs::path> folders;
  std::error_code unreadable;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, unreadable)) {
    const std::string folder = entry.path().filename().string();
    if (entry.is_directory(unreadable) && folder.starts_with(stem) &&
        name.ends_with(folder.substr(stem.size()))) {
      folders.push_back(entry.path());
    }
  }
  // "configs_0_32_2" before "configs"; what lies beside the file itself before both.
  std::sort(folders.begin(), folders.end(), std::greater<>());
  folders.insert(folders.begin(), parent);
  return [folders](const std::string& config) {
    for (const fs::path& folder : folders) {
      if (auto text = text_in(folder, config)) {
        return text;
      }
    }
    return std::optional<std::string>();
  };
}

}  // namespace macfit::verify
