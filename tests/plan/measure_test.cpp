// The commands that check a plan's speeds on the Macs themselves.

#include "macfit/plan/measure.hpp"

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/plan/plan.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

plan::Request request_of(const char* nodes, std::int64_t context, std::int64_t sequences,
                         const runtime::Runtime& runtime) {
  plan::Request request;
  request.model = model::Catalog::embedded().get("qwen3-32b");
  request.recipe = model::parse_recipe("q4");
  request.cluster = hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded());
  request.workload.context = Tokens(context);
  request.workload.sequences = sequences;
  request.runtimes = {&runtime};
  return request;
}

plan::Measurement measured(const char* nodes, std::int64_t context, std::int64_t sequences,
                           const runtime::Runtime& runtime, plan::SplitKind split) {
  const plan::Request request = request_of(nodes, context, sequences, runtime);
  const plan::Plan plan = plan::make_plan(request);
  for (const plan::Placement& placement : plan.placements) {
    if (placement.split == split) {
      return plan::measurement_of(request, placement);
    }
  }
  return {};
}

}  // namespace

TEST_CASE("a speed comes with the command that checks it", "[plan]") {
  const auto independent = plan::SplitKind::independent;
  const std::string repository = plan::repository_of(
      model::Catalog::embedded().get("qwen3-32b"),
      plan::make_plan(request_of("1x128", 8192, 1, test::mlx_lm())).placements.front());
  const std::string model = repository.empty() ? "MODEL" : repository;
  // mlx-lm 0.31.3 and 0.32.2: mlx_lm.benchmark --help.
  plan::Measurement measure = measured("1x128", 8192, 1, test::mlx_lm(), independent);
  CHECK(measure.full ==
        "mlx_lm.benchmark --model " + model + " --prompt-tokens 7680 --generation-tokens 512");
  CHECK(measure.brief ==
        "mlx_lm.benchmark --model " + model + " --prompt-tokens 384 --generation-tokens 128");
  measure = measured("1x128", 8192, 4, test::mlx_lm(), independent);
  CHECK(measure.full == "mlx_lm.benchmark --model " + model +
                            " --prompt-tokens 7680 --generation-tokens 512 --batch-size 4");
  measure = measured("1x128", 8192, 4, test::llama_cpp(), independent);
  CHECK(measure.full ==
        "llama-batched-bench -m MODEL.gguf -fa on -c 32768 -npp 7680 -ntg 512 -npl 4");
  measure = measured("1x128", 8192, 1, test::llama_cpp(), independent);
  CHECK(measure.brief ==
        "llama-bench -m MODEL.gguf -fa 1 -p 384 -n 0 && llama-bench -m MODEL.gguf -fa 1 -p 0 -n "
        "128 -d 384");
  // No longer than a short exchange; no tool of its own; a shard.
  CHECK(measured("1x128", 512, 1, test::mlx_lm(), independent).brief.empty());
  CHECK(measured("1x128", 8192, 1, test::exo(), independent).full.empty());
  CHECK(measured("2x128", 8192, 1, test::mlx_lm(), plan::SplitKind::pipeline).full.empty());
}
