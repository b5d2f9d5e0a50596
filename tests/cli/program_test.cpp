// The built program as scripts see it: exit codes, streams, files.

#include <filesystem>

#include "cli_test.hpp"

using macfit::test::contains;
using macfit::test::Ran;
using macfit::test::run;

TEST_CASE("exit codes tell done, required and wrong apart", "[cli]") {
  CHECK(run("plan --model 230b-q4 --nodes 2x128").code == 0);
  CHECK(run("plan --model 250gb --nodes 2x128").code == 0);
  CHECK(run("plan --model 230b-q4 --nodes 2x128 --require comfortable").code == 0);
  CHECK(run("plan --model 210gb --nodes 2x128 --require borderline").code == 0);
  const Ran below = run("plan --model 210gb --nodes 2x128 --require comfortable");
  CHECK(below.code == 1);
  CHECK_THAT(below.error, contains("required comfortable, got pipeline-shard, borderline"));
  CHECK(run("plan --model 250gb --nodes 2x128 --require borderline").code == 1);
  CHECK(run("--help").code == 0);
  CHECK(run("plan --help").code == 0);
  CHECK(run("").code == 2);
}

TEST_CASE("wrong usage is named, with what was meant, and nothing on standard output", "[cli]") {
  const std::vector<std::pair<const char*, const char*>> facts = {
      {"pln", "unknown command \"pln\" (did you mean plan?"},
      {"plan --modle x", "unknown flag \"--modle\" (did you mean --model"},
      {"plan --nodes 2x128", "--model is required"},
      {"plan --model llama-3.1-7b0 --nodes 2x128", "did you mean llama-3.1-70b"},
      {"plan --model 0b-q4 --nodes 2x128", "\"0b-q4\" is not a model's size"},
      {"plan --model 230b-q99 --nodes 2x128", "unknown format \"q99\""},
      {"models show 230b-q99", "in \"230b-q99\""},
      {"plan --model 70b-q4 --nodes 2x127", "--nodes \"2x127\": "},
      {"plan --model 70b-q4 --nodes 0x128", "--nodes \"0x128\": "},
      {"plan --model 70b-q4 --nodes 2xfoo", "--nodes \"2xfoo\": "},
      {"plan --model 70b-q4 --nodes 2x128 --context 0", "--context:"},
      {"plan --model 70b-q4 --nodes 2x128 --context 8q", "unknown unit"},
      {"plan --model 70b-q4 --nodes 2x128 --sequences 0",
       "--sequences: expected a whole number from 1 to 1,000,000, found \"0\""},
      {"plan --model 70b-q4 --nodes", "--nodes needs a value: SPEC|FILE"},
      {"plan --model 70b-q4 --nodes 2x128 --model 8b-q4", "--model is given 2 times"},
      {"plan --model 70b-q4 --nodes 2x128 more", "unexpected word \"more\""},
      {"plan --model 215 --nodes 2x128", "written like 230b-q4 or 215gb"},
      {"models", "a command is missing: list, search, show or import"},
      {"models show", "NAME|PATH|SIZE is missing"},
      {"compare --model glm-4.5 nodes=2x128", "PLAN|REQUEST is given once, expected 2 times"},
      {"plan --model 70b-q4 --nodes 2x128 --wired-limit 120",
       "--wired-limit: expected a size with"},
      {"survey --nodes 2x128 --tier best", "--tier: unknown tier"},
      {"survey --nodes 2x128 --where x", "--where: "},
      {"night --model 8b-q4 --nodes 2x128 --prompt-tokens 2k --output-tokens 500 --load-rate x",
       "--load-rate: "},
      {"hardware show nope", "hardware show \"nope\": "},
      {"plan --model 70b-q4 --nodes 2x128 --kv q9", "unknown cache format"},
      {"plan --model 70b-q4 --nodes 2x128 --runtime mlx-ln", "did you mean mlx-lm"},
      {"plan --model 70b-q4 --nodes 2x128 --split diagonal", "unknown split"},
      {"plan --model 70b-q4 --nodes 2x128 --macos 17", "--macos:"},
      {"plan --model 70b-q4 --nodes 2x128 --wired-limit 256GiB", "--nodes:"},
      {"plan --model 70b-q4 --nodes 2x128 --link tb6", "--link: unknown link \"tb6\""},
      {"plan --model 70b-q4 --nodes 2x128 --require comfy", "--require: unknown requirement"},
      {"plan --model 70b-q4 --nodes 2x128 --format yaml", "unknown value of --format"},
      {"plan --model 70b-q4 --nodes 2x128 --color red", "unknown value of --color"},
      {"plan --model 70b-q4 --nodes 2x128 --quant q99", "--quant:"},
      {"plan --model llama-3.1-70b --nodes 2x128 --layers 40,41", "sums to 81"},
      {"plan --model llama-3.1-70b --nodes 2x128 --layers 80",
       "names 1 node, the cluster has 2 (one number for each node"},
      {"plan --model 70b-q4 --nodes missing.json", "missing.json"},
      {"plan --model ./missing.json --nodes 2x128", "missing.json"},
      {"plan --model 70b-q4 --nodes 2x128 --catalog missing", "missing: there is no such folder"},
      {"plan --model 70b-q4 --nodes 2x128 --output missing/plan.json",
       "there is no folder \"missing\""},
      {"explain boderline-ish", "unknown word"},
      {"hardware show m9-max", "m9-max"},
      {"hardware show m4-max --format json", "is a chip"},
      {"hardware show tb5-rdma --format json", "is a link"},
      {"models show nothing-like-it", "unknown model"},
      {"breakeven --nodes 2x128 --active 0", "--active: expected more than nothing"},
      {"breakeven --nodes 2x128 --active much", "--active: \"much\""},
      {"launch --model 70b-q4 --nodes 2x128 --output -", "expected a folder's name, found \"-\""},
  };
  for (const auto& [command, said] : facts) {
    CAPTURE(command);
    const Ran ran = run(command);
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.error, contains(said));
    CHECK_THAT(ran.error, contains("macfit: "));
  }
}

TEST_CASE("data goes to standard output, talk to standard error", "[cli]") {
  const Ran plain = run("plan --model 70b-q4 --nodes 2x128 --format json");
  CHECK(plain.error.empty());
  CHECK(plain.out.rfind("{\n", 0) == 0);
  const Ran verbose = run("plan --model 70b-q4 --nodes 2x128 --format json --verbose");
  CHECK(verbose.out == plain.out);
  CHECK_THAT(verbose.error, contains("macfit: model: 70b-q4"));
  const Ran quiet = run("plan --model 210gb --nodes 2x128 --require comfortable --quiet");
  CHECK(quiet.code == 1);
  CHECK(quiet.error.empty());
}

TEST_CASE("the same input gives the same bytes", "[cli]") {
  for (const char* command :
       {"plan --model minimax-m2.5 --nodes 1x128+2x64 --format json",
        "plan --model 210gb --nodes 2x128", "models list", "hardware list --format json"}) {
    CAPTURE(command);
    const Ran first = run(command);
    CHECK(first.code == 0);
    CHECK_FALSE(first.out.empty());
    CHECK(first.out == run(command).out);
  }
}

TEST_CASE("color is for terminals and for those who ask", "[cli]") {
  const std::string command = "plan --model 70b-q4 --nodes 2x128";
  CHECK(run(command).out.find('\x1b') == std::string::npos);
  CHECK(run(command + " --color always").out.find('\x1b') != std::string::npos);
  CHECK(run(command + " --color always --format json").out.find('\x1b') == std::string::npos);
}

TEST_CASE("a file is written whole or not at all", "[cli]") {
  const Ran ran = run(
      "plan --model 70b-q4 --nodes 2x128 --format json --output p.json && ls && head -c 1 p.json");
  CHECK(ran.code == 0);
  CHECK(ran.out.find("p.json") != std::string::npos);
  CHECK(ran.out.find("p.json.") == std::string::npos);  // no temporary left
  if (std::filesystem::exists("/dev/full")) {
    const Ran full = run("plan --model 70b-q4 --nodes 2x128 --output /dev/full");
    CHECK(full.code == 2);
    CHECK_THAT(full.error, contains("/dev/full"));
  }
  // A reader that goes away is no error.
  CHECK(run("models list | head -n 1; exit ${PIPESTATUS:-0}").code == 0);
}

TEST_CASE("an override catalog replaces the built-in one", "[cli]") {
  const std::string source = macfit::test::source_path("").string();
  const Ran same = run("plan --model llama-3.1-70b --nodes 2x128 --catalog '" + source + "'");
  CHECK(same.code == 0);
  // All is the same but what it says to type, which asks the same catalog.
  std::string out = same.out;
  const std::string flag = " --catalog " + source;
  REQUIRE(out.find(flag) != std::string::npos);
  for (std::size_t at = out.find(flag); at != std::string::npos; at = out.find(flag)) {
    out.erase(at, flag.size());
  }
  CHECK(out == run("plan --model llama-3.1-70b --nodes 2x128").out);
  // What it says to type asks the same catalog.
  const Ran fixes = run("plan --model 210gb --nodes 2x128 --catalog '" + source + "'");
  CHECK_THAT(fixes.out, contains("--catalog " + source));
  const Ran empty = run("--help; mkdir -p c/models && '" MACFIT_BINARY
                        "' plan --model llama-3.1-70b --nodes 2x128 --catalog c");
  CHECK(empty.code == 2);
  CHECK_THAT(empty.error, contains("unknown model"));
}

TEST_CASE("names that a terminal would act on are neutral", "[cli]") {
  const Ran ran = run("plan --nodes 2x128 --model \"$(printf 'a\\033[31mb')\"");
  CHECK(ran.code == 2);
  CHECK(ran.error.find('\x1b') == std::string::npos);
}

TEST_CASE("narrow terminals and plain locales keep every fact", "[cli]") {
  const std::string command = "plan --model 230b-q4 --nodes 2x128";
  const Ran narrow = run("version >/dev/null; COLUMNS=60 '" MACFIT_BINARY "' " + command);
  CHECK(narrow.code == 0);
  std::stringstream lines(narrow.out);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    std::size_t width = 0;
    for (const char c : line) {
      width += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    }
    CHECK(width <= 66);
  }
  const Ran ascii = run("version >/dev/null; LC_ALL=C '" MACFIT_BINARY "' " + command);
  CHECK(std::all_of(ascii.out.begin(), ascii.out.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

TEST_CASE("every word of a verdict can be explained, and no part of a word", "[cli]") {
  for (const char* word :
       {"single-worker", "two-independent-workers", "pipeline-shard", "two-tensor-shards",
        "\"won't-fit\"", "Comfortable", "measured-near", "'effective memory'", "verdict"}) {
    CAPTURE(word);
    CHECK(run(std::string("explain ") + word).code == 0);
  }
  for (const char* word : {"at", "fort", "shard", "measur", "-"}) {
    CAPTURE(word);
    CHECK(run(std::string("explain -- ") + word).code == 2);
  }
}

TEST_CASE("every code that a plan carries can be explained", "[cli]") {
  for (const char* command : {"plan --model minimax-m2.5 --nodes 2x128 --runtime mlx-lm",
                              "plan --model 210gb --nodes 2x128",
                              "plan --model deepseek-v3.1 --nodes 3x512 --layers 20,20,21",
                              "plan --model 70b-q4 --nodes 1x128+1x36",
                              "plan --model minimax-m2.5 --nodes 3x128 --link tb5-rdma --macos 15",
                              "plan --model minimax-m2.5 --nodes 2x128 --link tb5-rdma",
                              "plan --model 70b-q4 --nodes 2x64 --kv q8,q4",
                              "plan --model 250gb --nodes 2x128 --sequences 4"}) {
    const Ran ran = run(std::string(command) + " --format json");
    CAPTURE(command);
    REQUIRE(ran.code == 0);
    for (const char* key : {"\"code\": \"", "\"kind\": \""}) {
      for (std::size_t at = ran.out.find(key); at != std::string::npos;
           at = ran.out.find(key, at + 1)) {
        const std::size_t start = at + std::string(key).size();
        const std::string code = ran.out.substr(start, ran.out.find('"', start) - start);
        const bool link = code.find("thunderbolt") != std::string::npos ||
                          code.find("ethernet") != std::string::npos;
        CAPTURE(code);
        CHECK((link || run("explain \"" + code + "\"").code == 0));
      }
    }
  }
}
