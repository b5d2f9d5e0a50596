#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace macfit {

/// Where a number comes from, best first. Every figure that a person may act on carries one.
enum class Evidence : std::uint8_t {
  exact,          ///< tensor headers, allocation rules read from a runtime's source
  measured,       ///< this machine, model, format and runtime
  measured_near,  ///< a near neighbour of it
  community,      ///< self-submitted, method partly known
  vendor,         ///< the vendor's figure
  extrapolated,   ///< a measured rule carried beyond the sizes it was measured at
  estimated,      ///< a formula or a bound without a measurement behind it
};

/// "measured-near".
[[nodiscard]] std::string_view evidence_name(Evidence evidence) noexcept;
[[nodiscard]] std::optional<Evidence> evidence_from_name(std::string_view name) noexcept;

/// The weaker of two: a figure is no better than the worst number in it.
[[nodiscard]] constexpr Evidence weaker(Evidence a, Evidence b) noexcept { return a < b ? b : a; }

}  // namespace macfit
