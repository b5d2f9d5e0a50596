#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/study/check.hpp"

namespace macfit::report {

// One report of `macfit check` for the readers that take it. docs/check.md.

/// One line a finding: "models/x.json:3:14: error: message (hint) [code]".
[[nodiscard]] std::string check_concise(const study::CheckReport& report);
/// "macfit.check/1", which --baseline reads again.
[[nodiscard]] std::string check_json(const study::CheckReport& report);
/// Workflow commands that GitHub Actions turns into annotations.
[[nodiscard]] std::string check_github(const study::CheckReport& report);
/// SARIF 2.1.0.
[[nodiscard]] std::string check_sarif(const study::CheckReport& report);
/// JUnit XML: a suite a file, a case for the manifest and one for each expectation.
[[nodiscard]] std::string check_junit(const study::CheckReport& report);

/// "139 files: no errors, 2 warnings; 6 of 6 expectations hold".
[[nodiscard]] std::string check_summary(const study::CheckReport& report);

}  // namespace macfit::report
