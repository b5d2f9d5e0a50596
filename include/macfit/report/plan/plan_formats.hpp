#pragma once

#include <optional>
#include <string>

#include "macfit/plan/plan.hpp"
#include "macfit/report/compare/against_report.hpp"
#include "macfit/report/format.hpp"
#include "macfit/report/page/html_report.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/study/against.hpp"

namespace macfit::report {

/// The same model on another cluster, for `plan --against`.
struct Beside {
  plan::Plan plan;
  study::Side mine;  ///< of the answer's own plan
  study::Side other;
  std::string spec;  ///< as the flag names it
};

struct PlanAnswer {
  plan::Plan plan;
  std::optional<Beside> beside;
};

/// One row a node of every placement, of both clusters where there are two (RFC 4180).
[[nodiscard]] std::string plan_csv(const PlanAnswer& answer, const Context& context);
/// The verdict, its reasons, placements side by side, the budgets of the one shown, what to do.
[[nodiscard]] std::string plan_markdown(const PlanAnswer& answer, const Context& context);

inline constexpr Format<PlanAnswer> plan_formats[] = {
    {"text",
     [](const PlanAnswer& a, const Context& c) {
       return plan_text(a.plan, c.style) +
              (a.beside ? against_text(a.beside->mine, a.beside->other, c.style) : std::string());
     }},
    {"json",
     [](const PlanAnswer& a, const Context&) {
       return a.beside ? against_json(a.plan, a.beside->plan, a.beside->mine, a.beside->other)
                       : plan_json(a.plan);
     }},
    {"csv", plan_csv},
    {"markdown", plan_markdown},
    {"html",
     [](const PlanAnswer& a, const Context&) {
       return a.beside ? against_html(a.plan, a.beside->mine, a.beside->other, a.beside->spec)
                       : plan_html(a.plan);
     }},
};

}  // namespace macfit::report
