// What a person's results become when they are shared: the same questions to the speed model, and
// no word of the person's own.
#include <fmt/format.h>

#include "../json_schema_json.hpp"
#include "macfit/calibrate/calibrate.hpp"
#include "macfit/speed/stored_calibration.hpp"
#include "measured_rows.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

calibrate::SharedRows share(const std::string& text, const calibrate::RowDefaults& defaults = {}) {
  return calibrate::share_measurements(
      calibrate::read_measurements(text, "/Users/jane/results", defaults),
      model::Catalog::embedded(), hardware::Catalog::embedded());
}

/// One test of llama-bench, as it writes it on jane's Mac.
std::string bench_test(int prompt, int generated, int depth, double speed,
                       const std::string& file = "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf") {
  return fmt::format(
      R"({{"build_number": 7315, "build_commit": "abc", "gpu_info": "Apple M4 Max",)"
      R"("model_filename": "/Users/jane/secret/{}", "model_type": "llama Q4_K - Medium",)"
      R"("n_prompt": {}, "n_gen": {}, "n_depth": {}, "avg_ts": {},)"
      R"("test_time": "2026-11-03T08:15:00Z"}})",
      file, prompt, generated, depth, speed);
}

const std::string bench = "[" + bench_test(512, 0, 0, 800.5) + "," +
                          bench_test(0, 128, 4096, 71.25) + "," + bench_test(0, 128, 0, 80) + "," +
                          bench_test(512, 0, 4096, 700) + "," +
                          bench_test(512, 0, 0, 700, "janes-own-9B-Q4_K_M.gguf") + "]";

std::string spike(const std::string& machine, int nodes, const std::string& split,
                  const std::string& link) {
  return R"({"schema":"macfit.spike/1","model":"llama-3.1-70b","format":"mlx-4bit-g64","runtime":)"
         R"("mlx-lm 0.31.3","machine":")" +
         machine + R"(","nodes":)" + std::to_string(nodes) + R"(,"split":")" + split +
         R"(","link":")" + link +
         R"(","phase":"decode","context":4096,"tokens":128,"seconds":8,"run":"janes-run",)"
         R"("date":"2026-11-20T10:00:00Z"})";
}

}  // namespace

TEST_CASE("llama-bench's results as rows to share", "[calibrate]") {
  const calibrate::SharedRows shared = share(bench, {"", "", "mac-studio-m4-max-128"});
  REQUIRE(shared.rows.size() == 3);
  const calibrate::MeasuredRow& prefill = shared.rows[0];
  CHECK(prefill.hardware == "mac-studio-m4-max-128");
  CHECK(prefill.chip == "M4 Max");
  CHECK(prefill.gpu_cores == 40);
  CHECK(prefill.ram == "128");
  CHECK(prefill.runtime == "llama.cpp b7315");
  CHECK(prefill.model == "llama-3.1-8b");
  CHECK(prefill.quant == "Q4_K_M");
  CHECK(prefill.context == "512");
  CHECK(prefill.phase == "prefill");
  CHECK(prefill.value == 800.5);
  CHECK(prefill.date == "2026-11");
  CHECK(shared.rows[1].context == "4096p/128g");
  CHECK(shared.rows[2].context == "tg128");
  REQUIRE(shared.skipped.size() == 2);
  CHECK_THAT(shared.skipped[0].reason, test::contains("shapes are not known"));
  CHECK_THAT(shared.skipped[1].reason, test::contains("behind a cache"));
}

TEST_CASE("nothing of the person's own is in a shared file", "[calibrate]") {
  const std::string lines =
      spike("mac-studio-m3-ultra-512", 2, "tensor", "tb5-rdma") + "\n" +
      spike("mac-studio-m4-max-128+mac-mini-m4-pro-64", 2, "pipeline", "tb5-tcp");
  std::vector<calibrate::MeasuredRow> rows = share(bench).rows;
  for (const calibrate::MeasuredRow& row : share(lines).rows) {
    rows.push_back(row);
  }
  REQUIRE(rows.size() == 5);
  const std::string text = calibrate::write_measurements(rows, "About.");
  for (const char* own : {"jane", "secret", "Users", "/", "T08", "11-03", "Instruct", "spike"}) {
    // The schema's name and contexts hold the only slashes.
    std::string rest = text;
    for (const char* known : {"macfit.measurements/1", "4096p/128g"}) {
      for (auto at = rest.find(known); at != std::string::npos; at = rest.find(known)) {
        rest.erase(at, std::string(known).size());
      }
    }
    INFO(own);
    CHECK(rest.find(own) == std::string::npos);
  }
}

TEST_CASE("a shared file asks what the results asked, and says a result once", "[calibrate]") {
  const std::string lines =
      spike("mac-studio-m3-ultra-512", 2, "tensor", "tb5-rdma") + "\n" +
      spike("mac-studio-m4-max-128+mac-mini-m4-pro-64", 2, "pipeline", "10gbe") + "\n" +
      spike("mac-studio-m3-ultra-512", 1, "independent", "");
  const calibrate::SharedRows shared = share(lines);
  REQUIRE(shared.rows.size() == 3);
  CHECK(shared.rows[0].link == "tb5-rdma");
  CHECK(shared.rows[0].backend == "RDMA");
  CHECK(shared.rows[0].parallelism == "tensor");
  CHECK(shared.rows[0].runtime == "mlx-lm 0.31.3");
  CHECK(shared.rows[1].chip == "M4 Max + M4 Pro");
  CHECK(shared.rows[1].ram == "128+64");
  CHECK(shared.rows[2].parallelism.empty());
  const std::string text = calibrate::write_measurements(shared.rows, "About.");
  const test::SchemaCheck schema(nlohmann::json::parse(
      test::read_text(test::source_path("docs/schema/measurements.schema.json"))));
  CHECK(schema.complaint(nlohmann::json::parse(text)).empty());
  const auto before = test::resolve(calibrate::read_measurements(lines, "lines"));
  const auto after = test::resolve(calibrate::read_measurements(text, "shared.json"));
  REQUIRE(after.samples.size() == before.samples.size());
  const speed::Constants constants = speed::stored_calibration().values;
  for (std::size_t i = 0; i < after.samples.size(); ++i) {
    CHECK(calibrate::predict(after, after.samples[i], constants) ==
          calibrate::predict(before, before.samples[i], constants));
    CHECK(after.samples[i].published == before.samples[i].published);
  }
  CHECK(share(lines).rows[0].id == shared.rows[0].id);
  CHECK(shared.rows[0].id != shared.rows[1].id);
  // What is published already, or was shared before, is not one's own.
  CHECK(share(text).rows.empty());
}
