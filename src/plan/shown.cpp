// What a plan shows besides its decision: every runtime's workers, pipeline and tensor split with
// budgets, whether or not they won, load or can be run at all, and what is wrong with each.

#include "shown.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/plan/speeds.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::plan {
namespace {

Group all_nodes(const Scenario& scenario) {
  Group group(scenario.nodes());
  std::iota(group.begin(), group.end(), std::size_t{0});
  return group;
}

/// What the runtime itself would do with a placement that macfit finds too tight.
void foresee(const Request& request, const Scenario& scenario, Placement& placement) {
  if (placement.nodes.empty() || !placement.standing.supported) {
    return;
  }
  runtime::Proposal proposal;
  proposal.profile = &scenario.profile;
  proposal.split = placement.split != SplitKind::independent;
  proposal.tensor = placement.split == SplitKind::tensor;
  proposal.fits = placement.standing.fits();
  for (const NodeBudget& budget : placement.nodes) {
    const hardware::Node& node = request.cluster.nodes[budget.node];
    proposal.nodes.push_back({printable(node.name, 64), budget.replica, scenario.ram[budget.node],
                              node.gpu_limit.bytes, budget.effective, budget.parts.demand(),
                              budget.parts.runtime});
  }
  for (runtime::Problem& problem : scenario.runtime->accepts(proposal)) {
    placement.problems.push_back({std::move(problem.code), std::move(problem.text)});
  }
}

/// What the machines or cables of the groups keep a backend from, or make worse, with the remedy.
void cables(const Request& request, const Scenario& scenario, const std::vector<Replica>& replicas,
            Placement& placement) {
  std::vector<Group> wired;
  for (const Replica& replica : replicas) {
    wired.push_back(replica.nodes);
    std::sort(wired.back().begin(), wired.back().end());
  }
  if (!scenario.all_tcp) {
    wired.push_back(all_nodes(scenario));  // the mesh that was asked for, whoever uses it
  }
  for (const Group& group : wired) {
    const hardware::Transport asked = runtime::group_transport(request.cluster, group);
    for (const runtime::TopologyProblem& problem :
         runtime::topology_problems(request.cluster, *scenario.runtime, asked, group)) {
      const auto known = std::find_if(placement.problems.begin(), placement.problems.end(),
                                      [&](const Reason& r) { return r.code == problem.code; });
      if (known == placement.problems.end()) {
        placement.problems.push_back({problem.code, problem.text + "; " + problem.remedy});
      }
    }
  }
}

class Shown {
 public:
  Shown(const Request& request, const Scenario& scenario, std::size_t index,
        const Decision& decision)
      : request_(request), scenario_(scenario), index_(index), decision_(decision) {}

  std::vector<Placement> find() {
    if (!scenario_.budgetable()) {
      result_.push_back(bare());
      return std::move(result_);
    }
    workers();
    if (scenario_.nodes() > 1) {
      if (scenario_.profile.layers >= 2) {
        pipeline();
      }
      tensor();
    }
    for (Placement& placement : result_) {
      if (request_.only && placement.split != *request_.only) {
        placement.standing.may_win = false;
      }
    }
    return std::move(result_);
  }

 private:
  static constexpr Wanted everything{true, true};

  /// The winner's own groups where this is the winner; else the best that memory allows this split.
  [[nodiscard]] Decision best_of(SplitKind split, const runtime::Support& support) const {
    if (decision_.found() && decision_.scenario == index_ && decision_.split == split) {
      return decision_;
    }
    Terms terms{split, request_.goal, request_.replicas};
    const bool refused = !support.ok || !scenario_.runs.ok || !scenario_.kv.ok;
    return refused ? decide({unrestricted(scenario_)}, request_.workload, terms)
                   : decide({scenario_}, request_.workload, terms);
  }

  [[nodiscard]] Placement bare() const {
    Placement placement;
    placement.runtime = scenario_.runtime;
    placement.format = scenario_.profile.format;
    if (scenario_.profile.layers > 0) {
      placement.weight_bytes = Bytes(scenario_.profile.total_weights());
    }
    placement.weight_evidence = scenario_.profile.weight_evidence;
    problems(placement);
    placement.standing.refuse();
    if (scenario_.runs.ok) {
      placement.problems.push_back(
          {"cache-unknown",
           "the size of this architecture's cache is not known, so no demand can be "
           "computed; the weights are"});
    }
    return placement;
  }

  void problems(Placement& placement) const {
    for (const runtime::Support* support : {&scenario_.runs, &scenario_.kv}) {
      refuse(placement, *support);
    }
    if (scenario_.profile.longest_context > 0 &&
        request_.workload.context.count() > scenario_.profile.longest_context) {
      placement.problems.push_back(
          {"context-above-longest",
           fmt::format("the asked context of {} tokens is above the model's longest, {}",
                       format_tokens(request_.workload.context),
                       format_tokens(Tokens(scenario_.profile.longest_context)))});
    }
    foresee(request_, scenario_, placement);
  }

  static void refuse(Placement& placement, const runtime::Support& support) {
    if (!support.ok) {
      placement.problems.push_back({support.code, support.reason});
      placement.standing.refuse();
    }
  }

  void workers() {
    Decision best = best_of(SplitKind::independent, runtime::Support::yes());
    if (!best.found()) {
      for (const std::size_t node : all_nodes(scenario_)) {
        best.replicas.push_back({{node}, {}, Layout::runtime_default});
      }
    }
    Placement placement;
    place(scenario_, request_.workload, SplitKind::independent, best.replicas, best.raised,
          everything, placement);
    problems(placement);
    result_.push_back(std::move(placement));
  }

  /// Where nothing loads: over the nodes that could hold a layer, with as much room as can be.
  [[nodiscard]] std::vector<Replica> over_all() const {
    const fit::Demand load = demand_of(
        scenario_, request_.workload, load_context(scenario_.profile), SplitKind::pipeline,
        scenario_.nodes(), transport_of(scenario_, all_nodes(scenario_)));
    Replica replica;
    std::vector<std::int64_t> room;
    for (const std::size_t node : all_nodes(scenario_)) {
      if (scenario_.raised.part[node] >= load.stage(0, 1)) {
        replica.nodes.push_back(node);
        room.push_back(scenario_.raised.part[node]);
      }
    }
    while (replica.nodes.size() > scenario_.profile.layers) {
      replica.nodes.pop_back();
      room.pop_back();
    }
    if (replica.nodes.size() < 2) {
      replica.nodes = all_nodes(scenario_);
      replica.nodes.resize(std::min(replica.nodes.size(), scenario_.profile.layers));
      replica.layers = runtime_split(scenario_, replica.nodes);
      return {replica};
    }
    if (!scenario_.given.empty() && scenario_.given.size() == scenario_.nodes()) {
      return {{all_nodes(scenario_), scenario_.given, Layout::given}};
    }
    if (scenario_.takes_split) {
      replica.layers = fit::best_split(load, room);
      replica.layout = Layout::best;
    }
    if (replica.layers.empty()) {
      replica.layers = runtime_split(scenario_, replica.nodes);
      replica.layout = Layout::runtime_default;
    }
    if (replica.layers == runtime_split(scenario_, replica.nodes)) {
      replica.layout = Layout::runtime_default;
    }
    return {replica};
  }

  void pipeline() {
    Decision best = best_of(SplitKind::pipeline, scenario_.pipeline);
    if (!best.found()) {
      best.replicas = over_all();
    }
    std::vector<Replica> own = best.replicas;
    bool by_hand = false;
    for (Replica& replica : own) {
      by_hand = by_hand || replica.layout != Layout::runtime_default;
      replica.layers = runtime_split(scenario_, replica.nodes);
      replica.layout = Layout::runtime_default;
    }
    add_pipeline(best.replicas, best.raised, true);
    if (by_hand) {
      add_pipeline(own, best.raised, false);  // beside it what the runtime does when told nothing
    }
  }

  void add_pipeline(const std::vector<Replica>& replicas, bool raised, bool may_win) {
    Placement placement;
    place(scenario_, request_.workload, SplitKind::pipeline, replicas, raised, everything,
          placement);
    problems(placement);
    cables(request_, scenario_, replicas, placement);
    refuse(placement, scenario_.pipeline);
    const std::string warning = scenario_.runtime->split_warning(
        static_cast<std::int64_t>(scenario_.profile.layers), replicas.front().nodes.size());
    if (!warning.empty() && scenario_.pipeline.ok) {
      placement.problems.push_back({"drops-layers", warning});
    }
    placement.standing.may_win = placement.standing.may_win && may_win;
    result_.push_back(std::move(placement));
  }

  /// The largest group that a layer can be cut over; 0 where none can.
  [[nodiscard]] std::size_t largest_cut() const {
    for (std::size_t size = scenario_.nodes(); size > 1; --size) {
      if (scenario_.tensor[size].ok) {
        return size;
      }
    }
    return 0;
  }

  void tensor() {
    const std::size_t nodes = scenario_.nodes();
    const std::size_t legal = largest_cut();
    const runtime::Support& support = scenario_.tensor[legal > 0 ? legal : nodes];
    Decision best = best_of(SplitKind::tensor, support);
    if (!best.found()) {
      const std::size_t size = legal > 0 ? legal : nodes;
      const bool known =
          size < scenario_.profile.rank_weights.size() && scenario_.profile.rank_weights[size] >= 0;
      if (known) {
        Group group = all_nodes(scenario_);
        group.resize(size);
        best.replicas = {{group, {}, Layout::runtime_default}};
      }
    }
    Placement placement;
    if (best.found()) {
      place(scenario_, request_.workload, SplitKind::tensor, best.replicas, best.raised, everything,
            placement);
    } else {
      placement = bare_tensor();
    }
    problems(placement);
    refuse(placement, support);
    if (legal > 0 && legal < nodes) {
      placement.problems.push_back(
          {scenario_.tensor[nodes].code,
           fmt::format("{}; {} nodes can", scenario_.tensor[nodes].reason, legal)});
    }
    cables(request_, scenario_, best.replicas, placement);
    const bool rdma =
        std::all_of(best.replicas.begin(), best.replicas.end(), [&](const Replica& replica) {
          return transport_of(scenario_, replica.nodes) == hardware::Transport::rdma;
        });
    const bool asked = request_.only && *request_.only == SplitKind::tensor;
    const bool chosen =
        decision_.found() && decision_.scenario == index_ && decision_.split == SplitKind::tensor;
    placement.standing.may_win = placement.standing.may_win && (rdma || asked || chosen);
    if (chosen && decision_.last_resort) {
      placement.standing.tier = std::min(placement.standing.tier, fit::Tier::borderline);
    }
    result_.push_back(std::move(placement));
  }

  [[nodiscard]] Placement bare_tensor() const {
    Placement placement;
    placement.split = SplitKind::tensor;
    placement.runtime = scenario_.runtime;
    placement.format = scenario_.profile.format;
    placement.weight_bytes = Bytes(scenario_.profile.total_weights());
    placement.weight_evidence = scenario_.profile.weight_evidence;
    placement.speed.why_unknown = "the placement has no budget";
    return placement;
  }

  const Request& request_;
  const Scenario& scenario_;
  std::size_t index_;
  const Decision& decision_;
  std::vector<Placement> result_;
};

/// A node that lacks memory at the load context, and by how much.
std::optional<Shortfall> shortfall_of(const Plan& plan, const Scenario& scenario,
                                      std::size_t index) {
  const Placement& placement = plan.placements[index];
  const bool shard = placement.split != SplitKind::independent;
  const std::size_t nodes =
      shard ? placement.nodes.size() / std::max<std::size_t>(1, placement.replicas) : 1;
  Group group;
  for (const NodeBudget& budget : placement.nodes) {
    if (budget.replica == 0) {
      group.push_back(budget.node);
    }
  }
  const fit::Demand demand =
      demand_of(scenario, plan.request.workload, load_context(scenario.profile), placement.split,
                nodes, transport_of(scenario, group));
  const Scenario::Capacity& capacity = scenario.raised;
  std::vector<std::int64_t> effective;
  for (const NodeBudget& budget : placement.nodes) {
    effective.push_back(shard ? capacity.part[budget.node] : capacity.whole[budget.node]);
  }
  fit::Split split;
  if (placement.split == SplitKind::pipeline && scenario.takes_split && scenario.given.empty() &&
      placement.replicas == 1) {
    split = fit::best_split(demand, effective);
  }
  std::optional<Shortfall> worst;
  std::size_t first = 0;
  for (std::size_t n = 0; n < placement.nodes.size(); ++n) {
    const NodeBudget& budget = placement.nodes[n];
    const std::size_t begin = split.empty() ? static_cast<std::size_t>(budget.first_layer) : first;
    const auto count = static_cast<std::size_t>(split.empty() ? budget.layer_count : split[n]);
    first += count;
    const Bytes needed(demand.stage(begin, count));
    const Bytes short_by = needed - Bytes(effective[n]);
    // A shard fails by its worst node; whole models by the one that comes nearest.
    if (!worst || (shard ? short_by > worst->short_by : short_by < worst->short_by)) {
      worst = Shortfall{index, budget.node, needed, Bytes(effective[n]), short_by};
    }
  }
  return worst;
}

}  // namespace

std::vector<Placement> shown_placements(const Request& request,
                                        const std::vector<Scenario>& scenarios,
                                        const Decision& decision) {
  std::vector<Placement> all;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    for (Placement& placement : Shown(request, scenarios[i], i, decision).find()) {
      all.push_back(std::move(placement));
    }
  }
  return all;
}

std::optional<Shortfall> find_shortfall(const Plan& plan, const std::vector<Scenario>& scenarios) {
  std::optional<Shortfall> nearest;
  for (const bool supported : {true, false}) {
    for (std::size_t i = 0; i < plan.placements.size(); ++i) {
      const Placement& placement = plan.placements[i];
      if ((supported && !placement.standing.may_win) || placement.nodes.empty()) {
        continue;
      }
      const auto scenario =
          std::find_if(scenarios.begin(), scenarios.end(),
                       [&](const Scenario& s) { return s.runtime == placement.runtime; });
      const auto mine = shortfall_of(plan, *scenario, i);
      if (mine && (!nearest || mine->short_by < nearest->short_by)) {
        nearest = mine;
      }
    }
    if (nearest) {
      break;
    }
  }
  return nearest;
}

}  // namespace macfit::plan
