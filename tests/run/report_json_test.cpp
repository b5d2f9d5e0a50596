#include <nlohmann/json.hpp>

#include "../json_schema_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/report/run/run_report.hpp"
#include "macfit/run/folder.hpp"
#include "macfit/run/report.hpp"
#include "macfit/run/result.hpp"
#include "run/measured.hpp"
#include "test.hpp"

namespace run = macfit::run;
namespace report = macfit::report;
using macfit::test::Approx;
using macfit::test::contains;
using nlohmann::json;

namespace {

std::string complaint(const std::string& name, const json& value) {
  const std::string path = "docs/schema/" + name + ".schema.json";
  return macfit::test::SchemaCheck(
             json::parse(macfit::test::read_text(macfit::test::source_path(path))))
      .complaint(value);
}

/// A night in the middle: two workers, one of them slower, 120 of 400 jobs.
run::Report night() {
  run::Report night;
  night.state = run::State::running;
  night.process = 77;
  night.results = "jobs.results.jsonl";
  night.started = night.updated = "2026-11-28T05:00:00Z";
  night.seconds = 3600.0;
  night.jobs = 400;
  night.earlier = 20;
  night.completions = 98;
  night.failures = 2;
  night.prompt_tokens = 98 * 1000;
  night.completion_tokens = 98 * 500;
  night.retries = 3;
  night.restarts = 1;
  night.ends_in = 1800.0;
  run::WorkerReport worker;
  worker.name = "node-1";
  worker.url = "http://127.0.0.1:8080";
  worker.ready = true;
  worker.completions = 98;
  worker.completion_tokens = 98 * 500;
  worker.busy_seconds = 3500.0;
  worker.deaths = 1;
  worker.forecast = run::Forecast{20.0, 100.0, "estimated"};
  night.workers = {worker, worker};
  night.failed = {{"7", "cut", "the connection broke"}, {"9", "http-400", "too long"}};
  return night;
}

}  // namespace

TEST_CASE("a run is told as its schema says, and read again", "[run]") {
  run::Report whole = night();
  whole.measurements = {R"({"schema":"macfit.spike/1"})"};
  const std::string text = report::run_json(whole);
  CHECK(complaint("run", json::parse(text)).empty());
  CHECK(report::run_json(run::read_report(text)) == report::run_json([&] { return night(); }()));
  run::Report soak;
  soak.soak = true;
  soak.soak_passed = false;
  soak.soak_reasons = {"2 restarts"};
  const std::string soaked = report::run_json(soak);
  CHECK(complaint("run", json::parse(soaked)).empty());
  CHECK(report::run_json(run::read_report(soaked)) == soaked);
  CHECK_THROWS_AS(run::read_report("{}"), macfit::Error);
  CHECK_THROWS_WITH(run::read_report(R"({"schema": "macfit.plan/1"})"), contains("macfit.run/1"));
}

TEST_CASE("jobs and results are what their schemas say", "[run]") {
  for (
      const char* line :
      {R"({"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x"}})",
       R"({"id": "7", "prompt": "Hi", "system": "Be brief", "max_tokens": 5, "temperature": 0})"}) {
    CHECK(complaint("run-job", json::parse(line)).empty());
  }
  CHECK_FALSE(complaint("run-job", json::parse(R"({"id": "7"})")).empty());
  run::Result result;
  result.id = "7";
  result.good = true;
  result.status = 200;
  result.body = R"({"choices": []})";
  CHECK(complaint("run-result", json::parse(run::result_line(result))).empty());
  result.good = false;
  result.code = "cut";
  result.status = 0;
  CHECK(complaint("run-result", json::parse(run::result_line(result))).empty());
}

TEST_CASE("rates: measured, planned, and the time left", "[run]") {
  const run::Report report = night();
  CHECK(*run::measured_per_hour(report) == Approx(98.0));
  // 1,000 / 100 + 500 / 20 = 35 s a job, on two workers.
  CHECK(*run::predicted_per_hour(report) == Approx(2.0 * 3600.0 / 35.0));
  CHECK(report.left() == 280);
  CHECK(*run::time_left(report) == Approx(280.0 / 98.0 * 3600.0));
  run::Report unknown = night();
  unknown.workers[1].forecast.reset();
  CHECK_FALSE(run::predicted_per_hour(unknown).has_value());
  CHECK_FALSE(run::measured_per_hour(run::Report{}).has_value());
  CHECK_FALSE(run::time_left(run::Report{}).has_value());
}

TEST_CASE("a run in words", "[run]") {
  const run::Report report = night();
  const std::string line = report::run_line(report);
  for (const char* words :
       {"120 of 400 done", "2 failed", "98/h", "2.9 h left", "plan 206/h", "ends in 30.0 min"}) {
    CHECK_THAT(line, contains(words));
  }
  run::Report ended = night();
  ended.state = run::State::ended;
  ended.why = "the time was up";
  const std::string text = report::run_text(ended, {});
  for (const char* words : {"120 of 400 jobs done", "2 of them set aside", "20 before this run",
                            "was up", "280 jobs are left: type the same again", "the plan said 206",
                            "48 % of it", "7: the connection broke (cut)", "1 restart"}) {
    CHECK_THAT(text, contains(words));
  }
  const std::string page = report::run_html(ended, "macfit run x");
  CHECK_THAT(page, contains("the connection broke"));
  CHECK_THAT(page, contains("macfit run x"));
}

TEST_CASE("the exit code of a run", "[run]") {
  run::Report report;
  report.state = run::State::finished;
  CHECK(run::exit_code(report) == 0);
  report.failures = 1;
  CHECK(run::exit_code(report) == 1);
  report.failures = 0;
  report.state = run::State::ended;
  CHECK(run::exit_code(report) == 1);
  report.state = run::State::broken;
  CHECK(run::exit_code(report) == 2);
  report.state = run::State::ended;
  report.soak = true;
  report.soak_passed = true;
  CHECK(run::exit_code(report) == 0);
}

TEST_CASE("prompt and output are told apart where jobs differ", "[run]") {
  run::RateFit fit;
  for (int i = 1; i <= 20; ++i) {
    const double prompt = 100.0 * (i % 7 + 1);
    const double output = 10.0 * (i % 5 + 1);
    fit.add(prompt, output, prompt / 250.0 + output / 12.5);
  }
  REQUIRE(fit.rates().has_value());
  CHECK(fit.rates()->prefill == Approx(250.0));
  CHECK(fit.rates()->decode == Approx(12.5));
  run::RateFit alike;
  for (int i = 0; i < 50; ++i) {
    alike.add(1000.0, 100.0, 12.0);
  }
  CHECK_FALSE(alike.rates().has_value());
  run::RateFit few;
  few.add(100.0, 10.0, 1.0);
  few.add(10.0, 100.0, 1.0);
  CHECK_FALSE(few.rates().has_value());
}

TEST_CASE("rows are of workers with one job at a time", "[run]") {
  run::WorkerSpec one;
  one.name = "node-1";
  one.measurement = R"({"model": "m", "format": "f", "runtime": "mlx-lm", "machine": "x",
                        "nodes": 1, "split": "independent", "link": null})";
  run::WorkerSpec many = one;
  many.at_once = 4;
  run::WorkerSpec unknown = one;
  unknown.measurement.clear();
  const std::vector<run::WorkerSpec> workers{one, many, unknown};
  run::Measured measured(workers);
  for (std::size_t worker = 0; worker < workers.size(); ++worker) {
    for (int i = 1; i <= 20; ++i) {
      measured.add(worker, 100 * (i % 7 + 1), 10 * (i % 5 + 1),
                   (i % 7 + 1) / 2.5 + (i % 5 + 1) / 1.25);
    }
  }
  const std::vector<std::string> rows = measured.rows("2026-11-28T05:00:00Z");
  REQUIRE(rows.size() == 2);
  for (const std::string& row : rows) {
    CHECK(complaint("spike", json::parse(row)).empty());
  }
  const json decode = json::parse(rows[1]);
  CHECK(decode["phase"] == "decode");
  CHECK(decode["tokens"].get<double>() / decode["seconds"].get<double>() ==
        Approx(12.5).epsilon(0.01));
}

TEST_CASE("a soak passes only where nothing went wrong", "[run]") {
  run::Report good = night();
  good.soak = good.soak_whole = true;
  good.state = run::State::ended;
  good.failures = good.restarts = 0;
  for (auto& worker : good.workers) {
    worker.deaths = 0;
  }
  run::judge_soak(good, {100, 90, 95, 85});
  CHECK(*good.soak_passed);
  struct Row {
    void (*spoil)(run::Report&);
    double last;
    std::string words;
  };
  const auto row = GENERATE(values<Row>({
      {[](run::Report& r) { r.failures = 1; }, 100, "1 request failed for good"},
      {[](run::Report& r) { r.restarts = 2; }, 100, "2 restarts"},
      {[](run::Report& r) { r.workers[0].deaths = 1; }, 100, "death of node-1"},
      {[](run::Report& r) { r.workers[1].completions = 0; }, 100, "node-1 completed nothing"},
      {[](run::Report& r) { r.soak_whole = false; }, 100, "it ended early"},
      {[](run::Report&) {}, 79, "79 % of the first"},
  }));
  good.soak_reasons.clear();
  row.spoil(good);
  run::judge_soak(good, {100, 100, 100, row.last});
  CHECK_FALSE(*good.soak_passed);
  REQUIRE(good.soak_reasons.size() == 1);
  CHECK_THAT(good.soak_reasons[0], contains(row.words));
}

TEST_CASE("an address of a worker", "[run]") {
  CHECK(run::worker_url("http://127.0.0.1:8080") == "http://127.0.0.1:8080");
  CHECK(run::worker_url(" HTTP://Mac.local:52415/v1/ ") == "http://Mac.local:52415");
  CHECK(run::worker_url("https://[::1]:8080/") == "https://[::1]:8080");
  for (const char* wrong : {"", "127.0.0.1:8080", "ftp://x", "http://", "http://a b", "http://x/y",
                            "http://x?y", "http://u:p@x", "http://x#y"}) {
    INFO(wrong);
    CHECK_THROWS_AS(run::worker_url(wrong), macfit::Error);
  }
}
