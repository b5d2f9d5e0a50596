#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace macfit::cli {

/// A command adds itself to the program and returns what to do when it is called. What it returns
/// is the exit code: 0, or 1 where what was required does not hold. Bad input throws Error.
using Action = std::function<int()>;

[[nodiscard]] Action add_plan(CLI::App& app);
[[nodiscard]] Action add_models(CLI::App& app);
[[nodiscard]] Action add_hardware(CLI::App& app);
[[nodiscard]] Action add_runtimes(CLI::App& app);
[[nodiscard]] Action add_launch(CLI::App& app);
[[nodiscard]] Action add_calibrate(CLI::App& app);
[[nodiscard]] Action add_compare(CLI::App& app);
[[nodiscard]] Action add_survey(CLI::App& app);
[[nodiscard]] Action add_size(CLI::App& app);
[[nodiscard]] Action add_sweep(CLI::App& app);
[[nodiscard]] Action add_night(CLI::App& app);
[[nodiscard]] Action add_breakeven(CLI::App& app);
[[nodiscard]] Action add_check(CLI::App& app);
[[nodiscard]] Action add_explain(CLI::App& app);
[[nodiscard]] Action add_help(CLI::App& app);
[[nodiscard]] Action add_completion(CLI::App& app);
[[nodiscard]] Action add_version(CLI::App& app);

/// Parses the command line and runs it. 0 done, 1 required but not so, 2 bad usage or input; errors
/// go to standard error.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace macfit::cli
