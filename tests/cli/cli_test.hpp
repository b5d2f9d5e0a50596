#pragma once

#include <string>
#include <vector>

#include "macfit/plan/plan.hpp"
#include "test.hpp"

namespace macfit::test {

/// The plan that `macfit plan` makes of these flags, with the embedded catalogs.
[[nodiscard]] plan::Plan make(const std::vector<std::string>& flags);

/// A run of the program in this process: exit code and what it wrote.
struct Ran {
  int code = 0;
  std::string out;
  std::string error;
};
/// A run of the built program by a shell; `command` follows the program's name.
[[nodiscard]] Ran run(const std::string& command, const std::string& program = MACFIT_BINARY);

}  // namespace macfit::test
