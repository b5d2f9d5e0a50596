#include "names.hpp"

#include <cstddef>
#include <cstdint>

#include "macfit/core/characters.hpp"
#include "macfit/core/text.hpp"

namespace macfit::hardware {
namespace {}  // namespace

std::optional<Bytes> parse_ram(std::string_view text) {
  const std::string lowered = lower(trim(text));
  std::size_t digits = 0;
  std::int64_t value = 0;
  while (digits < lowered.size() && is_digit(lowered[digits])) {
    if (digits == 6) {
      return std::nullopt;
    }
    value = value * 10 + (lowered[digits] - '0');
    ++digits;
  }
  const std::string_view unit = trim(std::string_view(lowered).substr(digits));
  if (unit == "t" || unit == "tb" || unit == "tib") {
    value *= 1024;
  } else if (!unit.empty() && unit != "g" && unit != "gb" && unit != "gib") {
    return std::nullopt;
  }
  if (digits == 0 || value < 1 || value > 65536) {
    return std::nullopt;
  }
  return Bytes(value * gib);
}

std::string ram_text(Bytes ram) {
  if (ram.count() % gib != 0) {
    return format_gib(ram);
  }
  return std::to_string(ram.count() / gib) + " GB";
}

namespace {

/// "128gb" and "128-gb" are 128.
void drop_unit(std::string& key) {
  for (const std::string_view unit : {"gib", "gb", "g"}) {
    if (!key.ends_with(unit) || key.size() <= unit.size()) {
      continue;
    }
    std::size_t end = key.size() - unit.size();
    if (key[end - 1] == '-' && end >= 2) {
      --end;
    }
    if (is_digit(key[end - 1])) {
      key.resize(end);
    }
    return;
  }
}

}  // namespace

std::string machine_key(std::string_view name) {
  std::string key = lower(trim(name));
  for (char& c : key) {
    if (c == '_' || c == ' ') {
      c = '-';
    }
  }
  drop_unit(key);
  for (const std::string_view variant : {"max", "pro", "ultra"}) {
    for (std::size_t at = key.find(variant); at != std::string::npos;
         at = key.find(variant, at + variant.size())) {
      const bool chip = at >= 2 && is_digit(key[at - 1]) && key[at - 2] == 'm';
      if (chip && (at == 2 || key[at - 3] == '-')) {
        key.insert(at, 1, '-');
        ++at;
      }
    }
  }
  return key;
}

std::string quoted(std::string_view name) { return "\"" + printable(name, 80) + "\""; }

}  // namespace macfit::hardware
