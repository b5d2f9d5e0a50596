#pragma once

#include <string>

#include "macfit/plan/plan.hpp"
#include "macfit/report/page/html.hpp"

namespace macfit::report {

/// The placement that a report is about: the winner, or the nearest miss. Null where there is
/// neither.
[[nodiscard]] const plan::Placement* shown_placement(const plan::Plan& plan);
[[nodiscard]] const plan::NodeBudget& fullest_node(const plan::Placement& placement);

/// "mlx-lm, pipeline (default)".
[[nodiscard]] std::string placement_words(const plan::Placement& placement);
/// "3.37 (2.26–4.15)", or a dash.
[[nodiscard]] std::string range_words(const std::optional<speed::Estimate>& figure);

// The parts of a plan's page, one file a subject.
[[nodiscard]] html::Markup memory_section(const plan::Plan& plan, const plan::Placement& shown);
[[nodiscard]] html::Markup layers_section(const plan::Plan& plan, const plan::Placement& shown);
[[nodiscard]] html::Markup context_section(const plan::Plan& plan, const plan::Placement& shown);
[[nodiscard]] html::Markup speed_section(const plan::Plan& plan);

/// What figures about a request rest on, with evidence and source; `more` goes before. `shown` may
/// be null, the model unnamed, and the flags unknown (empty).
[[nodiscard]] html::Markup assumptions_section(const plan::Request& request,
                                               const plan::Placement* shown,
                                               const html::Markup& more = {});

}  // namespace macfit::report
