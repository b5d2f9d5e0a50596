#pragma once

#include <string_view>

namespace macfit {

/// True where `pattern` describes all of `text`: * is any run of characters, ? any one. ASCII case
/// does not matter.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text) noexcept;

}  // namespace macfit
