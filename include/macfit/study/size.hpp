#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "macfit/model/catalog.hpp"
#include "macfit/plan/flags.hpp"
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

/// The answer to one of the three questions of `macfit size`; the others' parts are empty.
struct SizeAnswer {
  enum class Kind : unsigned char { contexts, models, clusters };
  Kind kind = Kind::contexts;
  std::string model;  ///< id; empty where models are asked for
  std::string format;
  std::string cluster;  ///< spec; empty where clusters are asked for
  runtime::Workload workload;
  std::optional<fit::Tier> tier;
  std::vector<LongestContext> contexts;
  /// Largest nominal dense model by tier, in parameters; 0: none.
  std::vector<std::pair<fit::Tier, std::int64_t>> nominal;
  std::vector<SurveyEntry> models;  ///< largest first
  std::vector<ClusterFound> clusters;
  std::int64_t model_ends = 0;  ///< tokens, where the context asked for is longer than the model's
  std::size_t left_out = 0;     ///< models or clusters beyond --top
};

/// What is asked: the flag that is left out, of a model and nodes, is what is looked for.
struct SizeQuestion {
  plan::RequestFlags flags;
  std::string tier = "comfortable";  ///< at least; "comfortable" or "borderline"
  std::string top = "10";            ///< models or clusters at most
  std::string most_nodes = "4";      ///< of a cluster
};
/// Throws Error naming the flag that is wrong.
[[nodiscard]] SizeAnswer answer_size(const SizeQuestion& question, const plan::Catalogs& catalogs,
                                     const plan::Finder& finder);

}  // namespace macfit::study
