#pragma once

#include <string>
#include <string_view>

namespace macfit::launch {

/// As shell_word(), and safe in a place where a program looks for options: a leading dash gets
/// "./".
[[nodiscard]] std::string quote_value(std::string_view text);

/// True for what ssh takes as a host without second thoughts: letters, digits, ".", "_", "-" and
/// "@", not beginning with a dash.
[[nodiscard]] bool is_host(std::string_view text) noexcept;

/// True for a Hugging Face repository: "owner/name" of letters, digits, ".", "_" and "-".
[[nodiscard]] bool is_repository(std::string_view text) noexcept;

}  // namespace macfit::launch
