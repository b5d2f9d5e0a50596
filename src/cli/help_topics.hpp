#pragma once

#include <string_view>
#include <vector>

namespace macfit::cli {

/// Something about the program that is no command's own. `macfit help` and the man page print it.
struct HelpTopic {
  std::string_view name;
  std::string_view title;
  std::string_view text;  ///< lines; those that start with blanks are kept as they are
};

[[nodiscard]] const std::vector<HelpTopic>& help_topics();

}  // namespace macfit::cli
