#include "macfit/calibrate/validation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "macfit/core/error.hpp"

namespace macfit::calibrate {
namespace {

/// The value that `share` of the sorted values do not exceed.
double nearest_rank(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) {
    return 0.0;
  }
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(at, sorted.size() - 1)];
}

double relative_error(double published, double predicted) {
  if (published == predicted) {
    return 0.0;
  }
  if (published == 0.0) {
    return predicted > 0.0 ? 1.0 : -1.0;
  }
  return (predicted - published) / std::abs(published);
}

ClassSummary summary_of(const std::string& name, const std::vector<Row>& rows) {
  ClassSummary summary;
  summary.name = name;
  std::vector<double> errors;
  double sum = 0.0;
  std::size_t covered = 0;
  for (const Row& row : rows) {
    if (row.class_name != name) {
      continue;
    }
    summary.exact += row.predicted == row.published ? 1 : 0;
    covered += row.low <= row.published && row.published <= row.high ? 1 : 0;
    sum += row.error;
    errors.push_back(std::abs(row.error));
  }
  std::sort(errors.begin(), errors.end());
  summary.count = errors.size();
  summary.median_abs_error = nearest_rank(errors, 0.5);
  summary.p90_abs_error = nearest_rank(errors, 0.9);
  summary.p95_abs_error = nearest_rank(errors, 0.95);
  const double count = static_cast<double>(std::max<std::size_t>(errors.size(), 1));
  summary.bias = sum / count;
  summary.interval_coverage = static_cast<double>(covered) / count;
  return summary;
}

}  // namespace

std::vector<ClassSummary> summarize(const std::vector<Row>& rows) {
  std::vector<ClassSummary> classes;
  for (const Row& row : rows) {
    const bool known =
        std::any_of(classes.begin(), classes.end(),
                    [&](const ClassSummary& summary) { return summary.name == row.class_name; });
    if (!known) {
      classes.push_back(summary_of(row.class_name, rows));
    }
  }
  return classes;
}

std::vector<Row> worst_rows(const Validation& validation, std::size_t count) {
  std::vector<Row> rows;
  std::copy_if(validation.results.begin(), validation.results.end(), std::back_inserter(rows),
               [](const Row& row) { return row.error != 0.0; });
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::abs(a.error) > std::abs(b.error);
  });
  rows.resize(std::min(rows.size(), count));
  return rows;
}

void Comparison::add(std::string id, std::string class_name, double published, double predicted,
                     std::string reason) {
  Row row;
  row.id = std::move(id);
  row.class_name = std::move(class_name);
  row.published = published;
  row.predicted = predicted;
  row.low = predicted;
  row.high = predicted;
  row.reason = std::move(reason);
  add(std::move(row));
}

void Comparison::add(Row row) {
  row.error = relative_error(row.published, row.predicted);
  validation_.results.push_back(std::move(row));
}

void Comparison::skip(std::string id, std::string reason) {
  validation_.skipped.push_back({std::move(id), std::move(reason)});
}

void Comparison::guarded(const std::string& id, const std::function<void()>& compare) {
  try {
    compare();
  } catch (const Error& error) {
    skip(id, error.what());
  }
}

Validation Comparison::finish(std::string subject) && {
  validation_.subject = std::move(subject);
  validation_.classes = summarize(validation_.results);
  return std::move(validation_);
}

}  // namespace macfit::calibrate
