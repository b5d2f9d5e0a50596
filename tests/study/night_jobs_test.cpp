// What a batch consists of and who does which part of it.

#include "macfit/study/night_jobs.hpp"

#include "macfit/core/error.hpp"
#include "test.hpp"

using namespace macfit;
using study::TokenRange;
using test::Approx;

namespace {

study::TokenRange tokens(const char* text) { return study::parse_token_range(text, "--tokens"); }

}  // namespace

TEST_CASE("sizes of jobs as they are typed", "[study]") {
  struct Row {
    const char* text;
    TokenRange::Kind kind;
    double low;
    double high;
  };
  const std::vector<Row> rows = {
      {"512", TokenRange::Kind::fixed, 512, 512},
      {"2k", TokenRange::Kind::fixed, 2048, 2048},
      {"200..800", TokenRange::Kind::uniform, 200, 800},
      {"1k..4k", TokenRange::Kind::uniform, 1024, 4096},
      {"7..7", TokenRange::Kind::fixed, 7, 7},
      {"~800", TokenRange::Kind::around, 800, 800},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const TokenRange range = tokens(row.text);
    CHECK(range.kind == row.kind);
    CHECK(range.low == row.low);
    CHECK(range.high == row.high);
  }
  CHECK_THROWS_WITH(tokens("800..200"), test::contains("ends before it begins"));
  CHECK_THROWS_WITH(tokens("many"), test::contains("--tokens: "));
  CHECK_THROWS_WITH(tokens("0"), test::contains("--tokens: "));
  CHECK_THROWS_AS(tokens("..5"), Error);
  CHECK_THROWS_AS(tokens("~"), Error);
  CHECK_THROWS_WITH(tokens("1000M"), test::contains("more than the most a job can have"));
}

TEST_CASE("jobs of one size are one class", "[study]") {
  const study::JobList list = study::make_jobs(1000, tokens("2000"), tokens("500"), 1);
  CHECK(list.classes == std::vector<study::JobClass>{{"", 2000, 500, 1000}});
  CHECK(!list.endless);
  CHECK(list.jobs() == 1000);
  CHECK(list.longest() == 2500);
  const study::JobList endless = study::make_jobs(std::nullopt, tokens("2000"), tokens("500"), 1);
  CHECK(endless.endless);
  CHECK(endless.jobs() == 1);
  CHECK_THROWS_AS(study::make_jobs(0, tokens("1"), tokens("1"), 1), Error);
  CHECK_THROWS_AS(study::make_jobs(1'000'001, tokens("1"), tokens("1"), 1), Error);
}

TEST_CASE("drawn sizes follow their distribution, by seed", "[study]") {
  const study::JobList uniform = study::make_jobs(100'000, tokens("100"), tokens("200..800"), 5);
  CHECK(uniform.jobs() == 100'000);
  CHECK(uniform.classes.front().output == 200);
  CHECK(uniform.classes.back().output == 800);
  CHECK(uniform.classes.size() == 601);
  // Standard error of the mean: 173.5 / sqrt(100,000).
  CHECK(std::abs(uniform.mean_output() - 500.0) < 4 * 0.55);

  const study::JobList around = study::make_jobs(100'000, tokens("100"), tokens("~800"), 5);
  std::int64_t below_median = 0;
  std::int64_t near = 0;
  for (const study::JobClass& part : around.classes) {
    below_median += part.output < 800 ? part.count : 0;
    near += part.output >= 400 && part.output <= 1600 ? part.count : 0;
  }
  CHECK(static_cast<double>(below_median) / 100'000 == Approx(0.5).margin(0.01));
  CHECK(static_cast<double>(near) / 100'000 == Approx(0.683).margin(0.01));

  const auto again = study::make_jobs(500, tokens("1k..2k"), tokens("~300"), 9);
  CHECK(again.classes == study::make_jobs(500, tokens("1k..2k"), tokens("~300"), 9).classes);
  CHECK(again.classes != study::make_jobs(500, tokens("1k..2k"), tokens("~300"), 10).classes);
  CHECK(study::make_jobs(std::nullopt, tokens("1k..2k"), tokens("~300"), 9).jobs() == 1000);
}

TEST_CASE("a jobs file is one object a line", "[study]") {
  const study::JobList list = study::read_jobs(
      "{\"prompt_tokens\": 2000, \"output_tokens\": 500, \"count\": 10, \"id\": \"letters\"}\r\n"
      "\n"
      "{\"prompt_tokens\":30000,\"output_tokens\":1000}\n");
  CHECK(list.classes ==
        std::vector<study::JobClass>{{"letters", 2000, 500, 10}, {"", 30'000, 1000, 1}});
  CHECK(!list.endless);
  CHECK(list.jobs() == 11);
  CHECK(list.mean_prompt() == Approx(50'000.0 / 11));
  CHECK(list.longest() == 31'000);
}

TEST_CASE("errors of a jobs file name its line", "[study]") {
  const std::string good = "{\"prompt_tokens\": 1, \"output_tokens\": 1}\n";
  const std::vector<std::pair<std::string, const char*>> rows = {
      {"", "jobs.jsonl: there are no jobs in it"},
      {"\n \n", "jobs.jsonl: there are no jobs in it"},
      {good + "{\"prompt_tokens\": 1}\n", "jobs.jsonl:2: "},
      {good + "\n" + "{\"prompt_tokens\": 1,\n", "jobs.jsonl:3: "},
      {"[1, 2]", "jobs.jsonl:1: at the top: expected an object"},
      {good + "{\"prompt_tokens\": \"2k\", \"output_tokens\": 1}",
       "jobs.jsonl:2: at /prompt_tokens"},
      {"{\"prompt_tokens\": 0, \"output_tokens\": 1}", "at /prompt_tokens"},
      {"{\"prompt_tokens\": 1.5, \"output_tokens\": 1}", "at /prompt_tokens"},
      {"{\"prompt_tokens\": 1, \"output_tokens\": 1, \"count\": 0}", "at /count"},
      {"{\"prompt_tokens\": 1, \"output_tokens\": 1, \"count\": 1e300}", "at /count"},
      {"{\"prompt_tokens\": 1, \"output_token\": 1}", "output_tokens"},
      {"{\"prompt_tokens\": 1, \"output_tokens\": 1, \"counts\": 2}", "count"},
      {"{\"prompt_tokens\": 1, \"prompt_tokens\": 1, \"output_tokens\": 1}", "jobs.jsonl:1: "},
      {"{\"prompt_tokens\": 1, \"output_tokens\": 1, \"count\": 600000}\n"
       "{\"prompt_tokens\": 1, \"output_tokens\": 1, \"count\": 600000}\n",
       "jobs.jsonl:2: more than 1,000,000 jobs in all"},
  };
  for (const auto& [text, error] : rows) {
    INFO(text);
    CHECK_THROWS_WITH(study::read_jobs(text, "jobs.jsonl"), test::contains(error));
  }
  std::string many;
  for (std::size_t i = 0; i <= study::most_job_lines; ++i) {
    many += good;
  }
  CHECK_THROWS_WITH(study::read_jobs(many, "j"),
                    test::contains("j:200001: more than 200,000 lines"));
}

TEST_CASE("longest first evens out unequal workers", "[study]") {
  study::JobList list;
  list.classes = {{"", 1, 1, 300}};
  // One worker is twice as fast: 200 and 100, done together; equal shares take half as long again.
  const std::vector<std::vector<double>> unequal = {{10.0}, {20.0}};
  const study::Division best = study::divide_longest_first(list, unequal);
  CHECK(best.workers[0].jobs == 200);
  CHECK(best.workers[1].jobs == 100);
  CHECK(best.makespan() == 2000.0);
  const study::Division equal = study::divide_equally(list, unequal);
  CHECK(equal.workers[0].jobs == 150);
  CHECK(equal.makespan() == 3000.0);

  // The textbook case: 7, 6, 5, 4, 3 on two machines; dealt out 7 + 5 + 3 and 6 + 4.
  list.classes = {{"", 7, 1, 1}, {"", 6, 1, 1}, {"", 5, 1, 1}, {"", 4, 1, 1}, {"", 3, 1, 1}};
  const std::vector<std::vector<double>> two(2, {7, 6, 5, 4, 3});
  CHECK(study::divide_longest_first(list, two).makespan() == 14.0);
  CHECK(study::divide_equally(list, two).makespan() == 15.0);
}

TEST_CASE("every job is given to somebody, whatever the division", "[study]") {
  const study::JobList list = study::make_jobs(997, tokens("100..9000"), tokens("~400"), 3);
  for (const std::size_t workers : {1U, 2U, 3U, 7U}) {
    std::vector<std::vector<double>> seconds(workers);
    for (std::size_t w = 0; w < workers; ++w) {
      for (const study::JobClass& part : list.classes) {
        seconds[w].push_back((part.prompt / 500 + part.output / 20) * static_cast<double>(w + 1));
      }
    }
    const study::Division best = study::divide_longest_first(list, seconds);
    const study::Division equal = study::divide_equally(list, seconds);
    for (const study::Division* division : {&best, &equal}) {
      for (std::size_t c = 0; c < list.classes.size(); ++c) {
        std::int64_t given = 0;
        for (const study::Share& share : division->workers) {
          given += share.counts[c];
        }
        CHECK(given == list.classes[c].count);
      }
    }
    CHECK(best.makespan() <= equal.makespan());
    std::int64_t most = 0;
    std::int64_t fewest = 1000;
    for (const study::Share& share : equal.workers) {
      most = std::max(most, share.jobs);
      fewest = std::min(fewest, share.jobs);
    }
    CHECK(most - fewest <= 1);
  }
}
