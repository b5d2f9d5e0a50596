#pragma once

#include <string>

#include "macfit/report/format.hpp"
#include "macfit/report/size/size_report.hpp"

namespace macfit::report {

/// One row a placement, model or cluster, figures as they are (RFC 4180).
[[nodiscard]] std::string size_csv(const SizeAnswer& answer, const Context& context);
[[nodiscard]] std::string size_markdown(const SizeAnswer& answer, const Context& context);

inline constexpr Format<SizeAnswer> size_formats[] = {
    {"text", [](const SizeAnswer& a, const Context& c) { return size_text(a, c.style); }},
    {"json", [](const SizeAnswer& a, const Context&) { return size_json(a); }},
    {"csv", size_csv},
    {"markdown", size_markdown},
};

}  // namespace macfit::report
