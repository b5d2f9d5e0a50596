// docs/schema/runtime-facts.schema.json is for editors; the reader is the judge. Both must know the
// same keys.

#include <filesystem>

#include <nlohmann/json.hpp>

#include "json_schema_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/runtime/catalog.hpp"
#include "test.hpp"

using namespace macfit;
using nlohmann::json;

TEST_CASE("every file of facts follows the schema, and the schema refuses what the reader does",
          "[runtime]") {
  const test::SchemaCheck schema(
      json::parse(test::read_text(test::source_path("docs/schema/runtime-facts.schema.json"))));
  int checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_path("runtimes"))) {
    const json facts = json::parse(test::read_text(entry.path()));
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    CHECK(schema.complaint(facts).empty());
    ++checked;
    for (const auto& [key, value] : facts.items()) {
      json changed = facts;
      changed["no_such_key"] = value;
      CHECK_FALSE(schema.complaint(changed).empty());
      changed = facts;
      changed.erase(key);
      const bool needed = !schema.complaint(changed).empty();
      // What is built on another runtime can't be read alone.
      if (!facts["releases"].back().contains("built_on")) {
        CAPTURE(key);
        bool refused = false;
        try {
          (void)runtime::Catalog::from_texts({{name, changed.dump()}});
        } catch (const Error&) {
          refused = true;
        }
        CHECK((refused || !needed));
      }
    }
  }
  CHECK(checked >= 3);
}
