#pragma once

#include "commands.hpp"

namespace macfit::cli {

/// Apart from the other commands: it is there only with MACFIT_NETWORK.
[[nodiscard]] Action add_run(CLI::App& app);

}  // namespace macfit::cli
