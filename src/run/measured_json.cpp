#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/core/text.hpp"
#include "measured.hpp"

namespace macfit::run {
namespace {

using Json = nlohmann::ordered_json;

constexpr double fewest_jobs = 10.0;
/// Of 1 - r², r the correlation of prompt and output: below it the fit is noise.
constexpr double least_spread = 0.01;
constexpr double long_enough = 600.0;  ///< seconds of a soak that shows creep
constexpr double steady = 0.8;         ///< of the first quarter's tokens that the last has to reach

}  // namespace

void RateFit::add(double prompt, double output, double seconds) {
  count_ += 1.0;
  p_ += prompt;
  o_ += output;
  pp_ += prompt * prompt;
  oo_ += output * output;
  po_ += prompt * output;
  ps_ += prompt * seconds;
  os_ += output * seconds;
}

std::optional<RateFit::Rates> RateFit::rates() const {
  const double determinant = pp_ * oo_ - po_ * po_;
  if (count_ < fewest_jobs || determinant <= least_spread * pp_ * oo_) {
    return std::nullopt;
  }
  const double a = (ps_ * oo_ - os_ * po_) / determinant;
  const double b = (os_ * pp_ - ps_ * po_) / determinant;
  if (!(a > 0.0) || !(b > 0.0)) {
    return std::nullopt;
  }
  return Rates{1.0 / a, 1.0 / b, p_ / count_, o_ / count_};
}

Measured::Measured(const std::vector<WorkerSpec>& workers)
    : workers_(workers), fits_(workers.size()) {}

void Measured::add(std::size_t worker, std::int64_t prompt, std::int64_t output, double seconds) {
  fits_[worker].add(static_cast<double>(prompt), static_cast<double>(output), seconds);
}

std::vector<std::string> Measured::rows(std::string_view date) const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto rates = fits_[i].rates();
    if (!rates || workers_[i].at_once != 1 || workers_[i].measurement.empty()) {
      continue;
    }
    const auto row = [&](const char* phase, double tokens, double rate) {
      Json line{{"schema", "macfit.spike/1"}};
      line.update(Json::parse(workers_[i].measurement));
      line["phase"] = phase;
      line["tokens"] = std::max(1.0, std::round(tokens));
      line["seconds"] = std::round(1000.0 * std::max(1.0, std::round(tokens)) / rate) / 1000.0;
      line["context"] = std::round(rates->mean_prompt);
      line["run"] = "night";
      line["concurrent"] = workers_.size();
      line["date"] = date;
      lines.push_back(dump_json(line, -1));
    };
    row("prefill", rates->mean_prompt, rates->prefill);
    row("decode", rates->mean_output, rates->decode);
  }
  return lines;
}

void judge_soak(Report& report, const std::array<double, 4>& tokens) {
  std::vector<std::string>& reasons = report.soak_reasons;
  const auto count = [&](std::int64_t number, const char* one, const char* many) {
    if (number > 0) {
      reasons.push_back(fmt::format("{} {}", number, number == 1 ? one : many));
    }
  };
  if (report.state == State::broken || !report.soak_whole) {
    reasons.push_back("it ended early: " + report.why);
  }
  count(report.failures, "request failed for good", "requests failed for good");
  count(report.restarts, "restart", "restarts");
  for (const WorkerReport& worker : report.workers) {
    count(worker.deaths, ("death of " + worker.name).c_str(), ("deaths of " + worker.name).c_str());
    if (worker.completions == 0) {
      reasons.push_back(worker.name + " completed nothing");
    }
  }
  if (report.seconds >= long_enough && tokens[0] > 0.0 && tokens[3] < steady * tokens[0]) {
    reasons.push_back(fmt::format("the last quarter wrote {:.0f} % of the first one's tokens",
                                  100.0 * tokens[3] / tokens[0]));
  }
  report.soak_passed = reasons.empty();
}

}  // namespace macfit::run
