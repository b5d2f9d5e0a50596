#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/report/calibration/validation_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

/// Bytes and counts are whole: they print as such.
Json number(double value) {
  constexpr double most = 9007199254740992.0;  // 2^53
  const bool whole = value >= -most && value <= most &&
                     value == static_cast<double>(static_cast<std::int64_t>(value));
  return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

}  // namespace

std::string validation_json(const calibrate::Validation& validation) {
  Json result;
  result["schema"] = "macfit.validation/1";
  result["subject"] = validation.subject;
  result["rows"] = validation.rows();
  result["predicted"] = validation.results.size();
  result["skipped"] = Json::array();
  for (const calibrate::Skipped& row : validation.skipped) {
    result["skipped"].push_back({{"id", row.id}, {"reason", row.reason}});
  }
  result["classes"] = Json::array();
  for (const calibrate::ClassSummary& c : validation.classes) {
    result["classes"].push_back({{"name", c.name},
                                 {"count", c.count},
                                 {"exact", c.exact},
                                 {"median_abs_error", c.median_abs_error},
                                 {"p90_abs_error", c.p90_abs_error},
                                 {"p95_abs_error", c.p95_abs_error},
                                 {"bias", c.bias},
                                 {"interval_coverage", c.interval_coverage}});
  }
  result["results"] = Json::array();
  for (const calibrate::Row& row : validation.results) {
    Json entry = {{"id", row.id},
                  {"class", row.class_name},
                  {"published", number(row.published)},
                  {"predicted", number(row.predicted)},
                  {"low", number(row.low)},
                  {"high", number(row.high)},
                  {"error", row.error}};
    if (!row.reason.empty()) {
      entry["reason"] = row.reason;
    }
    result["results"].push_back(std::move(entry));
  }
  return dump_document(result);
}

}  // namespace macfit::report
