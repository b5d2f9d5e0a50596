// Whole reports as they are printed, byte for byte. After a wanted change: see CONTRIBUTING.md.

#include <cstdlib>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

plan::Plan plan_of(const std::string& model, const std::string& nodes) {
  plan::Request request;
  request.model = model::find_model(model, model::Catalog::embedded()).model;
  request.recipe = model::parse_recipe("q4");
  request.cluster = hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded());
  request.runtimes = {&test::mlx_lm()};
  request.flags = {{"--model", model}, {"--nodes", nodes}};
  return plan::make_plan(request);
}

/// Compares with tests/report/golden/NAME; MACFIT_REGOLD=1 writes it instead.
void check_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = test::source_path("tests/report/golden/" + name);
  if (std::getenv("MACFIT_REGOLD") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  CHECK(text == test::read_text(path));
}

report::Style style_of(std::size_t width, bool unicode = true) {
  report::Style style;
  style.width = width;
  style.unicode = unicode;
  return style;
}

}  // namespace

TEST_CASE("reports are what they were", "[report]") {
  const plan::Plan shard = plan_of("glm-4.5", "2x128");
  const plan::Plan workers = plan_of("llama-3.1-70b", "1x128+1x36");
  const plan::Plan none = plan_of("minimax-m2.5", "2x128");
  check_golden("shard.txt", report::plan_text(shard, style_of(100)));
  check_golden("shard_60.txt", report::plan_text(shard, style_of(60)));
  check_golden("shard_ascii.txt", report::plan_text(shard, style_of(80, false)));
  check_golden("workers.txt", report::plan_text(workers, style_of(100)));
  check_golden("wont_fit.txt", report::plan_text(none, style_of(100)));
  check_golden("cluster.txt", report::cluster_text(shard.request.cluster,
                                                   hardware::Catalog::embedded(), style_of(100)));
  check_golden("model.txt", report::model_text(model::Catalog::embedded().get("gpt-oss-120b"),
                                               model::parse_recipe("q4"), style_of(100)));
}

TEST_CASE("a report says the same in every style", "[report]") {
  const plan::Plan plan = plan_of("glm-4.5", "2x128");
  report::Style color = style_of(100);
  color.color = true;
  std::string stripped = report::plan_text(plan, color);
  for (std::size_t at = 0; (at = stripped.find('\x1b', at)) != std::string::npos;) {
    stripped.erase(at, stripped.find('m', at) - at + 1);
  }
  CHECK(stripped == report::plan_text(plan, style_of(100)));
}

TEST_CASE("--explain puts the numbers into the formulas", "[report]") {
  const plan::Plan plan = plan_of("llama-3.1-70b", "1x128");
  report::Style style = style_of(100);
  style.explain = true;
  const std::string text = report::plan_text(plan, style);
  CHECK(text.find("115,448,725,504 bytes (measured") != std::string::npos);
  CHECK(text.find("39,688,355,840 weights") != std::string::npos);
  // 8,192 tokens x 80 layers x 8 heads x 128 x 2 (keys, values) x 2 B
  CHECK(text.find("2,684,354,560 cache") != std::string::npos);
}
