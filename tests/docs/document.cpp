// Documents as tests: commands run, what they print compared.

#include "document.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sys/wait.h>

#include "macfit/core/text.hpp"
#include "read/scratch_folder.hpp"

namespace macfit::test::docs {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view left_out = "…";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

std::string at(const Document& document, std::size_t line) {
  return document.path + ":" + std::to_string(line + 1) + ": ";
}

/// A line that a reader would type: such lines belong where they are run.
bool looks_typed(std::string_view line) {
  const auto begins = [&](std::string_view start) { return starts_with(line, start); };
  return begins("$ ") || begins("./dev ") || begins("macfit ") || begins("brew ") ||
         begins("ssh ") || begins("cmake ");
}

/// The comment behind a command, trimmed; empty where there is none.
std::string comment_of(std::string_view line) {
  const std::size_t hash = line.rfind(" # ");
  return hash == std::string_view::npos ? std::string() : std::string(trim(line.substr(hash + 3)));
}

bool found(const std::string& tool) {
  return run("command -v " + tool, fs::temp_directory_path()).exit_code == 0;
}

/// What a command's comment says of how to run it.
void read_comment(const Document& document, Command& command, std::string_view last_line) {
  constexpr std::string_view not_tested = "not tested: ";
  constexpr std::string_view exit_code = "exit code ";
  constexpr std::string_view needs = "needs ";
  const std::string comment = comment_of(last_line);
  if (starts_with(comment, not_tested)) {
    command.not_run = comment.substr(not_tested.size());
  } else if (starts_with(comment, exit_code)) {
    command.exit_code = std::atoi(comment.c_str() + exit_code.size());
  } else if (starts_with(comment, needs)) {
    const std::string tool =
        comment.substr(needs.size(), comment.find(' ', needs.size()) - needs.size());
    if (!found(tool)) {
      command.not_run = "there is no " + tool + " here";
    }
  }
  if (document.path == "README.md" &&
      (starts_with(command.text, "./dev run ") || starts_with(command.text, "./dev test"))) {
    command.not_run = "installs";
  }
}

void read_block(Document& document, const Block& block) {
  const bool console = block.language == "console";
  std::size_t i = block.fence + 1;
  if (console && i < block.end && !starts_with(document.lines[i], "$ ")) {
    document.complaints.push_back(at(document, i) + "a console block begins with \"$ \"");
  }
  while (i < block.end) {
    const std::string& line = document.lines[i];
    if (line.empty() || line[0] == '#' || (console && !starts_with(line, "$ "))) {
      ++i;
      continue;
    }
    Command command;
    command.line = i;
    command.text = console ? line.substr(2) : line;
    while (document.lines[i].back() == '\\' && i + 1 < block.end) {
      command.text += "\n" + document.lines[++i];
    }
    read_comment(document, command, document.lines[i]);
    ++i;
    if (console) {
      command.shows_output = true;
      command.output_begin = i;
      while (i < block.end && !starts_with(document.lines[i], "$ ")) {
        ++i;
      }
      command.output_end = i;
    }
    document.commands.push_back(std::move(command));
  }
}

void check_block(Document& document, const Block& block) {
  static const std::vector<std::string> known = {"console", "sh",   "json", "jsonl",
                                                 "yaml",    "text", "cpp",  "cmake"};
  if (std::find(known.begin(), known.end(), block.language) == known.end()) {
    document.complaints.push_back(at(document, block.fence) + "a block in '" + block.language +
                                  "'; known are " + join_words(known));
  }
  if (block.language != "text") {
    return;
  }
  for (std::size_t i = block.fence + 1; i < block.end; ++i) {
    if (looks_typed(document.lines[i])) {
      document.complaints.push_back(at(document, i) +
                                    "a command in a text block; commands go into console or sh");
    }
  }
}

/// The same but for its figures.
std::string without_figures(std::string_view line) {
  std::string result;
  for (const char c : line) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0 && c != '.' && c != ',' && c != ' ') {
      result += c;
    }
  }
  return result;
}

/// Splits at "…": n of them make n + 1 runs, some perhaps empty.
std::vector<std::vector<std::string>> runs_of(const std::vector<std::string>& shown) {
  std::vector<std::vector<std::string>> runs(1);
  for (const std::string& line : shown) {
    if (trim(line) == left_out) {
      runs.emplace_back();
    } else {
      runs.back().push_back(line);
    }
  }
  return runs;
}

/// One run of lines placed at or after `from`; its first line is looked for by `same`.
template <class Same>
std::optional<std::size_t> place_of(const std::vector<std::string>& run, std::size_t from,
                                    const std::vector<std::string>& printed, const Same& same) {
  for (std::size_t i = from; i + run.size() <= printed.size(); ++i) {
    if (same(run, i)) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace

Document read_document(std::string path, std::string_view text) {
  Document document;
  document.path = std::move(path);
  document.lines = lines_of(text);
  std::optional<Block> open;
  for (std::size_t i = 0; i < document.lines.size(); ++i) {
    const std::string& line = document.lines[i];
    if (!open && starts_with(line, "```")) {
      open.emplace();
      open->fence = i;
      const std::string info(trim(std::string_view(line).substr(3)));
      open->language = info.substr(0, info.find(' '));
      open->name = info.find(' ') == std::string::npos ? "" : info.substr(info.find(' ') + 1);
    } else if (open && line == "```") {
      open->end = i;
      document.blocks.push_back(*open);
      open.reset();
    } else if (!open && starts_with(line, "    ") && looks_typed(trim(line))) {
      document.complaints.push_back(at(document, i) + "a command in no fenced block");
    }
  }
  if (open) {
    document.complaints.push_back(at(document, open->fence) + "a block that does not end");
  }
  for (const Block& block : document.blocks) {
    check_block(document, block);
    if (block.language == "console" || block.language == "sh") {
      read_block(document, block);
    }
  }
  return document;
}

std::string text_of(const Document& document, const Block& block) {
  std::string text;
  for (std::size_t i = block.fence + 1; i < block.end; ++i) {
    text += document.lines[i] + "\n";
  }
  return text;
}

void replace_lines(Document& document, std::size_t begin, std::size_t end, std::string_view text) {
  const auto at = document.lines.begin();
  const auto place = document.lines.erase(at + static_cast<std::ptrdiff_t>(begin),
                                          at + static_cast<std::ptrdiff_t>(end));
  const std::vector<std::string> lines = lines_of(text);
  document.lines.insert(place, lines.begin(), lines.end());
}

std::string difference(const std::vector<std::string>& shown,
                       const std::vector<std::string>& printed) {
  const auto line = [](const std::vector<std::string>& lines, std::size_t i) {
    return i < lines.size() ? "\"" + lines[i] + "\"" : std::string("nothing");
  };
  const auto runs = runs_of(shown);
  std::size_t next = 0;
  const auto equal = [&](const std::vector<std::string>& run, std::size_t i) {
    return std::equal(run.begin(), run.end(), printed.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const auto& run = runs[r];
    const bool last = r + 1 == runs.size();
    if (r == 0) {
      for (std::size_t i = 0; i < run.size(); ++i) {
        if (i >= printed.size() || printed[i] != run[i]) {
          return "shows " + line(run, i) + ", printed is " + line(printed, i);
        }
      }
      next = run.size();
      if (last && next < printed.size()) {
        return "shows no more, printed is " + line(printed, next);
      }
    } else if (last) {
      if (printed.size() < next + run.size() || !equal(run, printed.size() - run.size())) {
        return "ends with " + line(run, 0) + " …, printed is not";
      }
    } else {
      const auto place = place_of(run, next, printed, equal);
      if (!place) {
        return "shows " + line(run, 0) + " …, printed is not";
      }
      next = *place + run.size();
    }
  }
  return {};
}

std::vector<std::string> renewed(const std::vector<std::string>& shown,
                                 const std::vector<std::string>& printed) {
  const auto runs = runs_of(shown);
  if (runs.size() == 1) {
    return printed;
  }
  std::vector<std::string> result;
  std::size_t next = 0;
  const auto take = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = from; i < std::min(from + count, printed.size()); ++i) {
      result.push_back(printed[i]);
    }
    next = std::min(from + count, printed.size());
  };
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const auto& run = runs[r];
    if (r > 0) {
      result.emplace_back(left_out);
    }
    if (run.empty()) {
      continue;
    }
    if (r == 0) {
      take(0, run.size());
    } else if (r + 1 == runs.size()) {
      take(std::max(next, printed.size() - std::min(printed.size(), run.size())), run.size());
    } else if (const auto place = place_of(
                   run, next, printed, [&](const std::vector<std::string>& lines, std::size_t i) {
                     return without_figures(lines.front()) == without_figures(printed[i]);
                   })) {
      take(*place, run.size());
    }
  }
  return result;
}

Outcome run(const std::string& command, const fs::path& folder) {
  const fs::path script = folder / ".command.sh";
  const fs::path output = folder / ".output";
  const std::string programs = fs::path(MACFIT_BINARY).parent_path().string();
  std::ofstream(script, std::ios::binary)
      << "shopt -u checkwinsize\nunset LC_ALL LC_CTYPE NO_COLOR GITHUB_WORKSPACE MACFIT_NODES "
         "XDG_CONFIG_HOME\n"
      << "export LANG=C.UTF-8 COLUMNS=100 MACFIT_OFFLINE=1 PATH='" << programs << "':\"$PATH\"\n"
      << "cd '" << folder.string() << "' || exit 99\n"
      << command << "\n";
  const int status = std::system(
      ("bash '" + script.string() + "' >'" + output.string() + "' 2>&1 </dev/null").c_str());
  std::ifstream stream(output, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  fs::remove(script);
  fs::remove(output);
  std::vector<std::string> lines = lines_of(text);
  for (std::string& line : lines) {
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 255, std::move(lines)};
}

std::vector<std::string> run_commands(Document& document, bool renew) {
  const ScratchFolder scratch;
  for (const char* folder : {"models", "hardware"}) {
    fs::create_directory_symlink(fs::path(MACFIT_SOURCE_DIR) / folder, scratch.path() / folder);
  }
  for (const Block& block : document.blocks) {
    if (!block.name.empty() && block.name.find('/') == std::string::npos) {
      scratch.write(block.name, text_of(document, block));
    }
  }
  struct Change {
    const Command* command;
    std::vector<std::string> lines;
  };
  std::vector<Change> changes;
  std::vector<std::string> wrong;
  for (const Command& command : document.commands) {
    if (!command.not_run.empty()) {
      continue;
    }
    const Outcome outcome = run(command.text, scratch.path());
    const std::string where = at(document, command.line) + command.text + ": ";
    if (outcome.exit_code != command.exit_code) {
      wrong.push_back(where + "exit code " + std::to_string(outcome.exit_code) + ", not " +
                      std::to_string(command.exit_code) +
                      (outcome.lines.empty() ? "" : ": " + outcome.lines.back()));
      continue;
    }
    if (!command.shows_output) {
      continue;
    }
    const auto begin = document.lines.begin();
    const std::vector<std::string> shown(begin + static_cast<std::ptrdiff_t>(command.output_begin),
                                         begin + static_cast<std::ptrdiff_t>(command.output_end));
    if (const std::string told = difference(shown, outcome.lines); !told.empty()) {
      if (renew) {
        changes.push_back({&command, renewed(shown, outcome.lines)});
      } else {
        wrong.push_back(where + told);
      }
    }
  }
  // From the last to the first, so that lines keep their places.
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    std::string text;
    for (const std::string& line : change->lines) {
      text += line + "\n";
    }
    replace_lines(document, change->command->output_begin, change->command->output_end, text);
  }
  return wrong;
}

}  // namespace macfit::test::docs
