#include "macfit/core/evidence.hpp"

#include <array>

namespace macfit {
namespace {

constexpr std::array<std::string_view, 7> names = {
    "exact", "measured", "measured-near", "community", "vendor", "extrapolated", "estimated"};
static_assert(names.size() == static_cast<std::size_t>(Evidence::estimated) + 1);

}  // namespace

std::string_view evidence_name(Evidence evidence) noexcept {
  return names.at(static_cast<std::size_t>(evidence));
}

std::optional<Evidence> evidence_from_name(std::string_view name) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names.at(i) == name) {
      return static_cast<Evidence>(i);
    }
  }
  return std::nullopt;
}

}  // namespace macfit
