#pragma once

#include <charconv>
#include <cstring>
#include <type_traits>
#include <version>

/// What C++20's library has and not every compiler's does yet (LLVM's before 20, so Apple's and
/// Emscripten's, reads no decimals).
namespace macfit {

/// std::bit_cast.
template <class To, class From>
[[nodiscard]] To bit_cast(const From& from) noexcept {
  static_assert(sizeof(To) == sizeof(From) && std::is_trivially_copyable_v<To> &&
                std::is_trivially_copyable_v<From>);
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

/// std::from_chars of a decimal number: no blanks, plus sign, hexadecimal or locale.
[[nodiscard]] std::from_chars_result parse_decimal(const char* first, const char* last,
                                                   double& value);

}  // namespace macfit
