#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace macfit::report {

/// How to show, never what: the same plan under any style has the same facts.
struct Style {
  std::size_t width = 100;  ///< columns
  bool color = false;       ///< ANSI colors; never the only sign of anything
  bool unicode = true;      ///< else ASCII only
  bool explain = false;     ///< formulas with the numbers put in
  bool details = false;     ///< also what can't run, and every node by itself
};

enum class Paint : unsigned char {
  bold,
  dim,
  good,
  warn,
  bad,
  weights,
  cache,
  activations,
  overhead
};

/// The text in a color, or as it is.
[[nodiscard]] std::string paint(const Style& style, Paint paint, std::string_view text);

/// The text with what ASCII can't show replaced, if the style asks for it.
[[nodiscard]] std::string in_charset(const Style& style, std::string_view text);

/// The text as it is sent: in_charset(), and lines
/// wider than the style are cut at blanks. Words, and commands to copy, stay whole.
[[nodiscard]] std::string encode(const Style& style, std::string_view text);

}  // namespace macfit::report
