#include <array>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/calibration/calibration_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }
std::string signed_percent(double share) { return fmt::format("{:+.1f} %", 100.0 * share); }

Table class_table() {
  return Table({{"class"},
                {"rows", true},
                {"median error", true},
                {"p90", true},
                {"bias", true},
                {"in interval", true}});
}

void add(Table& table, const calibrate::ClassSummary& c) {
  table.add({c.name, std::to_string(c.count), percent(c.median_abs_error), percent(c.p90_abs_error),
             signed_percent(c.bias), fmt::format("{:.0f} %", 100.0 * c.interval_coverage)});
}

std::string listed(const std::string& title, const std::vector<calibrate::Skipped>& rows,
                   const Style& style) {
  if (rows.empty()) {
    return {};
  }
  std::string text =
      "\n" + paint(style, Paint::bold, fmt::format("{}: {}", title, rows.size())) + "\n";
  for (const calibrate::Skipped& row : rows) {
    text += "  " + wrap(printable(row.id, 40) + ": " + row.reason, style.width - 2, 4) + "\n";
  }
  return text;
}

std::string four_digits(double value) { return fmt::format("{:.4g}", value); }

double unit_of(const speed::ConstantInfo& info) {
  return info.unit == "us" ? 1e-6 : info.unit == "ms" ? 1e-3 : 1.0;
}

}  // namespace

std::string speed_validation_text(const calibrate::SpeedValidation& result, const Style& style) {
  const calibrate::Validation& validation = result.validation;
  std::string text =
      paint(
          style, Paint::bold,
          fmt::format("{} of {} rows predicted, each by a fit that has seen nothing of its source "
                      "({} source{})",
                      validation.results.size(), validation.rows(), result.sources,
                      result.sources == 1 ? "" : "s")) +
      "\n";
  if (result.unusable > 0) {
    text += fmt::format("{} more rows are marked as not meant for validation.\n", result.unusable);
  }
  Table totals = class_table();
  Table classes = class_table();
  for (std::size_t i = 0; i < validation.classes.size(); ++i) {
    add(i < result.totals ? totals : classes, validation.classes[i]);
  }
  if (!totals.empty()) {
    text += "\n" + totals.text(style) + "\n" + classes.text(style);
  }
  text += listed("Rows that look wrong or were measured under other conditions", result.doubtful,
                 style);
  text += listed("Not predicted", validation.skipped, style);
  return encode(style, text);
}

std::string calibration_text(const speed::Calibration& calibration, const Style& style) {
  Table constants({{"constant"},
                   {"value", true},
                   {"unit"},
                   {"low", true, true},
                   {"high", true, true},
                   {"rows", true, true},
                   {"sources", true, true},
                   {"meaning", false, true}});
  for (std::size_t i = 0; i < speed::constant_count; ++i) {
    const speed::ConstantInfo& info = speed::constant_info(static_cast<speed::Constant>(i));
    const double unit = unit_of(info);
    constants.add({std::string(info.name), four_digits(calibration.values[i] / unit),
                   info.unit == "1" ? "" : std::string(info.unit),
                   four_digits(calibration.low[i] / unit), four_digits(calibration.high[i] / unit),
                   std::to_string(calibration.rows[i]), std::to_string(calibration.sources[i]),
                   std::string(info.meaning) + (info.fitted() ? "" : "; stated, not fitted")});
  }
  Table intervals({{"figure"},
                   {"rows", true},
                   {"configurations", true},
                   {"sources", true},
                   {"low", true},
                   {"high", true}});
  const auto interval = [&](const std::string& name, const speed::Residuals& r) {
    intervals.add({name, std::to_string(r.rows), std::to_string(r.configurations),
                   std::to_string(r.sources), fmt::format("x {:.2f}", std::exp(r.low)),
                   fmt::format("x {:.2f}", std::exp(r.high))});
  };
  for (std::size_t f = 0; f < speed::figure_count; ++f) {
    const std::string name(speed::figure_name(static_cast<speed::Figure>(f)));
    interval(name, calibration.residuals[f]);
    if (f < calibration.residuals_2024.size() && calibration.residuals_2024[f].rows > 0) {
      interval(name + ", llama.cpp of 2023-24", calibration.residuals_2024[f]);
    }
  }
  std::string text = paint(style, Paint::bold, "Constants") +
                     " (low and high: over fits that leave one source out)\n" +
                     constants.text(style) + "\n" + paint(style, Paint::bold, "80 % intervals") +
                     " (published over predicted)\n" + intervals.text(style);
  if (!calibration.anchors.empty()) {
    Table own({{"own results on"},
               {"model"},
               {"format"},
               {"phase"},
               {"nodes", true},
               {"rows", true},
               {"against the fit", true}});
    for (const speed::Anchor& a : calibration.anchors) {
      own.add({a.chip + ", " + a.engine, a.model, a.format, a.prefill ? "prefill" : "decode",
               std::to_string(a.nodes), std::to_string(a.rows),
               signed_percent(std::exp(a.log_ratio) - 1.0)});
    }
    text += "\n" + own.text(style);
  }
  return encode(style, text);
}

}  // namespace macfit::report
