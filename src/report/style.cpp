#include "macfit/report/style.hpp"

#include <array>
#include <utility>

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

std::string encode(const Style& style, std::string_view text) {
  if (style.unicode) {
    return std::string(text);
  }
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      result += text[i++];
      continue;
    }
    bool found = false;
    for (const auto& [from, to] : ascii) {
      if (text.substr(i, from.size()) == from) {
        result += to;
        i += from.size();
        found = true;
        break;
      }
    }
    if (!found) {
      result += '?';
      do {
        ++i;
      } while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U);
    }
  }
  return result;
}

}  // namespace macfit::report
