#include <cmath>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/compare/against_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

std::string rate_with_interval(const std::optional<speed::Estimate>& figure) {
  return figure ? fmt::format("{} ({}–{})", format_rate(figure->value), format_rate(figure->low),
                              format_rate(figure->high))
                : "–";
}

std::string duration(const std::optional<speed::Estimate>& figure) {
  return figure ? format_duration(figure->value) : "–";
}

std::string price(const std::optional<study::ClusterPrice>& price) {
  return price ? fmt::format("${} ({})", format_whole(std::llround(price->usd)), price->dates)
               : "not known";
}

}  // namespace

std::string against_text(const study::Side& mine, const study::Side& other, const Style& style) {
  Table table({{"", false, false},
               {printable(mine.spec, 40), false, false},
               {printable(other.spec, 40), false, false}});
  const auto row = [&](const char* name, const auto& words) {
    table.add({name, words(mine), words(other)});
  };
  row("verdict", [](const study::Side& s) { return s.verdict; });
  row("tier", [](const study::Side& s) { return s.tier; });
  row("runtime", [](const study::Side& s) {
    return s.runtime.empty() ? "–" : fmt::format("{}, {}", s.runtime, printable(s.format, 40));
  });
  row("fullest node",
      [](const study::Side& s) { return s.utilization ? format_percent(*s.utilization) : "–"; });
  row("longest context",
      [](const study::Side& s) { return s.max_context ? format_whole(*s.max_context) : "–"; });
  row("tokens/s, one answer",
      [](const study::Side& s) { return rate_with_interval(s.speed.decode); });
  row("tokens/s, all", [](const study::Side& s) { return rate_with_interval(s.speed.aggregate); });
  row("first token", [](const study::Side& s) { return duration(s.speed.time_to_first_token); });
  row("jobs in a night of 9 h", [](const study::Side& s) {
    constexpr double hours = 9.0;
    return s.jobs_per_hour ? format_whole(static_cast<std::int64_t>(s.jobs_per_hour->value * hours))
                           : "–";
  });
  row("list price", [](const study::Side& s) { return price(s.price); });
  return paint(style, Paint::bold, "\nAgainst " + printable(other.spec, 64)) + "\n" +
         table.text(style);
}

}  // namespace macfit::report
