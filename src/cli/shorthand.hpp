#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace macfit::cli {

/// The words of a command line with what people type from habit written out: "macfit --model X" and
/// "macfit plan X 2x128" as plan with its flags, --ctx as --context, --json as --format=json.
/// Everything else unchanged.
[[nodiscard]] std::vector<std::string> written_out(std::vector<std::string> words);

/// "hardware m4-max" as "hardware show m4-max": for commands of `app` with a "show" in them, where
/// the word is none of their own and not near one.
void add_show(std::vector<std::string>& words, const CLI::App& app);

}  // namespace macfit::cli
