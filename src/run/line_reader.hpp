#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace macfit::run {

struct Line {
  std::string text;
  std::uint64_t number = 0;  ///< from 1
  std::uint64_t offset = 0;  ///< bytes before it
  bool ended = false;        ///< false: the file ends without a line's end
  [[nodiscard]] std::uint64_t end() const { return offset + text.size() + (ended ? 1 : 0); }
};

/// A file line by line, however large it is. Throws Error where it can't be read, or a line is
/// longer than `longest_line`.
class LineReader {
 public:
  explicit LineReader(const std::string& path);
  [[nodiscard]] std::optional<Line> next();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace macfit::run
