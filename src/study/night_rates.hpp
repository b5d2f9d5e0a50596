#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/plan/plan.hpp"
#include "macfit/speed/speed.hpp"
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

/// The speeds of a request's placements.
class RateSource {
 public:
  explicit RateSource(const plan::Request& request);
  /// Of one replica; `layers` a node.
  [[nodiscard]] Rates rates(const plan::Placement& placement, const std::vector<std::size_t>& nodes,
                            const std::vector<std::int64_t>& layers, const JobList& jobs) const;
  /// Whether these nodes talk by RDMA alone.
  [[nodiscard]] bool rdma(const std::vector<std::size_t>& nodes) const;

 private:
  const plan::Request& request_;
  std::vector<speed::Work> works_;  ///< by runtime of the request
};

}  // namespace macfit::study
