// Peaks that mlx-lm publishes (BENCHMARKS.md: one M4 Max with 64 GB, prompt 2,048, 128 generated):
// MLX's own allocations, without what the process and Metal hold besides.

#include "macfit/fit/demand.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/runtime/runtime.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

TEST_CASE("mlx-lm's published peaks are predicted within 5 percent", "[fit]") {
  struct Row {
    const char* name;
    const char* format;
    double gigabytes;
  };
  const Row rows[] = {
      {"qwen3-4b", "bf16", 9.02},
      {"qwen3-4b", "4bit", 3.35},
      {"qwen3-30b-a3b", "8bit", 33.46},
      {"qwen3-30b-a3b", "4bit", 18.20},
  };
  for (const Row& row : rows) {
    const model::Model& model = model::Catalog::embedded().get(row.name);
    const runtime::Profile profile =
        test::mlx_lm().profile(model, model::parse_recipe(row.format), runtime::KvFormat::bf16, 1);
    const fit::Demand demand(profile, {}, 2048 + 128, Bytes(0));
    const fit::Parts parts = demand.parts(0, profile.layers);
    const double peak = (parts.demand() - parts.runtime).as_double() / 1e9;
    INFO(row.name << " " << row.format << ": " << peak << " for " << row.gigabytes);
    CHECK(peak == test::Approx(row.gigabytes).epsilon(0.05));
  }
}
