#include "command_line.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "macfit/core/shell_word.hpp"

namespace macfit::cli {

std::string command_line(const CLI::App& command) {
  constexpr std::array<std::string_view, 4> left_out = {"output", "color", "quiet", "verbose"};
  std::string line = "macfit " + command.get_name();
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) {
      continue;
    }
    const std::string& name = option->get_lnames().front();
    if (std::find(left_out.begin(), left_out.end(), name) != left_out.end()) {
      continue;
    }
    if (option->get_items_expected_max() == 0) {
      line += " --" + name;
      continue;
    }
    for (const std::string& value : option->results()) {
      line += " --" + name + " " + shell_word(value);
    }
  }
  return line;
}

}  // namespace macfit::cli
