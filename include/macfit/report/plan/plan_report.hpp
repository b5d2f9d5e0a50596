#pragma once

#include <string>

#include "macfit/plan/plan.hpp"
#include "macfit/report/table/style.hpp"

namespace macfit::report {

/// A plan as a person reads it in a terminal: verdict, reasons, a bar per node, alternatives, what
/// to do.
[[nodiscard]] std::string plan_text(const plan::Plan& plan, const Style& style);

/// A plan as JSON (macfit.plan/1), two-space indented, ending in a newline; or on one line without.
/// The same plan always gives the same bytes.
[[nodiscard]] std::string plan_json(const plan::Plan& plan, bool one_line = false);

/// "catalog" field of the tool's own description.
[[nodiscard]] std::string tool_version();

}  // namespace macfit::report
