#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace macfit {

/// ASCII lower case; other bytes stay.
[[nodiscard]] std::string lower(std::string_view text);

/// Case-insensitive (ASCII) equality.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

/// Number of display columns of a UTF-8 text made of single-width characters.
[[nodiscard]] std::size_t columns(std::string_view text) noexcept;

/// Text that is safe to print on one line of a terminal: control characters, invalid UTF-8 and
/// bidirectional overrides become \u{...} escapes, and what is longer than `limit` bytes is cut.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 200);

/// Optimal string alignment distance on bytes, case-insensitive; `cap` + 1 stands for "more".
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t cap);

/// Up to `count` names nearest to `name`: small edit distance, or one containing the other.
[[nodiscard]] std::vector<std::string> nearest(std::string_view name,
                                               const std::vector<std::string>& known,
                                               std::size_t count);

/// Whether the text holds the part.
[[nodiscard]] constexpr bool mentions(std::string_view text, std::string_view part) noexcept {
  return text.find(part) != std::string_view::npos;
}

/// Splits at every `separator`; an empty text gives one empty part.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// `parent` + "/" + `token`, the token escaped by RFC 6901.
[[nodiscard]] std::string pointer_join(std::string_view parent, std::string_view token);
[[nodiscard]] std::string pointer_join(std::string_view parent, std::size_t index);

/// Greedy word wrap at `width` columns; every line after the first starts with `indent` spaces.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

/// Joins as a person would: "a", "a and b", "a, b and c".
[[nodiscard]] std::string join_words(const std::vector<std::string>& words,
                                     std::string_view last = "and");

/// Spelled-out count up to twelve ("two"), then digits.
[[nodiscard]] std::string count_word(std::size_t count);

}  // namespace macfit
