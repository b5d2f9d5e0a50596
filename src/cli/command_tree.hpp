#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace macfit::cli {

// The commands and their flags as data, read off the definitions that parse the command line: what
// completions and the man page are made of.

/// A flag, or an argument without a name.
struct FlagNode {
  std::vector<std::string> names;  ///< "--model", "-m"; of an argument its one name
  std::string type;                ///< "FILE", "text|json"; empty for a switch
  std::string about;
  bool takes_value = false;
  bool required = false;
};

struct CommandNode {
  std::string name;
  std::string about;
  std::string footer;
  std::vector<FlagNode> flags;
  std::vector<FlagNode> arguments;
  std::vector<CommandNode> children;
};

[[nodiscard]] CommandNode command_tree(const CLI::App& app);

}  // namespace macfit::cli
