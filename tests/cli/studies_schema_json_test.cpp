// What survey, size and compare print, and what sweep reads, against docs/schema/.

#include "cli_test.hpp"
#include "json_schema_json.hpp"

using nlohmann::json;

namespace {

std::string complaint(const std::string& name, const json& value) {
  return macfit::test::SchemaCheck(json::parse(macfit::test::read_text(macfit::test::source_path(
                                       "docs/schema/" + name + ".schema.json"))))
      .complaint(value);
}

}  // namespace

TEST_CASE("survey, size and compare print what their schemas say", "[cli]") {
  const std::vector<std::pair<const char*, const char*>> facts = {
      {"survey", "survey --nodes 2x128 --format json"},
      {"survey", "survey --nodes 1x16 --context 64k --runtime llama.cpp --format json"},
      {"size", "size --model glm-4.5 --nodes 2x128 --format json"},
      {"size", "size --nodes 1x24 --quant q8 --tier borderline --format json"},
      {"size", "size --model glm-4.5-air --quant q4 --context 64k --max-nodes 2 --format json"},
      {"compare", "compare --model glm-4.5 nodes=2x128 nodes=1x512 --format json"},
      {"compare", "compare --model glm-4.5 --nodes 2x128 kv=q8 kv=q8 --format json"},
  };
  for (const auto& [schema, command] : facts) {
    CAPTURE(command);
    const macfit::test::Ran ran = macfit::test::run(command);
    REQUIRE(ran.code == 0);
    CHECK(complaint(schema, json::parse(ran.out)).empty());
  }
}

TEST_CASE("a sweep's schema knows what the reader knows", "[cli]") {
  CHECK(complaint("sweep", json::parse(R"({"schema": "macfit.sweep/1",
      "axes": {"context": ["4k", 8192], "kv": "q8", "quant": [null, "q8"], "macos": 26.2},
      "where": "tier>=borderline", "select": ["tier"]})"))
            .empty());
  for (const char* wrong : {R"({"axes": {}})", R"({"schema": "macfit.sweep/1"})",
                            R"({"schema": "macfit.sweep/1", "axes": {"contxt": 1}})",
                            R"({"schema": "macfit.sweep/1", "axes": {"context": []}})",
                            R"({"schema": "macfit.sweep/1", "axes": {}, "were": ""})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(complaint("sweep", json::parse(wrong)).empty());
  }
}
