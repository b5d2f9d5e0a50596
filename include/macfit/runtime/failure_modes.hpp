#pragma once

#include <string>
#include <vector>

#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

// The prose of a runtime's facts, read from its file when asked for.

/// A way in which a runtime is known to fail, and what helps. Where messages are known exactly the
/// symptom quotes them.
struct FailureMode {
  std::string id;  ///< "bridge-after-reboot"
  std::string symptom;
  std::string cause;
  std::string remedy;
  std::string source;
};

/// Those of a runtime at its release, sorted by id; with those that it shares with what it is
/// built on.
[[nodiscard]] std::vector<FailureMode> failure_modes_of(const Runtime& runtime);

/// One thing that a backend demands before it runs, in words.
struct Demand {
  std::string text;
  std::string source;
};
[[nodiscard]] std::vector<Demand> demands_of(const Runtime& runtime, Backend backend);

}  // namespace macfit::runtime
