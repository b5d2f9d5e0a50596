#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/run/report.hpp"

namespace macfit::run {
namespace {

constexpr std::int64_t most = std::int64_t{1} << 53;
constexpr double most_seconds = 1e12;

State state_of(const JsonValue& value) {
  const std::string name = value.string();
  for (std::size_t i = 0; i < std::size(state_names); ++i) {
    if (name == state_names[i]) {
      return static_cast<State>(i);
    }
  }
  throw value.expected("a state of a run");
}

WorkerReport worker_of(const JsonValue& value) {
  JsonObject object = value.object();
  WorkerReport worker;
  worker.name = object.at("name").string();
  worker.url = object.at("url").string();
  worker.at_once = object.at("at_once").whole(1, most);
  worker.ready = object.at("ready").boolean();
  worker.completions = object.at("completions").whole(0, most);
  worker.prompt_tokens = object.at("prompt_tokens").whole(0, most);
  worker.completion_tokens = object.at("completion_tokens").whole(0, most);
  worker.busy_seconds = object.at("busy_seconds").number(0.0, most_seconds);
  worker.deaths = object.at("deaths").whole(0, most);
  if (const auto forecast = object.find("forecast")) {
    JsonObject rates = forecast->object();
    worker.forecast = {rates.at("decode_tokens_per_second").number(0.0, most_seconds),
                       rates.at("prefill_tokens_per_second").number(0.0, most_seconds),
                       rates.at("evidence").string()};
  }
  return worker;
}

}  // namespace

std::optional<double> predicted_per_hour(const Report& report) {
  const auto counted = static_cast<double>(report.completions - report.without_usage);
  if (counted <= 0.0 || report.workers.empty()) {
    return std::nullopt;
  }
  const double prompt = static_cast<double>(report.prompt_tokens) / counted;
  const double output = static_cast<double>(report.completion_tokens) / counted;
  double sum = 0.0;
  for (const WorkerReport& worker : report.workers) {
    if (!worker.forecast || !(worker.forecast->prefill > 0.0) || !(worker.forecast->decode > 0.0)) {
      return std::nullopt;
    }
    const double seconds = prompt / worker.forecast->prefill + output / worker.forecast->decode;
    sum += seconds > 0.0 ? 3600.0 / seconds : 0.0;
  }
  return sum > 0.0 ? std::optional(sum) : std::nullopt;
}

std::optional<double> measured_per_hour(const Report& report) {
  if (report.completions == 0 || !(report.seconds > 0.0)) {
    return std::nullopt;
  }
  return 3600.0 * static_cast<double>(report.completions) / report.seconds;
}

std::optional<double> time_left(const Report& report) {
  const auto rate = measured_per_hour(report);
  if (!rate || report.soak) {
    return std::nullopt;
  }
  return 3600.0 * static_cast<double>(report.left()) / *rate;
}

int exit_code(const Report& report) {
  if (report.state == State::broken) {
    return 2;
  }
  if (report.soak) {
    return report.soak_passed.value_or(false) ? 0 : 1;
  }
  return report.state == State::finished && report.failures == 0 ? 0 : 1;
}

Report read_report(std::string_view text) {
  const JsonDocument document = JsonDocument::parse(text);
  JsonObject object = document.root().object();
  if (const auto schema = object.at("schema"); schema.string() != "macfit.run/1") {
    throw schema.expected("\"macfit.run/1\"");
  }
  const auto whole = [&](const char* key) { return object.at(key).whole(0, most); };
  Report report;
  report.state = state_of(object.at("state"));
  report.why = object.at("why").string();
  report.process = whole("process");
  report.results = object.at("results").string();
  report.started = object.at("started").string();
  report.updated = object.at("updated").string();
  report.seconds = object.at("seconds").number(0.0, most_seconds);
  report.jobs = whole("jobs");
  report.earlier = whole("earlier");
  report.completions = whole("completions");
  report.failures = whole("failures");
  report.in_flight = whole("in_flight");
  report.retries = whole("retries");
  report.restarts = whole("restarts");
  report.prompt_tokens = whole("prompt_tokens");
  report.completion_tokens = whole("completion_tokens");
  report.without_usage = whole("without_usage");
  if (const auto ends = object.find("ends_in_seconds")) {
    report.ends_in = ends->number(0.0, most_seconds);
  }
  for (const JsonValue& worker : object.at("workers").array()) {
    report.workers.push_back(worker_of(worker));
  }
  for (const JsonValue& value : object.at("failed").array()) {
    JsonObject failure = value.object();
    report.failed.push_back(
        {failure.at("id").string(), failure.at("code").string(), failure.at("message").string()});
  }
  if (const auto soak = object.find("soak")) {
    JsonObject members = soak->object();
    report.soak = true;
    if (const auto passed = members.find("passed")) {
      report.soak_passed = passed->boolean();
    }
    for (const JsonValue& reason : members.at("reasons").array()) {
      report.soak_reasons.push_back(reason.string());
    }
  }
  return report;
}

}  // namespace macfit::run
