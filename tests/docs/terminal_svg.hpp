#pragma once

#include <string>
#include <vector>

namespace macfit::test::docs {

/// A drawing of what a terminal shows: `command` behind a prompt, then lines with the program's
/// ANSI colors. Light or dark as the reader's system is; blocks are drawn, so that no font is
/// needed for them. The same lines give the same bytes.
[[nodiscard]] std::string terminal_svg(const std::string& command,
                                       const std::vector<std::string>& lines);

}  // namespace macfit::test::docs
