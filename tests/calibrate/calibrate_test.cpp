// From a row as its source words it to a question, and the error of the fit.

#include "macfit/calibrate/calibrate.hpp"

#include "macfit/core/error.hpp"
#include "measured_rows.hpp"
#include "test.hpp"

using namespace macfit;
using test::Approx;
using test::resolve;
using test::row;

namespace {

std::string resolved_model(const char* name, const char* quant = "4bit") {
  const calibrate::Resolution r = resolve({row("M4 Max", "mlx-lm", name, quant, "512")});
  return r.samples.empty() ? r.skipped.at(0).reason : r.works.at(r.samples[0].work).model;
}

}  // namespace

TEST_CASE("models are found by the names that people write", "[calibrate]") {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"Llama 3.2:3b", "llama-3.2-3b"},
      {"mlx-community/Meta-Llama-3.1-8B-Instruct-4bit", "llama-3.1-8b"},
      {"Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "llama-3.1-8b"},
      {"DeepSeek R1 14b", "deepseek-r1-distill-qwen-14b"},
      {"R1-Distill-70B", "deepseek-r1-distill-llama-70b"},
      {"DeepSeek-R1-671B", "deepseek-r1"},
      {"Kimi-K2-Thinking-1T", "kimi-k2-thinking"},
      {"Kimi-K2.7-Code", "kimi-k2.7-code"},
      {"Gemma3-27B", "gemma-3-27b"},
      {"mlx-community/gemma-3-1b-it-qat-4bit", "gemma-3-1b"},
      {"Mistral-Nemo-Instruct-2407", "mistral-nemo-12b"},
      {"Mistral-Small-3.2-24B-Instruct-2506", "mistral-small-3.2-24b"},
      {"35B-A3B", "qwen3.6-35b-a3b"},
      {"gpt-oss 20b", "gpt-oss-20b"},
      {"DeepSeek-V4-Flash 284B-A13B", "deepseek-v4-flash"},
      {"Qwen3.5-4B-MLX-8bit", "qwen3.5-4b"},
      {"Qwen3.5-0.8B", "qwen3.5-0.8b"},
  };
  for (const auto& [name, id] : rows) {
    CAPTURE(name);
    CHECK(resolved_model(name) == id);
  }
  // A size alone says nothing about layers: never a dense model of that size in its place.
  for (const char* name : {"dense 70B", "Tmax-9B", "Qwen3.8-2.4T-A95B", "70b-q4"}) {
    CHECK_THAT(resolved_model(name),
               test::contains("the model's shapes are not known: \"" + std::string(name)));
  }
  CHECK_THAT(resolved_model("Laguna-M-2.1-GGUF"), test::contains("shapes are not known"));
}

TEST_CASE("llama-bench's JSON is the user's own", "[calibrate]") {
  const std::string text = R"([
    {"build_number": 7315, "gpu_info": "Apple M4 Max", "cpu_info": "Apple M4 Max",
     "model_filename": "/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
     "model_type": "llama 8B Q4_K - Medium", "n_prompt": 512, "n_gen": 0, "n_depth": 0,
     "avg_ts": 800.0, "test_time": "2026-05-01T00:00:00Z"},
    {"build_number": 7315, "gpu_info": "Apple M4 Max", "cpu_info": "Apple M4 Max",
     "model_filename": "/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
     "model_type": "llama 8B Q4_K - Medium", "n_prompt": 0, "n_gen": 128, "n_depth": 4096,
     "avg_ts": 70.0, "test_time": "2026-05-01T00:00:00Z"}])";
  const calibrate::Resolution r = resolve(calibrate::read_measurements(text, "bench.json"));
  REQUIRE(r.samples.size() == 2);
  CHECK(r.rows[0].own);
  CHECK(r.samples[0].prefill);
  CHECK(r.samples[1].cached == 4096);
  CHECK(r.works[r.samples[0].work].model == "llama-3.1-8b");
  CHECK(r.works[r.samples[0].work].format == "Q4_K_M");
}

TEST_CASE("own results outrank published ones", "[calibrate]") {
  const std::string text =
      "Timing with prompt_tokens=2048, generation_tokens=128, batch_size=1.\n"
      "Trial 1:  prompt_tps=1000.0, generation_tps=90.0, peak_memory=5.3\n"
      "Averages: prompt_tps=1000.000, generation_tps=90.000, peak_memory=5.300\n";
  CHECK_THROWS_WITH(calibrate::read_measurements(text, "b.txt"), test::contains("--model"));
  const std::vector<calibrate::MeasuredRow> own =
      calibrate::read_measurements(text, "b.txt", {"qwen3-8b", "q4", "m4-max-128"});
  REQUIRE(own.size() == 2);
  const std::vector<calibrate::MeasuredRow> named = calibrate::read_measurements(
      "# macfit model=qwen3-8b quant=q4 machine=m4-max-128\n" + text, "b.txt");
  CHECK(named[1].model == "qwen3-8b");

  const calibrate::Resolution joined =
      resolve(calibrate::join_measurements(own, calibrate::stored_measurements()));
  const speed::Calibration calibration = calibrate::fit_calibration(joined);
  REQUIRE(calibration.anchors.size() == 2);
  const calibrate::Sample& decode = joined.samples[1];
  REQUIRE_FALSE(decode.prefill);
  const speed::Answer answer =
      speed::estimate(joined.works[decode.work], decode.question(), calibration);
  CHECK(answer.decode->evidence == Evidence::measured);
  CHECK(answer.decode->value == Approx(90.0).epsilon(0.12));
}

TEST_CASE("lines before mlx_lm.benchmark's output say what it does not", "[calibrate]") {
  const std::string run =
      "Timing with prompt_tokens=2048, generation_tokens=128, batch_size=2.\n"
      "Averages: prompt_tps=1000.000, generation_tps=90.000, peak_memory=5.300\n";
  const auto rows = calibrate::read_measurements(
      "# macfit model=glm-4.5 quant=q4 machine=m4-max-128 runtime=exo nodes=2 link=tb5-rdma "
      "backend=jaccl split=tensor loose words=\n" +
          run,
      "b.txt");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].phase == "prefill");
  CHECK(rows[0].prompt == 2048.0);
  CHECK(rows[1].generated == 128.0);
  CHECK(rows[1].batch == 2);
  CHECK(rows[1].model == "glm-4.5");
  CHECK(rows[1].quant == "q4");
  CHECK(rows[1].hardware == "m4-max-128");
  CHECK(rows[1].runtime == "exo");
  CHECK(rows[1].nodes == 2);
  CHECK(rows[1].link == "tb5-rdma");
  CHECK(rows[1].backend == "jaccl");
  CHECK(rows[1].parallelism == "tensor");
  for (const char* line : {"# macfit model=glm-4.5\n", "# macfit machine=m4-max-128\n"}) {
    CHECK_THROWS_WITH(calibrate::read_measurements(line + run, "b.txt"),
                      test::contains("which model ran on which machine"));
  }
  CHECK_THROWS_WITH(calibrate::read_measurements("# macfit nodes=none\n" + run, "b.txt"),
                    test::contains("nodes"));
  // A speed of nothing is none.
  CHECK_THROWS_WITH(
      calibrate::read_measurements("# macfit model=a machine=b\nAverages: prompt_tps=0.0, "
                                   "generation_tps=., peak_memory=1\n",
                                   "b.txt"),
      test::contains("expected rows of measurements"));
}

TEST_CASE("rows state their tokens, batch and release", "[calibrate]") {
  const auto read = [](const std::string& more) {
    return calibrate::read_measurements(
        R"({"rows": [{"chip": "M4 Max", "runtime": "llama.cpp", "model": "Qwen3.6-27B", "quant": "Q8_0",
        "context": "9", "phase": "decode", "value": 9, "date": "2026-08", )" +
            more + "}]}",
        "rows.json");
  };
  const auto rows = read(
      R"("depth": 8192, "prompt_tokens": 0, "generated_tokens": 64, "batch": 4, "release": "b9000",
      "built": "2026-04")");
  const calibrate::Resolution r = resolve(rows);
  REQUIRE(r.samples.size() == 1);
  CHECK(r.samples[0].cached == 8192.0);
  CHECK(r.samples[0].generated == 64.0);
  CHECK(r.samples[0].sequences == 4.0);
  CHECK(r.works[0].unfused);  // when it was built, not when it was measured
  CHECK(r.samples[0].configuration.find("b9000") != std::string::npos);
  CHECK_FALSE(resolve(read("\"batch\": 1")).works.at(0).unfused);
  CHECK_THROWS_WITH(read("\"depth\": 1, \"cached_tokens\": 2"), test::contains("/rows/0/depth"));
}

TEST_CASE("llama-bench's loose ends are taken as it means them", "[calibrate]") {
  const std::string text = R"([
    {"build_number": "7315", "gpu_info": "", "cpu_info": "Apple M4 Max", "model_filename":
     "C:\\models\\Qwen3-8B-Q8_0.gguf", "model_type": "qwen3 8B Q8_0", "n_prompt": 512, "n_gen": 0,
     "avg_ts": 700.5, "test_time": null},
    {"build_number": 7315, "gpu_info": "Apple M4 Max", "model_filename": "Qwen3-8B-Q8_0.gguf",
     "model_type": "qwen3 8B Q8_0", "n_prompt": 512, "n_gen": 128, "avg_ts": 90.0}])";
  const auto rows = calibrate::read_measurements(text, "bench.json");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].chip == "Apple M4 Max");  // no GPU named
  CHECK(rows[0].model == "Qwen3-8B-Q8_0.gguf");
  CHECK(rows[0].cached == 0.0);  // no depth in older versions
  CHECK_FALSE(rows[1].usable);   // a mean over both phases is neither
  const auto named =
      calibrate::read_measurements(text, "bench.json", {"qwen3-8b", "q8", "m4-max-128"});
  CHECK(named[0].model == "qwen3-8b");
  CHECK(named[0].quant == "q8");
  CHECK(named[0].hardware == "m4-max-128");
  CHECK_THROWS_WITH(calibrate::read_measurements(R"([{"n_prompt": 1, "n_gen": 0, "avg_ts": 1,
                                                  "model_type": []}])",
                                                 "bench.json"),
                    test::contains("expected a text, a number or null"));
}

TEST_CASE("rows that say nothing or too much are refused with a reason", "[calibrate]") {
  CHECK_THROWS_AS(calibrate::read_measurements("hello", "x"), Error);
  CHECK_THROWS_AS(calibrate::read_measurements("{\"rows\": 3}", "x"), Error);
  CHECK_THROWS_WITH(calibrate::read_measurements("{\"rows\": [{\"value\": \"9\"}]}", "x"),
                    test::contains("/rows/0/value"));
  const calibrate::Resolution r =
      resolve({row("Q9 Max", "mlx-lm", "Qwen3-8B", "4bit", "512"),
               row("M4 Max", "n/s", "Qwen3-8B", "4bit", "512"),
               row("M4 Max", "mlx-lm", "Qwen3-8B", "4bit", "512", "both")});
  CHECK(r.samples.empty());
  CHECK(r.skipped.size() == 3);
}

TEST_CASE("the stored calibration is what the stored rows give", "[calibrate]") {
  const calibrate::Resolution r = resolve(calibrate::stored_measurements());
  CHECK(r.samples.size() >= 440);
  const speed::Constants fresh = calibrate::fit_calibration(r).values;
  const speed::Calibration& stored = speed::Calibration::embedded();
  for (std::size_t i = 0; i < speed::constant_count; ++i) {
    CAPTURE(speed::constant_info(static_cast<speed::Constant>(i)).name);
    CHECK(fresh[i] == Approx(stored.values[i]).epsilon(0.01));
  }
}

TEST_CASE("four of five published speeds lie in the interval of a fit without their source",
          "[calibrate]") {
  std::vector<calibrate::MeasuredRow> rows = calibrate::stored_measurements();
  const std::size_t judged = rows.size();
  const calibrate::SpeedValidation v = calibrate::validate_speed(resolve(std::move(rows)), judged);
  REQUIRE(v.totals == 4);
  for (std::size_t i = 0; i < 3; ++i) {
    const calibrate::ClassSummary& c = v.validation.classes[i];
    CAPTURE(c.name, c.count);
    CHECK(c.count >= 40);
    CHECK(c.interval_coverage >= 0.75);
    CHECK(c.interval_coverage <= 0.85);
  }
}

TEST_CASE("published speeds are met by fits that have not seen their source", "[calibrate]") {
  const auto path = test::shared_data("measurements.json");
  if (!path) {
    MACFIT_SKIP("no measurements beside the checkout");
  }
  std::vector<calibrate::MeasuredRow> rows =
      calibrate::read_measurements(test::read_text(*path), "measurements.json");
  const std::size_t judged = rows.size();
  const calibrate::SpeedValidation v = calibrate::validate_speed(
      resolve(calibrate::join_measurements(std::move(rows), calibrate::stored_measurements())),
      judged);
  CHECK(v.validation.results.size() + v.validation.skipped.size() + v.unusable == judged);
  CHECK(v.validation.results.size() >= 400);
  REQUIRE(v.totals == 4);
  const auto& decode = v.validation.classes[0];
  const auto& prefill = v.validation.classes[1];
  const auto& nodes = v.validation.classes[2];
  CHECK(decode.name == "decode, 1 node");
  CHECK(decode.median_abs_error <= 0.08);
  CHECK(decode.p90_abs_error <= 0.25);
  CHECK(prefill.median_abs_error <= 0.10);
  CHECK(prefill.p90_abs_error <= 0.30);
  CHECK(nodes.count + v.validation.classes[3].count >= 35);
  CHECK(nodes.median_abs_error <= 0.10);
  CHECK(nodes.p90_abs_error <= 0.40);
  for (const calibrate::Skipped& skipped : v.validation.skipped) {
    CHECK_FALSE(skipped.reason.empty());
  }
}

TEST_CASE("results of a launch folder are the user's own", "[calibrate]") {
  const std::string head =
      R"({"schema":"macfit.spike/1","model":"llama-3.1-70b","format":"mlx-4bit-g64","runtime":)"
      R"("mlx-lm",)";
  const std::string text =
      head +
      R"("machine":"mac-studio-m4-max-128","nodes":1,"split":"independent","phase":"prefill",)"
      R"("tokens":4100,"seconds":41,"context":4100,"run":"workers","concurrent":2,"link":null,)"
      R"("date":"2026-11-22T08:00:00Z"})"
      "\n" +
      head +
      R"("machine":"mac-studio-m4-max-128+mac-mini-m4-pro-64","nodes":2,"split":"pipeline",)"
      R"("phase":"decode","tokens":128,"seconds":20,"context":4100,"run":"plan","concurrent":1,)"
      R"("link":"tb5-rdma","date":"2026-11-22T08:10:00Z"})"
      "\n\n";
  const std::vector<calibrate::MeasuredRow> rows =
      calibrate::read_measurements(text, "results.jsonl");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].own);
  CHECK(rows[0].id == "spike-1-workers");
  CHECK(rows[0].value == 100.0);
  CHECK(rows[0].prompt == 4100.0);
  CHECK(rows[1].value == 6.4);
  CHECK(rows[1].backend == "RDMA");
  const calibrate::Resolution r = resolve(rows);
  REQUIRE(r.samples.size() == 2);
  CHECK(r.works.at(r.samples[0].work).model == "llama-3.1-70b");
  CHECK(r.samples[0].prefill);
  REQUIRE(r.samples[1].chips.size() == 2);
  CHECK(r.samples[1].chips[0].id == "m4-max");
  CHECK(r.samples[1].chips[1].id == "m4-pro");
  CHECK(r.samples[1].split == speed::Split::pipeline);
  CHECK(r.samples[1].generated == 128.0);
  for (const std::string& bad :
       {text.substr(0, 150), head + "\"nodes\":1}", text + R"({"schema":"macfit.spike/2"})"}) {
    INFO(bad);
    CHECK_THROWS_WITH(calibrate::read_measurements(bad, "results.jsonl"), test::contains("line "));
  }
}
