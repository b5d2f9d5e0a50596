#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "macfit/runtime/profile.hpp"

namespace macfit::runtime {

/// A way in which a runtime is known to fail, and what helps. Where messages are known exactly the
/// symptom quotes them.
struct FailureMode {
  std::string_view id;        ///< "bridge-after-reboot"
  std::uint8_t runtimes = 0;  ///< one bit an Id
  std::string_view symptom;
  std::string_view cause;
  std::string_view remedy;
  std::string_view source;

  [[nodiscard]] constexpr bool concerns(Id runtime) const {
    return (runtimes >> static_cast<unsigned>(runtime) & 1U) != 0;
  }
};

/// Every known one, sorted by id.
[[nodiscard]] const std::vector<FailureMode>& failure_modes();

/// Those of a runtime.
[[nodiscard]] std::vector<FailureMode> failure_modes_of(Id runtime);

}  // namespace macfit::runtime
