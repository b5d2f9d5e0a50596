#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "macfit/core/quantity.hpp"

namespace macfit::hardware {

/// A memory size as Macs are sold: "128", "128gb", "128 GiB", "1tb" are all binary. Empty where the
/// text is not a whole number of GiB from 1 to 65,536.
[[nodiscard]] std::optional<Bytes> parse_ram(std::string_view text);

/// "128 GB", as sold; "1.50 GiB" where it is not a whole number of GiB.
[[nodiscard]] std::string ram_text(Bytes ram);

/// A machine's name as a person may write it, in the catalog's spelling: lower case, hyphens,
/// "m4max" and a trailing "gb" undone.
[[nodiscard]] std::string machine_key(std::string_view name);

/// A name as errors quote it: printable, at most 80 bytes, in double quotes.
[[nodiscard]] std::string quoted(std::string_view name);

}  // namespace macfit::hardware
