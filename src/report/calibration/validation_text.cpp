#include <cmath>
#include <map>

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/calibration/validation_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

constexpr std::size_t worst_count = 10;

std::string exact_percent(double error) {
  return error == 0.0 ? "0" : fmt::format("{:.4g} %", 100.0 * error);
}

std::string figure(double value) {
  constexpr double most = 9.0e15;
  if (std::abs(value) < most && value == std::floor(value)) {
    return format_whole(static_cast<std::int64_t>(value));
  }
  return fmt::format("{:.6g}", value);
}

/// Skipped figures by reason: a list of hundreds helps nobody.
std::string skipped_text(const calibrate::Validation& validation, const Style& style) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const calibrate::Skipped& row : validation.skipped) {
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& g) { return g.first == row.reason; });
    if (group == groups.end()) {
      group = groups.insert(groups.end(), {row.reason, {}});
    }
    group->second.push_back(row.id);
  }
  std::string text;
  for (const auto& [reason, ids] : groups) {
    constexpr std::size_t shown = 3;
    std::string line = ids.front();
    for (std::size_t i = 1; i < std::min(ids.size(), shown); ++i) {
      line += ", " + ids[i];
    }
    if (ids.size() > shown) {
      line += fmt::format(" and {} more", ids.size() - shown);
    }
    text += "  " + wrap(line + ": " + reason, style.width - 2, 4) + "\n";
  }
  return text;
}

}  // namespace

std::string validation_text(const calibrate::Validation& validation, const Style& style) {
  std::string text =
      paint(style, Paint::bold,
            fmt::format("{}: {} of {} published figures compared", validation.subject,
                        validation.results.size(), validation.rows())) +
      "\n\n";
  Table classes({{"class"},
                 {"figures", true},
                 {"exact", true},
                 {"median error", true},
                 {"p90", true, true},
                 {"p95", true},
                 {"bias", true, true},
                 {"in interval", true, true}});
  for (const calibrate::ClassSummary& c : validation.classes) {
    classes.add({c.name, std::to_string(c.count), std::to_string(c.exact),
                 exact_percent(c.median_abs_error), exact_percent(c.p90_abs_error),
                 exact_percent(c.p95_abs_error), exact_percent(c.bias),
                 format_percent(c.interval_coverage)});
  }
  if (!classes.empty()) {
    text += classes.text(style);
  }
  const std::vector<calibrate::Row> worst = calibrate::worst_rows(validation, worst_count);
  if (!worst.empty()) {
    text += "\n" + paint(style, Paint::bold, "Furthest off") + "\n";
    for (const calibrate::Row& row : worst) {
      text +=
          "  " +
          wrap(fmt::format("{} ({}): published {}, macfit {} ({:+.4g} %)", row.id, row.class_name,
                           figure(row.published), figure(row.predicted), 100.0 * row.error),
               style.width - 2, 4) +
          "\n";
      text += "    " +
              wrap(row.reason.empty() ? "no explanation known" : row.reason, style.width - 4, 4) +
              "\n";
    }
  }
  if (!validation.skipped.empty()) {
    text += "\n" +
            paint(style, Paint::bold, fmt::format("Skipped: {}", validation.skipped.size())) +
            "\n" + skipped_text(validation, style);
  }
  return encode(style, text);
}

}  // namespace macfit::report
