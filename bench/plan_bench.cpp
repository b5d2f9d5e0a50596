// One plan at a time, from memory: what a sweep's inner loop costs.

#include <benchmark/benchmark.h>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/plan/plan.hpp"
#include "runtimes.hpp"

namespace {

using namespace macfit;

plan::Request request_for(const char* model, const char* nodes) {
  plan::Request request;
  request.model = model::Catalog::embedded().get(model);
  request.recipe = model::parse_recipe("q4");
  request.cluster = hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded());
  request.runtimes = {&test::mlx_lm()};
  return request;
}

/// The decision for one context after another, the model and cluster made ready before.
void decide(benchmark::State& state, const char* model, const char* nodes) {
  const plan::Request request = request_for(model, nodes);
  const std::vector<plan::Scenario> scenarios = {plan::make_scenario(request, test::mlx_lm())};
  runtime::Workload workload;
  std::int64_t context = 4096;
  for (auto step : state) {
    workload.context = Tokens(context);
    context = context >= 65'536 ? 4096 : context + 256;
    benchmark::DoNotOptimize(plan::decide(scenarios, workload, {}));
  }
  state.SetItemsProcessed(state.iterations());
}

/// The whole plan: every placement, budgets, longest contexts, words and remedies.
void whole_plan(benchmark::State& state, const char* model, const char* nodes) {
  const plan::Request request = request_for(model, nodes);
  for (auto step : state) {
    benchmark::DoNotOptimize(plan::make_plan(request));
  }
  state.SetItemsProcessed(state.iterations());
}

/// Flattening a model for a runtime: once per model, format and cluster of a sweep.
void scenario(benchmark::State& state, const char* model, const char* nodes) {
  const plan::Request request = request_for(model, nodes);
  for (auto step : state) {
    benchmark::DoNotOptimize(plan::make_scenario(request, test::mlx_lm()));
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK_CAPTURE(decide, workers_2_nodes, "llama-3.1-70b", "2x128");
BENCHMARK_CAPTURE(decide, pipeline_2_nodes, "deepseek-v3.1", "2x512");
BENCHMARK_CAPTURE(decide, pipeline_2_nodes_tight, "glm-4.5", "2x128");
BENCHMARK_CAPTURE(decide, workers_8_nodes, "llama-3.1-70b", "8x128");
BENCHMARK_CAPTURE(decide, pipeline_8_nodes, "deepseek-v3.1", "8x128");
BENCHMARK_CAPTURE(decide, pipeline_8_unlike_nodes, "deepseek-v3.1", "4x128+4x96");
BENCHMARK_CAPTURE(whole_plan, pipeline_2_nodes, "glm-4.5", "2x128");
BENCHMARK_CAPTURE(scenario, glm_2_nodes, "glm-4.5", "2x128");
