// A night as text, Markdown and CSV, byte for byte; and that the formats agree.

#include "macfit/report/night/night_report.hpp"

#include <cstdlib>

#include "macfit/core/text.hpp"
#include "macfit/hardware/catalog.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

void check_night(const std::string& name, const std::string& text) {
  const std::filesystem::path path = test::source_path("tests/report/golden/" + name);
  if (std::getenv("MACFIT_REGOLD") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  CHECK(text == test::read_text(path));
}

report::Style night_style(std::size_t width, bool unicode = true) {
  report::Style style;
  style.width = width;
  style.unicode = unicode;
  return style;
}

/// Two unlike workers and a shard with numbers of its own, so that no other room's figures show.
study::NightResult sample(bool list) {
  study::NightResult result;
  study::NightQuestion& question = result.question;
  question.plan.model.id = "some-model";
  question.plan.cluster = hardware::parse_cluster("1x128+1x64", {}, hardware::Catalog::embedded());
  question.hours = study::parse_hours("22:00-07:00");
  question.rules.faults = study::default_faults();
  study::parse_fault("reboot=1/7d:10m", question.rules.faults);
  question.rules.seconds = question.hours.seconds;
  question.jobs.endless = !list;
  question.jobs.classes = {{list ? "letters" : "", 2000, 500, list ? 900 : 1}};

  study::NightPlacement workers;
  workers.name = "two workers";
  workers.format = "mlx-4bit-g64";
  workers.runtime = &test::mlx_lm();
  workers.tier = fit::Tier::comfortable;
  workers.evidence = Evidence::community;
  std::vector<study::Worker> simulated;
  for (const double seconds : {40.0, 60.0}) {
    study::NightWorker worker;
    worker.nodes = {simulated.size()};
    worker.job_seconds = seconds;
    worker.decode =
        speed::Estimate{800.0 / seconds, 700.0 / seconds, 900.0 / seconds, Evidence::community};
    worker.load_seconds = 20;
    worker.busy_seconds = 32'400;
    worker.completed = static_cast<std::int64_t>(32'400 / seconds);
    worker.share = {{seconds < 50 ? 540 : 360}, seconds < 50 ? 540 : 360, 21'600};
    workers.completions += worker.completed;
    simulated.push_back({{{seconds, list ? worker.share.jobs : 0}}, 1, false, 1, 20.0});
    workers.faults_per_day += study::faults_per_day(simulated.back(), question.rules.faults);
    workers.workers.push_back(worker);
  }
  workers.low = 1200;
  workers.high = 1500;
  workers.tokens_read = 2.7e6;
  workers.tokens_written = 0.675e6;
  workers.most_watt_hours = 2565;
  if (list) {
    workers.makespan = 21'600;
    workers.equal_makespan = 27'000;
    workers.finish = 21'600;
    workers.completions = 900;
  }
  workers.outcome = study::simulate_nights(simulated, question.rules);

  study::NightPlacement pipeline = workers;
  pipeline.name = "pipeline";
  pipeline.split = plan::SplitKind::pipeline;
  pipeline.workers.resize(1);
  pipeline.workers[0].nodes = {0, 1};
  pipeline.workers[0].job_seconds = 90;
  pipeline.completions = 360;
  pipeline.most_watt_hours.reset();
  pipeline.may_win = false;
  const study::Worker shard{{{90.0, list ? 900 : 0}}, 2, false, 1, 20.0};
  pipeline.faults_per_day = study::faults_per_day(shard, question.rules.faults);
  if (list) {
    pipeline.makespan = 81'000;
    pipeline.equal_makespan = 81'000;
    pipeline.finish.reset();
  }
  pipeline.outcome = study::simulate_nights({shard}, question.rules);
  result.placements = {workers, pipeline};
  result.absent = {{"tensor", "heads do not divide by | two"}};
  result.best = 0;
  return result;
}

}  // namespace

TEST_CASE("nights are reported as they were", "[report]") {
  check_night("night.txt", report::night_text(sample(false), night_style(100)));
  check_night("night_60.txt", report::night_text(sample(true), night_style(60)));
  check_night("night_ascii.txt", report::night_text(sample(true), night_style(80, false)));
  check_night("night.md", report::night_markdown(sample(true)));
  check_night("night.csv", report::night_csv(sample(true)));
  check_night("night.json", report::night_json(sample(true)));
}

TEST_CASE("the first sentence of a night is its answer", "[report]") {
  const std::string text = report::night_text(sample(false), night_style(120));
  CHECK_THAT(text,
             test::contains("By 07:00: 1,350 completions on two workers, 360 on the pipeline."));
  const std::string list = report::night_text(sample(true), night_style(120));
  CHECK_THAT(list, test::contains("By 07:00: all 900 jobs, within 6 h on two workers; but 360 of "
                                  "900 jobs on the pipeline."));
  CHECK_THAT(list,
             test::contains("Split the list 540 to node-1 and 360 to node-2: all done in 6 h; "
                            "equal shares take 7.5 h."));
}

TEST_CASE("a night keeps to 60 columns and to ASCII", "[report]") {
  for (const bool list : {false, true}) {
    const std::string narrow = report::night_text(sample(list), night_style(60));
    for (const std::string_view line : split(narrow, '\n')) {
      INFO(line);
      CHECK(columns(line) <= 60);
    }
    for (const char c : report::night_text(sample(list), night_style(80, false))) {
      CHECK(static_cast<unsigned char>(c) < 0x80);
    }
  }
}
