// Speeds of groups of nodes: joins what the speed model wants (chips, layers, the slowest link) to
// what a decision has (nodes by index, a split, a workload).

#include "macfit/plan/speeds.hpp"

#include <algorithm>
#include <cmath>

#include "macfit/plan/placement.hpp"
#include "macfit/runtime/facts.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::plan {
namespace {

const speed::Calibration& calibration_of(const Scenario& scenario) {
  return scenario.calibration ? *scenario.calibration : speed::Calibration::embedded();
}

/// Calls f(link) for the links within a group; between nodes of the same classes once.
template <class F>
void for_each_pair(const Scenario& scenario, const Group& group, const F& f) {
  const bool whole_classes = scenario.mesh;
  std::vector<std::pair<std::size_t, std::size_t>> done;
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (std::size_t j = i + 1; j < group.size(); ++j) {
      const std::pair kinds =
          std::minmax({scenario.class_of[group[i]], scenario.class_of[group[j]]});
      if (whole_classes) {
        if (std::find(done.begin(), done.end(), kinds) != done.end()) {
          continue;
        }
        done.push_back(kinds);
      }
      if (const hardware::Link* link = scenario.cluster->link_between(group[i], group[j])) {
        f(*link);
      }
    }
  }
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

std::vector<speed::Chip> chips_of(const Scenario& scenario, const Group& group) {
  std::vector<speed::Chip> chips;
  chips.reserve(group.size());
  for (const std::size_t node : group) {
    chips.push_back(scenario.chips[node]);
  }
  return chips;
}

speed::Question question_of(const std::vector<speed::Chip>& chips, const speed::Link& link,
                            SplitKind split, const fit::Split& layers,
                            const speed::Exchange& exchange, double sequences, double cached) {
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
  return question;
}

/// The slowest link of a group by the transport it would use; of one node none.
speed::Link link_of(const Scenario& scenario, const Group& group) {
  return group.size() < 2 ? speed::Link{}
                          : link_within(scenario, group, transport_of(scenario, group));
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
  if (!scenario.work && scenario.profile.layers > 0) {
    scenario.work = speed::prepare(request.model, scenario.profile.recipe,
                                   speed::engine_of(*scenario.runtime), request.workload.kv);
    speed::set_release(*scenario.work,
                       speed::release_from_date(scenario.runtime->facts().release.date));
    if (scenario.profile.collectives_per_token > 0) {
      scenario.work->collectives = static_cast<double>(scenario.profile.collectives_per_token) /
                                   static_cast<double>(scenario.profile.layers);
    }
  }
}

hardware::Transport transport_of(const Scenario& scenario, const Group& group) {
  if (scenario.all_tcp || group.size() < 2) {
    return hardware::Transport::tcp;
  }
  bool any = false;
  bool tcp = false;
  for_each_pair(scenario, group, [&](const hardware::Link& link) {
    any = true;
    tcp = tcp || link.type.transport == hardware::Transport::tcp;
  });
  if (tcp || !any) {
    return hardware::Transport::tcp;
  }
  const auto problems = runtime::topology_problems(*scenario.cluster, *scenario.runtime,
                                                   hardware::Transport::rdma, group);
  return std::any_of(problems.begin(), problems.end(),
                     [](const runtime::TopologyProblem& problem) { return problem.fatal; })
             ? hardware::Transport::tcp
             : hardware::Transport::rdma;
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
  for_each_pair(scenario, group, [&](const hardware::Link& link) {
    const hardware::LinkType* type = &link.type;
    if (type->transport != by) {
      type = by == hardware::Transport::tcp ? &link.tcp : link.rdma ? &*link.rdma : type;
    }
    if (slowest == nullptr || slower(*type, *slowest)) {
      slowest = type;
    }
  });
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
  const std::vector<speed::Chip> chips = chips_of(scenario, group);
  return speed::estimate(*scenario.work,
                         question_of(chips, link, split, layers, exchange, sequences, cached),
                         calibration_of(scenario));
}

speed::Answer replica_speed(const Scenario& scenario, const Group& group, SplitKind split,
                            const fit::Split& layers, const speed::Exchange& exchange,
                            double sequences, double cached) {
  return replica_speed_over(scenario, link_of(scenario, group), group, split, layers, exchange,
                            sequences, cached);
}

Speed placement_speed(const Scenario& scenario, const runtime::Workload& workload,
                      const Placement& placement) {
  Speed speed;
  if (placement.nodes.empty()) {
    speed.why_unknown = "the placement has no budget";
    return speed;
  }
  if (!placement.standing.loads()) {
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
      speed.short_decode = answer.short_decode;
      speed.short_aggregate = answer.short_aggregate;
      speed.prefill = answer.prefill;
      speed.time_to_first_token = answer.time_to_first_token;
      continue;
    }
    take_slower(speed.decode, answer.decode, false);
    take_slower(speed.short_decode, answer.short_decode, false);
    take_slower(speed.prefill, answer.prefill, false);
    take_slower(speed.time_to_first_token, answer.time_to_first_token, true);
    add_up(speed.aggregate, answer.aggregate_decode);
    add_up(speed.short_aggregate, answer.short_aggregate);
  }
  return speed;
}

std::optional<double> decode_rate(const Scenario& scenario, const runtime::Workload& workload,
                                  const Group& group, SplitKind split, const fit::Split& layers,
                                  double sequences) {
  if (!scenario.work) {
    return std::nullopt;
  }
  runtime::Workload judged = workload;
  judged.context = Tokens(judged_context(scenario.profile, workload));
  const speed::Exchange exchange = speed::exchange_of(judged);
  // The prompt counts as read: what it costs is another figure.
  const std::vector<speed::Chip> chips = chips_of(scenario, group);
  return speed::decode_rate(*scenario.work,
                            question_of(chips, link_of(scenario, group), split, layers,
                                        {0.0, exchange.generated}, sequences, exchange.prompt),
                            calibration_of(scenario));
}

fit::LayerCosts layer_costs(const Scenario& scenario, const runtime::Workload& workload) {
  fit::LayerCosts costs;
  if (!scenario.work || !scenario.work->known || scenario.classes.size() < 2) {
    return costs;
  }
  const auto same = [](const speed::Chip& a, const speed::Chip& b) {
    return a.id == b.id && a.cores == b.cores && a.bandwidth == b.bandwidth;
  };
  const auto chip = [&](std::size_t c) -> const speed::Chip& {
    return scenario.chips[scenario.classes[c].front()];
  };
  bool unlike = false;
  for (std::size_t c = 0; c < scenario.classes.size(); ++c) {
    if (chip(c).bandwidth <= 0.0) {
      return costs;
    }
    unlike = unlike || !same(chip(c), chip(0));
  }
  if (!unlike) {
    return costs;
  }
  runtime::Workload judged = workload;
  judged.context = Tokens(judged_context(scenario.profile, workload));
  const speed::Exchange exchange = speed::exchange_of(judged);
  speed::Question question;
  question.cached = exchange.prompt;
  question.generated = exchange.generated;
  question.sequences = static_cast<double>(workload.sequences);
  for (std::size_t c = 0; c < scenario.classes.size(); ++c) {
    const auto known = [&] {
      for (std::size_t before = 0; before < c; ++before) {
        if (same(chip(before), chip(c))) {
          return before;
        }
      }
      return c;
    }();
    if (known < c) {
      costs.push_back(costs[known]);
      continue;
    }
    constexpr double femtoseconds = 1e15;
    std::vector<std::int64_t> sums{0};
    for (const double seconds :
         speed::layer_seconds(*scenario.work, question, chip(c), calibration_of(scenario).values)) {
      sums.push_back(sums.back() + std::llround(seconds * femtoseconds));
    }
    costs.push_back(std::move(sums));
  }
  return costs;
}

}  // namespace macfit::plan
