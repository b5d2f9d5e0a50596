#include <nlohmann/json.hpp>

#include "../estimate_json.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/run/run_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

Json worker_json(const run::WorkerReport& worker) {
  Json forecast = nullptr;
  if (worker.forecast) {
    forecast = {{"decode_tokens_per_second", worker.forecast->decode},
                {"prefill_tokens_per_second", worker.forecast->prefill},
                {"evidence", worker.forecast->evidence}};
  }
  return {{"name", worker.name},
          {"url", worker.url},
          {"at_once", worker.at_once},
          {"ready", worker.ready},
          {"completions", worker.completions},
          {"prompt_tokens", worker.prompt_tokens},
          {"completion_tokens", worker.completion_tokens},
          {"busy_seconds", worker.busy_seconds},
          {"deaths", worker.deaths},
          {"forecast", forecast}};
}

}  // namespace

std::string run_json(const run::Report& report) {
  Json result{{"schema", "macfit.run/1"},
              {"tool", {{"name", "macfit"}, {"version", tool_version()}}},
              {"state", run::state_name(report.state)},
              {"why", report.why},
              {"process", report.process},
              {"results", report.results},
              {"started", report.started},
              {"updated", report.updated},
              {"seconds", report.seconds},
              {"jobs", report.jobs},
              {"earlier", report.earlier},
              {"completions", report.completions},
              {"failures", report.failures},
              {"in_flight", report.in_flight},
              {"retries", report.retries},
              {"restarts", report.restarts},
              {"prompt_tokens", report.prompt_tokens},
              {"completion_tokens", report.completion_tokens},
              {"without_usage", report.without_usage},
              {"ends_in_seconds", or_null(report.ends_in)},
              {"measured_per_hour", or_null(run::measured_per_hour(report))},
              {"predicted_per_hour", or_null(run::predicted_per_hour(report))}};
  result["workers"] = Json::array();
  for (const run::WorkerReport& worker : report.workers) {
    result["workers"].push_back(worker_json(worker));
  }
  result["failed"] = Json::array();
  for (const run::Failure& failure : report.failed) {
    result["failed"].push_back(
        {{"id", failure.id}, {"code", failure.code}, {"message", failure.message}});
  }
  result["soak"] = nullptr;
  if (report.soak) {
    result["soak"] = {{"passed", report.soak_passed ? Json(*report.soak_passed) : Json(nullptr)},
                      {"reasons", report.soak_reasons}};
  }
  result["measurements"] = Json::array();
  for (const std::string& line : report.measurements) {
    result["measurements"].push_back(Json::parse(line));
  }
  return dump_document(result);
}

}  // namespace macfit::report
