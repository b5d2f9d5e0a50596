#pragma once

#include <string>
#include <string_view>

#include "macfit/plan/plan.hpp"
#include "macfit/study/against.hpp"
#include "macfit/study/breakeven.hpp"
#include "macfit/study/night.hpp"

namespace macfit::report {

// Reports as pages to pass on; docs/reports.md says what is in them. The same result always gives
// the same bytes.

[[nodiscard]] std::string plan_html(const plan::Plan& plan);
/// The same with the comparison of two clusters; `mine` is the plan's, `spec` names the other as
/// the flag does.
[[nodiscard]] std::string against_html(const plan::Plan& plan, const study::Side& mine,
                                       const study::Side& other, std::string_view spec);

/// `command` is what was typed.
[[nodiscard]] std::string night_html(const study::NightResult& result, std::string_view command);
[[nodiscard]] std::string breakeven_html(const study::BreakevenResult& result,
                                         std::string_view command);

}  // namespace macfit::report
