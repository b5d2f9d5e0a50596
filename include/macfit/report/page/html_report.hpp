#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/plan/plan.hpp"
#include "macfit/report/survey/survey_report.hpp"
#include "macfit/study/against.hpp"
#include "macfit/study/breakeven.hpp"
#include "macfit/study/night.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::report {

// Reports as pages to pass on; docs/reports.md says what is in them. The same result always gives
// the same bytes.

[[nodiscard]] std::string plan_html(const plan::Plan& plan);
/// The same with the comparison of two clusters; `mine` is the plan's, `spec` names the other as
/// the flag does.
[[nodiscard]] std::string against_html(const plan::Plan& plan, const study::Side& mine,
                                       const study::Side& other, std::string_view spec);

/// What lies between the frames of these pages, for a page that has its own: sections by id.
[[nodiscard]] std::string plan_fragment(const plan::Plan& plan);
[[nodiscard]] std::string against_fragment(const study::Side& mine, const study::Side& other);
[[nodiscard]] std::string night_fragment(const study::NightResult& result);

/// `command` is what was typed.
[[nodiscard]] std::string night_html(const study::NightResult& result, std::string_view command);
[[nodiscard]] std::string breakeven_html(const study::BreakevenResult& result,
                                         std::string_view command);
/// `next` is what to type for one model's plan.
[[nodiscard]] std::string survey_html(const Survey& survey, std::string_view command,
                                      std::string_view next);

/// Rows of a sweep's page at the most.
inline constexpr std::int64_t most_page_rows = 20'000;
/// Heat maps of one column over the two longest axes, one map for each point of the others. Rows of
/// the grid that are not among `rows` are shown as left out.
[[nodiscard]] std::string sweep_html(const study::Grid& grid,
                                     const std::vector<study::SweepRow>& rows, std::size_t figure,
                                     std::string_view command);

}  // namespace macfit::report
