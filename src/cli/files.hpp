#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace macfit::cli {

/// The whole of a regular file (or of standard input for "-"). Throws Error: not there, not a file,
/// not readable, larger than `limit` bytes.
[[nodiscard]] std::string read_text(const std::string& path, std::size_t limit = 64U << 20U);

/// Name and text of every *.json below `directory` but schemas, sorted by name.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> read_folder(
    const std::string& directory);

/// Writes a file whole or not at all: to a temporary beside it, which then takes its name.
/// A symbolic link keeps pointing where it did. Throws Error.
void write_file(const std::string& path, std::string_view text);

/// Writes to standard output; a reader that went away is no error, a full disk is. Throws Error.
void write_out(std::string_view text);

}  // namespace macfit::cli
