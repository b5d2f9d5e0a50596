#include "macfit/report/table/style.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "macfit/core/characters.hpp"

namespace macfit::report {
namespace {

// Codes that read on light and on dark backgrounds.
constexpr std::array<std::string_view, 9> codes = {"1",  "2",  "32", "33", "31",
                                                   "34", "36", "35", "33"};
static_assert(codes.size() == static_cast<std::size_t>(Paint::overhead) + 1);

constexpr std::array<std::pair<std::string_view, std::string_view>, 15> ascii = {{{"█", "#"},
                                                                                  {"▓", "="},
                                                                                  {"▒", "+"},
                                                                                  {"░", "-"},
                                                                                  {"·", "."},
                                                                                  {"•", "*"},
                                                                                  {"–", "-"},
                                                                                  {"—", "-"},
                                                                                  {"×", "x"},
                                                                                  {"≤", "<="},
                                                                                  {"µ", "u"},
                                                                                  {"…", "..."},
                                                                                  {"→", "->"},
                                                                                  {"≈", "~"},
                                                                                  {"−", "-"}}};

/// The bytes of a color's code at `at`, 0 for none.
std::size_t code_at(std::string_view text, std::size_t at) {
  const std::size_t end = text[at] == '\x1b' ? text.find('m', at) : std::string_view::npos;
  return end == std::string_view::npos ? 0 : end - at + 1;
}

/// One line, cut at blanks; what goes on is indented two columns more. A word that is too long
/// stays whole, and so does a command to copy.
void fold(std::size_t width, std::string_view line, std::string& out) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  std::string_view words = line.substr(indent);
  while (!words.empty() && code_at(words, 0) > 0) {
    words.remove_prefix(code_at(words, 0));
  }
  if (words.rfind("macfit ", 0) == 0 || words.rfind("sudo ", 0) == 0) {
    out += line;
    return;
  }
  std::size_t used = 0;
  std::size_t blank = 0;        // the last one that a cut may replace
  std::size_t after_blank = 0;  // columns used up to it, itself included
  std::size_t begin = 0;
  for (std::size_t i = 0; i < line.size();) {
    if (const std::size_t code = code_at(line, i); code > 0) {
      i += code;
      continue;
    }
    if (line[i] == ' ' && i > indent && i > begin) {
      blank = i;
      after_blank = used + 1;
    }
    std::uint32_t character = 0;
    const std::size_t length = std::max<std::size_t>(decode_utf8(line, i, character), 1);
    used += columns_of(character);
    i += length;
    if (used > width && blank > begin && line[i - length] != ' ') {
      const std::string_view done = line.substr(begin, blank - begin);
      out += done.substr(0, done.find_last_not_of(' ') + 1);
      out += '\n';
      out.append(indent + 2, ' ');
      used = used - after_blank + indent + 2;
      begin = blank + 1;
    }
  }
  out += line.substr(begin);
}

std::string folded(std::size_t width, std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.size() <= width) {
      result += line;  // as many columns at most
    } else {
      fold(width, line, result);
    }
    result += end < text.size() ? "\n" : "";
    at = end + 1;
  }
  return result;
}

}  // namespace

std::string paint(const Style& style, Paint paint, std::string_view text) {
  if (!style.color || text.empty()) {
    return std::string(text);
  }
  std::string result = "\x1b[";
  result += codes.at(static_cast<std::size_t>(paint));
  result += 'm';
  result += text;
  result += "\x1b[0m";
  return result;
}

std::string in_charset(const Style& style, std::string_view text) {
  if (style.unicode) {
    return std::string(text);
  }
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      result += text[i++];
      continue;
    }
    const auto known = std::find_if(ascii.begin(), ascii.end(), [&](const auto& one) {
      return text.substr(i, one.first.size()) == one.first;
    });
    if (known != ascii.end()) {
      result += known->second;
      i += known->first.size();
      continue;
    }
    result += '?';
    do {
      ++i;
    } while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U);
  }
  return result;
}

std::string encode(const Style& style, std::string_view text) {
  return folded(style.width, in_charset(style, text));
}

}  // namespace macfit::report
