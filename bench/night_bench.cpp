// Nights a second: what a simulation of unattended runs costs.

#include <benchmark/benchmark.h>

#include "macfit/study/night_simulation.hpp"

namespace {

using namespace macfit;

/// Endless lists of 26-second jobs under the default faults.
void nights(benchmark::State& state, std::size_t workers, std::size_t nodes, double reboots) {
  study::NightRules rules;
  rules.seconds = 9.0 * 3600.0;
  rules.faults = study::default_faults();
  if (reboots > 0.0) {
    rules.faults[0].per_day = reboots;
  }
  rules.nights = 10'000;
  study::Worker worker;
  worker.list = {{26.0, 0}};
  worker.nodes = nodes;
  worker.load_seconds = 60.0;
  const std::vector<study::Worker> all(workers, worker);
  for (auto step : state) {
    benchmark::DoNotOptimize(study::simulate_nights(all, rules));
    ++rules.seed;
  }
  state.SetItemsProcessed(state.iterations() * rules.nights);
}

}  // namespace

BENCHMARK_CAPTURE(nights, two_workers, 2, 1, 0.0);
BENCHMARK_CAPTURE(nights, shard_of_2, 1, 2, 0.0);
BENCHMARK_CAPTURE(nights, twelve_workers, 12, 1, 0.0);
BENCHMARK_CAPTURE(nights, shard_of_2_ten_reboots_a_day, 1, 2, 10.0);
