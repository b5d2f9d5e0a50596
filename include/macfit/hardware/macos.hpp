#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace macfit::hardware {

/// A macOS version. A version given without its minor number stands for the newest known one.
struct Macos {
  int major = 26;
  int minor = 7;
  bool minor_stated = false;

  /// "26" or "26.2", as it was given.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool at_least(int wanted_major, int wanted_minor) const noexcept;

  friend bool operator==(const Macos&, const Macos&) = default;
};

/// Metal's rules for the GPU limit changed between macOS 15 and 26.
enum class MacosEra : std::uint8_t { up_to_15, from_26 };
[[nodiscard]] MacosEra era_of(const Macos& macos) noexcept;

/// Reads "15", "15.6", "26", "26.2", "26.2.1" (the patch number is dropped), "macOS 26".
/// Throws Error for anything else; there is no 16 to 25.
[[nodiscard]] Macos parse_macos(std::string_view text);

/// RDMA over Thunderbolt 5 begins with macOS 26.2 (Apple TN3205).
[[nodiscard]] bool macos_has_rdma(const Macos& macos) noexcept;

}  // namespace macfit::hardware
