#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace macfit {

/// ASCII only, whatever the locale.
[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Decodes one UTF-8 sequence at `at`; returns its length, 0 if invalid.
[[nodiscard]] std::size_t decode_utf8(std::string_view text, std::size_t at,
                                      std::uint32_t& code) noexcept;

/// Characters that move the cursor, reorder text, can't be seen, or are none.
[[nodiscard]] bool is_unsafe(std::uint32_t code) noexcept;

/// Columns of a terminal that a character takes: 0 for a combining mark, 2 for wide ones.
[[nodiscard]] std::size_t columns_of(std::uint32_t code) noexcept;

}  // namespace macfit
