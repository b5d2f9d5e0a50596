#pragma once

#include <optional>
#include <string>
#include <vector>

#include "macfit/plan/decide.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/study/night_jobs.hpp"

namespace macfit::study {

/// How long each class of jobs takes one replica: seconds a job, by throughput.
struct Rates {
  std::vector<double> seconds;
  std::vector<double> slow;  ///< by the low ends of the speeds
  std::vector<double> fast;
  std::optional<speed::Estimate> decode;   ///< of a mean job, one stream
  std::optional<speed::Estimate> prefill;  ///< of a mean job
  Evidence evidence = Evidence::exact;
  std::string why_unknown;  ///< empty where the rest is known
};

/// Prompts are read one after the other, then all sequences are decoded side by side: a job takes
/// prompt / prefill + output / aggregate decode. The scenario must have its work (plan::add_work).
[[nodiscard]] Rates rates_of(const plan::Scenario& scenario, const plan::Group& group,
                             plan::SplitKind split, const fit::Split& layers, const JobList& jobs,
                             std::int64_t sequences);

}  // namespace macfit::study
