// A model, a cluster and jobs: what is done by morning.

#include <cmath>

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/study/night.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;
using test::Approx;

namespace {

study::NightQuestion question_of(const std::string& model, const std::string& nodes,
                                 const char* link = nullptr) {
  study::NightQuestion question;
  question.plan.model = model::find_model(model, model::Catalog::embedded()).model;
  question.plan.recipe = model::parse_recipe("q4");
  hardware::ClusterOptions options;
  if (link != nullptr) {
    options.link = link;
  }
  question.plan.cluster = hardware::parse_cluster(nodes, options, hardware::Catalog::embedded());
  question.plan.runtimes = {&test::mlx_lm(), &test::exo()};
  question.jobs = study::make_jobs(std::nullopt, study::parse_token_range("2000", ""),
                                   study::parse_token_range("500", ""), 1);
  question.rules.faults = study::no_faults();
  question.rules.nights = 100;
  return question;
}

const study::NightPlacement* find(const study::NightResult& result, const std::string& name) {
  for (const study::NightPlacement& placement : result.placements) {
    if (placement.name == name) {
      return &placement;
    }
  }
  return nullptr;
}

}  // namespace

TEST_CASE("hours as they are typed", "[study]") {
  struct Row {
    const char* text;
    double hours;
    const char* until;
  };
  const std::vector<Row> rows = {
      {"9", 9, ""},
      {"8.5", 8.5, ""},
      {"9h", 9, ""},
      {"90m", 1.5, ""},
      {"2d", 48, ""},
      {"22:00-07:00", 9, "07:00"},
      {"01:00-07:30", 6.5, "07:30"},
      {"22:00 - 22:00", 24, "22:00"},
      {"20:00-24:00", 4, "24:00"},
      {"23:59-0:00", 1.0 / 60, "0:00"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const study::Hours hours = study::parse_hours(row.text);
    CHECK(hours.seconds == Approx(row.hours * 3600));
    CHECK(hours.until == row.until);
  }
  for (const char* wrong : {"", "-1", "0", "nine", "22:00", "22:00-", "25:00-07:00", "22:61-07:00",
                            "24:01-07:00", "32d", "9x", "1e9", "22-07"}) {
    INFO(wrong);
    CHECK_THROWS_AS(study::parse_hours(wrong), Error);
  }
}

TEST_CASE("workers double what one does, a pipeline does not", "[study]") {
  const study::NightResult result = study::night(question_of("llama-3.3-70b", "2x128"));
  const auto* both = find(result, "two workers");
  const auto* one = find(result, "one worker");
  const auto* pipeline = find(result, "pipeline");
  REQUIRE(both);
  REQUIRE(one);
  REQUIRE(pipeline);
  CHECK(one->alone);
  CHECK(both->completions == 2 * one->completions);
  CHECK(pipeline->completions < one->completions);
  CHECK(result.best == 0U);
  // Seconds a job from the speeds themselves: prompt over prefill, output over decode.
  const study::NightWorker& worker = one->workers.front();
  CHECK(worker.job_seconds ==
        Approx(2000 / worker.prefill->value + 500 / worker.decode->value).epsilon(1e-9));
  CHECK(one->completions == static_cast<std::int64_t>(std::floor(9 * 3600 / worker.job_seconds)));
  CHECK(one->low <= one->completions);
  CHECK(one->completions <= one->high);
  CHECK(one->tokens_written == 500.0 * static_cast<double>(one->completions));
  // All night at 145 W each: 2.61 kWh.
  CHECK(both->most_watt_hours.value() == Approx(2 * 145 * 9.0));
  CHECK(one->most_watt_hours.value() == Approx(145 * 9.0));
}

TEST_CASE("watts that are not known make no energy", "[study]") {
  const auto result = study::night(question_of("llama-3.1-8b", "macbook-pro-m4-max-128"));
  REQUIRE(!result.placements.empty());
  CHECK(!result.placements.front().most_watt_hours);
}

TEST_CASE("a list over unlike workers is split by their speed", "[study]") {
  study::NightQuestion question = question_of("gpt-oss-120b", "m4-max-128+m3-ultra-96");
  question.jobs = study::make_jobs(1000, study::parse_token_range("2000", ""),
                                   study::parse_token_range("500", ""), 1);
  const study::NightResult result = study::night(question);
  const auto* both = find(result, "two workers");
  REQUIRE(both);
  const auto& workers = both->workers;
  CHECK(workers[0].share.jobs + workers[1].share.jobs == 1000);
  CHECK(workers[0].job_seconds != workers[1].job_seconds);
  CHECK((workers[0].job_seconds < workers[1].job_seconds) ==
        (workers[0].share.jobs > workers[1].share.jobs));
  CHECK(both->makespan.value() < both->equal_makespan.value());
  // Within one job of the same end.
  CHECK(std::abs(workers[0].share.seconds - workers[1].share.seconds) <=
        std::max(workers[0].job_seconds, workers[1].job_seconds));
  CHECK(both->finish.value() == Approx(both->makespan.value()));
  CHECK(both->completions == 1000);
  CHECK(both->outcome.finished == 1.0);
  // Idle watts once the list is done.
  CHECK(both->most_watt_hours.value() ==
        Approx((workers[0].busy_seconds * 145 + (32'400 - workers[0].busy_seconds) * 6 +
                workers[1].busy_seconds * 270 + (32'400 - workers[1].busy_seconds) * 9) /
               3600));
}

TEST_CASE("more sequences finish more, slower each", "[study]") {
  study::NightQuestion question = question_of("gpt-oss-120b", "1x128");
  const auto one = study::night(question).placements.front();
  question.plan.workload.sequences = 4;
  const auto four = study::night(question).placements.front();
  CHECK(four.completions > one.completions);
  CHECK(four.workers.front().decode->value < one.workers.front().decode->value);
  CHECK(four.completions % 4 == 0);
}

TEST_CASE("a night chooses how many sequences each worker has", "[study]") {
  study::NightQuestion question = question_of("qwen3-32b", "2x128");
  question.plan.runtimes = {&test::mlx_lm()};
  const std::int64_t one = study::night(question).placements.front().completions;
  question.choose_sequences = true;
  const study::NightResult result = study::night(question);
  REQUIRE(result.choices.size() == 6);
  const std::int64_t taken = result.question.plan.workload.sequences;
  CHECK(taken > 1);
  std::int64_t sequences = 1;
  for (const study::NightChoice& choice : result.choices) {
    CHECK(choice.sequences == sequences);
    sequences *= 2;
    if (choice.sequences == taken) {
      CHECK(choice.completions == result.placements.at(result.best.value()).completions);
      CHECK(study::comfortable(choice));
      // A night of one at a time loses half the jobs and more.
      CHECK(choice.times_better(result.choices.front()) > 1.5);
    } else if (study::comfortable(choice)) {
      CHECK(static_cast<double>(choice.completions.value()) <=
            1.02 * static_cast<double>(result.placements.at(*result.best).completions));
    }
  }
  CHECK(result.choices.front().completions == one);
  // The same as if it had been typed.
  question.choose_sequences = false;
  question.plan.workload.sequences = taken;
  const study::NightResult fixed = study::night(question);
  CHECK(fixed.choices.size() == 1);
  CHECK(fixed.placements.at(fixed.best.value()).outcome.median ==
        result.placements.at(*result.best).outcome.median);
}

TEST_CASE("what is not comfortable is not chosen unasked", "[study]") {
  // Each sequence of 100k tokens takes 33.5 GB of cache: two are past 85 % of the limit.
  study::NightQuestion question = question_of("llama-3.3-70b", "1x128");
  question.plan.runtimes = {&test::mlx_lm()};
  question.choose_sequences = true;
  question.jobs = study::make_jobs(std::nullopt, study::parse_token_range("100k", ""),
                                   study::parse_token_range("1000", ""), 1);
  const study::NightResult result = study::night(question);
  CHECK(result.question.plan.workload.sequences == 1);
  REQUIRE(result.choices.size() > 1);
  CHECK_FALSE(study::comfortable(result.choices[1]));
}

TEST_CASE("no more sequences than jobs", "[study]") {
  study::NightQuestion question = question_of("llama-3.1-8b", "2x64");
  question.choose_sequences = true;
  question.jobs = study::make_jobs(6, study::parse_token_range("2000", ""),
                                   study::parse_token_range("500", ""), 1);
  const study::NightResult result = study::night(question);
  CHECK(result.choices.size() == 2);  // three jobs each: one or two at a time
  CHECK(result.question.plan.workload.sequences <= 2);
}

TEST_CASE("jobs that are too long are not planned away", "[study]") {
  study::NightQuestion question = question_of("llama-3.3-70b", "2x64");
  question.jobs = study::make_jobs(10, study::parse_token_range("100k", ""),
                                   study::parse_token_range("1000", ""), 1);
  const study::NightResult result = study::night(question);
  CHECK(result.question.plan.workload.context == Tokens(103'400));
  CHECK(find(result, "two workers") == nullptr);
  REQUIRE(!result.absent.empty());
  CHECK_THAT(result.absent.front().reason, test::contains("103,400"));
}

TEST_CASE("a shard meets more faults than a worker, and its bridge stays down", "[study]") {
  study::NightQuestion question = question_of("llama-3.3-70b", "2x128", "tb5-rdma");
  question.rules.faults = study::default_faults();
  question.rules.nights = 20'000;
  const study::NightResult result = study::night(question);
  const auto* one = find(result, "one worker");
  const auto* pipeline = find(result, "pipeline");
  REQUIRE(one);
  REQUIRE(pipeline);
  CHECK(pipeline->faults_per_day > 2 * one->faults_per_day);
  CHECK(pipeline->outcome.undisturbed < one->outcome.undisturbed);
  CHECK(pipeline->outcome.ended.at(static_cast<std::size_t>(study::Fault::bridge)) > 0.0);
  CHECK(one->outcome.ended.at(static_cast<std::size_t>(study::Fault::bridge)) == 0.0);
  // Loading 39.7 GB of weights at 2 GB/s.
  CHECK(one->workers.front().load_seconds == Approx(19.84).epsilon(0.01));
}

TEST_CASE("nothing that loads is said as such", "[study]") {
  const study::NightResult result = study::night(question_of("1t-q8", "2x64"));
  CHECK(result.placements.empty());
  CHECK(!result.best);
  CHECK(result.absent.size() >= 2);
}
