#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/fit/demand.hpp"
#include "macfit/fit/split.hpp"
#include "macfit/fit/tier.hpp"
#include "macfit/plan/request.hpp"
#include "macfit/speed/chip.hpp"
#include "macfit/speed/work.hpp"

namespace macfit::plan {

/// Nodes of one replica, in the cluster's order.
using Group = std::vector<std::size_t>;

/// A model on a cluster under one runtime, made ready for many workloads.
struct Scenario {
  const runtime::Runtime* runtime = nullptr;
  runtime::Profile profile;
  runtime::Support runs;
  runtime::Support kv;
  runtime::Support pipeline;
  std::vector<runtime::Support> tensor;  ///< index = nodes in a group; 0 and 1 unused
  bool takes_split = false;              ///< a pipeline's split can be told to the runtime
  hardware::Transport transport = hardware::Transport::tcp;
  std::vector<Bytes> ram;
  std::vector<Bytes> free_memory;  ///< by which the runtime shares layers out
  fit::Split given;                ///< by the user, over all nodes; empty: none
  hardware::Cluster cluster;
  bool rdma_sound = false;  ///< nothing keeps all nodes together from talking by RDMA, as asked for
  std::optional<speed::Work> work;                        ///< what speeds follow from: see add_work
  std::vector<speed::Chip> chips;                         ///< one a node
  std::shared_ptr<const speed::Calibration> calibration;  ///< null: the embedded one

  struct Capacity {
    std::vector<std::int64_t> whole;  ///< effective bytes for a model whole on the node
    std::vector<std::int64_t> part;   ///< for a part of a sharded one
    bool operator==(const Capacity&) const = default;
  };
  Capacity standard;
  Capacity raised;
  std::vector<Group> classes;  ///< nodes of equal memory, in the order they first appear

  [[nodiscard]] std::size_t nodes() const { return standard.whole.size(); }
  [[nodiscard]] const Capacity& capacity(bool raised_limit) const {
    return raised_limit ? raised : standard;
  }
};

/// Prepares `work` only where the decision needs it: where a tensor split over RDMA may win.
[[nodiscard]] Scenario make_scenario(const Request& request, runtime::Id runtime);

/// What a placement has to reach.
enum class Goal : std::uint8_t { comfortable, fits, loads };

/// Where replicas go; no groups where the goal can't be reached.
struct Grouping {
  std::vector<Group> groups;
  std::size_t fewest = 0;  ///< nodes that would do for one replica
};

/// Tokens that "loads" means for a model.
[[nodiscard]] std::int64_t load_context(const runtime::Profile& profile);

/// The demand of one node of a replica over `nodes` nodes.
[[nodiscard]] fit::Demand demand_of(const Scenario& scenario, const runtime::Workload& workload,
                                    std::int64_t context, SplitKind split, std::size_t nodes);

/// The split that a pipeline over these nodes must take: the user's, or the runtime's own where it
/// can't be told another. Empty where the best one may be chosen.
[[nodiscard]] fit::Split fixed_split(const Scenario& scenario, const Group& group);

/// The replicas that reach the goal under a split. Pure.
[[nodiscard]] Grouping find_groups(const Scenario& scenario, const runtime::Workload& workload,
                                   SplitKind split, Goal goal, bool raised);

/// The decision alone, without the words and without the placements that lost.
struct Decision {
  bool wont_fit = true;
  SplitKind split = SplitKind::independent;
  std::size_t scenario = 0;  ///< index of the winning runtime
  fit::Tier tier = fit::Tier::not_practical;
  std::size_t replicas = 0;
  bool raised = false;
  bool fits = false;  ///< at the asked context
  Grouping grouping;
};

/// The design's order: fits at the default limits, loads at them, then the same with the raised
/// limit; in each, independent workers before a pipeline before (where it may win) tensor.
[[nodiscard]] Decision decide(const std::vector<Scenario>& scenarios,
                              const runtime::Workload& workload, std::optional<SplitKind> only);

}  // namespace macfit::plan
