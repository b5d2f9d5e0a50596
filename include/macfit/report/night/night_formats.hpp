#pragma once

#include "macfit/report/format.hpp"
#include "macfit/report/night/night_report.hpp"
#include "macfit/report/page/html_report.hpp"

namespace macfit::report {

inline constexpr Format<study::NightResult> night_formats[] = {
    {"text", [](const study::NightResult& n, const Context& c) { return night_text(n, c.style); }},
    {"json", [](const study::NightResult& n, const Context&) { return night_json(n); }},
    {"csv", [](const study::NightResult& n, const Context&) { return night_csv(n); }},
    {"markdown", [](const study::NightResult& n, const Context&) { return night_markdown(n); }},
    {"html",
     [](const study::NightResult& n, const Context& c) { return night_html(n, c.command); }},
};

}  // namespace macfit::report
