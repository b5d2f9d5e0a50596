#include "macfit/hardware/macos.hpp"

#include <array>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::hardware {
namespace {

struct Release {
  int major;
  int newest_minor;  // newest one seen in a source
};

constexpr std::array<Release, 5> releases{{{13, 7}, {14, 8}, {15, 7}, {26, 7}, {27, 0}}};

Error not_a_version(std::string_view text) {
  return Error(
      "macOS version: expected 15, 26 or such as 26.2, found \"" + printable(text, 60) + "\"", {},
      "known: 13, 14, 15, 26 and 27");
}

}  // namespace

std::string Macos::text() const {
  std::string result = std::to_string(major);
  if (minor_stated) {
    result += "." + std::to_string(minor);
  }
  return result;
}

bool Macos::at_least(int wanted_major, int wanted_minor) const noexcept {
  return major != wanted_major ? major > wanted_major : minor >= wanted_minor;
}

MacosEra era_of(const Macos& macos) noexcept {
  return macos.major >= 26 ? MacosEra::from_26 : MacosEra::up_to_15;
}

Macos parse_macos(std::string_view text) {
  std::string_view digits = trim(text);
  if (digits.size() > 5 && same_name(digits.substr(0, 5), "macos")) {
    digits = trim(digits.substr(5));
  }
  std::vector<int> parts;
  for (const std::string_view part : split(digits, '.')) {
    if (part.empty() || part.size() > 2 || parts.size() == 3) {
      throw not_a_version(text);
    }
    int value = 0;
    for (const char c : part) {
      if (c < '0' || c > '9') {
        throw not_a_version(text);
      }
      value = value * 10 + (c - '0');
    }
    parts.push_back(value);
  }
  for (const Release& release : releases) {
    if (release.major == parts[0]) {
      const bool stated = parts.size() > 1;
      return {release.major, stated ? parts[1] : release.newest_minor, stated};
    }
  }
  throw not_a_version(text);
}

bool macos_has_rdma(const Macos& macos) noexcept { return macos.at_least(26, 2); }

}  // namespace macfit::hardware
