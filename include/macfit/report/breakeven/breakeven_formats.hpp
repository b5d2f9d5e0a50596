#pragma once

#include <string>

#include "macfit/report/breakeven/breakeven_report.hpp"
#include "macfit/report/format.hpp"
#include "macfit/report/page/html_report.hpp"

namespace macfit::report {

/// The answer, and a table each of limits, runs and crossings.
[[nodiscard]] std::string breakeven_markdown(const study::BreakevenResult& result,
                                             const Context& context);

inline constexpr Format<study::BreakevenResult> breakeven_formats[] = {
    {"text",
     [](const study::BreakevenResult& r, const Context& c) { return breakeven_text(r, c.style); }},
    {"json", [](const study::BreakevenResult& r, const Context&) { return breakeven_json(r); }},
    {"csv", [](const study::BreakevenResult& r, const Context&) { return breakeven_csv(r); }},
    {"markdown", breakeven_markdown},
    {"svg", [](const study::BreakevenResult& r, const Context&) { return breakeven_svg(r); }},
    {"html", [](const study::BreakevenResult& r,
                const Context& c) { return breakeven_html(r, c.command); }},
};

}  // namespace macfit::report
