// What nobody here wrote: published sizes and what the runtimes themselves report, where they lie
// beside the tree. Without them there is nothing to compare and the test says so.

#include <nlohmann/json.hpp>

#include "cli/cli_test.hpp"

using nlohmann::json;

namespace {

struct Facts {
  std::string file;
  std::vector<std::string> inexact;  ///< classes that are held to `p95` instead of every byte
  double p95 = 0.0;
};

}  // namespace

TEST_CASE("bytes are those that were published and measured", "[verify]") {
  const std::vector<Facts> files = {
      {"models.json", {"text-parameters", "active-parameters", "published-total-rounded"}, 0.05},
      {"weight_sizes.json",
       {"mlx-checkpoint", "mlx-checkpoint-rounded", "gguf-file-rounded"},
       0.08},
      {"mlx_lm_bytes.json", {}, 0.0},
      {"mlx_lm_bytes_0_32_2.json", {}, 0.0},
      {"quantized_checkpoints.json", {}, 0.0},
      {"resaved_configs/table.json", {}, 0.0},
      {"mlx_vectors.json", {}, 0.0},
      {"llama_cpp_memory.json",
       {"compute-metal", "compute-host", "compute-generic", "compute-rpc"},
       0.3},  // the rule for RPC is on the safe side
  };
  for (const Facts& facts : files) {
    const std::string path = std::string(MACFIT_SHARED_DATA) + "/" + facts.file;
    if (!std::filesystem::exists(path)) {
      WARN("skipped: " << facts.file << " is not beside the tree");
      continue;
    }
    const auto run = macfit::test::run("--format json --against " + path, MACFIT_VERIFY_BINARY);
    INFO(facts.file << ": " << run.error);
    REQUIRE(run.code == 0);
    const json report = json::parse(run.out);
    CHECK(report["predicted"].get<double>() >= 0.6 * report["rows"].get<double>());
    REQUIRE_FALSE(report["classes"].empty());
    for (const json& each : report["classes"]) {
      const auto name = each["name"].get<std::string>();
      INFO(name);
      if (std::find(facts.inexact.begin(), facts.inexact.end(), name) == facts.inexact.end()) {
        CHECK(each["exact"] == each["count"]);
      } else {
        CHECK(each["p95_abs_error"].get<double>() <= facts.p95);
        if (name.starts_with("compute-")) {
          CHECK(each["interval_coverage"] == 1.0);  // none is above what a plan budgets
        }
      }
    }
  }
}
