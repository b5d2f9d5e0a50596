#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "macfit/hardware/catalog.hpp"
#include "macfit/plan/plan.hpp"

namespace macfit::study {

/// What a cluster costs by list prices of the catalog.
struct ClusterPrice {
  double usd = 0.0;
  std::string dates;  ///< of the prices, oldest to newest: "2026-03-05 to 2026-08-25"
};
/// Empty where a node's price is not known.
[[nodiscard]] std::optional<ClusterPrice> price_of(const hardware::Cluster& cluster,
                                                   const hardware::Catalog& catalog);

/// What one cluster does with a model, in the few figures that clusters are compared by.
struct Side {
  std::string spec;
  std::size_t nodes = 0;
  std::string verdict;  ///< "pipeline-shard"
  std::string tier;     ///< in words; empty: none is said
  std::string runtime;  ///< of the winner; empty in won't-fit
  std::string format;
  std::optional<double> utilization;        ///< of the fullest node
  std::optional<std::int64_t> max_context;  ///< tokens
  plan::Speed speed;
  /// Exchanges that fill the asked context, done in an hour by all replicas, without faults.
  std::optional<speed::Estimate> jobs_per_hour;
  std::optional<ClusterPrice> price;
};
[[nodiscard]] Side side_of(const plan::Plan& plan, const hardware::Catalog& catalog);

}  // namespace macfit::study
