#include "macfit/run/scheduler.hpp"

#include <map>
#include <random>

#include "test.hpp"

using macfit::run::Answer;
using macfit::run::Outcome;
using macfit::run::Rules;
using macfit::run::Scheduler;
using Fate = Scheduler::Fate;

namespace {

Answer answer(Outcome outcome) {
  Answer made;
  made.outcome = outcome;
  return made;
}

/// All workers answer their first probe.
void wake(Scheduler& scheduler, double now) {
  while (const auto worker = scheduler.next_probe(now)) {
    CHECK(scheduler.probed(*worker, true, now).empty());
  }
}

}  // namespace

TEST_CASE("no job before a worker has answered", "[run]") {
  Scheduler scheduler({}, {1}, 3);
  CHECK_FALSE(scheduler.next(0.0).has_value());
  REQUIRE(scheduler.next_probe(0.0) == 0U);
  CHECK_FALSE(scheduler.next_probe(0.0).has_value());
  CHECK(scheduler.probed(0, false, 0.0).empty());
  CHECK_FALSE(scheduler.next_probe(0.5).has_value());
  REQUIRE(scheduler.next_probe(1.0) == 0U);
  CHECK(scheduler.probed(0, true, 1.0).empty());
  CHECK(scheduler.next(1.0)->job == 0);
}

TEST_CASE("workers pull: each has as many jobs as it takes", "[run]") {
  Scheduler scheduler({}, {1, 3}, 10);
  wake(scheduler, 0.0);
  std::map<std::size_t, int> sent;
  while (const auto issue = scheduler.next(0.0)) {
    ++sent[issue->worker];
  }
  CHECK(sent[0] == 1);
  CHECK(sent[1] == 3);
  CHECK(scheduler.in_flight() == 4);
  // The one that ends a job gets the next.
  CHECK(scheduler.answered({1, 1}, answer(Outcome::done), 1.0)->fate == Fate::done);
  CHECK(scheduler.next(1.0)->worker == 1);
  CHECK(scheduler.left() == 9);
}

TEST_CASE("a job that fails of itself is tried again, later and later", "[run]") {
  Rules rules;
  rules.attempts = 4;
  Scheduler scheduler(rules, {1}, 1);
  wake(scheduler, 0.0);
  double now = 0.0;
  for (const double pause : {1.0, 2.0, 4.0}) {
    const auto issue = scheduler.next(now);
    REQUIRE(issue.has_value());
    CHECK(scheduler.answered(*issue, answer(Outcome::garbage), now)->fate == Fate::again);
    CHECK_FALSE(scheduler.next(now + pause - 0.01).has_value());
    now += pause;
  }
  const auto last = scheduler.answered(*scheduler.next(now), answer(Outcome::garbage), now);
  CHECK(last->fate == Fate::aside);
  CHECK(last->attempts == 4);
  CHECK(scheduler.left() == 0);
}

TEST_CASE("what would be rejected again is set aside at once", "[run]") {
  Scheduler scheduler({}, {1}, 1);
  wake(scheduler, 0.0);
  CHECK(scheduler.answered(*scheduler.next(0.0), answer(Outcome::rejected), 0.0)->fate ==
        Fate::aside);
}

TEST_CASE("a refused connection costs the job nothing", "[run]") {
  Scheduler scheduler({}, {1}, 1);
  for (int i = 0; i < 50; ++i) {
    const double now = 100.0 * i;
    wake(scheduler, now);
    CHECK(scheduler.answered(*scheduler.next(now), answer(Outcome::refused), now)->fate ==
          Fate::again);
    CHECK_FALSE(scheduler.ready(0));
  }
  CHECK(scheduler.left() == 1);
}

TEST_CASE("a busy worker is left alone for as long as it asks", "[run]") {
  Scheduler scheduler({}, {2}, 2);
  wake(scheduler, 0.0);
  Answer busy = answer(Outcome::busy);
  busy.retry_after = 7.0;
  CHECK(scheduler.answered(*scheduler.next(0.0), busy, 0.0)->fate == Fate::again);
  CHECK_FALSE(scheduler.next(6.9).has_value());
  CHECK(scheduler.next(7.0).has_value());
}

TEST_CASE("a cut answer is judged once it is known whether the worker died", "[run]") {
  Scheduler scheduler({}, {2}, 2);
  wake(scheduler, 0.0);
  const auto a = scheduler.next(0.0);
  const auto b = scheduler.next(0.0);
  CHECK_FALSE(scheduler.answered(*a, answer(Outcome::cut), 0.0).has_value());
  CHECK_FALSE(scheduler.answered(*b, answer(Outcome::cut), 0.0).has_value());
  CHECK_FALSE(scheduler.next_probe(0.1).has_value());
  REQUIRE(scheduler.next_probe(0.3) == 0U);
  SECTION("it lives: only attempts failed") {
    for (const auto& ruling : scheduler.probed(0, true, 0.3)) {
      CHECK(ruling.fate == Fate::again);
    }
    CHECK(scheduler.deaths(0) == 0);
    CHECK(scheduler.next(1.3).has_value());
    CHECK(scheduler.next(1.3).has_value());
  }
  SECTION("it died: both are sent alone from now on") {
    CHECK(scheduler.probed(0, false, 0.3).size() == 2);
    CHECK(scheduler.deaths(0) == 1);
    wake(scheduler, 20.0);
    const auto first = scheduler.next(20.0);
    REQUIRE(first.has_value());
    CHECK_FALSE(scheduler.next(20.0).has_value());
    CHECK(scheduler.answered(*first, answer(Outcome::done), 21.0)->fate == Fate::done);
    CHECK(scheduler.next(21.0).has_value());
  }
}

TEST_CASE("the job that kills is set aside after three deaths, its neighbors are not", "[run]") {
  constexpr std::size_t killer = 2;
  Scheduler scheduler({}, {4}, 8);
  double now = 0.0;
  std::map<std::size_t, Fate> fates;
  std::string code;
  for (int round = 0; round < 200 && scheduler.left() > 0; ++round) {
    now += 20.0;
    wake(scheduler, now);
    std::vector<Scheduler::Issue> flights;
    bool dies = false;
    while (const auto issue = scheduler.next(now)) {
      flights.push_back(*issue);
      dies = dies || issue->job == killer;
    }
    for (const auto& issue : flights) {
      const auto ruling =
          scheduler.answered(issue, answer(dies ? Outcome::cut : Outcome::done), now);
      CHECK(ruling.has_value() != dies);
      if (ruling) {
        fates[ruling->job] = ruling->fate;
      }
    }
    if (dies) {
      REQUIRE(scheduler.next_probe(now + 1.0) == 0U);
      for (const auto& ruling : scheduler.probed(0, false, now + 1.0)) {
        if (ruling.fate != Fate::again) {
          fates[ruling.job] = ruling.fate;
          code = ruling.code;
        }
      }
    }
  }
  CHECK(fates.size() == 8);
  for (const auto& [job, fate] : fates) {
    INFO(job);
    CHECK(fate == (job == killer ? Fate::aside : Fate::done));
  }
  CHECK(code == "kills-worker");
  CHECK(scheduler.deaths(0) == 3);
}

TEST_CASE("when everything fails it is not the jobs", "[run]") {
  Rules rules;
  rules.hopeless = 5;
  Scheduler scheduler(rules, {1}, 100);
  wake(scheduler, 0.0);
  for (int i = 0; i < 4; ++i) {
    CHECK(scheduler.answered(*scheduler.next(0.0), answer(Outcome::rejected), 0.0).has_value());
    CHECK_FALSE(scheduler.hopeless());
  }
  SECTION("a completion between them shows that some can be done") {
    CHECK(scheduler.answered(*scheduler.next(0.0), answer(Outcome::done), 0.0).has_value());
  }
  CHECK(scheduler.answered(*scheduler.next(0.0), answer(Outcome::rejected), 0.0).has_value());
  CHECK(scheduler.hopeless() == (scheduler.left() == 95));
}

// A model of the world in place of one: workers die and come back, answers go wrong by chance.
TEST_CASE("every job gets exactly one fate, whatever happens", "[run]") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 chance(seed);
    const auto roll = [&](unsigned sides) { return chance() % sides; };
    Rules rules;
    rules.hopeless = 1'000'000;
    const std::size_t jobs = 1 + roll(60);
    const std::vector<std::size_t> at_once{1 + roll(4), 1 + roll(4)};
    Scheduler scheduler(rules, at_once, jobs);
    std::map<std::size_t, int> fates;
    std::vector<Scheduler::Issue> flights;
    std::vector<std::size_t> probes;
    std::vector<bool> alive{true, true};
    const auto rule = [&](const Scheduler::Ruling& ruling) {
      fates[ruling.job] += ruling.fate == Fate::again ? 0 : 1;
    };
    double now = 0.0;
    int steps = 0;
    for (; scheduler.left() > 0 && steps < 100'000; ++steps) {
      now += 0.1;
      const std::size_t who = roll(2);
      alive[who] = roll(alive[who] ? 40 : 3) != 0 ? alive[who] : !alive[who];
      while (const auto worker = scheduler.next_probe(now)) {
        probes.push_back(*worker);
      }
      while (const auto issue = scheduler.next(now)) {
        REQUIRE(scheduler.in_flight(issue->worker) <= at_once[issue->worker]);
        flights.push_back(*issue);
      }
      if (!probes.empty() && roll(2) == 0) {
        const std::size_t worker = probes.back();
        probes.pop_back();
        for (const auto& ruling : scheduler.probed(worker, alive[worker], now)) {
          rule(ruling);
        }
      }
      if (!flights.empty() && roll(2) == 0) {
        const std::size_t at = roll(static_cast<unsigned>(flights.size()));
        const Scheduler::Issue issue = flights[at];
        flights.erase(flights.begin() + static_cast<std::ptrdiff_t>(at));
        const auto good = static_cast<Outcome>(roll(8) == 0 ? roll(8) : 0);
        const Outcome outcome =
            alive[issue.worker] ? good : (roll(2) == 0 ? Outcome::cut : Outcome::refused);
        if (const auto ruling = scheduler.answered(issue, answer(outcome), now)) {
          rule(*ruling);
        }
      }
    }
    REQUIRE(steps < 100'000);
    REQUIRE(fates.size() == jobs);
    for (const auto& [job, count] : fates) {
      REQUIRE(count == 1);
    }
    REQUIRE(scheduler.in_flight() == 0);
  }
}
