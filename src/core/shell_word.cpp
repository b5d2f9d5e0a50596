#include "macfit/core/shell_word.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"

namespace macfit {
namespace {

/// What means nothing to a shell wherever it stands. No "=" and no "~": both mean something at the
/// start of a word.
bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./+:,%@").find(c) != std::string_view::npos;
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) {
    return std::string(text);
  }
  if (printable(text, std::string::npos) == text) {
    std::string quoted = "'";
    for (const char c : text) {
      quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
  }
  std::string quoted = "$'";
  for (const char c : text) {
    quoted += plain(c) || c == ' ' || c == '='
                  ? std::string(1, c)
                  : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return quoted + "'";
}

}  // namespace macfit
