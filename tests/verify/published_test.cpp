#include <cmath>

#include "test.hpp"
#include "verify.hpp"

// The parameter counts that publishers state, against what the catalog's shapes make. Where they
// differ, the manifest names the rule that explains the difference to the last parameter.

using namespace macfit;

TEST_CASE("published totals of the catalog follow from the shapes", "[verify]") {
  verify::Sources sources;
  sources.catalog = model::Catalog::embedded();
  int exact = 0;
  int by_rule = 0;
  for (const model::Model& model : sources.catalog.all()) {
    if (!model.published_count) {
      continue;
    }
    const std::string published = std::to_string(model.published_count->parameters);
    const std::string note = model.published_count->note;
    const std::string rule = note.substr(0, note.find(':'));
    const calibrate::Validation v = verify::compare_published(
        R"({"models": [{"name": ")" + model.id + R"(", "published_total": )" + published + "}]}",
        sources);
    INFO(model.id << ": published " << published << ", rule " << note);
    REQUIRE(v.results.size() == 1);
    const calibrate::Row& row = v.results.front();
    INFO(row.predicted << ": " << row.reason);
    if (rule == "rounded") {
      CHECK(row.error != 0.0);  // a rule that explains nothing
      CHECK(std::abs(row.error) < 0.006);
      ++by_rule;
      continue;
    }
    CHECK(row.error == 0.0);
    // The rule that explains it is the one that the manifest names, in the words before its colon.
    const bool named = row.reason.find(" (") != std::string::npos;
    CHECK(named != note.empty());
    CHECK(row.reason.rfind(rule, 0) == 0);
    (note.empty() ? exact : by_rule) += 1;
  }
  CHECK(exact > 75);
  CHECK(by_rule > 15);
}
