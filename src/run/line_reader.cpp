#include "line_reader.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "macfit/core/error.hpp"

namespace macfit::run {
namespace {

constexpr std::size_t longest_stored_line = std::size_t{130} << 20;  // bytes: a result's answer

}  // namespace

LineReader::LineReader(const std::string& path)
    : path_(path), file_(std::fopen(path.c_str(), "rbe")) {
  if (file_ == nullptr) {
    throw Error("can't read it: " + std::generic_category().message(errno), Place{path, {}, {}});
  }
}

std::optional<Line> LineReader::next() {
  Line line;
  line.offset = offset_;
  line.number = ++number_;
  int c = ::getc_unlocked(file_.get());
  if (c == EOF && std::ferror(file_.get()) == 0) {
    return std::nullopt;
  }
  while (c != EOF && c != '\n') {
    line.text += static_cast<char>(c);
    if (line.text.size() > longest_stored_line) {
      throw Error("a line is longer than 130 MiB",
                  Place{path_ + ":" + std::to_string(number_), {}, {}});
    }
    c = ::getc_unlocked(file_.get());
  }
  if (std::ferror(file_.get()) != 0) {
    throw Error("can't read it: " + std::generic_category().message(errno), Place{path_, {}, {}});
  }
  line.ended = c == '\n';
  offset_ = line.end();
  return line;
}

}  // namespace macfit::run
