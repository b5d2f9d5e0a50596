// Line and column of a JSON pointer in a text, which the JSON library does not keep.

#include "macfit/core/json_place.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/core/text.hpp"

namespace macfit {
namespace {

std::string unescaped(std::string_view token) {
  std::string result;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      ++i;
      result += token[i] == '1' ? '/' : '~';
    } else {
      result += token[i];
    }
  }
  return result;
}

void append_utf8(std::string& text, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6U));
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

/// Steps over JSON without checking it; never past the end.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") {
      at_ = 3;
    }
    blanks();
  }

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void step() {
    if (at_ < text_.size()) {
      ++at_;
    }
    blanks();
  }

  /// The string that starts here, its escapes resolved.
  std::string string() {
    std::string result;
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        result += text_[at_++];
        continue;
      }
      ++at_;
      const char escape = now();
      ++at_;
      if (escape == 'u') {
        std::uint32_t code = hex();
        constexpr std::uint32_t high = 0xD800;
        constexpr std::uint32_t low = 0xDC00;
        if (code >= high && code < low && text_.substr(std::min(at_, text_.size()), 2) == "\\u") {
          at_ += 2;
          code = 0x10000U + ((code - high) << 10U) + ((hex() - low) & 0x3FFU);
        }
        append_utf8(result, code & 0x1FFFFFU);
      } else {
        const std::size_t known = std::string_view("bfnrt").find(escape);
        result += known == std::string_view::npos ? escape : "\b\f\n\r\t"[known];
      }
    }
    at_ = std::min(at_, text_.size());
    step();
    return result;
  }

  void value() {
    std::size_t depth = 0;
    do {
      const char c = now();
      if (c == '"') {
        (void)string();
      } else if (c == '{' || c == '[') {
        ++depth;
        step();
      } else if (c == '}' || c == ']') {
        depth -= depth > 0 ? 1 : 0;
        step();
      } else if (c == ',' || c == ':') {
        step();
      } else {
        while (at_ < text_.size() &&
               std::string_view(",:]}{[\" \t\r\n").find(text_[at_]) == std::string_view::npos) {
          ++at_;
        }
        blanks();
      }
    } while (depth > 0 && at_ < text_.size());
  }

 private:
  void blanks() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  std::uint32_t hex() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
    std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    at_ += digits.size();
    return code;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Found {
  std::size_t key;
  std::size_t value;
};

/// Leads the scanner from a container's start to its member.
std::optional<Found> enter(Scanner& scanner, const std::string& token) {
  const char open = scanner.now();
  if (open != '{' && open != '[') {
    return std::nullopt;
  }
  const char close = open == '{' ? '}' : ']';
  scanner.step();
  for (std::size_t index = 0; scanner.now() != close && scanner.now() != '\0'; ++index) {
    const std::size_t key_at = scanner.at();
    bool wanted = open == '[' && std::to_string(index) == token;
    if (open == '{') {
      if (scanner.now() != '"') {
        return std::nullopt;
      }
      const std::string key = scanner.string();
      // An error's pointer has control characters made visible.
      wanted = key == token || printable(key) == token;
      scanner.step();  // the colon
    }
    if (wanted) {
      return Found{key_at, scanner.at()};
    }
    scanner.value();
    if (scanner.now() == ',') {
      scanner.step();
    }
  }
  return std::nullopt;
}

}  // namespace

TextPlace place_of_offset(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  TextPlace place;
  place.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  std::string_view line = before.substr(before.rfind('\n') + 1);
  if (line.substr(0, 3) == "\xEF\xBB\xBF") {
    line.remove_prefix(3);
  }
  place.column = 1 + columns(line);
  return place;
}

TextPlace place_of_pointer(std::string_view text, std::string_view pointer, PointAt at) {
  Scanner scanner(text);
  Found here{scanner.at(), scanner.at()};
  bool whole = true;
  const std::vector<std::string_view> tokens = split(pointer, '/');
  for (std::size_t i = 1; i < tokens.size() && whole; ++i) {
    if (const auto found = enter(scanner, unescaped(tokens[i]))) {
      here = *found;
    } else {
      whole = false;
    }
  }
  return place_of_offset(text, whole && at == PointAt::key ? here.key : here.value);
}

}  // namespace macfit
