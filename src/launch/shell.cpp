#include "macfit/launch/shell.hpp"

#include <algorithm>

#include "macfit/core/shell_word.hpp"

namespace macfit::launch {
namespace {

/// Only letters, digits and these.
bool of(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string quote_value(std::string_view text) {
  return shell_word(text.substr(0, 1) == "-" ? "./" + std::string(text) : std::string(text));
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
