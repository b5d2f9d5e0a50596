#include "macfit/core/dump_json.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "macfit/core/characters.hpp"

namespace macfit {
namespace {

void escape(std::string& out, std::uint32_t unit) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(unit));
  out += text.data();
}

}  // namespace

std::string dump_json(const nlohmann::ordered_json& value, int indent) {
  std::string text =
      value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
  if (std::all_of(text.begin(), text.end(), plain)) {
    return text;
  }
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t code = 0;
    const std::size_t length = std::max<std::size_t>(decode_utf8(text, at, code), 1);
    // Below 0x20 there are only the line ends between values: the rest is escaped already.
    if (code < 0x7F || !is_unsafe(code)) {
      safe.append(text, at, length);
    } else if (code < 0x10000) {
      escape(safe, code);
    } else {
      escape(safe, 0xD800 + ((code - 0x10000) >> 10U));
      escape(safe, 0xDC00 + ((code - 0x10000) & 0x3FFU));
    }
    at += length;
  }
  return safe;
}

std::string dump_document(const nlohmann::ordered_json& value) { return dump_json(value) + "\n"; }

}  // namespace macfit
