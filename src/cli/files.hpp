#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace macfit::cli {

/// The whole of a regular file or of a pipe (of standard input for "-"). Throws Error: not there,
/// not a file, not readable, larger than `limit` bytes.
[[nodiscard]] std::string read_text(const std::string& path, std::size_t limit = 64U << 20U);

/// Remembers a file that a flag names to be read, or a folder whose files are.
void note_input(const std::string& path);
/// Throws Error where a file that --output names was read, or stands in a folder that was: what it
/// is made from would be gone.
void refuse_input(const std::string& path);

/// Name and text of every *.json below `directory` but schemas, sorted by name.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> read_folder(
    const std::string& directory);

/// Data on its way out, to standard output ("" or "-") or to a file. A file is written whole or not
/// at all: to a temporary beside it, which takes its name by commit() and is gone without it. A
/// symbolic link keeps pointing where it did; a device or a pipe is written to as it is.
class OutputStream {
 public:
  /// Throws Error where the file can't be written.
  explicit OutputStream(const std::string& path);
  ~OutputStream();
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  /// False where the reader of a pipe went away. Throws Error on any other failure.
  [[nodiscard]] bool write(std::string_view text);
  /// Throws Error.
  void commit();

 private:
  std::string path_;
  std::string target_;
  std::string temporary_;  ///< empty: written to as it is
  unsigned mode_ = 0;
  int fd_ = -1;
};

/// Writes a file by an OutputStream. Throws Error.
void write_file(const std::string& path, std::string_view text);

/// Writes to standard output; a reader that went away is no error, a full disk is. Throws Error.
void write_out(std::string_view text);

}  // namespace macfit::cli
