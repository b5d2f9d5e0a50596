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
#include "macfit/plan/decide.hpp"
#include "macfit/speed/speed.hpp"

namespace macfit::plan {

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
  std::int64_t max_context = 0;  ///< tokens; 0: not even one fits, or not asked for
};

/// How fast a placement is, at the asked context (its last tokens generated, the rest prompt:
/// speed::exchange_of). Empty where something that the figure needs is not known.
struct Speed {
  std::optional<speed::Estimate> decode;               ///< tokens a second of one sequence
  std::optional<speed::Estimate> aggregate;            ///< of all sequences of all replicas
  std::optional<speed::Estimate> prefill;              ///< prompt tokens a second of one sequence
  std::optional<speed::Estimate> time_to_first_token;  ///< seconds
  /// `decode` and `aggregate` where prompt and output are short (speed::short_exchange): what most
  /// published figures are.
  std::optional<speed::Estimate> short_decode;
  std::optional<speed::Estimate> short_aggregate;
  std::string why_unknown;  ///< where a figure is empty
};

/// How a placement stands: whether it can be run so, how far it holds, and how well.
struct Standing {
  enum class Reach : std::uint8_t {
    nothing,  ///< does not load
    loads,    ///< at min(4,096, the model's longest) tokens
    fits,     ///< at the asked context too
  };
  bool supported = true;  ///< the runtime can run it so
  bool may_win = true;    ///< supported, and not only shown for its numbers
  Reach reach = Reach::nothing;
  fit::Tier tier = fit::Tier::not_practical;
  Limit limit = Limit::standard;

  [[nodiscard]] bool loads() const { return reach != Reach::nothing; }
  [[nodiscard]] bool fits() const { return reach == Reach::fits; }
  [[nodiscard]] bool raised() const { return limit == Limit::raised; }
  void refuse() { supported = may_win = false; }
};

/// One way to lay the model on the nodes, in figures.
struct Placement {
  SplitKind split = SplitKind::independent;
  const runtime::Runtime* runtime = nullptr;  ///< of the request's; never null in a plan
  Layout layout = Layout::runtime_default;
  std::string format;
  Bytes weight_bytes;
  Evidence weight_evidence = Evidence::exact;
  std::size_t replicas = 0;
  Standing standing;
  double utilization = 0.0;      ///< of the fullest node used
  std::size_t fullest = 0;       ///< index into `nodes`
  std::int64_t max_context = 0;  ///< that every node used can hold
  std::int64_t comfortable_context = 0;
  std::int64_t collectives_per_token = 0;
  Speed speed;                    ///< of the slowest replica; aggregate of all
  std::vector<NodeBudget> nodes;  ///< replica after replica; empty where nothing could be budgeted
  std::vector<std::size_t> idle;  ///< nodes not used
  std::string how;                ///< how to obtain the layout, where it must be passed by hand
  std::vector<Reason> problems;
};

/// What of a placement costs more than the rest.
struct Wanted {
  bool contexts = false;
  bool speed = false;
};

/// The one function from nodes and layers to figures: budgets of every node, how the placement
/// stands at the workload, and what is wanted besides. `placement` is overwritten; its buffers are
/// reused. Replicas may be any, also such as do not load. Problems and words are others' work.
/// Pure; throws Error on overflow. Speeds need add_work.
void place(const Scenario& scenario, const runtime::Workload& workload, SplitKind split,
           const std::vector<Replica>& replicas, bool raised, Wanted wanted, Placement& placement);

/// All replicas of a placement together; a stream is as fast as the slowest replica's.
[[nodiscard]] Speed placement_speed(const Scenario& scenario, const runtime::Workload& workload,
                                    const Placement& placement);

}  // namespace macfit::plan
