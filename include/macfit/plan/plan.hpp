#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/fit/demand.hpp"
#include "macfit/fit/tier.hpp"
#include "macfit/plan/request.hpp"
#include "macfit/speed/speed.hpp"

namespace macfit::plan {

enum class Layout : std::uint8_t {
  runtime_default,  ///< the split that the runtime makes when told nothing
  best,             ///< the split that leaves the fullest node the most room
  given,            ///< by the user
};
[[nodiscard]] std::string_view layout_name(Layout layout) noexcept;

enum class Limit : std::uint8_t { standard, raised, stated };
/// "default", "raised", "stated".
[[nodiscard]] std::string_view limit_name(Limit limit) noexcept;

/// A stable id with its sentence; ids are explained by `macfit explain`.
struct Reason {
  std::string code;
  std::string text;
};

/// One node's budget. demand + headroom = effective.
struct NodeBudget {
  std::size_t node = 0;  ///< index into the cluster's nodes
  std::size_t replica = 0;
  std::int64_t first_layer = 0;  ///< counted from the model's first
  std::int64_t layer_count = 0;
  fit::Parts parts;
  Bytes effective;
  Bytes headroom;  ///< may be negative
  double utilization = 0.0;
  Bytes load_peak;               ///< while weights are read, before any cache
  Bytes host;                    ///< on the CPU side, where a runtime tells them apart
  Bytes download;                ///< what this node has to have on disk
  std::int64_t max_context = 0;  ///< tokens; 0: not even one fits
};

/// How fast a placement is, at the asked context (its last tokens generated, the rest prompt:
/// speed::exchange_of). Empty where something that the figure needs is not known.
struct Speed {
  std::optional<speed::Estimate> decode;               ///< tokens a second of one sequence
  std::optional<speed::Estimate> aggregate;            ///< of all sequences of all replicas
  std::optional<speed::Estimate> prefill;              ///< prompt tokens a second of one sequence
  std::optional<speed::Estimate> time_to_first_token;  ///< seconds
  std::string why_unknown;                             ///< where a figure is empty
};

/// One way to lay the model on the nodes, budgeted.
struct Placement {
  SplitKind split = SplitKind::independent;
  runtime::Id runtime = runtime::Id::mlx_lm;
  Layout layout = Layout::runtime_default;
  std::string format;
  Bytes weight_bytes;
  Evidence weight_evidence = Evidence::exact;
  std::size_t replicas = 0;
  bool supported = true;
  bool may_win = true;  ///< false: shown for its numbers only
  bool loads = false;
  bool fits = false;
  fit::Tier tier = fit::Tier::not_practical;
  double utilization = 0.0;  ///< of the fullest node used
  Limit limit = Limit::standard;
  std::int64_t max_context = 0;  ///< that every node used can hold
  std::int64_t comfortable_context = 0;
  std::int64_t collectives_per_token = 0;
  Speed speed;                    ///< of the slowest replica; aggregate of all
  std::vector<NodeBudget> nodes;  ///< empty where nothing could be budgeted
  std::vector<std::size_t> idle;  ///< nodes not used
  std::string how;                ///< how to obtain the layout, where it must be told
  std::vector<Reason> problems;
};

struct Verdict {
  enum class Kind : std::uint8_t { independent, pipeline, tensor, wont_fit };
  Kind kind = Kind::wont_fit;
  fit::Tier tier = fit::Tier::not_practical;
  std::size_t workers = 0;               ///< replicas
  std::optional<std::size_t> placement;  ///< index of the winner; of none in won't-fit
  std::optional<std::size_t> nearest;    ///< in won't-fit: the placement that lacks least
  std::string summary;                   ///< one sentence
  std::vector<Reason> reasons;
};

/// "two-independent-workers", "pipeline-shard", "two-pipeline-shards", "won't-fit".
[[nodiscard]] std::string verdict_name(Verdict::Kind kind, std::size_t workers);

/// Something to do that lets the plan run, or that raises its tier.
struct Action {
  std::string kind;  ///< "raise-gpu-limit"
  std::string node;  ///< where to do it; empty: nowhere in particular
  std::string command;
  fit::Tier tier = fit::Tier::not_practical;  ///< reached by it
  std::string effect;
};

struct Plan {
  Request request;
  std::vector<Placement> placements;
  Verdict verdict;
  std::vector<Action> actions;
  std::vector<std::string> notes;
};

/// Answers one request. Pure. Throws Error on requests that make no sense (--layers that do not sum
/// to the model's, an overflow).
[[nodiscard]] Plan make_plan(const Request& request);

}  // namespace macfit::plan
