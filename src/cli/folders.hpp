#pragma once

#include <string>

namespace macfit::cli {

/// The value of an environment variable; empty where it is not set.
[[nodiscard]] std::string environment(const char* name);

/// Where a person's settings lie: $XDG_CONFIG_HOME/macfit, else ~/.config/macfit; empty where there
/// is no home.
[[nodiscard]] std::string config_folder();

/// Where what can be fetched again lies: $XDG_CACHE_HOME/macfit, else ~/.cache/macfit.
[[nodiscard]] std::string cache_folder();

}  // namespace macfit::cli
