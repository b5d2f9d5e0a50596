// What the program prints and reads, against the schemas in docs/schema/.

#include <filesystem>
#include <set>

#include "cli/cli_test.hpp"
#include "json_schema_json.hpp"
#include "test.hpp"

using namespace macfit;
using nlohmann::json;

namespace {

std::string schema_path(const std::string& name) { return "docs/schema/" + name + ".schema.json"; }

json schema(const std::string& name) {
  return json::parse(test::read_text(test::source_path(schema_path(name))));
}

std::string complaint(const std::string& name, const json& value) {
  return test::SchemaCheck(schema(name)).complaint(value);
}

std::string file(const std::string& name) { return test::source_path(name).string(); }

struct Printed {
  const char* schema;
  std::string command;
};

}  // namespace

TEST_CASE("what the program prints follows its schema", "[cli]") {
  const std::vector<Printed> all = {
      {"plan", "plan --model 230b-q4 --nodes 2x128"},
      {"plan", "plan --model llama-3.1-70b --nodes m4-max-128+m4-pro-64 --context 64k"},
      {"plan", "plan --model minimax-m2.5 --nodes 2x128 --link tb5-rdma"},
      {"plan", "plan --model 250gb --nodes 2x128"},
      {"plan", "plan --model deepseek-v3.1 --nodes 2x512 --runtime all --sequences 4"},
      {"plan", "plan --model 230b-q4 --nodes 2x128 --against mac-studio-m3-ultra-512"},
      {"model", "models show llama-3.1-70b"},
      {"model", "models show qwen3-vl-4b"},
      {"model", "models show 215gb"},
      {"models", "models list"},
      {"hardware", "hardware list"},
      {"hardware-cluster", "hardware show 2x128+1x64"},
      {"runtimes", "runtimes"},
      {"version", "version"},
      {"validation", "calibrate --validate " + file("hardware/measurements.json")},
      {"night",
       "night --model llama-3.3-70b --nodes 2x128 --prompts 200 --prompt-tokens 2000 "
       "--output-tokens 500"},
      {"breakeven", "breakeven --nodes 2x128"},
      {"check", "check --quiet " + file("models/llama-3.1-8b.json")},
  };
  for (const Printed& printed : all) {
    CAPTURE(printed.command);
    const test::Ran ran = test::run(printed.command + " --format json");
    CHECK(ran.error.empty());
    REQUIRE(ran.code == 0);
    CHECK(complaint(printed.schema, json::parse(ran.out)).empty());
  }
}

TEST_CASE("version tells which program and which catalogs", "[cli]") {
  const test::Ran ran = test::run("version --json");
  REQUIRE(ran.code == 0);
  CHECK(ran.out == test::run("version --format json").out);
  const json version = json::parse(ran.out);
  CHECK(test::run("--version").out == "macfit " + version.at("version").get<std::string>() + "\n");
  CHECK(version.at("compiler").get<std::string>().find(' ') != std::string::npos);

  const std::string embedded = version.at("catalog").at("version");
  CHECK_THAT(test::run("version").out, test::contains("catalog " + embedded + ": "));
  const json plan = json::parse(test::run("plan --model 230b-q4 --nodes 2x128 --format json").out);
  CHECK(plan.at("tool").at("catalog") == embedded);
  const std::string folder = test::source_path("").string();
  const json other = json::parse(test::run("version --json --catalog '" + folder + "'").out);
  CHECK(other.at("catalog").at("version") == folder);
  CHECK(other.at("catalog").at("models") == version.at("catalog").at("models"));
}

TEST_CASE("what the program reads follows its schema", "[cli]") {
  for (const char* name :
       {"chips", "machines", "links", "gpu_limits", "calibration", "measurements"}) {
    CAPTURE(name);
    CHECK(complaint(name, json::parse(test::read_text(
                              test::source_path("hardware/" + std::string(name) + ".json"))))
              .empty());
  }
}

TEST_CASE("a key that is renamed, added or lost does not pass its schema", "[cli]") {
  const json plan = json::parse(test::run("plan --model 70b-q4 --nodes 2x128 --format json").out);
  REQUIRE(complaint("plan", plan).empty());
  json renamed = plan;
  renamed["placements"][0]["nodes"][0]["demand"] =
      renamed["placements"][0]["nodes"][0]["demand_bytes"];
  CHECK_FALSE(complaint("plan", renamed).empty());
  renamed["placements"][0]["nodes"][0].erase("demand_bytes");
  CHECK_FALSE(complaint("plan", renamed).empty());
  json lost = plan;
  lost["verdict"].erase("kind");
  CHECK_FALSE(complaint("plan", lost).empty());
  json text = plan;
  text["cluster"]["ram_bytes"] = "much";
  CHECK_FALSE(complaint("plan", text).empty());
  json word = plan;
  word["verdict"]["tier"] = "fine";
  CHECK_FALSE(complaint("plan", word).empty());
}

TEST_CASE("every schema names its dialect and is printed or read by something", "[cli]") {
  const std::set<std::string> known = {"batch-answer",
                                       "batch-request",
                                       "breakeven",
                                       "calibration",
                                       "check",
                                       "chips",
                                       "cluster",
                                       "compare",
                                       "gpu_limits",
                                       "hardware",
                                       "hardware-cluster",
                                       "launch",
                                       "links",
                                       "local-models",
                                       "machines",
                                       "manifest",
                                       "measurements",
                                       "model",
                                       "models",
                                       "night",
                                       "night-job",
                                       "plan",
                                       "run",
                                       "run-job",
                                       "run-result",
                                       "runtime-facts",
                                       "runtimes",
                                       "silence",
                                       "size",
                                       "spike",
                                       "survey",
                                       "sweep",
                                       "sweep-row",
                                       "validation",
                                       "version"};
  // Lines that say nothing of themselves: they are many, or somebody types them.
  const std::set<std::string> nameless = {"batch-answer", "batch-request", "night-job",
                                          "run-job",      "run-result",    "sweep-row"};
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_path("docs/schema"))) {
    const std::string name = entry.path().filename().string();
    const json read = json::parse(test::read_text(entry.path()));
    CAPTURE(name);
    CHECK(read.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
    const std::string stem = name.substr(0, name.find('.'));
    if (nameless.count(stem) == 0) {
      CHECK(read.at("properties").at("schema").contains("const"));
    }
    found.insert(stem);
  }
  CHECK(found == known);
}
