// Nights by chance against what can be said exactly: docs/night.md.

#include <cmath>

#include "macfit/core/error.hpp"
#include "macfit/study/night_simulation.hpp"
#include "test.hpp"

using namespace macfit;
using study::Fault;
using test::Approx;

namespace {

constexpr double hour = 3600.0;
constexpr double day = 24.0 * hour;

study::Worker worker(double seconds, std::int64_t jobs = 0, std::size_t nodes = 1) {
  study::Worker result;
  result.list = {{seconds, jobs}};
  result.nodes = nodes;
  return result;
}

/// One kind of fault, `rate` a second and node, that nothing repairs.
study::NightRules rules_of(double seconds, double rate, Fault fault = Fault::reboot) {
  study::NightRules rules;
  rules.seconds = seconds;
  rules.faults = study::no_faults();
  rules.faults[static_cast<std::size_t>(fault)] = {rate * day, 0, std::nullopt, true};
  rules.nights = 40'000;
  rules.seed = 7;
  return rules;
}

/// The mean of so many nights lies within four of its standard errors: one in 16,000 seeds would
/// not, and the seed is fixed.
void check_mean(const study::NightOutcome& outcome, double expected) {
  const double error = outcome.deviation / std::sqrt(static_cast<double>(outcome.nights));
  INFO("mean " << outcome.mean << " expected " << expected << " standard error " << error);
  REQUIRE(error > 0.0);
  REQUIRE(error < 0.01 * expected);
  CHECK(std::abs(outcome.mean - expected) < 4.0 * error);
}

void check_share(double share, double expected, std::int64_t nights) {
  const double error = std::sqrt(expected * (1.0 - expected) / static_cast<double>(nights));
  INFO("share " << share << " expected " << expected << " standard error " << error);
  CHECK(std::abs(share - expected) < 4.0 * error);
}

/// Sum over k = 1 … n of e^(-k x).
double geometric(double x, double n) { return (1.0 - std::exp(-n * x)) / std::expm1(x); }

}  // namespace

TEST_CASE("a night without faults is arithmetic", "[study]") {
  struct Row {
    std::vector<study::Worker> workers;
    std::int64_t completions;
  };
  study::Worker pairs = worker(30.0);
  pairs.at_once = 2;  // 60 s a pair: 540 pairs in nine hours
  study::Worker dozens = worker(10.0, 100);
  dozens.at_once = 12;  // the last batch is not full
  study::Worker mixed;
  mixed.list = {{60.0, 10}, {600.0, 100}};
  const std::vector<Row> rows = {
      {{worker(10.0)}, 3240},
      {{worker(10.001)}, 3239},
      {{worker(0.1)}, 324'000},
      {{worker(10.0), worker(20.0)}, 4860},
      {{worker(10.0, 500)}, 500},
      {{worker(32'400.0)}, 1},
      {{worker(32'401.0)}, 0},
      {{pairs}, 1080},
      {{dozens}, 100},
      {{mixed}, 10 + 53},  // (32,400 - 600) / 600
      {{worker(10.0, 3240)}, 3240},
      {{worker(10.0, 3241)}, 3240},
  };
  for (const Row& row : rows) {
    INFO(row.completions << " expected");
    const study::NightOutcome outcome = study::simulate_nights(row.workers, rules_of(9 * hour, 0));
    CHECK(outcome.median == row.completions);
    CHECK(outcome.least == row.completions);
    CHECK(outcome.most == row.completions);
    CHECK(outcome.mean == static_cast<double>(row.completions));
    CHECK(outcome.undisturbed == 1.0);
    CHECK(outcome.histogram == std::vector<std::int64_t>{40'000});
    CHECK(study::quiet_night(row.workers, 9 * hour).completions == row.completions);
  }
}

TEST_CASE("whether a list is done by morning", "[study]") {
  const study::NightRules quiet = rules_of(9 * hour, 0);
  const auto finished = study::simulate_nights({worker(10.0, 3240)}, quiet);
  CHECK(finished.finished == 1.0);
  CHECK(finished.mean_finish == 9 * hour);
  const auto late = study::simulate_nights({worker(10.0, 3241)}, quiet);
  CHECK(late.finished == 0.0);
  CHECK(!late.mean_finish);
  const auto endless = study::simulate_nights({worker(10.0)}, quiet);
  CHECK(!endless.finished);
  CHECK(study::quiet_night({worker(10.0, 60), worker(5.0, 60)}, hour).finish == 600.0);
  CHECK(study::quiet_night({worker(10.0, 60), worker(5.0, 60)}, hour).busy ==
        std::vector<double>{600.0, 300.0});
}

TEST_CASE("one fatal fault, every job safe: a geometric sum", "[study]") {
  // The k-th job counts where the fault comes after k * s: sum of e^(-k s rate).
  const double rate = 1.0 / (6 * hour);
  for (const double s : {10.0, 300.0, 2000.0}) {
    const double jobs = std::floor(9 * hour / s);
    check_mean(study::simulate_nights({worker(s)}, rules_of(9 * hour, rate)),
               geometric(s * rate, jobs));
  }
  // Two workers are two such sums.
  const auto both =
      study::simulate_nights({worker(100.0), worker(300.0)}, rules_of(9 * hour, rate));
  check_mean(both, geometric(100.0 * rate, 324) + geometric(300.0 * rate, 108));
  check_share(both.undisturbed, std::exp(-2 * 9 * hour * rate), both.nights);
}

TEST_CASE("one fatal fault, checkpoints every so many jobs or none", "[study]") {
  const double rate = 1.0 / (6 * hour);
  const double s = 100.0;
  study::NightRules rules = rules_of(9 * hour, rate);
  rules.checkpoint = 50;
  // 324 jobs: six times fifty, and 24 more where the worker lives in the morning.
  const double alive = std::exp(-9 * hour * rate);
  check_mean(study::simulate_nights({worker(s)}, rules),
             50 * geometric(50 * s * rate, 6) + 24 * alive);
  rules.checkpoint.reset();
  const auto none = study::simulate_nights({worker(s)}, rules);
  check_mean(none, 324 * alive);
  CHECK(none.p10 == 0);
  CHECK(none.p90 == 324);
}

TEST_CASE("a fatal fault lets a list be done with probability e^(-rate x makespan)", "[study]") {
  const double rate = 1.0 / (8 * hour);
  const auto one = study::simulate_nights({worker(50.0, 400)}, rules_of(9 * hour, rate));
  check_share(one.finished.value(), std::exp(-20'000 * rate), one.nights);
  // Every worker has to last through its own list.
  const auto two =
      study::simulate_nights({worker(50.0, 400), worker(50.0, 100)}, rules_of(9 * hour, rate));
  check_share(two.finished.value(), std::exp(-25'000 * rate), two.nights);
  CHECK(two.mean_finish == 20'000.0);
}

TEST_CASE("restarts: as the renewal equation says", "[study]") {
  // Down so long that a worker starts again at most once: E[up] = E[min(T, H)] and the same of what
  // is left, exactly.
  const double rate = 1.0 / (4 * hour);
  const double night = 9 * hour;
  const double down = 6 * hour;
  study::NightRules rules = rules_of(night, rate);
  rules.faults[0].repair_seconds = down - 600;
  study::Worker w = worker(1.0);
  w.load_seconds = 600;
  const double left = night - down;
  const double up = (1 - std::exp(-rate * night)) / rate +
                    (1 - std::exp(-rate * left) - rate * left * std::exp(-rate * left)) / rate;
  // A job broken off costs half a second on average.
  const auto outcome = study::simulate_nights({w}, rules);
  check_mean(outcome, up);
  CHECK(outcome.mean_down == Approx(night - up).epsilon(0.02));

  // Short repairs: availability 1 / (1 + rate * down); what is left out is of the order of one
  // repair in a night.
  rules.faults[0].repair_seconds = 60;
  w.load_seconds = 0;
  const double x = rate * 60;
  const auto available = study::simulate_nights({w}, rules);
  CHECK(available.mean == Approx(night / (1 + x)).epsilon(2e-4));
  CHECK(available.mean_faults == Approx(rate * night / (1 + x)).epsilon(0.01));
  // No restart at all is never better.
  rules.restart = false;
  CHECK(study::simulate_nights({w}, rules).mean < 0.5 * available.mean);
}

TEST_CASE("a shard of n nodes fails n times as often as a worker", "[study]") {
  const double rate = 1.0 / (40 * hour);
  for (const std::size_t nodes : {1U, 2U, 4U}) {
    const auto outcome =
        study::simulate_nights({worker(100.0, 0, nodes)}, rules_of(9 * hour, rate));
    const double n = static_cast<double>(nodes);
    check_share(outcome.undisturbed, std::exp(-n * rate * 9 * hour), outcome.nights);
    check_mean(outcome, geometric(n * 100.0 * rate, 324));
    CHECK(study::faults_per_day(worker(1.0, 0, nodes), rules_of(1, rate).faults) ==
          Approx(n * rate * day));
  }
  // Links are no concern of a worker on its own.
  const auto bridge = rules_of(9 * hour, rate, Fault::bridge);
  CHECK(study::simulate_nights({worker(100.0)}, bridge).undisturbed == 1.0);
  const auto shard = study::simulate_nights({worker(100.0, 0, 2)}, bridge);
  check_share(shard.undisturbed, std::exp(-2 * rate * 9 * hour), shard.nights);
  CHECK(shard.ended.at(static_cast<std::size_t>(Fault::bridge)) == Approx(1.0 - shard.undisturbed));
}

TEST_CASE("a transport that is used up after n jobs", "[study]") {
  study::NightRules rules = rules_of(9 * hour, 0);
  rules.faults[static_cast<std::size_t>(Fault::transport)] = {0.0, 1000, 600.0, true};
  study::Worker shard = worker(10.0, 0, 2);
  CHECK(study::simulate_nights({shard}, rules).median == 3240);  // by TCP
  shard.rdma = true;
  shard.load_seconds = 400;
  // 10,000 s of work, 1,000 s to come back: 11,000, 22,000, and 10,400 of the third.
  const auto outcome = study::simulate_nights({shard}, rules);
  CHECK(outcome.least == 3000);
  CHECK(outcome.most == 3000);
  CHECK(outcome.mean_faults == 3.0);
  rules.faults[static_cast<std::size_t>(Fault::transport)].repair_seconds.reset();
  CHECK(study::simulate_nights({shard}, rules).median == 1000);
  // A list that ends with the transport's last job ends well.
  shard.list = {{10.0, 1000}};
  CHECK(study::simulate_nights({shard}, rules).finished == 1.0);
}

TEST_CASE("more faults, fewer checkpoints and longer repairs never help", "[study]") {
  double last = 1e9;
  for (const double hours : {1000.0, 100.0, 20.0, 5.0, 1.0}) {
    study::NightRules rules = rules_of(9 * hour, 1.0 / (hours * hour));
    rules.faults[0].repair_seconds = 300;
    const double mean = study::simulate_nights({worker(60.0)}, rules).mean;
    CHECK(mean < last);
    last = mean;
  }
  const auto mean_with = [](std::optional<std::int64_t> checkpoint, double repair, double load) {
    study::NightRules rules = rules_of(9 * hour, 1.0 / (5 * hour));
    rules.checkpoint = checkpoint;
    rules.faults[0].repair_seconds = repair;
    study::Worker w = worker(60.0);
    w.load_seconds = load;
    return study::simulate_nights({w}, rules).mean;
  };
  CHECK(mean_with(1, 300, 60) > mean_with(20, 300, 60));
  CHECK(mean_with(20, 300, 60) > mean_with(100, 300, 60));
  CHECK(mean_with(100, 300, 60) > mean_with(std::nullopt, 300, 60));
  CHECK(mean_with(1, 300, 60) > mean_with(1, 3000, 60));
  CHECK(mean_with(1, 300, 60) > mean_with(1, 300, 900));
}

TEST_CASE("the same seed gives the same nights on every machine", "[study]") {
  study::NightRules rules;
  rules.seconds = 9 * hour;
  rules.faults = study::default_faults();
  study::parse_fault("reboot=1/2d", rules.faults);
  rules.nights = 5000;
  rules.seed = 42;
  const std::vector<study::Worker> workers = {worker(26.0), worker(41.0, 0, 2)};
  const auto a = study::simulate_nights(workers, rules);
  const auto b = study::simulate_nights(workers, rules);
  CHECK(a.mean == b.mean);
  CHECK(a.histogram == b.histogram);
  rules.seed = 43;
  CHECK(study::simulate_nights(workers, rules).mean != a.mean);
  // The figures themselves, so that another library can't change them unseen.
  CHECK(a.median == 2036);
  CHECK(a.p10 == 2019);
  CHECK(a.least == 1238);
  CHECK(a.mean_faults == 0.65);
  CHECK(a.undisturbed == 0.514);
}

TEST_CASE("percentiles and the histogram are of all nights", "[study]") {
  const auto outcome = study::simulate_nights({worker(60.0)}, rules_of(9 * hour, 1.0 / (9 * hour)));
  CHECK(outcome.least <= outcome.p10);
  CHECK(outcome.p10 <= outcome.median);
  CHECK(outcome.median <= outcome.p90);
  CHECK(outcome.p90 <= outcome.most);
  CHECK(outcome.histogram.size() == 20);
  std::int64_t nights = 0;
  for (const std::int64_t count : outcome.histogram) {
    nights += count;
  }
  CHECK(nights == outcome.nights);
}

TEST_CASE("faults as they are typed", "[study]") {
  struct Row {
    const char* text;
    Fault fault;
    double per_day;
    std::int64_t after_jobs;
    std::optional<double> repair;
  };
  const std::vector<Row> rows = {
      {"reboot=1/30d", Fault::reboot, 1.0 / 30, 0, 300.0},
      {"reboot=2/1w", Fault::reboot, 2.0 / 7, 0, 300.0},
      {"Reboot = 1/12h : 10m", Fault::reboot, 2.0, 0, 600.0},
      {"gpu-timeout=0", Fault::gpu_timeout, 0.0, 0, 30.0},
      {"bridge=1/14d:20m", Fault::bridge, 1.0 / 14, 0, 1200.0},
      {"bridge=1/14d:never", Fault::bridge, 1.0 / 14, 0, std::nullopt},
      {"bridge=1/14d", Fault::bridge, 1.0 / 14, 0, std::nullopt},
      {"transport=5000jobs", Fault::transport, 0.0, 5000, 300.0},
      {"transport=1/2d", Fault::transport, 0.5, 0, 300.0},
      {"transport=0", Fault::transport, 0.0, 0, 300.0},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    study::FaultRules rules = study::default_faults();
    study::parse_fault(row.text, rules);
    const study::FaultRule& rule = rules.at(static_cast<std::size_t>(row.fault));
    CHECK(rule.per_day == Approx(row.per_day));
    CHECK(rule.after_jobs == row.after_jobs);
    CHECK(rule.repair_seconds == row.repair);
    CHECK(rule.stated);
  }
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"reboot", "expected NAME=RATE, found \"reboot\" (such as reboot=1/30d)"},
      {"rebot=1/30d", "unknown fault \"rebot\" (did you mean reboot?"},
      {"reboot=1/30", "expected a unit of s, m, h, d or w, found \"\""},
      {"reboot=3", "expected a rate such as 1/30d or 0, found \"3\""},
      {"reboot=5jobs", "expected a rate such as 1/30d or 0, found \"5jobs\""},
      {"reboot=x/30d", "expected a number, found \"x\""},
      {"reboot=-1/30d", "expected a number, found \"-1\""},
      {"reboot=1/0d", "a span of time must not be 0"},
      {"reboot=1/1s", "more than 1,000 times a day"},
      {"reboot=1/30d:soon", "expected a number, found \"soon\""},
      {"transport=0.5jobs", "expected a whole number of jobs, found \"0.5jobs\""},
  };
  for (const auto& [text, error] : wrong) {
    INFO(text);
    study::FaultRules rules = study::default_faults();
    CHECK_THROWS_WITH(study::parse_fault(text, rules), test::contains(error));
  }
}

TEST_CASE("every default rate is marked as estimated", "[study]") {
  for (const study::FaultRule& rule : study::default_faults()) {
    CHECK(!rule.stated);
    CHECK(!rule.never());
  }
  CHECK(study::fault_info(Fault::bridge).shards_only);
  CHECK(!study::fault_info(Fault::bridge).rule.repair_seconds);
}

TEST_CASE("nights that make no sense are refused", "[study]") {
  study::NightRules rules = rules_of(9 * hour, 0);
  CHECK_THROWS_AS(study::simulate_nights({worker(0.0)}, rules), Error);
  rules.nights = 0;
  CHECK_THROWS_AS(study::simulate_nights({worker(1.0)}, rules), Error);
  rules.nights = 1;
  rules.checkpoint = 0;
  CHECK_THROWS_AS(study::simulate_nights({worker(1.0)}, rules), Error);
  rules.checkpoint = 1;
  rules.seconds = 0;
  CHECK_THROWS_AS(study::simulate_nights({worker(1.0)}, rules), Error);
}
