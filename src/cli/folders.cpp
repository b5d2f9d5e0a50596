#include "folders.hpp"

#include <cstdlib>

namespace macfit::cli {
namespace {

std::string folder(const char* variable, const char* below_home) {
  // The standard has relative ones ignored.
  if (const std::string base = environment(variable); !base.empty() && base.front() == '/') {
    return base + "/macfit";
  }
  const std::string home = environment("HOME");
  return home.empty() ? std::string() : home + below_home;
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string config_folder() { return folder("XDG_CONFIG_HOME", "/.config/macfit"); }

std::string cache_folder() { return folder("XDG_CACHE_HOME", "/.cache/macfit"); }

}  // namespace macfit::cli
