#pragma once

#include <cstdint>
#include <string>

#include "macfit/core/evidence.hpp"

namespace macfit::hardware {

/// A number with the interval its sources span and where it comes from. `low` <= `value` <= `high`;
/// all three are equal where only one figure is known. A figure that is not known at all is an
/// empty std::optional, never 0.
template <class T>
struct Figure {
  T value{};
  T low{};
  T high{};
  Evidence evidence = Evidence::estimated;
  std::string source;
};

/// What a source says about something a machine can or can't do.
enum class Ability : std::uint8_t { no, yes, unknown };

}  // namespace macfit::hardware
