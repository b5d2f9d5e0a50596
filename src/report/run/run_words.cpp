#include "run_words.hpp"

#include <cmath>

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/run/run_report.hpp"

namespace macfit::report {
namespace {

std::string per_hour(double rate) {
  constexpr double two_digits = 9.95;
  return rate < two_digits ? fmt::format("{:.1f}", rate) : format_whole(std::llround(rate));
}

std::string times(std::int64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", format_whole(count), count == 1 ? one : many);
}

/// The weakest of the workers' evidence is not known by rank here: it is named where all agree.
std::string forecast_evidence(const run::Report& report) {
  for (const run::WorkerReport& worker : report.workers) {
    if (worker.forecast && worker.forecast->evidence != report.workers[0].forecast->evidence) {
      return "of several kinds";
    }
  }
  return report.workers[0].forecast->evidence;
}

}  // namespace

std::string run_line(const run::Report& report) {
  if (report.state == run::State::starting) {
    return "waiting for the workers";
  }
  std::string line = report.soak
                         ? times(report.completions, "completion", "completions")
                         : fmt::format("{} of {} done", format_whole(report.jobs - report.left()),
                                       format_whole(report.jobs));
  if (report.failures > 0) {
    line += fmt::format(" · {} failed", format_whole(report.failures));
  }
  if (const auto rate = run::measured_per_hour(report)) {
    line += fmt::format(" · {}/h", per_hour(*rate));
  }
  if (const auto left = run::time_left(report); left && report.state == run::State::running) {
    line += fmt::format(" · {} left", format_duration(*left));
  }
  if (const auto planned = run::predicted_per_hour(report)) {
    line += fmt::format(" · plan {}/h", per_hour(*planned));
  }
  if (report.ends_in) {
    line += fmt::format(" · ends in {}", format_duration(*report.ends_in));
  }
  std::int64_t down = 0;
  for (const run::WorkerReport& worker : report.workers) {
    down += worker.ready ? 0 : 1;
  }
  if (down > 0) {
    line += fmt::format(" · {} of {} workers down", down, report.workers.size());
  }
  return line + (report.state == run::State::draining ? " · draining" : "");
}

std::string run_answer(const run::Report& report) {
  std::string answer;
  if (report.soak) {
    const bool known = report.soak_passed.has_value();
    answer = fmt::format("Soak {}: {} in {}",
                         !known                ? "under way"
                         : *report.soak_passed ? "passed"
                                               : "not passed",
                         times(report.completions, "completion", "completions"),
                         format_duration(report.seconds));
    return answer +
           (report.soak_reasons.empty() ? "." : "; " + join_words(report.soak_reasons) + ".");
  }
  answer = fmt::format("{} of {} done", format_whole(report.jobs - report.left()),
                       times(report.jobs, "job", "jobs"));
  if (report.failures > 0) {
    answer += fmt::format(", {} of them set aside with an error", format_whole(report.failures));
  }
  if (report.earlier > 0) {
    answer += fmt::format(", {} before this run", format_whole(report.earlier));
  }
  if (report.completions > 0) {
    answer += ", in " + format_duration(report.seconds);
  }
  return answer + (report.why.empty() ? "." : ": " + report.why + ".");
}

std::string rate_words(const run::Report& report) {
  const auto rate = run::measured_per_hour(report);
  if (!rate) {
    return {};
  }
  std::string words = fmt::format("Measured: {} completions an hour", per_hour(*rate));
  if (const auto planned = run::predicted_per_hour(report)) {
    words +=
        fmt::format("; the plan said {} for jobs like these ({}), so {} of it", per_hour(*planned),
                    forecast_evidence(report), format_percent(*rate / *planned));
  }
  return words + ".";
}

std::string work_words(const run::Report& report) {
  std::string words =
      fmt::format("{} read, {} written", times(report.prompt_tokens, "token", "tokens"),
                  format_whole(report.completion_tokens));
  if (report.without_usage > 0) {
    words += fmt::format(" ({} without a count)", times(report.without_usage, "answer", "answers"));
  }
  words += report.retries > 0 ? "; " + times(report.retries, "retry", "retries") : std::string();
  words +=
      report.restarts > 0 ? "; " + times(report.restarts, "restart", "restarts") : std::string();
  return words + ".";
}

std::string next_words(const run::Report& report) {
  if (report.soak || report.state < run::State::finished || report.left() == 0) {
    return {};
  }
  return fmt::format("{} left: type the same again to go on.",
                     times(report.left(), "job is", "jobs are"));
}

std::string pace(const run::WorkerReport& worker) {
  if (!(worker.busy_seconds > 0.0) || worker.completion_tokens == 0) {
    return "–";
  }
  return format_rate(static_cast<double>(worker.completion_tokens) / worker.busy_seconds);
}

std::string forecast_words(const run::WorkerReport& worker) {
  if (!worker.forecast) {
    return "–";
  }
  return fmt::format("{} decode, {} prefill, {}", format_rate(worker.forecast->decode),
                     format_rate(worker.forecast->prefill), printable(worker.forecast->evidence));
}

}  // namespace macfit::report
