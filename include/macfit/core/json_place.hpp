#pragma once

#include <cstddef>
#include <string_view>

namespace macfit {

/// A place in a text as editors count: from 1; columns are characters, not bytes.
struct TextPlace {
  std::size_t line = 1;
  std::size_t column = 1;
  bool operator==(const TextPlace&) const = default;
};

/// The place of a byte; behind the end, that of the end.
[[nodiscard]] TextPlace place_of_offset(std::string_view text, std::size_t offset);

enum class PointAt : unsigned char { key, value };

/// Where the value that an RFC 6901 pointer names starts in a JSON text, or the key before it.
/// Where the pointer leads nowhere, the innermost value on its way that is there. Any text is safe.
[[nodiscard]] TextPlace place_of_pointer(std::string_view text, std::string_view pointer,
                                         PointAt at = PointAt::value);

}  // namespace macfit
