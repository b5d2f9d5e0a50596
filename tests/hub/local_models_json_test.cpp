// What models list --local prints, against docs/schema/.

#include "../json_schema_json.hpp"
#include "macfit/report/catalog/local_models_report.hpp"
#include "test.hpp"

using namespace macfit;
using nlohmann::json;

TEST_CASE("local models print what their schema says", "[hub]") {
  const test::SchemaCheck schema(
      json::parse(test::read_text(test::source_path("docs/schema/local-models.schema.json"))));
  const report::LocalModelRow whole{"org/repo-GGUF",
                                    "Ollama store",
                                    "Q8_0",
                                    "GGUF",
                                    "/a.gguf",
                                    Bytes(5),
                                    "",
                                    report::LocalFit{"single-worker", "comfortable", ""}};
  const report::LocalModelRow broken{
      "org/repo", "LM Studio folder",          "",          "safetensors", "/b",
      Bytes(0),   "its weights are not there", std::nullopt};
  CHECK(schema.complaint(json::parse(report::local_models_json({whole, broken}, "1x16"))).empty());
  CHECK(schema.complaint(json::parse(report::local_models_json({}, ""))).empty());
  const json printed = json::parse(report::local_models_json({whole, broken}, "1x16"));
  CHECK(printed["models"][0]["complete"] == true);
  CHECK(printed["models"][1]["missing"] == "its weights are not there");
  CHECK(printed["models"][1]["fit"].is_null());
}

TEST_CASE("local models as text", "[hub]") {
  report::Style style;
  CHECK_THAT(report::local_models_text({}, "", style), test::contains("No models in the stores"));
  const std::string text = report::local_models_text(
      {{"org/re\x1bpo", "a store", "", "safetensors", "/b", Bytes(0), "half", std::nullopt}},
      "1x16", style);
  CHECK_THAT(text, test::contains("not whole: half"));
  CHECK(text.find('\x1b') == std::string::npos);
}
