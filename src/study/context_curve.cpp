#include "macfit/study/context_curve.hpp"

#include <algorithm>
#include <set>

#include "macfit/plan/speeds.hpp"

namespace macfit::study {
namespace {

/// The demand of one node's layers at a context.
class DemandByContext {
 public:
  DemandByContext(const plan::Plan& plan, const plan::Placement& placement,
                  const plan::NodeBudget& budget, std::size_t group, plan::Group nodes)
      : scenario_(plan::make_scenario(plan.request, *placement.runtime)),
        workload_(plan.request.workload),
        split_(placement.split),
        first_(static_cast<std::size_t>(budget.first_layer)),
        count_(static_cast<std::size_t>(budget.layer_count)),
        group_(group),
        nodes_(std::move(nodes)) {}

  [[nodiscard]] Bytes at(std::int64_t context) const {
    return Bytes(plan::demand_of(scenario_, workload_, context, split_, group_,
                                 plan::transport_of(scenario_, nodes_))
                     .stage(first_, count_));
  }
  [[nodiscard]] std::int64_t longest() const {
    constexpr std::int64_t where_not_stated = std::int64_t{1} << 20;
    return scenario_.profile.longest_context > 0 ? scenario_.profile.longest_context
                                                 : where_not_stated;
  }

 private:
  plan::Scenario scenario_;
  runtime::Workload workload_;
  plan::SplitKind split_;
  std::size_t first_;
  std::size_t count_;
  std::size_t group_;
  plan::Group nodes_;
};

/// The node whose context ends first; of those that can't hold one token, the fullest.
std::size_t binding_node(const plan::Placement& placement) {
  const auto first = std::min_element(placement.nodes.begin(), placement.nodes.end(),
                                      [](const plan::NodeBudget& a, const plan::NodeBudget& b) {
                                        return a.max_context != b.max_context
                                                   ? a.max_context < b.max_context
                                                   : a.utilization > b.utilization;
                                      });
  return static_cast<std::size_t>(first - placement.nodes.begin());
}

/// Where the curve ends: far enough to show what binds.
std::int64_t end_of(std::int64_t asked, std::int64_t most, std::int64_t longest) {
  constexpr std::int64_t least = 32'768;
  const std::int64_t beyond = most > 0 ? most + most / 8 : std::max(4 * asked, least);
  return std::max(asked, std::min(longest, std::max(beyond, std::min(2 * asked, 2 * longest))));
}

}  // namespace

std::optional<ContextCurve> context_curve(const plan::Plan& plan,
                                          const plan::Placement& placement) {
  if (placement.nodes.empty()) {
    return std::nullopt;
  }
  ContextCurve curve;
  curve.node = binding_node(placement);
  const plan::NodeBudget& budget = placement.nodes[curve.node];
  const std::int64_t longest = plan.request.model.architecture.context;
  const std::int64_t asked = longest > 0 ? std::min(longest, plan.request.workload.context.count())
                                         : plan.request.workload.context.count();
  // Nodes that a runtime's own split leaves without a layer belong to the group all the same.
  const auto used = static_cast<std::size_t>(std::count_if(
      placement.nodes.begin(), placement.nodes.end(),
      [&](const plan::NodeBudget& other) { return other.replica == budget.replica; }));
  plan::Group nodes;
  for (const plan::NodeBudget& other : placement.nodes) {
    if (other.replica == budget.replica) {
      nodes.push_back(other.node);
    }
  }
  std::optional<DemandByContext> demand;
  for (std::size_t group = used; group <= used + placement.idle.size() && !demand; ++group) {
    DemandByContext candidate(plan, placement, budget, group, nodes);
    if (candidate.at(asked) == budget.parts.demand()) {
      demand = std::move(candidate);
    }
  }
  if (!demand) {
    return std::nullopt;
  }
  curve.effective = budget.effective;
  curve.comfortable = Bytes(fit::comfortable_bound(budget.effective.count()));
  curve.max_context = budget.max_context;

  const std::int64_t end = end_of(asked, budget.max_context, demand->longest());
  std::set<std::int64_t> marks = {asked, end};
  for (std::int64_t tokens = fit::load_context; tokens < end; tokens *= 2) {
    marks.insert(tokens);
  }
  if (budget.max_context > 0) {
    marks.insert(budget.max_context);
  }
  std::int64_t low = 0;  // the longest comfortable context by bisection: demands grow with it
  for (std::int64_t high = end + 1; high - low > 1;) {
    const std::int64_t middle = low + (high - low) / 2;
    (demand->at(middle) <= curve.comfortable ? low : high) = middle;
  }
  curve.comfortable_context = low;
  if (low > 0) {
    marks.insert(low);
  }
  std::set<std::int64_t> contexts = marks;
  constexpr std::int64_t steps = 48;
  for (std::int64_t step = 0; step <= steps; ++step) {
    contexts.insert(std::max<std::int64_t>(1, end / steps * step));
  }
  for (const std::int64_t context : contexts) {
    ContextPoint point;
    point.context = Tokens(context);
    point.demand = demand->at(context);
    point.utilization =
        curve.effective > Bytes(0) ? point.demand.as_double() / curve.effective.as_double() : 0.0;
    point.fits = point.demand <= curve.effective;
    const bool comfortable = !placement.standing.raised() && point.demand <= curve.comfortable;
    point.tier = !point.fits   ? fit::Tier::not_practical
                 : comfortable ? fit::Tier::comfortable
                               : fit::Tier::borderline;
    point.marked = marks.count(context) > 0;
    curve.points.push_back(point);
  }
  return curve;
}

}  // namespace macfit::study
