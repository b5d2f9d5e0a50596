#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "command_tree.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "help_text.hpp"
#include "help_topics.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

std::string topic_text(const HelpTopic& topic, std::size_t width) {
  return std::string(topic.title) + "\n\n" + flowed(topic.text, width);
}

std::string topics_list() {
  std::string text = "\nTopics (macfit help TOPIC):\n";
  for (const HelpTopic& topic : help_topics()) {
    text += fmt::format("  {:<28}{}\n", topic.name, topic.title);
  }
  return text;
}

/// A topic's text, or the help of the command that the words name.
std::string help_text(const CommandNode& root, const std::vector<std::string>& words,
                      const report::Style& style) {
  if (words.empty()) {
    return help_of(root, root.name, style) + topics_list();
  }
  for (const HelpTopic& topic : help_topics()) {
    if (words.size() == 1 && same_name(topic.name, words.front())) {
      return report::encode(style, topic_text(topic, style.width));
    }
  }
  const CommandNode* at = &root;
  std::string path = root.name;
  for (const std::string& word : words) {
    const auto child =
        std::find_if(at->children.begin(), at->children.end(),
                     [&](const CommandNode& node) { return same_name(node.name, word); });
    if (child == at->children.end()) {
      std::vector<std::string> known;
      known.reserve(at->children.size() + help_topics().size());
      for (const CommandNode& node : at->children) {
        known.push_back(node.name);
      }
      for (const HelpTopic& topic : help_topics()) {
        known.emplace_back(topic.name);
      }
      throw unknown_name("topic", word, known, {}, "macfit help lists them");
    }
    at = &*child;
    path += " " + at->name;
  }
  return help_of(*at, path, style);
}

/// Text for roff: backslashes and hyphens escaped, no line that looks like a request.
std::string roff(std::string_view text) {
  std::string result;
  bool start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (start && (c == '.' || c == '\'')) {
      result += "\\&";
    }
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (text.substr(i, 3) == "…") {
      result += "...";
      i += 2;
    } else if (text.substr(i, 3) == "→") {
      result += "\\->";
      i += 2;
    } else {
      result += c;
    }
    start = c == '\n';
  }
  return result;
}

/// Lines that start with a blank are shown as they are, others flow.
std::string roff_lines(std::string_view text) {
  std::string result;
  bool fixed = false;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) {
      result += fixed ? "" : ".PP\n";
      continue;
    }
    const bool now = line.front() == ' ';
    if (now != fixed) {
      result += now ? ".PP\n.nf\n" : ".fi\n.PP\n";
      fixed = now;
    }
    result += roff(line) + "\n";
  }
  result += fixed ? ".fi\n" : "";
  // A paragraph that nothing follows, or that another one does, is none.
  std::string clean;
  const std::vector<std::string_view> lines = split(result, '\n');
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const bool empty =
        lines[i] == ".PP" && (clean.empty() || i + 2 >= lines.size() || lines[i + 1] == ".PP");
    clean += empty ? "" : std::string(lines[i]) + "\n";
  }
  return clean;
}

void man_flags(const std::vector<FlagNode>& flags, std::string& out) {
  for (const FlagNode& flag : flags) {
    std::string names;
    for (const std::string& name : flag.names) {
      names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
    }
    const bool argument = flag.names.front().rfind('-', 0) != 0;
    if (flag.takes_value && !argument) {
      names += " \\fI" + roff(flag.type) + "\\fR";
    }
    out += ".TP\n" + names + "\n" + roff(flag.about) + (flag.required ? " (required)" : "") + "\n";
  }
}

/// Every command at any depth.
void man_command(const CommandNode& node, const std::string& path, std::string& out) {
  if (!path.empty()) {
    out += ".SS \"macfit " + roff(path) + "\"\n" + roff(node.about) + ".\n";
    man_flags(node.arguments, out);
    man_flags(node.flags, out);
    if (const std::string footer = roff_lines(node.footer); !footer.empty()) {
      out += ".PP\n" + footer;
    }
  }
  for (const CommandNode& child : node.children) {
    man_command(child, path.empty() ? child.name : path + " " + child.name, out);
  }
}

std::string man_page(const CommandNode& root) {
  std::string out = fmt::format(
      ".\\\" Written by \"macfit help --man\" from the definitions of its commands.\n"
      ".TH MACFIT 1 \"\" \"macfit {}\" \"User Commands\"\n"
      ".SH NAME\nmacfit \\- plans which model runs how on which Macs\n"
      ".SH SYNOPSIS\n.B macfit\n.I COMMAND\n.RI [ ARGUMENT ...]\n"
      ".SH DESCRIPTION\n{}\n.SH COMMANDS\n",
      roff(report::tool_version()), roff(root.about));
  man_command(root, {}, out);
  out += ".SH EXAMPLES\n" + roff_lines(root.footer);
  for (const HelpTopic& topic : help_topics()) {
    std::string title(topic.title);
    std::transform(title.begin(), title.end(), title.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    out += ".SH \"" + roff(title) + "\"\n" + roff_lines(topic.text);
  }
  return out;
}

}  // namespace

Action add_help(CLI::App& app) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto man = std::make_shared<bool>(false);
  app.add_option("topic", *words, "A topic or a command; without one, all commands and topics")
      ->type_name("TOPIC");
  app.add_flag("--man", *man, "The man page, as roff");
  app.footer(
      "\nExamples:\n  macfit help sizes\n  macfit help models show\n"
      "  macfit help --man > macfit.1; man ./macfit.1\n");
  return [&app, words, man] {
    const CommandNode root = command_tree(*app.get_parent());
    write_out(*man ? man_page(root) : help_text(root, *words, style_for({})));
    return 0;
  };
}

}  // namespace macfit::cli
