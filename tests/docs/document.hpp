#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace macfit::test::docs {

/// A fenced block of a document. Lines are counted from 0.
struct Block {
  std::string language;   ///< "console"
  std::string name;       ///< the second word of the fence: "desk.json", or empty
  std::size_t fence = 0;  ///< the line that opens it; its text begins on the next
  std::size_t end = 0;    ///< the line that closes it
};

/// A command of a `console` or `sh` block.
struct Command {
  std::size_t line = 0;          ///< where it begins
  std::string text;              ///< as typed, without the prompt; several lines where continued
  std::size_t output_begin = 0;  ///< the lines that show its output; of `sh` none
  std::size_t output_end = 0;
  bool shows_output = false;  ///< `console`: what it prints is compared, even where that is nothing
  int exit_code = 0;
  std::string not_run;  ///< why it can't be run by a test; empty: it is run
};

/// A document as lines, with all that a test looks at.
struct Document {
  std::string path;  ///< "docs/check.md"
  std::vector<std::string> lines;
  std::vector<Block> blocks;
  std::vector<Command> commands;
  std::vector<std::string> complaints;  ///< what keeps to no convention, with its line
};

[[nodiscard]] Document read_document(std::string path, std::string_view text);

/// The text between a block's fences.
[[nodiscard]] std::string text_of(const Document& document, const Block& block);

/// Puts a text in place of the lines from `begin` to before `end`. Places of what comes behind
/// move.
void replace_lines(Document& document, std::size_t begin, std::size_t end, std::string_view text);

/// What `shown` and `printed` disagree on, or nothing. A line "…" in `shown` stands for any lines.
[[nodiscard]] std::string difference(const std::vector<std::string>& shown,
                                     const std::vector<std::string>& printed);

/// `shown` brought up to date: each run of lines between two "…" is as long as it was, and begins
/// at the printed line that is the same but for its figures.
[[nodiscard]] std::vector<std::string> renewed(const std::vector<std::string>& shown,
                                               const std::vector<std::string>& printed);

struct Outcome {
  int exit_code = 0;
  std::vector<std::string> lines;  ///< standard output and error together, without the CR of CSV
};

/// One shell command in a folder, with the program on its path and 100 columns.
[[nodiscard]] Outcome run(const std::string& command, const std::filesystem::path& folder);

/// Runs a document's commands in a new folder, in order. The folder holds the catalogs' models/ and
/// the blocks that have a name. Gives what is wrong, a line each. With `renew`, outputs that differ
/// are put right in `document.lines` instead.
[[nodiscard]] std::vector<std::string> run_commands(Document& document, bool renew);

}  // namespace macfit::test::docs
