#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "macfit/model/catalog.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/speed/speed.hpp"

namespace macfit::study {

// Where a second machine stops being a second worker: docs/night.md. Pure.

/// A weight format as it was asked for: "q4" is each runtime's own usual one.
struct AskedFormat {
  std::string name;
  model::Recipe recipe;
};

struct BreakevenQuestion {
  hardware::Cluster cluster;
  std::vector<AskedFormat> formats;  ///< coarsest first
  std::vector<Tokens> contexts;
  runtime::Workload workload;  ///< its context is not looked at
  std::vector<const runtime::Runtime*> runtimes;
  double active_share = 0.0;           ///< of a mixture's parameters; 0: dense models
  std::optional<model::Model> model;   ///< instead of sizes: this one in every format
  speed::Exchange job{2000.0, 500.0};  ///< tokens of a prompt and of its completion
  double night_seconds = 9.0 * 3600.0;
  std::shared_ptr<const speed::Calibration> calibration;  ///< null: the embedded one
};

/// Steps of a nominal model's size, in parameters.
inline constexpr std::int64_t size_step = 100'000'000;
inline constexpr std::int64_t most_size = 10'000'000'000'000;

/// For one format and context, the largest nominal models: parameters; none where not even the
/// smallest does. At default (or stated) GPU limits unless said.
struct Turn {
  std::string format;  ///< as asked
  Tokens context;
  std::optional<std::int64_t> workers;  ///< every node holds it whole
  std::optional<std::int64_t> comfortable_workers;
  std::optional<std::int64_t> one_worker;  ///< some node does
  std::optional<std::int64_t> fits;        ///< it fits at all: whole or sharded
  std::optional<std::int64_t> comfortable;
  std::optional<std::int64_t> loads;  ///< it loads at all: raised limits, shorter contexts
};

/// A model of a size in a format, as the decision places it, with what it gets done.
struct Run {
  std::string why;  ///< "most for every node"
  std::string model;
  std::optional<std::int64_t> parameters;
  std::string asked;   ///< format as asked
  std::string format;  ///< the runtime's
  Tokens context;
  plan::Decision decision;                    ///< nothing found: the figures are empty
  const runtime::Runtime* runtime = nullptr;  ///< null: none
  std::optional<speed::Estimate> decode;      ///< of one stream, in the middle of a job
  /// Completions an hour of all replicas.
  std::optional<speed::Estimate> per_hour;
  /// Completions in a night without faults.
  std::optional<std::int64_t> per_night;
  std::string why_unknown;
};

/// Tensor over RDMA against a pipeline over the same cables and against one node, one stream.
struct Crossing {
  std::string format;  ///< as asked
  Tokens context;
  const runtime::Runtime* runtime = nullptr;
  /// From this size on tensor decodes faster than the pipeline; none: not up to the largest shard.
  std::optional<std::int64_t> beats_pipeline;
  /// From this size on tensor decodes faster than one node with the whole model.
  std::optional<std::int64_t> beats_one_node;
  struct Sample {
    std::int64_t parameters = 0;
    double one_node = 0.0;  ///< tokens a second; beyond what a node holds: as if it did
    double pipeline = 0.0;
    double tensor = 0.0;
    Evidence evidence = Evidence::estimated;
  };
  std::vector<Sample> samples;  ///< sizes growing
};

struct BreakevenResult {
  BreakevenQuestion question;
  std::vector<Turn> turns;  ///< by format, then by context; empty where a model is given
  std::vector<Run> runs;    ///< by context
  std::vector<Crossing> crossings;
  std::string no_crossings;  ///< why there are none
};

/// Bisects over nominal sizes: a bigger model never needs less. Throws Error on what a plan throws.
[[nodiscard]] BreakevenResult breakeven(BreakevenQuestion question, const model::Catalog& catalog);

}  // namespace macfit::study
