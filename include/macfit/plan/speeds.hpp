#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "macfit/plan/decide.hpp"
#include "macfit/speed/speed.hpp"

namespace macfit::plan {

/// Makes a scenario ready to be asked for speeds, if it is not yet.
void add_work(Scenario& scenario, const Request& request);

/// By RDMA where the nodes' links are RDMA and nothing about machines or ports keeps the runtime
/// from it; else TCP over what the nodes have.
[[nodiscard]] hardware::Transport transport_of(const Scenario& scenario, const Group& group);

/// The slowest link between nodes of a group; `by` chooses among what each pair could have.
[[nodiscard]] speed::Link link_within(const Scenario& scenario, const Group& group,
                                      hardware::Transport by);

/// How fast one replica is. `layers` are a pipeline's, one a node; empty otherwise. `cached` tokens
/// a sequence are there already. Needs add_work: without it every figure is empty.
[[nodiscard]] speed::Answer replica_speed(const Scenario& scenario, const Group& group,
                                          SplitKind split, const fit::Split& layers,
                                          const speed::Exchange& exchange, double sequences,
                                          double cached = 0.0);

/// The same over a given link.
[[nodiscard]] speed::Answer replica_speed_over(const Scenario& scenario, const speed::Link& link,
                                               const Group& group, SplitKind split,
                                               const fit::Split& layers,
                                               const speed::Exchange& exchange, double sequences,
                                               double cached = 0.0);

/// Tokens a second that a replica decodes at a workload, all its sequences together; nothing where
/// that is not known.
[[nodiscard]] std::optional<double> decode_rate(const Scenario& scenario,
                                                const runtime::Workload& workload,
                                                const Group& group, SplitKind split,
                                                const fit::Split& layers, double sequences);

/// What a layer costs on a node of each class, as prefix sums in femtoseconds of a decode step;
/// empty where all nodes are as fast or some speed is not known.
[[nodiscard]] fit::LayerCosts layer_costs(const Scenario& scenario,
                                          const runtime::Workload& workload);

}  // namespace macfit::plan
