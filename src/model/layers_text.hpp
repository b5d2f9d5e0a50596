#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"

namespace macfit::model {

/// More layers than any model has; keeps "9999999*(…)" from filling memory.
inline constexpr std::size_t most_layers = 4096;

/// A letter, then letters, digits, "-" and "_".
[[nodiscard]] bool is_block_name(std::string_view name) noexcept;

/// Appends what `text` says ("3*dense 58*moe", "8*(5*sliding full)") to `layers`, as indices into
/// `blocks`. Throws Error at `pointer`.
void append_layers(std::string_view text, const std::string& pointer,
                   const std::vector<Block>& blocks, std::vector<std::uint16_t>& layers);

/// The shortest text (of long lists plain runs), broken between its outermost parts into lines of
/// `width` where longer.
[[nodiscard]] std::vector<std::string> layers_lines(const std::vector<Block>& blocks,
                                                    const std::vector<std::uint16_t>& layers,
                                                    std::size_t width);

}  // namespace macfit::model
