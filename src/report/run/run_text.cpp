#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/run/run_report.hpp"
#include "macfit/report/table/table.hpp"
#include "run_words.hpp"

namespace macfit::report {

std::string run_text(const run::Report& report, const Style& style) {
  const std::size_t width = std::clamp<std::size_t>(style.width, 40, 120);
  std::string text;
  const auto say = [&](const std::string& words) {
    text += words.empty() ? std::string() : wrap(words, width, 0) + "\n";
  };
  say(run_answer(report));
  say(rate_words(report));
  say(report.completions > 0 ? work_words(report) : std::string());
  say(next_words(report));
  Table table({{"worker", false, false},
               {"completions", true, false},
               {"tok/s written", true, false},
               {"plan, tok/s", false, true},
               {"at once", true, true},
               {"deaths", true, false}});
  for (const run::WorkerReport& worker : report.workers) {
    table.add({printable(worker.name, 40), format_whole(worker.completions), pace(worker),
               forecast_words(worker), format_whole(worker.at_once), format_whole(worker.deaths)});
  }
  text += table.empty() ? std::string() : "\n" + table.text(style);
  if (!report.failed.empty()) {
    text += "\n" + paint(style, Paint::bold, "Set aside") + "\n";
    for (const run::Failure& failure : report.failed) {
      text += "  • " +
              wrap(fmt::format("{}: {} ({})", printable(failure.id, 60), printable(failure.message),
                               printable(failure.code, 40)),
                   width, 4) +
              "\n";
    }
    const auto shown = static_cast<std::int64_t>(report.failed.size());
    if (report.failures > shown) {
      text += fmt::format("  and {} more: those in {} whose \"error\" is not null\n",
                          format_whole(report.failures - shown), printable(report.results));
    }
  }
  return encode(style, text);
}

}  // namespace macfit::report
