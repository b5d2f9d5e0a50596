#include "macfit/plan/speeds.hpp"

#include <algorithm>
#include <cmath>

#include "expand.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::plan {
namespace {

const speed::Calibration& calibration_of(const Scenario& scenario) {
  return scenario.calibration ? *scenario.calibration : speed::Calibration::embedded();
}

std::vector<std::int64_t> part_bounds(const Scenario& scenario, const Group& group, bool raised,
                                      bool comfortable) {
  const Scenario::Capacity& capacity = scenario.capacity(raised);
  std::vector<std::int64_t> bounds;
  bounds.reserve(group.size());
  for (const std::size_t node : group) {
    const std::int64_t part = group.size() == 1 ? capacity.whole[node] : capacity.part[node];
    bounds.push_back(comfortable ? fit::comfortable_bound(part) : part);
  }
  return bounds;
}

bool within(const fit::Demand& demand, const fit::Split& split,
            const std::vector<std::int64_t>& bounds) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const auto count = static_cast<std::size_t>(split[i]);
    if (demand.stage(first, count) > bounds[i]) {
      return false;
    }
    first += count;
  }
  return true;
}

/// What a layer costs on each node, or nothing where all nodes are as fast or a speed is not known.
fit::LayerCosts layer_costs(const Scenario& scenario, const runtime::Workload& workload,
                            const Group& group) {
  fit::LayerCosts costs;
  if (!scenario.work || !scenario.work->known) {
    return costs;
  }
  const auto same = [](const speed::Chip& a, const speed::Chip& b) {
    return a.id == b.id && a.cores == b.cores && a.bandwidth == b.bandwidth;
  };
  bool unlike = false;
  for (const std::size_t node : group) {
    if (scenario.chips[node].bandwidth <= 0.0) {
      return costs;
    }
    unlike = unlike || !same(scenario.chips[node], scenario.chips[group.front()]);
  }
  if (!unlike) {
    return costs;
  }
  const speed::Exchange exchange = speed::exchange_of(workload);
  speed::Question question;
  question.cached = exchange.prompt;
  question.generated = exchange.generated;
  question.sequences = static_cast<double>(workload.sequences);
  for (std::size_t i = 0; i < group.size(); ++i) {
    const std::size_t node = group[i];
    if (i > 0 && same(scenario.chips[node], scenario.chips[group[i - 1]])) {
      costs.push_back(costs.back());
      continue;
    }
    constexpr double femtoseconds = 1e15;
    std::vector<std::int64_t> sums{0};
    for (const double seconds : speed::layer_seconds(*scenario.work, question, scenario.chips[node],
                                                     calibration_of(scenario).values)) {
      sums.push_back(sums.back() + std::llround(seconds * femtoseconds));
    }
    costs.push_back(std::move(sums));
  }
  return costs;
}

/// Figures of several replicas side by side: a stream is as fast as the slowest.
void take_slower(std::optional<speed::Estimate>& mine, const std::optional<speed::Estimate>& other,
                 bool more_is_slower) {
  if (!mine || !other) {
    mine.reset();
    return;
  }
  const Evidence evidence = weaker(mine->evidence, other->evidence);
  if (more_is_slower ? other->value > mine->value : other->value < mine->value) {
    mine = other;
  }
  mine->evidence = evidence;
}

void add_up(std::optional<speed::Estimate>& sum, const std::optional<speed::Estimate>& other) {
  if (!sum || !other) {
    sum.reset();
    return;
  }
  sum->value += other->value;
  sum->low += other->low;
  sum->high += other->high;
  sum->evidence = weaker(sum->evidence, other->evidence);
}

}  // namespace

void add_work(Scenario& scenario, const Request& request) {
  if (!scenario.work && scenario.runs.ok) {
    scenario.work = speed::prepare(request.model, scenario.profile.recipe,
                                   speed::engine_of(scenario.runtime->id()), request.workload.kv);
  }
}

hardware::Transport transport_of(const Scenario& scenario, const Group& group) {
  const runtime::Id id = scenario.runtime->id();
  if (runtime::group_transport(scenario.cluster, group) == hardware::Transport::tcp) {
    return hardware::Transport::tcp;
  }
  if (!scenario.rdma_sound) {
    for (const runtime::TopologyProblem& problem :
         runtime::topology_problems(scenario.cluster, id, hardware::Transport::rdma, group)) {
      if (problem.fatal) {
        return hardware::Transport::tcp;
      }
    }
  }
  return hardware::Transport::rdma;
}

speed::Link link_within(const Scenario& scenario, const Group& group, hardware::Transport by) {
  const hardware::LinkType* slowest = nullptr;
  const auto slower = [](const hardware::LinkType& a, const hardware::LinkType& b) {
    if (a.transport != b.transport) {
      return a.transport == hardware::Transport::tcp;
    }
    const auto rate = [](const hardware::LinkType& type) {
      return type.bandwidth ? type.bandwidth->value.value() : 0.0;
    };
    return rate(a) < rate(b);
  };
  const auto inside = [&](std::size_t node) {
    return std::find(group.begin(), group.end(), node) != group.end();
  };
  for (const hardware::Link& link : scenario.cluster.links) {
    if (!inside(link.first) || !inside(link.second)) {
      continue;
    }
    const hardware::LinkType* type = &link.type;
    if (type->transport != by) {
      type = by == hardware::Transport::tcp ? &link.tcp : link.rdma ? &*link.rdma : type;
    }
    if (slowest == nullptr || slower(*type, *slowest)) {
      slowest = type;
    }
  }
  return slowest == nullptr ? speed::Link{} : speed::link_of(*slowest);
}

speed::Answer replica_speed_over(const Scenario& scenario, const speed::Link& link,
                                 const Group& group, SplitKind split, const fit::Split& layers,
                                 const speed::Exchange& exchange, double sequences, double cached) {
  if (!scenario.work) {
    speed::Answer answer;
    answer.why_unknown = "the runtime does not run this model";
    return answer;
  }
  std::vector<speed::Chip> chips;
  chips.reserve(group.size());
  for (const std::size_t node : group) {
    chips.push_back(scenario.chips[node]);
  }
  speed::Question question;
  question.split = split == SplitKind::tensor     ? speed::Split::tensor
                   : split == SplitKind::pipeline ? speed::Split::pipeline
                                                  : speed::Split::whole;
  question.chips = chips;
  question.layers = layers;
  question.link = link;
  question.cached = cached;
  question.prompt = exchange.prompt;
  question.generated = exchange.generated;
  question.sequences = sequences;
  return speed::estimate(*scenario.work, question, calibration_of(scenario));
}

speed::Answer replica_speed(const Scenario& scenario, const Group& group, SplitKind split,
                            const fit::Split& layers, const speed::Exchange& exchange,
                            double sequences, double cached) {
  const speed::Link link = group.size() < 2
                               ? speed::Link{}
                               : link_within(scenario, group, transport_of(scenario, group));
  return replica_speed_over(scenario, link, group, split, layers, exchange, sequences, cached);
}

Speed placement_speed(const Scenario& scenario, const runtime::Workload& workload,
                      const Placement& placement) {
  Speed speed;
  if (placement.nodes.empty()) {
    speed.why_unknown = "the placement has no budget";
    return speed;
  }
  if (!placement.loads) {
    speed.why_unknown = "the placement does not load";
    return speed;
  }
  const speed::Exchange exchange = speed::exchange_of(workload);
  for (std::size_t replica = 0; replica < placement.replicas; ++replica) {
    Group group;
    fit::Split layers;
    for (const NodeBudget& budget : placement.nodes) {
      if (budget.replica == replica) {
        group.push_back(budget.node);
        layers.push_back(budget.layer_count);
      }
    }
    const SplitKind split = group.size() == 1 ? SplitKind::independent : placement.split;
    const speed::Answer answer =
        replica_speed(scenario, group, split, split == SplitKind::pipeline ? layers : fit::Split{},
                      exchange, static_cast<double>(workload.sequences));
    if (speed.why_unknown.empty()) {
      speed.why_unknown = answer.why_unknown;
    }
    if (replica == 0) {
      speed.decode = answer.decode;
      speed.aggregate = answer.aggregate_decode;
      speed.prefill = answer.prefill;
      speed.time_to_first_token = answer.time_to_first_token;
      continue;
    }
    take_slower(speed.decode, answer.decode, false);
    take_slower(speed.prefill, answer.prefill, false);
    take_slower(speed.time_to_first_token, answer.time_to_first_token, true);
    add_up(speed.aggregate, answer.aggregate_decode);
  }
  return speed;
}

fit::Split choose_split(const Scenario& scenario, const runtime::Workload& workload,
                        const Group& group, bool raised) {
  const std::vector<std::int64_t> effective = part_bounds(scenario, group, raised, false);
  const auto demand_at = [&](std::int64_t context) {
    return demand_of(scenario, workload, context, SplitKind::pipeline, group.size());
  };
  std::int64_t context = workload.context.count();
  const std::int64_t load = load_context(scenario.profile);
  const fit::Demand asked = demand_at(context);
  if (fit::feasible(asked, effective)) {
    const std::vector<std::int64_t> comfortable = part_bounds(scenario, group, raised, true);
    const bool roomy = !raised && fit::feasible(asked, comfortable);
    if (const fit::LayerCosts costs = layer_costs(scenario, workload, group); !costs.empty()) {
      fit::Split fastest =
          fit::cheapest_split(asked, roomy ? comfortable : effective, effective, costs);
      // A short context may fit where the model does not load.
      if (!fastest.empty() && (context >= load || within(demand_at(load), fastest, effective))) {
        return fastest;
      }
    }
    return fit::best_split(asked, effective);
  }
  context = largest_context(
      context, [&](std::int64_t tokens) { return fit::feasible(demand_at(tokens), effective); });
  return fit::best_split(demand_at(context > 0 ? context : load), effective);
}

}  // namespace macfit::plan
