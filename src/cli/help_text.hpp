#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "command_tree.hpp"
#include "macfit/report/table/style.hpp"

namespace macfit::cli {

/// Lines that start with a blank as they are, those between them as paragraphs of that width.
[[nodiscard]] std::string flowed(std::string_view text, std::size_t width);

/// What --help prints of a command; `path` is how it is called: "macfit models show".
[[nodiscard]] std::string help_of(const CommandNode& node, const std::string& path,
                                  const report::Style& style);

}  // namespace macfit::cli
