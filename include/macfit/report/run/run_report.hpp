#pragma once

#include <string>
#include <string_view>

#include "macfit/report/table/style.hpp"
#include "macfit/run/report.hpp"

namespace macfit::report {

/// One line: how far a run is, how fast, how long still, and what the plan said.
[[nodiscard]] std::string run_line(const run::Report& report);
/// A run for a person: what is done first, then worker by worker, then what failed.
[[nodiscard]] std::string run_text(const run::Report& report, const Style& style);
/// macfit.run/1, two-space indented, ending in a newline.
[[nodiscard]] std::string run_json(const run::Report& report);
/// The same as a page; `command` is what was typed.
[[nodiscard]] std::string run_html(const run::Report& report, std::string_view command);

}  // namespace macfit::report
