#include "help_text.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "macfit/core/text.hpp"

namespace macfit::cli {
namespace {

/// A name and what it means, in two columns or, on a narrow terminal, one below the other.
void entry(std::string& out, const std::string& name, std::string_view about, std::size_t width) {
  constexpr std::size_t beside = 30;
  constexpr std::size_t below = 10;
  constexpr std::size_t narrowest = 76;
  const std::size_t column = width < narrowest ? below : beside;
  std::string line = "  " + name;
  if (columns(line) + 2 > column) {
    out += line + "\n";
    line.clear();
  }
  line.append(column - columns(line), ' ');
  out += line + wrap(about, width, column) + "\n";
}

/// "-m, --model NAME"; flags without a short name are set in by as much.
std::string names_of(const FlagNode& flag) {
  auto text = fmt::format("{}", fmt::join(flag.names.rbegin(), flag.names.rend(), ", "));
  if (flag.names.size() == 1) {
    text.insert(0, 4, ' ');
  }
  return flag.takes_value ? text + " " + flag.type : text;
}

/// "macfit plan --model NAME --nodes SPEC [OPTION]...": what must be there, named.
std::string usage(const CommandNode& node, const std::string& path) {
  std::string text = path;
  for (const FlagNode& flag : node.flags) {
    if (flag.required) {
      text += " " + flag.names.front() + (flag.takes_value ? " " + flag.type : "");
    }
  }
  text += node.flags.empty() ? "" : " [OPTION]...";
  for (const FlagNode& argument : node.arguments) {
    text += argument.required ? " " + argument.type : " [" + argument.type + "]";
  }
  return text + (node.children.empty() ? "" : " COMMAND ...");
}

}  // namespace

std::string flowed(std::string_view text, std::size_t width) {
  std::string out;
  std::string paragraph;
  const auto end_paragraph = [&] {
    out += paragraph.empty() ? "" : wrap(paragraph, width, 0) + "\n";
    paragraph.clear();
  };
  text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
  text.remove_suffix(text.size() - text.find_last_not_of('\n') - 1);
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty() || line.front() == ' ') {
      end_paragraph();
      out += std::string(line) + "\n";
    } else {
      paragraph += (paragraph.empty() ? "" : " ") + std::string(line);
    }
  }
  end_paragraph();
  return out;
}

std::string help_of(const CommandNode& node, const std::string& path, const report::Style& style) {
  const std::size_t width = style.width;
  std::string out = wrap(node.about + (node.about.ends_with('.') ? "" : "."), width, 0) + "\n\n";
  out += wrap("Usage: " + usage(node, path), width, 4) + "\n";
  if (!node.arguments.empty()) {
    out += "\nArguments:\n";
    for (const FlagNode& argument : node.arguments) {
      entry(out, argument.type, argument.about, width);
    }
  }
  if (!node.children.empty()) {
    out += "\nCommands (" + path + " COMMAND --help says more):\n";
    for (const CommandNode& child : node.children) {
      entry(out, child.name, child.about, width);
    }
  }
  // The command's own first; --help is in every list and known to who reads this.
  std::vector<FlagNode> flags = node.flags;
  std::stable_partition(flags.begin(), flags.end(),
                        [](const FlagNode& flag) { return flag.names.front() != "--help"; });
  out += "\nOptions:\n";
  for (const FlagNode& flag : flags) {
    entry(out, names_of(flag), flag.about + (flag.required ? " (required)" : ""), width);
  }
  if (!node.footer.empty()) {
    out += "\n" + flowed(node.footer, width);
  }
  return report::encode(style, out);
}

}  // namespace macfit::cli
