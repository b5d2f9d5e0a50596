#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/fit/demand.hpp"
#include "macfit/fit/split.hpp"
#include "macfit/plan/request.hpp"
#include "macfit/speed/chip.hpp"
#include "macfit/speed/work.hpp"

namespace macfit::plan {

/// Nodes of one replica, as indices into the cluster's. Of a pipeline: first layers first.
using Group = std::vector<std::size_t>;

/// A model on a cluster under one runtime, made ready for many workloads.
struct Scenario {
  const runtime::Runtime* runtime = nullptr;
  runtime::Profile profile;
  runtime::Support runs;                 ///< the architecture, in this format
  runtime::Support kv;                   ///< the cache's formats
  runtime::Support pipeline;             ///< a split by layers
  std::vector<runtime::Support> tensor;  ///< index = nodes in a group; 0 and 1 unused
  bool takes_split = false;              ///< a pipeline's split can be passed to the runtime
  std::vector<Bytes> ram;
  std::vector<Bytes> free_memory;  ///< by which the runtime shares layers out
  fit::Split given;                ///< by the user, over all nodes; empty: none
  std::shared_ptr<const hardware::Cluster> cluster;
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
  /// Nodes that nothing tells apart, the roomiest first whatever order the cluster names them in.
  std::vector<Group> classes;
  std::vector<std::size_t> class_of;  ///< of each node
  bool mesh = true;                   ///< every pair of nodes is linked
  bool all_tcp = true;                ///< no link is by RDMA

  [[nodiscard]] std::size_t nodes() const { return standard.whole.size(); }
  [[nodiscard]] const Capacity& capacity(bool raised_limit) const {
    return raised_limit ? raised : standard;
  }
  /// A demand can be computed and the runtime runs the model with this cache.
  [[nodiscard]] bool plannable() const { return runs.ok && kv.ok && profile.cache_known; }
  /// Shapes and weights are there, so budgets can be shown even where the runtime can't run it.
  [[nodiscard]] bool budgetable() const { return profile.cache_known && profile.layers > 0; }
};

/// Prepares `work` only where a decision may need speeds. Throws Error on overflow. `cluster` is
/// the request's, for those who have it to share; a copy is made where there is none.
[[nodiscard]] Scenario make_scenario(const Request& request, const runtime::Runtime& runtime,
                                     std::shared_ptr<const hardware::Cluster> cluster = {});
/// One for each of the request's runtimes.
[[nodiscard]] std::vector<Scenario> make_scenarios(
    const Request& request, std::shared_ptr<const hardware::Cluster> cluster = {});

/// The same as if the runtime could do everything whose bytes are known: what memory alone allows.
[[nodiscard]] Scenario unrestricted(Scenario scenario);

/// Tokens that "loads" means for a model.
[[nodiscard]] std::int64_t load_context(const runtime::Profile& profile);
/// The asked context, or the model's longest where that is less.
[[nodiscard]] std::int64_t judged_context(const runtime::Profile& profile,
                                          const runtime::Workload& workload);
/// The model's longest context, or a bound beyond any known model's where it states none.
[[nodiscard]] std::int64_t longest_context(const runtime::Profile& profile);

/// The demand of one node of a replica over `nodes` nodes that talk by `transport`.
[[nodiscard]] fit::Demand demand_of(const Scenario& scenario, const runtime::Workload& workload,
                                    std::int64_t context, SplitKind split, std::size_t nodes,
                                    hardware::Transport transport);

/// Layers a node as the runtime cuts when told nothing.
[[nodiscard]] fit::Split runtime_split(const Scenario& scenario, const Group& group);

/// Largest context in [1, longest] for which `holds` is true, which must fall with the context;
/// 0 where it holds for none.
template <class Holds>
[[nodiscard]] std::int64_t largest_context(std::int64_t longest, const Holds& holds) {
  if (!holds(std::int64_t{1})) {
    return 0;
  }
  std::int64_t low = 1;
  std::int64_t high = longest;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (holds(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace macfit::plan
