#pragma once

#include <optional>
#include <string>

#include "macfit/run/report.hpp"

namespace macfit::report {

/// "312 of 1,000 jobs done, 2 of them failed", and how it ended.
[[nodiscard]] std::string run_answer(const run::Report& report);
/// Measured against planned, in a sentence; empty where nothing was measured.
[[nodiscard]] std::string rate_words(const run::Report& report);
/// Tokens, retries, restarts.
[[nodiscard]] std::string work_words(const run::Report& report);
/// What to do next; empty where nothing is left to do.
[[nodiscard]] std::string next_words(const run::Report& report);
/// Tokens written a second while it had work; "–" where there are none.
[[nodiscard]] std::string pace(const run::WorkerReport& worker);
/// What the plan takes it for, or "–".
[[nodiscard]] std::string forecast_words(const run::WorkerReport& worker);

}  // namespace macfit::report
