#pragma once

#include <string>

#include "macfit/report/table/style.hpp"
#include "macfit/study/night.hpp"

namespace macfit::report {

/// A night for a person: what is done by morning first, then placement by placement.
[[nodiscard]] std::string night_text(const study::NightResult& result, const Style& style);
/// macfit.night/1, two-space indented, ending in a newline.
[[nodiscard]] std::string night_json(const study::NightResult& result);
/// One row a placement, with a header row (RFC 4180).
[[nodiscard]] std::string night_csv(const study::NightResult& result);
[[nodiscard]] std::string night_markdown(const study::NightResult& result);

}  // namespace macfit::report
