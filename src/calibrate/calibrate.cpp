// From resolved rows to calibration: constants, intervals, and what a fit says of sources that it
// has not seen.

#include "macfit/calibrate/calibrate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "fit.hpp"

namespace macfit::calibrate {
namespace {

using speed::Figure;

double sorted_share(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) {
    return 0.0;
  }
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - static_cast<double>(low));
}

std::string total_name(Figure figure) {
  switch (figure) {
    case Figure::decode:
      return "decode, 1 node";
    case Figure::prefill:
      return "prefill, 1 node";
    case Figure::decode_nodes:
      return "decode, several nodes";
    case Figure::prefill_nodes:
      return "prefill, several nodes";
  }
  return {};
}

std::string factor_text(double ratio) {
  const double factor = std::exp(std::fabs(ratio));
  const int tenths = static_cast<int>(std::lround(factor * 10.0));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " times " +
         (ratio < 0.0 ? "slower" : "faster") +
         " than a fit to all other sources predicts; published value or conditions may be wrong";
}

/// Results of the user's own on one configuration, against the fit.
void add_anchors(const Resolution& resolution, speed::Calibration& calibration) {
  std::map<std::string, std::vector<double>> ratios;
  std::map<std::string, speed::Anchor> anchors;
  for (const Sample& s : resolution.samples) {
    if (!resolution.rows[s.row].own) {
      continue;
    }
    const speed::Work& work = resolution.works[s.work];
    speed::Anchor anchor;
    anchor.chip = s.chips[0].id;
    anchor.cores = s.chips[0].cores;
    anchor.engine = speed::engine_name(work.engine);
    anchor.model = work.model;
    anchor.format = work.format;
    anchor.nodes = static_cast<int>(s.chips.size());
    anchor.prefill = s.prefill;
    const std::string key = anchor.chip + "|" + std::to_string(anchor.cores) + "|" + anchor.engine +
                            "|" + anchor.model + "|" + anchor.format + "|" +
                            std::to_string(anchor.nodes) + (s.prefill ? "|prefill" : "|decode");
    anchors.emplace(key, anchor);
    ratios[key].push_back(std::log(s.published / predict(resolution, s, calibration.values)));
  }
  for (auto& [key, anchor] : anchors) {
    std::vector<double>& list = ratios[key];
    std::sort(list.begin(), list.end());
    anchor.log_ratio = sorted_share(list, 0.5);
    anchor.rows = list.size();
    calibration.anchors.push_back(anchor);
  }
}

/// Rows and sources that carry a constant: whose prediction follows it by at least a fiftieth part.
void count_rows(const Resolution& resolution, speed::Calibration& calibration) {
  constexpr double nudge = 1.1;
  constexpr double least = 0.02;
  for (std::size_t c = 0; c < speed::constant_count; ++c) {
    speed::Constants other = calibration.values;
    other[c] *= nudge;
    std::set<std::string> sources;
    for (const Sample& s : resolution.samples) {
      const double before = predict(resolution, s, calibration.values);
      const double moved = std::fabs(std::log(predict(resolution, s, other) / before));
      if (moved / std::log(nudge) > least) {
        ++calibration.rows[c];
        sources.insert(s.source);
      }
    }
    calibration.sources[c] = sources.size();
  }
}

}  // namespace

speed::Calibration fit_calibration(const Resolution& resolution) {
  const Folds folds = leave_sources_out(resolution);
  speed::Calibration calibration = speed::Calibration::start();
  calibration.values = folds.all;
  calibration.low = folds.all;
  calibration.high = folds.all;
  for (const speed::Constants& fold : folds.constants) {
    for (std::size_t c = 0; c < speed::constant_count; ++c) {
      calibration.low[c] = std::min(calibration.low[c], fold[c]);
      calibration.high[c] = std::max(calibration.high[c], fold[c]);
    }
  }
  for (std::size_t c = 0; c < speed::constant_count; ++c) {
    if (!speed::constant_info(static_cast<speed::Constant>(c)).fitted()) {
      std::tie(calibration.low[c], calibration.high[c]) = std::minmax(
          speed::at_stated_end(folds.all, false)[c], speed::at_stated_end(folds.all, true)[c]);
    }
  }
  for (std::size_t f = 0; f < speed::figure_count; ++f) {
    const auto figure = static_cast<Figure>(f);
    const speed::Residuals residuals = residuals_of(resolution, folds, {figure, false}, {});
    if (residuals.rows > 0) {
      calibration.residuals[f] = residuals;
    }
    if (f < calibration.residuals_2024.size()) {
      calibration.residuals_2024[f] = residuals_of(resolution, folds, {figure, true}, {});
    }
  }
  for (const LeftOut& left : folds.samples) {
    const Sample& s = resolution.samples[left.sample];
    calibration.fitted.push_back({resolution.rows[s.row].id, s.source, s.figure(), left.log_ratio});
  }
  count_rows(resolution, calibration);
  add_anchors(resolution, calibration);
  return calibration;
}

SpeedValidation validate_speed(const Resolution& resolution, std::size_t judged,
                               const std::vector<speed::Constant>& held) {
  const Folds folds = leave_sources_out(resolution, held);
  SpeedValidation result;
  result.validation.subject = "speed";
  std::set<std::string> judged_ids;
  for (std::size_t i = 0; i < judged; ++i) {
    judged_ids.insert(resolution.rows[i].id);
    result.unusable += resolution.rows[i].usable ? 0U : 1U;
  }
  std::copy_if(resolution.skipped.begin(), resolution.skipped.end(),
               std::back_inserter(result.validation.skipped),
               [&](const Skipped& skipped) { return judged_ids.contains(skipped.id); });
  std::set<std::string> sources;
  std::map<std::string, speed::Residuals> intervals;
  std::array<std::vector<Row>, speed::figure_count> by_figure;
  for (const LeftOut& left : folds.samples) {
    const Sample& s = resolution.samples[left.sample];
    if (s.row >= judged) {
      continue;
    }
    sources.insert(s.source);
    const Figure figure = s.figure();
    const Spread spread = spread_of(resolution, s);
    const std::string key =
        s.source + "|" + std::string(speed::figure_name(figure)) + (spread.old ? "|old" : "");
    auto interval = intervals.find(key);
    if (interval == intervals.end()) {
      interval = intervals.emplace(key, residuals_of(resolution, folds, spread, s.source)).first;
    }
    Row row;
    row.id = resolution.rows[s.row].id;
    row.class_name = s.name_class;
    row.published = s.published;
    row.predicted = s.published / std::exp(left.log_ratio);
    row.low = row.predicted * std::exp(interval->second.low);
    row.high = row.predicted * std::exp(interval->second.high);
    row.error = row.predicted / row.published - 1.0;
    if (std::fabs(left.log_ratio) > far_off) {
      row.reason = factor_text(left.log_ratio);
      result.doubtful.push_back({row.id, row.reason});
    }
    result.validation.results.push_back(row);
    row.class_name = total_name(figure);
    by_figure[static_cast<std::size_t>(figure)].push_back(row);
  }
  for (const std::vector<Row>& rows : by_figure) {
    for (ClassSummary& total : summarize(rows)) {
      result.validation.classes.push_back(std::move(total));
    }
  }
  result.sources = sources.size();
  result.totals = result.validation.classes.size();
  std::vector<Row> sorted = result.validation.results;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Row& a, const Row& b) { return a.class_name < b.class_name; });
  for (ClassSummary& c : summarize(sorted)) {
    result.validation.classes.push_back(std::move(c));
  }
  return result;
}

}  // namespace macfit::calibrate
