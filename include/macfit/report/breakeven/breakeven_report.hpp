#pragma once

#include <string>

#include "macfit/report/table/style.hpp"
#include "macfit/study/breakeven.hpp"

namespace macfit::report {

/// Where workers turn into a shard for a person: the answer first, a bar for each format and
/// context, what a shard costs, and where tensor over RDMA pays.
[[nodiscard]] std::string breakeven_text(const study::BreakevenResult& result, const Style& style);
/// macfit.breakeven/1, two-space indented, ending in a newline.
[[nodiscard]] std::string breakeven_json(const study::BreakevenResult& result);
/// Limits, runs and crossings in one long table (RFC 4180).
[[nodiscard]] std::string breakeven_csv(const study::BreakevenResult& result);
/// The bars as a standalone SVG: no script, no style attribute.
[[nodiscard]] std::string breakeven_svg(const study::BreakevenResult& result);

}  // namespace macfit::report
