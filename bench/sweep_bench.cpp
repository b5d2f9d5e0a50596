// A sweep's rows one after the other, from memory: the decision, its fullest node, and the text.

#include <benchmark/benchmark.h>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/report/sweep/sweep_report.hpp"
#include "macfit/study/sweep.hpp"

namespace {

using namespace macfit;

study::Resolver make_resolver() {
  study::Resolver resolver;
  resolver.model = [](const std::string& name, const std::string&) {
    return study::Resolver::Model{model::Catalog::embedded().get(name), model::parse_recipe("q4")};
  };
  resolver.cluster = [](const std::string& nodes, const std::string&, const std::string&,
                        const std::string&) {
    return study::Resolver::Cluster{
        hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded()), std::nullopt};
  };
  return resolver;
}

/// `text`: with the CSV too. `speed`: with the speed columns.
void rows(benchmark::State& state, const char* model, const char* nodes, const char* runtime,
          bool text, bool speed) {
  study::Grid grid;
  std::vector<std::string> ignored;
  grid.set(study::Axis::model, {model}, ignored);
  grid.set(study::Axis::nodes, {nodes}, ignored);
  grid.set(study::Axis::runtime, {runtime}, ignored);
  grid.set(study::Axis::context, {"1k..64k+64"}, ignored);
  const study::Resolver resolver = make_resolver();
  study::Evaluator evaluator(grid, resolver, {false, speed});
  const report::RowWriter writer(report::RowFormat::csv, study::select_columns(""), grid, {});
  study::SweepRow row;
  study::Point point = grid.point(0);
  std::string out;
  for (auto step : state) {
    evaluator.evaluate(point, row);
    grid.advance(point);
    if (text) {
      out.clear();
      writer.write(out, row);
      benchmark::DoNotOptimize(out.data());
    }
    benchmark::DoNotOptimize(row);
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK_CAPTURE(rows, workers_2_nodes, "llama-3.1-70b", "2x128", "mlx-lm", false, false);
BENCHMARK_CAPTURE(rows, workers_2_nodes_csv, "llama-3.1-70b", "2x128", "mlx-lm", true, false);
BENCHMARK_CAPTURE(rows, workers_2_nodes_speed, "llama-3.1-70b", "2x128", "mlx-lm", false, true);
BENCHMARK_CAPTURE(rows, workers_2_nodes_all, "llama-3.1-70b", "2x128", "all", true, false);
BENCHMARK_CAPTURE(rows, pipeline_2_nodes_csv, "glm-4.5", "2x128", "mlx-lm", true, false);
BENCHMARK_CAPTURE(rows, pipeline_2_nodes_all, "minimax-m2.5", "2x128", "all", true, false);
BENCHMARK_CAPTURE(rows, pipeline_8_nodes_csv, "deepseek-v3.1", "8x128", "mlx-lm", true, false);
