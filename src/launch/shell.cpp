#include "macfit/launch/shell.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"

namespace macfit::launch {
namespace {

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool of(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return alphanumeric(c) || more.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string quote(std::string_view text) {
  // No "=" and no "~": both mean something at the start of a word.
  if (of(text, "-_./+:,%@")) {
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
    quoted += alphanumeric(c) || std::string_view(" -_./+:,%@=").find(c) != std::string_view::npos
                  ? std::string(1, c)
                  : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return quoted + "'";
}

std::string quote_value(std::string_view text) {
  return quote(text.substr(0, 1) == "-" ? "./" + std::string(text) : std::string(text));
}

bool is_host(std::string_view text) noexcept {
  return text.substr(0, 1) != "-" && of(text, "._-@");
}

bool is_repository(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && is_host(text.substr(0, slash)) &&
         is_host(text.substr(slash + 1)) && text.find('@') == std::string_view::npos;
}

}  // namespace macfit::launch
