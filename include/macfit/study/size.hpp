#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "macfit/model/catalog.hpp"
#include "macfit/study/survey.hpp"

namespace macfit::study {

// The inverse questions: how long a context, how large a model, which cluster.

/// How long a context one placement carries in one cache format.
struct LongestContext {
  runtime::KvFormat kv = runtime::KvFormat::bf16;
  const runtime::Runtime* runtime = nullptr;
  plan::SplitKind split = plan::SplitKind::independent;
  plan::Layout layout = plan::Layout::runtime_default;
  std::string format;
  std::size_t replicas = 0;
  plan::Limit limit = plan::Limit::standard;
  std::int64_t max_context = 0;  ///< tokens; 0: not even one
  std::int64_t comfortable_context = 0;
};

/// Every placement that may win and holds any context, by cache format; inside each what needs the
/// raised limit comes last, then the longest first.
[[nodiscard]] std::vector<LongestContext> longest_contexts(
    const plan::Request& request, const std::vector<runtime::KvFormat>& kv);

/// The largest dense model of a nominal size of which some placement reaches a tier at the
/// workload's context, in parameters, to three digits; 0 where not even the smallest does.
[[nodiscard]] std::int64_t largest_nominal(const plan::Request& request, fit::Tier tier,
                                           const model::Catalog& catalog);

/// A machine that clusters may be made of.
struct Candidate {
  std::string machine;  ///< id
  Bytes ram;
  std::optional<double> price;
};

/// A cluster that does what is asked.
struct ClusterFound {
  std::string spec;  ///< as --nodes takes it
  std::size_t nodes = 0;
  std::optional<double> price;
  SweepRow row;
};

/// Of each RAM size the cheapest machine on sale; of sizes without a price any.
[[nodiscard]] std::vector<Candidate> candidates_of(const hardware::Catalog& catalog);

/// Clusters of one or two kinds of candidates and at most `most_nodes` nodes that fit the model at
/// the workload's context in at least this tier: cheapest first, then those without a price by
/// memory. Larger clusters that hold one of these are left out.
[[nodiscard]] std::vector<ClusterFound> clusters_for(
    const plan::Request& request, fit::Tier tier, const std::vector<Candidate>& candidates,
    std::size_t most_nodes,
    const std::function<hardware::Cluster(const std::string& spec)>& make_cluster);

}  // namespace macfit::study
