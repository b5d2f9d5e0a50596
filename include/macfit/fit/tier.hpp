#pragma once

#include <cstdint>
#include <string_view>

namespace macfit::fit {

/// How well a placement sits; ordered from worst to best.
enum class Tier : std::uint8_t {
  not_practical,  ///< does not load
  borderline,     ///< loads, but is not comfortable, or needs the raised GPU limit
  comfortable,    ///< utilization at the asked context at most 0.85
};

/// "not-practical".
[[nodiscard]] std::string_view tier_name(Tier tier) noexcept;
/// Throws Error naming the three.
[[nodiscard]] Tier parse_tier(std::string_view name);

/// Above this share of effective memory a placement is not comfortable. mlx-lm warns at 0.9 of the
/// GPU limit; kernel panics are reported near it: docs/fit.md.
inline constexpr std::int64_t comfortable_percent = 85;

/// "Loads" means this many tokens a sequence, or the model's longest where that is less.
inline constexpr std::int64_t load_context = 4096;

/// Largest demand that is comfortable: 0.85 x effective, floored, without leaving 64 bits.
[[nodiscard]] constexpr std::int64_t comfortable_bound(std::int64_t effective) {
  return effective / 100 * comfortable_percent + effective % 100 * comfortable_percent / 100;
}
[[nodiscard]] constexpr bool is_comfortable(std::int64_t demand, std::int64_t effective) {
  return demand <= comfortable_bound(effective);
}

}  // namespace macfit::fit
