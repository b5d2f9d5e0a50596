#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/run/folder.hpp"
#include "macfit/run/report.hpp"

namespace macfit::run {

/// Sums for the least-squares fit of seconds = prompt / prefill + output / decode.
class RateFit {
 public:
  void add(double prompt, double output, double seconds);
  struct Rates {
    double prefill = 0.0;  ///< tokens a second
    double decode = 0.0;
    double mean_prompt = 0.0;  ///< tokens
    double mean_output = 0.0;
  };
  /// None for too few jobs, for jobs too alike to tell both apart, or where no positive rates fit.
  [[nodiscard]] std::optional<Rates> rates() const;

 private:
  double count_ = 0.0, p_ = 0.0, o_ = 0.0, pp_ = 0.0, oo_ = 0.0, po_ = 0.0, ps_ = 0.0, os_ = 0.0;
};

/// What a night measured, as rows that macfit calibrate reads. Only of workers with one job at a
/// time: the speeds of several side by side can't be told apart from their whole times.
class Measured {
 public:
  explicit Measured(const std::vector<WorkerSpec>& workers);
  void add(std::size_t worker, std::int64_t prompt, std::int64_t output, double seconds);
  /// Lines of macfit.spike/1; none where the folder does not say what its workers are.
  [[nodiscard]] std::vector<std::string> rows(std::string_view date) const;

 private:
  const std::vector<WorkerSpec>& workers_;
  std::vector<RateFit> fits_;
};

/// The verdict of a soak: `tokens` written in each quarter of its time.
void judge_soak(Report& report, const std::array<double, 4>& tokens);

}  // namespace macfit::run
