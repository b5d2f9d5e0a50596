// macfit night and macfit breakeven as they are typed.

#include "cli_test.hpp"

using namespace macfit::test;

TEST_CASE("a night on the command line", "[cli]") {
  const std::string jobs = "night --model llama-3.3-70b --nodes 2x128 --nights 200 ";
  const Ran text = run(jobs + "--prompt-tokens 2000 --output-tokens 500");
  CHECK(text.code == 0);
  CHECK(text.error.empty());
  CHECK_THAT(text.out, contains("By 07:00: "));
  CHECK_THAT(text.out, contains("completions on two workers"));
  const std::string drawn = jobs + "--prompts 300 --prompt-tokens 1k..4k --output-tokens '~400' ";
  for (const char* format : {"text", "json", "csv", "markdown"}) {
    CAPTURE(format);
    const Ran first = run(drawn + "--format " + format);
    CHECK(first.code == 0);
    CHECK(first.out == run(drawn + "--seed 1 --format " + format).out);
    CHECK(first.out != run(drawn + "--seed 2 --format " + format).out);
  }
  CHECK_THAT(run(drawn + "--format json").out, contains("\"schema\": \"macfit.night/1\""));
}

TEST_CASE("a night takes a jobs file", "[cli]") {
  const std::string night = "night -m llama-3.1-8b -n 2x64 --nights 50 --format csv --jobs ";
  const Ran ran = run(
      "version && printf '{\"prompt_tokens\": 500, \"output_tokens\": 100, \"count\": 40}\\n' > j "
      "&& '" MACFIT_BINARY "' " +
      night + "j");
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, contains("two workers,independent"));
  const Ran broken = run(
      "version && printf '\\n{\"prompt_tokens\": 5}\\n' > j && '" MACFIT_BINARY "' " + night + "j");
  CHECK(broken.code == 2);
  CHECK_THAT(broken.error, contains("j:2: "));
  CHECK_THAT(broken.error, contains("output_tokens"));
}

TEST_CASE("what a night can't take is said", "[cli]") {
  const std::string night = "night -m llama-3.1-8b -n 2x64 ";
  const std::string jobs = night + "--prompt-tokens 500 --output-tokens 100 ";
  const std::vector<std::pair<std::string, const char*>> rows = {
      {night, "how long the jobs are is not said"},
      {night + "--jobs nowhere.jsonl", "nowhere.jsonl"},
      {jobs + "--jobs x", "--jobs says what there is to do"},
      {jobs + "--hours 0", "--hours: "},
      {jobs + "--hours 22:00-", "--hours: "},
      {jobs + "--fault rebot=1/30d", "--fault: unknown fault \"rebot\""},
      {jobs + "--fault reboot=often", "--fault: "},
      {jobs + "--restart maybe", "unknown value of --restart \"maybe\""},
      {jobs + "--checkpoint 0", "--checkpoint"},
      {jobs + "--prompts 0", "--prompts"},
      {jobs + "--nights 0", "--nights"},
      {jobs + "--load-rate 1kB", "--load-rate"},
      {jobs + "--format sarif", "unknown value of --format"},
      {night + "--prompt-tokens 9..5 --output-tokens 1", "--prompt-tokens: "},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows[i].first);
    const Ran ran = run(rows[i].first);
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.error, contains(rows[i].second));
  }
}

TEST_CASE("a break-even on the command line", "[cli]") {
  const Ran text = run("breakeven --nodes 2x128 --quant q4 --context 8k");
  CHECK(text.code == 0);
  CHECK(text.error.empty());
  CHECK_THAT(text.out, contains("At q4 and 8k tokens two workers up to "));
  const Ran json = run("breakeven --nodes 2x128 --quant q4,q8 --context 8k,32k --format json");
  CHECK_THAT(json.out, contains("\"schema\": \"macfit.breakeven/1\""));
  CHECK(json.out ==
        run("breakeven --nodes 2x128 --quant q4,q8 --context 8k,32k --format json").out);
  const Ran mixture =
      run("breakeven --nodes 2x128 --quant q4 --context 8k --active 5% --format csv");
  CHECK_THAT(mixture.out, contains("-a"));
  CHECK(run("breakeven --nodes 2x128 --quant q4 --context 8k --format svg").out.rfind("<svg", 0) ==
        0);
  CHECK_THAT(run("breakeven --nodes 2x128 --model qwen3-235b-a22b --quant q3,q4 --context 8k").out,
             contains("qwen3-235b-a22b"));
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"breakeven", "--nodes"},
      {"breakeven --nodes 2x128 --quant q4,", "a value on both sides of every comma"},
      {"breakeven --nodes 2x128 --context 8k,soon", "--context"},
      {"breakeven --nodes 2x128 --active 150%", "150%"},
      {"breakeven --nodes 2x128 --model llama-3.3-70b --active 5%", "--active"},
      {"breakeven --nodes 2x128 --output-tokens 5..9", "--output-tokens"},
  };
  for (const auto& [command, said] : wrong) {
    CAPTURE(command);
    const Ran ran = run(command);
    CHECK(ran.code == 2);
    CHECK_THAT(ran.error, contains(said));
  }
}
