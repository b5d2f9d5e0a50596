#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "macfit/model/architecture.hpp"
#include "macfit/model/tensor_split.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::verify {

// Names of worked figures say what they are of: "minimax_m2 (62L,kv8,hd128)".

/// The whole number just after the first `mark` that one follows: 62 after "L=" in "L=62". An empty
/// mark means the start.
[[nodiscard]] std::optional<std::int64_t> number_after(std::string_view text,
                                                       std::string_view mark);

/// "affine".
[[nodiscard]] std::optional<model::Mode> mode_named(std::string_view name);

/// The caches that a name spells out: "(62L,kv8,hd128)", "61x(512+64+128)", "18x8x64", "47x576",
/// "12 full x2x256". None where it spells out no shapes.
[[nodiscard]] std::optional<model::Architecture> cache_named(std::string_view name);

/// "dense.down: (in/N) % group_size" is SplitRule::group.
[[nodiscard]] model::SplitRule split_rule_of(std::string_view error);

}  // namespace macfit::verify
