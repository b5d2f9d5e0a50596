#include "runtimes.hpp"

#include "macfit/model/catalog.hpp"
#include "macfit/report/runtimes/runtimes_report.hpp"
#include "macfit/runtime/failure_modes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

const report::Abilities& abilities_of(const report::RuntimeMatrix& matrix,
                                      const std::string& type) {
  for (const report::ArchitectureRow& row : matrix.rows) {
    if (row.type == type) {
      return row.abilities.front();
    }
  }
  throw std::runtime_error("no row for " + type);
}

}  // namespace

TEST_CASE("the matrix answers as the runtimes do", "[report]") {
  const auto models = model::Catalog::embedded().all();
  const auto matrix = report::make_matrix(models, {&test::mlx_lm()});
  // Legal on 2 nodes as mxfp4 (1,440 in groups of 32), not on 4 (docs/runtimes.md).
  const report::Abilities& oss = abilities_of(matrix, "gpt_oss");
  CHECK(oss.tensor[0].all());
  CHECK(oss.tensor[1].yes == 0);
  CHECK(oss.tensor[1].code == "not-divisible");
  CHECK(oss.pipeline.code == "no-pipeline");
  CHECK(oss.quantized_kv.code == "kv-quantized-sinks");
  const report::Abilities& minimax = abilities_of(matrix, "minimax_m2");
  for (const report::Ability& ability : minimax.tensor) {
    CHECK(ability.all());
  }
  CHECK(abilities_of(matrix, "deepseek_v3").pipeline.all());
  std::size_t counted = 0;
  for (const report::ArchitectureRow& row : matrix.rows) {
    counted += row.models.size();
    CHECK(row.abilities.front().runs.asked == row.models.size());
  }
  CHECK(counted == models.size());
}

TEST_CASE("one runtime is shown with its failure modes in full", "[report]") {
  const auto matrix =
      report::make_matrix({model::Catalog::embedded().get("glm-4.5")}, {&test::mlx_lm()});
  report::Style style;
  style.width = 100;
  const std::string text = report::runtimes_text(matrix, style);
  for (const runtime::FailureMode& mode : runtime::failure_modes_of(test::mlx_lm())) {
    CHECK_THAT(text, test::contains(std::string(mode.id)));
  }
  CHECK_THAT(text, test::contains("Couldn't allocate protection domain"));
  CHECK_THAT(report::runtimes_json(matrix), test::contains("\"schema\": \"macfit.runtimes/1\""));
}
