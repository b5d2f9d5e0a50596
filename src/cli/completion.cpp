#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "command_tree.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"

namespace macfit::cli {
namespace {

/// What a flag's value is completed from.
struct Values {
  std::vector<std::string> words;
  bool files = false;
  bool folders = false;
};

/// Names that are completed for NAME|PATH|SIZE and SPEC|FILE.
struct KnownNames {
  std::vector<std::string> models = model::Catalog::embedded().ids();
  std::vector<std::string> machines = {"this"};

  KnownNames() {
    for (const hardware::Machine& machine : hardware::Catalog::embedded().machines()) {
      machines.push_back(machine.id);
    }
  }
};

/// By a flag's type: "text|json" are the words themselves, in lower case; else what it names.
Values values_of(const std::string& type, const KnownNames& names) {
  Values values;
  const bool closed = type.find('|') != std::string::npos && lower(type) == type;
  for (const std::string_view part : split(type, '|')) {
    if (closed) {
      values.words.emplace_back(part);
    } else if (part == "FILE" || part == "PATH") {
      values.files = true;
    } else if (part == "DIR") {
      values.folders = true;
    } else if (part == "SIZE" && type != "SIZE") {
      values.words.insert(values.words.end(), names.models.begin(), names.models.end());
    } else if (part == "SPEC") {
      values.words.insert(values.words.end(), names.machines.begin(), names.machines.end());
    }
  }
  return values;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

std::vector<std::string> flag_names(const CommandNode& node) {
  std::vector<std::string> names;
  for (const FlagNode& flag : node.flags) {
    names.insert(names.end(), flag.names.begin(), flag.names.end());
  }
  return names;
}

std::vector<std::string> child_names(const CommandNode& node) {
  std::vector<std::string> names;
  for (const CommandNode& child : node.children) {
    names.push_back(child.name);
  }
  return names;
}

/// "plan" or "models_show": a case label of the scripts.
std::string label_of(const std::vector<std::string>& path) {
  std::string label;
  for (const std::string& part : path) {
    label += (label.empty() ? "" : " ") + part;
  }
  return label;
}

template <class Visit>
void walk(const CommandNode& node, std::vector<std::string> path, const Visit& visit) {
  visit(node, path);
  for (const CommandNode& child : node.children) {
    std::vector<std::string> below = path;
    below.push_back(child.name);
    walk(child, std::move(below), visit);
  }
}

/// Beside names only what is spelled as a path is one (paths.hpp).
std::string bash_paths(const Values& values) {
  return values.files     ? (values.words.empty() ? "; files='*'" : "; files=paths")
         : values.folders ? "; folders=1"
                          : "";
}

// One function: it finds the command that the words before the cursor name, then the flag whose
// value is being typed. Works with the bash 3.2 of macOS.
std::string bash_script(const CommandNode& root) {
  const KnownNames names;
  std::string children;
  std::string flags;
  std::string values;
  walk(root, {}, [&](const CommandNode& node, const std::vector<std::string>& path) {
    const std::string label = shell_word(label_of(path));
    if (!node.children.empty()) {
      children +=
          fmt::format("    {}) children={} ;;\n", label, shell_word(joined(child_names(node))));
    }
    flags += fmt::format("    {}) flags={} ;;\n", label, shell_word(joined(flag_names(node))));
    for (const FlagNode& flag : node.flags) {
      if (!flag.takes_value) {
        continue;
      }
      const Values known = values_of(flag.type, names);
      std::string action = "takes=1";
      action += known.words.empty() ? "" : "; words=" + shell_word(joined(known.words));
      action += bash_paths(known);
      std::string cases;
      for (const std::string& name : flag.names) {
        cases += (cases.empty() ? "" : "|") + shell_word(label_of(path) + " " + name);
      }
      values += fmt::format("    {}) {} ;;\n", cases, action);
    }
    for (const FlagNode& argument : node.arguments) {
      const Values known = values_of(argument.type, names);
      std::string action = known.words.empty() ? ":" : "words=" + shell_word(joined(known.words));
      action += bash_paths(known);
      values += fmt::format("    {}) {} ;;\n", shell_word(label_of(path) + " <argument>"), action);
    }
  });
  return fmt::format(R"(# bash completion of macfit: written by macfit completion bash
_macfit_children() {{
  children=''
  case $1 in
{}  esac
}}
_macfit_flags() {{
  flags=''
  case $1 in
{}  esac
}}
_macfit_values() {{
  takes='' words='' files='' folders=''
  case $1 in
{}  esac
}}
_macfit() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} at='' i=1 word previous='' found
  local children flags takes words files folders
  while [ "$i" -lt "$COMP_CWORD" ]; do
    word=${{COMP_WORDS[i]}}
    _macfit_values "$at $previous"
    if [ -n "$previous" ] && [ -n "$takes" ]; then
      previous=''
    else
      previous=''
      case $word in
        -*) previous=$word ;;
        *)
          _macfit_children "$at"
          case " $children " in
            *" $word "*) at=${{at:+$at }}$word ;;
          esac
          ;;
      esac
    fi
    i=$((i + 1))
  done
  COMPREPLY=()
  if [ -n "$previous" ]; then
    _macfit_values "$at $previous"
  else
    takes='' words='' files='' folders=''
  fi
  if [ -z "$takes" ]; then
    case $cur in
      -*)
        _macfit_flags "$at"
        words=$flags
        ;;
      *)
        _macfit_children "$at"
        _macfit_values "$at <argument>"
        words="$words $children"
        ;;
    esac
  fi
  while IFS= read -r found; do
    [ -z "$found" ] || COMPREPLY+=("$found")
  done <<EOT
$(compgen -W "$words" -- "$cur")
EOT
  if [ -n "$files" ]; then
    while IFS= read -r found; do
      case $files$found in
        '*'?* | paths/* | paths./* | paths../* | paths~* | paths*.json | paths*.jsonl | \
          paths*.gguf | paths*.safetensors) COMPREPLY+=("$found") ;;
      esac
    done <<EOT
$(compgen -f -- "$cur")
EOT
  elif [ -n "$folders" ]; then
    while IFS= read -r found; do
      [ -z "$found" ] || COMPREPLY+=("$found")
    done <<EOT
$(compgen -d -- "$cur")
EOT
  fi
}}
complete -o filenames -F _macfit macfit
)",
                     children, flags, values);
}

/// Text of an _arguments spec: brackets and colons end it.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') {
      result += '\\';
    }
    result += c;
  }
  return result;
}

/// Actions of _arguments; those that have several parts are functions of their own.
class ZshActions {
 public:
  std::string of(const Values& values) {
    std::string words = "(" + joined(values.words) + ")";
    if (values.words.empty()) {
      return values.files ? "_files" : values.folders ? "_files -/" : "";
    }
    if (!values.files) {
      return words;
    }
    std::size_t i = 0;
    while (i < lists_.size() && lists_[i] != words) {
      ++i;
    }
    if (i == lists_.size()) {
      lists_.push_back(words);
    }
    return name(i);
  }

  [[nodiscard]] std::string functions() const {
    std::string text;
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      text += name(i) + "() {\n  _alternative " + shell_word("names:name:" + lists_[i]) +
              " 'files:file:_files'\n}\n";
    }
    return text;
  }

 private:
  static std::string name(std::size_t index) {
    return "_macfit_names_" + std::to_string(index + 1);
  }
  std::vector<std::string> lists_;
};

std::string zsh_function(const CommandNode& node, const std::vector<std::string>& path,
                         const KnownNames& names, ZshActions& actions) {
  std::string name = "_macfit";
  for (const std::string& part : path) {
    name += "_" + part;
  }
  std::string text = name + "() {\n  local curcontext=$curcontext state line\n  _arguments -C";
  for (const FlagNode& flag : node.flags) {
    for (const std::string& spelling : flag.names) {
      std::string spec = spelling + "[" + zsh_text(flag.about) + "]";
      if (flag.takes_value) {
        const std::string action = actions.of(values_of(flag.type, names));
        spec += ":" + zsh_text(flag.type.empty() ? "value" : flag.type) + ":" + action;
      }
      text += " \\\n    " + shell_word(spec);
    }
  }
  if (!node.children.empty()) {
    std::string commands;
    std::string calls;
    for (const CommandNode& child : node.children) {
      commands +=
          (commands.empty() ? "" : " ") + shell_word(child.name + ":" + zsh_text(child.about));
      calls += fmt::format("        {}) {}_{} ;;\n", child.name, name, child.name);
    }
    return text +
           fmt::format(
               " \\\n    '1: :->command' \\\n    '*:: :->rest'\n  case $state in\n    command)\n"
               "      local -a commands\n      commands=({})\n"
               "      _describe -t commands command commands\n      ;;\n    rest)\n"
               "      case $line[1] in\n{}      esac\n      ;;\n  esac\n}}\n",
               commands, calls);
  }
  for (const FlagNode& argument : node.arguments) {
    const std::string action = actions.of(values_of(argument.type, names));
    text += " \\\n    " + shell_word("*:" + zsh_text(argument.type) + ":" + action);
  }
  return text + "\n}\n";
}

std::string zsh_script(const CommandNode& root) {
  const KnownNames names;
  ZshActions actions;
  std::string text =
      "#compdef macfit\n# zsh completion of macfit: written by macfit completion zsh\n";
  walk(root, {}, [&](const CommandNode& node, const std::vector<std::string>& path) {
    text += zsh_function(node, path, names, actions);
  });
  return text + actions.functions() +
         "if [ \"$funcstack[1]\" = _macfit ]; then\n  _macfit \"$@\"\nelse\n"
         "  compdef _macfit macfit\nfi\n";
}

/// A word for fish's single quotes, where only \\ and ' are special.
std::string fish_quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' || c == '\\' ? "\\" : "";
    result += c;
  }
  return result + "'";
}

/// The line that completes a flag where `condition` holds.
std::string fish_flag(const FlagNode& flag, const std::string& condition, const KnownNames& names) {
  std::string text = fmt::format("complete -c macfit -n {}", fish_quoted(condition));
  for (const std::string& spelling : flag.names) {
    text +=
        spelling.rfind("--", 0) == 0 ? " -l " + spelling.substr(2) : " -s " + spelling.substr(1);
  }
  text += " -d " + fish_quoted(flag.about);
  if (flag.takes_value) {
    const Values known = values_of(flag.type, names);
    text += known.files ? " -rF" : known.folders ? " -x -a '(__fish_complete_directories)'" : " -x";
    text += known.words.empty() ? "" : " -a " + fish_quoted(joined(known.words));
  }
  return text + '\n';
}

std::string fish_script(const CommandNode& root) {
  const KnownNames names;
  std::string text =
      "# fish completion of macfit: written by macfit completion fish\ncomplete -c macfit -f\n";
  walk(root, {}, [&](const CommandNode& node, const std::vector<std::string>& path) {
    std::string seen;
    for (const std::string& part : path) {
      seen += (seen.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") + part;
    }
    std::string none = seen;
    if (path.empty()) {
      none = "__fish_use_subcommand";
    } else if (!node.children.empty()) {
      none += "; and not __fish_seen_subcommand_from " + joined(child_names(node));
    }
    for (const CommandNode& child : node.children) {
      text += fmt::format("complete -c macfit -n {} -a {} -d {}\n", fish_quoted(none), child.name,
                          fish_quoted(child.about));
    }
    const std::string condition = node.children.empty() && !path.empty() ? seen : none;
    for (const FlagNode& flag : node.flags) {
      text += fish_flag(flag, condition, names);
    }
    for (const FlagNode& argument : node.arguments) {
      const Values known = values_of(argument.type, names);
      text +=
          known.files ? fmt::format("complete -c macfit -n {} -F\n", fish_quoted(condition)) : "";
      text += known.words.empty()
                  ? ""
                  : fmt::format("complete -c macfit -n {} -a {}\n", fish_quoted(condition),
                                fish_quoted(joined(known.words)));
    }
  });
  return text;
}

}  // namespace

Action add_completion(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  app.add_option("shell", *shell, "bash, zsh or fish")->required()->type_name("bash|zsh|fish");
  app.footer(
      "\nExamples:\n  source <(macfit completion bash)\n"
      "  macfit completion zsh > ~/.zfunc/_macfit\n"
      "  macfit completion fish > ~/.config/fish/completions/macfit.fish\n");
  return [&app, shell] {
    const CommandNode root = command_tree(*app.get_parent());
    if (*shell == "bash") {
      write_out(bash_script(root));
    } else if (*shell == "zsh") {
      write_out(zsh_script(root));
    } else if (*shell == "fish") {
      write_out(fish_script(root));
    } else {
      throw unknown_name("shell", *shell, {"bash", "zsh", "fish"}, {},
                         "known are bash, zsh and fish");
    }
    return 0;
  };
}

}  // namespace macfit::cli
