#pragma once

#include <string>
#include <vector>

#include "macfit/report/compare/compare_report.hpp"
#include "macfit/report/format.hpp"

namespace macfit::report {

struct CompareAnswer {
  std::vector<Difference> differences;
  std::string a;  ///< heads the first plan's column
  std::string b;
};

/// One row a difference (RFC 4180).
[[nodiscard]] std::string differences_csv(const CompareAnswer& answer, const Context& context);

inline constexpr Format<CompareAnswer> compare_formats[] = {
    {"text", [](const CompareAnswer& x,
                const Context& c) { return differences_text(x.differences, x.a, x.b, c.style); }},
    {"markdown", [](const CompareAnswer& x,
                    const Context&) { return differences_markdown(x.differences, x.a, x.b); }},
    {"json", [](const CompareAnswer& x,
                const Context&) { return differences_json(x.differences, x.a, x.b); }},
    {"csv", differences_csv},
};

}  // namespace macfit::report
