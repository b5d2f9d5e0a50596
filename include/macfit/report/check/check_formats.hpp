#pragma once

#include <string>

#include "macfit/report/check/check_report.hpp"
#include "macfit/report/format.hpp"

namespace macfit::report {

/// The summary, a table of findings and one of expectations: for a pull request or a job's summary.
[[nodiscard]] std::string check_markdown(const study::CheckReport& report, const Context& context);

inline constexpr Format<study::CheckReport> check_formats[] = {
    {"concise", [](const study::CheckReport& r, const Context&) { return check_concise(r); }},
    {"json", [](const study::CheckReport& r, const Context&) { return check_json(r); }},
    {"github", [](const study::CheckReport& r, const Context&) { return check_github(r); }},
    {"sarif", [](const study::CheckReport& r, const Context&) { return check_sarif(r); }},
    {"junit", [](const study::CheckReport& r, const Context&) { return check_junit(r); }},
    {"markdown", check_markdown},
};

}  // namespace macfit::report
