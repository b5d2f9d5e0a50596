#include "terminal_svg.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "macfit/core/text.hpp"

namespace macfit::test::docs {
namespace {

// Tenths of a unit, so that no number needs a fraction's printing.
constexpr std::size_t cell = 84;
constexpr std::size_t row = 190;
constexpr std::size_t edge = 160;

// Colors with a contrast of at least 4.5:1 on their background.
constexpr std::string_view style = R"(
    svg { --back: #ffffff; --line: #d0d7de; --text: #1f2328; --dim: #59636e; --green: #116329; --yellow: #7d4e00;
          --red: #b31d28; --blue: #0550ae; --magenta: #6639ba; --cyan: #0b6370 }
    @media (prefers-color-scheme: dark) {
      svg { --back: #0d1117; --line: #3d444d; --text: #e6edf3; --dim: #9198a1; --green: #56d364; --yellow: #e3b341;
            --red: #ff7b72; --blue: #79c0ff; --magenta: #d2a8ff; --cyan: #56d4dd }
    }
    text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
           fill: var(--text); white-space: pre }
    .back { fill: var(--back); stroke: var(--line) }
    .c1 { font-weight: bold } .c2 { fill: var(--dim) } .c31 { fill: var(--red) } .c32 { fill: var(--green) }
    .c33 { fill: var(--yellow) } .c34 { fill: var(--blue) } .c35 { fill: var(--magenta) } .c36 { fill: var(--cyan) }
)";

std::string tenths(std::size_t value) {
  return std::to_string(value / 10) + (value % 10 == 0 ? "" : "." + std::to_string(value % 10));
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return result;
}

/// How much of a cell a block covers, in percent; 0 for any other character.
int shade_of(std::string_view character) {
  return character == "█"   ? 100
         : character == "▓" ? 80
         : character == "▒" ? 70
         : character == "░" ? 50
                            : 0;
}

std::size_t length_of(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/// Draws lines: runs of one color, which may go on into the next line, and within them runs of text
/// or of one block.
class Pen {
 public:
  explicit Pen(std::string& out) : out_(out) {}

  void draw(std::string_view line, std::size_t y) {
    y_ = y;
    column_ = 0;
    while (!line.empty()) {
      if (line.front() == '\x1b') {
        flush();
        const std::size_t end = line.find('m');
        const std::string code(line.substr(2, end - 2));
        color_ = code == "0" ? "" : "c" + code;
        line.remove_prefix(end + 1);
        continue;
      }
      const std::string_view character = line.substr(0, length_of(line.front()));
      const int shade = shade_of(character);
      if (shade != shade_) {
        flush();
        shade_ = shade;
      }
      run_ += character;
      ++width_;
      line.remove_prefix(character.size());
    }
    flush();
  }

 private:
  void flush() {
    const std::string color = color_.empty() ? "" : " class=\"" + color_ + "\"";
    const std::string x = " x=\"" + tenths(edge + column_ * cell) + "\"";
    const std::string length = tenths(width_ * cell);
    if (shade_ > 0) {
      out_ += "  <rect" + x + " y=\"" + tenths(y_ - 130) + "\" width=\"" + length +
              "\" height=\"16\" fill-opacity=\"" + tenths(static_cast<std::size_t>(shade_) / 10) +
              "\"" + color + "/>\n";
    } else if (!trim(run_).empty()) {
      out_ += "  <text" + x + " y=\"" + tenths(y_) + "\" textLength=\"" + length +
              "\" lengthAdjust=\"spacingAndGlyphs\"" + color + ">" + escaped(run_) + "</text>\n";
    }
    column_ += width_;
    width_ = 0;
    run_.clear();
  }

  std::string& out_;
  std::size_t y_ = 0;
  std::size_t column_ = 0;
  std::size_t width_ = 0;
  int shade_ = 0;
  std::string run_;
  std::string color_;
};

/// Columns without the colors.
std::size_t columns_shown(std::string_view line) {
  std::string plain;
  while (!line.empty()) {
    const std::size_t escape = line.find('\x1b');
    plain += line.substr(0, escape);
    line.remove_prefix(escape == std::string_view::npos ? line.size() : line.find('m', escape) + 1);
  }
  return columns(plain);
}

}  // namespace

std::string terminal_svg(const std::string& command, const std::vector<std::string>& lines) {
  std::vector<std::string> shown{"\x1b[2m$\x1b[0m " + command};
  shown.insert(shown.end(), lines.begin(), lines.end());
  std::size_t widest = 0;
  for (const std::string& line : shown) {
    widest = std::max(widest, columns_shown(line));
  }
  const std::string width = tenths(2 * edge + widest * cell);
  const std::string height = tenths(2 * edge + shown.size() * row);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" +
                    height + "\" viewBox=\"0 0 " + width + " " + height +
                    "\" role=\"img\" aria-labelledby=\"title\">\n  <title id=\"title\">" +
                    escaped(command) + "</title>\n  <style>" + std::string(style) +
                    "  </style>\n  <rect class=\"back\" x=\"0.5\" y=\"0.5\" width=\"" +
                    tenths(2 * edge + widest * cell - 10) + "\" height=\"" +
                    tenths(2 * edge + shown.size() * row - 10) + "\" rx=\"8\"/>\n";
  Pen pen(out);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    pen.draw(shown[i], edge + i * row + 140);
  }
  return out + "</svg>\n";
}

}  // namespace macfit::test::docs
