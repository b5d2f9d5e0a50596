#pragma once

#include <string>
#include <string_view>

namespace macfit {

/// The text as one word of a bash script, whatever is in it. Plain words stay as they are; control
/// characters, bidirectional controls and bytes that are not UTF-8 are written as octal escapes, so
/// that nothing hides from a person who reads the script.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace macfit
