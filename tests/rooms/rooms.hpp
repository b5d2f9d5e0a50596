#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace macfit::test::rooms {

/// The rooms in order: each includes only itself and those before it.
const std::vector<std::string_view>& names();

/// What one file does against the rules of the rooms, one "path:line: words" each.
/// `path` is relative to the top of the tree, as "src/fit/budget.cpp".
std::vector<std::string> objections(std::string_view path, std::string_view text);

/// Where include/, src/ and tests/ do not mirror each other.
std::vector<std::string> mirror_objections(const std::vector<std::string>& paths);

/// The text with comments, string and character literals blanked; lines stay where they are.
std::string without_comments_and_literals(std::string_view text);

}  // namespace macfit::test::rooms
