#pragma once

#include "macfit/report/format.hpp"
#include "macfit/report/page/html_report.hpp"
#include "macfit/report/survey/survey_report.hpp"

namespace macfit::report {

inline constexpr Format<Survey> survey_formats[] = {
    {"text", [](const Survey& s, const Context& c) { return survey_text(s, c.style); }},
    {"markdown", [](const Survey& s, const Context&) { return survey_markdown(s); }},
    {"csv", [](const Survey& s, const Context&) { return survey_csv(s); }},
    {"json", [](const Survey& s, const Context&) { return survey_json(s); }},
    {"html", [](const Survey& s, const Context& c) { return survey_html(s, c.command, c.next()); }},
};

}  // namespace macfit::report
