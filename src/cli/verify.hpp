#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "options.hpp"

namespace macfit::cli {

/// Published configs of a folder by name: "org--Name" is the file org--Name.json. Throws Error
/// where there is no such folder.
using Configs = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Configs configs_in(const std::string& folder);

struct VerifyFlags {
  std::string against;
  std::string configs;
};

/// "macfit models verify": what published figures say beside what macfit does.
void add_verify(CLI::App& app, VerifyFlags& flags);

/// Prints the comparison.
void run_verify(const Common& common, const VerifyFlags& flags);

}  // namespace macfit::cli
