// From nodes and layers to figures: the one function that budgets a placement, whoever asks.

#include <algorithm>
#include <limits>

#include "macfit/fit/split.hpp"
#include "macfit/plan/placement.hpp"
#include "macfit/plan/speeds.hpp"
#include "macfit/runtime/facts.hpp"

namespace macfit::plan {
namespace {

double share_of(std::int64_t demand, std::int64_t effective) {
  return effective > 0 ? static_cast<double>(demand) / static_cast<double>(effective)
                       : std::numeric_limits<double>::infinity();
}

/// Budgets the replicas of one placement, one after the other; replicas alike share their demands.
class Budgets {
 public:
  Budgets(const Scenario& scenario, const runtime::Workload& workload, SplitKind split, bool raised,
          Wanted wanted, Placement& placement)
      : scenario_(scenario),
        workload_(workload),
        split_(split),
        raised_(raised),
        wanted_(wanted),
        placement_(placement) {}

  void add(const std::vector<Replica>& replicas) {
    for (std::size_t r = 0; r < replicas.size(); ++r) {
      add(replicas[r], r, replicas);
    }
    finish();
  }

 private:
  [[nodiscard]] fit::Demand demand_at(std::int64_t context) const {
    return demand_of(scenario_, workload_, context, split_, size_, by_);
  }

  void prepare(const Replica& replica) {
    const hardware::Transport by = transport_of(scenario_, replica.nodes);
    if (asked_ && size_ == replica.nodes.size() && by == by_) {
      return;
    }
    size_ = replica.nodes.size();
    by_ = by;
    asked_.emplace(demand_at(workload_.context.count()));
    loading_.emplace(demand_at(load_context(scenario_.profile)));
  }

  /// An earlier replica of the same classes of nodes and layers, whose contexts are the same.
  [[nodiscard]] const NodeBudget* twin(const Replica& replica, std::size_t i,
                                       const std::vector<Replica>& replicas, std::size_t r) const {
    if (r == 0 || replicas[r - 1].layers != replica.layers ||
        replicas[r - 1].nodes.size() != replica.nodes.size()) {
      return nullptr;
    }
    for (std::size_t n = 0; n < replica.nodes.size(); ++n) {
      if (scenario_.class_of[replica.nodes[n]] != scenario_.class_of[replicas[r - 1].nodes[n]]) {
        return nullptr;
      }
    }
    const std::size_t at = placement_.nodes.size() - replica.nodes.size();
    return placement_.nodes.size() >= replica.nodes.size() && i < replica.nodes.size() &&
                   placement_.nodes[at].replica + 1 == r
               ? &placement_.nodes[at]
               : nullptr;
  }

  void add(const Replica& replica, std::size_t r, const std::vector<Replica>& replicas) {
    prepare(replica);
    const Scenario::Capacity& capacity = scenario_.capacity(raised_);
    std::size_t first = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      const std::size_t begin = replica.layers.empty() ? 0 : first;
      const std::size_t count = replica.layers.empty()
                                    ? scenario_.profile.layers
                                    : static_cast<std::size_t>(replica.layers[i]);
      first += replica.layers.empty() ? 0 : count;
      if (count == 0) {
        continue;  // a runtime's own split may leave a small node without a layer: it stays idle
      }
      const std::size_t node = replica.nodes[i];
      const std::int64_t effective = size_ == 1 ? capacity.whole[node] : capacity.part[node];
      NodeBudget budget;
      budget.node = node;
      budget.replica = r;
      budget.first_layer = static_cast<std::int64_t>(begin);
      budget.layer_count = static_cast<std::int64_t>(count);
      budget.parts = asked_->parts(begin, count);
      budget.effective = Bytes(effective);
      budget.headroom = budget.effective - budget.parts.demand();
      budget.utilization = share_of(budget.parts.demand().count(), effective);
      if (i + 1 == size_) {
        budget.host = scenario_.runtime->host_bytes(scenario_.profile, workload_, size_);
      }
      // A whole tensor and its slice are live together while a tensor split loads.
      budget.load_peak =
          budget.parts.weights + budget.parts.runtime +
          (split_ == SplitKind::tensor ? Bytes(scenario_.profile.largest_tensor) : Bytes(0));
      budget.download = download(budget, i);
      loads_ = loads_ && loading_->stage(begin, count) <= effective;
      fits_ = fits_ && budget.headroom >= Bytes(0);
      if (wanted_.contexts) {
        add_contexts(budget, begin, count, effective, twin(replica, i, replicas, r));
      }
      note(budget);
      placement_.nodes.push_back(budget);
    }
  }

  /// What the node has to have on disk. Where RPC servers hold the parts, only their client, the
  /// last node, reads the file.
  [[nodiscard]] Bytes download(const NodeBudget& budget, std::size_t i) const {
    const Bytes all(scenario_.profile.total_weights());
    if (size_ > 1 && !scenario_.runtime->facts().launch.rpc_server.empty()) {
      return i + 1 == size_ ? all : Bytes(0);
    }
    return split_ == SplitKind::tensor ? all : budget.parts.weights;
  }

  void add_contexts(NodeBudget& budget, std::size_t begin, std::size_t count,
                    std::int64_t effective, const NodeBudget* twin) {
    const auto most = [&](std::int64_t bound) {
      return largest_context(longest_context(scenario_.profile), [&](std::int64_t tokens) {
        return demand_at(tokens).stage(begin, count) <= bound;
      });
    };
    if (twin != nullptr) {
      budget.max_context = twin->max_context;
      return;  // the placement's own are no shorter for it
    }
    budget.max_context = most(effective);
    const std::int64_t comfortable = most(fit::comfortable_bound(effective));
    const bool first = placement_.nodes.empty();
    placement_.max_context =
        first ? budget.max_context : std::min(placement_.max_context, budget.max_context);
    placement_.comfortable_context =
        first ? comfortable : std::min(placement_.comfortable_context, comfortable);
  }

  void note(const NodeBudget& budget) {
    const bool first = placement_.nodes.empty();
    if (first || budget.utilization > placement_.utilization) {
      placement_.utilization = budget.utilization;
      placement_.fullest = placement_.nodes.size();
    }
    const bool roomy =
        !raised_ && fit::is_comfortable(budget.parts.demand().count(), budget.effective.count());
    any_roomy_ = any_roomy_ || roomy;
    all_roomy_ = all_roomy_ && roomy;
  }

  void finish() {
    Standing& standing = placement_.standing;
    const bool some = !placement_.nodes.empty();
    loads_ = loads_ && some;
    standing.reach = !loads_ ? Standing::Reach::nothing
                     : fits_ ? Standing::Reach::fits
                             : Standing::Reach::loads;
    // Workers stand alone: the best one speaks for them. A shard is as good as its fullest node.
    const bool roomy = split_ == SplitKind::independent ? any_roomy_ : all_roomy_;
    standing.tier = !loads_          ? fit::Tier::not_practical
                    : roomy && fits_ ? fit::Tier::comfortable
                                     : fit::Tier::borderline;
    bool stated = some;
    for (const NodeBudget& budget : placement_.nodes) {
      stated = stated && scenario_.cluster->nodes[budget.node].gpu_limit.stated;
    }
    standing.limit = raised_ ? Limit::raised : stated ? Limit::stated : Limit::standard;
  }

  const Scenario& scenario_;
  const runtime::Workload& workload_;
  SplitKind split_;
  bool raised_;
  Wanted wanted_;
  Placement& placement_;
  std::size_t size_ = 0;
  hardware::Transport by_ = hardware::Transport::tcp;
  std::optional<fit::Demand> asked_;  ///< of `size_` nodes that talk by `by_`
  std::optional<fit::Demand> loading_;
  bool loads_ = true;
  bool fits_ = true;
  bool any_roomy_ = false;
  bool all_roomy_ = true;
};

void clear(Placement& placement) {
  placement.format.clear();
  placement.nodes.clear();
  placement.idle.clear();
  placement.how.clear();
  placement.problems.clear();
  placement.standing = {};
  placement.speed = {};
  placement.utilization = 0.0;
  placement.fullest = 0;
  placement.max_context = placement.comfortable_context = 0;
}

}  // namespace

std::string_view layout_name(Layout layout) noexcept {
  switch (layout) {
    case Layout::runtime_default:
      return "default";
    case Layout::best:
      return "best";
    case Layout::given:
      return "given";
  }
  return "";
}

std::string_view limit_name(Limit limit) noexcept {
  switch (limit) {
    case Limit::standard:
      return "default";
    case Limit::raised:
      return "raised";
    case Limit::stated:
      return "stated";
  }
  return "";
}

void place(const Scenario& scenario, const runtime::Workload& workload, SplitKind split,
           const std::vector<Replica>& replicas, bool raised, Wanted wanted, Placement& placement) {
  clear(placement);
  placement.split = split;
  placement.runtime = scenario.runtime;
  placement.format = scenario.profile.format;
  placement.weight_bytes = Bytes(scenario.profile.total_weights());
  placement.weight_evidence = scenario.profile.weight_evidence;
  placement.replicas = replicas.size();
  placement.collectives_per_token =
      split == SplitKind::tensor ? scenario.profile.collectives_per_token : 0;
  placement.layout = Layout::runtime_default;
  for (const Replica& replica : replicas) {
    if (replica.layout != Layout::runtime_default) {
      placement.layout = replica.layout;
      if (replica.layout == Layout::best && placement.how.empty()) {
        placement.how =
            scenario.runtime->manual_split(replica.layers, scenario.profile.unloaded_layers);
      }
    }
  }
  // A context beyond the model's own is judged at the model's own.
  runtime::Workload judged = workload;
  judged.context = Tokens(judged_context(scenario.profile, workload));
  Budgets(scenario, judged, split, raised, wanted, placement).add(replicas);
  if (judged.context < workload.context && placement.standing.fits()) {
    placement.standing.reach = Standing::Reach::loads;
  }
  std::vector<bool> used(scenario.nodes(), false);
  for (const NodeBudget& budget : placement.nodes) {
    used[budget.node] = true;
  }
  for (std::size_t node = 0; node < used.size(); ++node) {
    if (!used[node]) {
      placement.idle.push_back(node);
    }
  }
  if (wanted.speed) {
    placement.speed = placement_speed(scenario, judged, placement);
  }
}

}  // namespace macfit::plan
