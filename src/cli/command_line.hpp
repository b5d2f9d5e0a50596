#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace macfit::cli {

/// The command as it was given, quoted for a shell: what a report passed on names as its origin.
/// Where it was written to and how much was said meanwhile are left out.
[[nodiscard]] std::string command_line(const CLI::App& command);

}  // namespace macfit::cli
