#include <nlohmann/json.hpp>

#include "macfit/report/check/check_report.hpp"
#include "test.hpp"

using namespace macfit;
using nlohmann::json;

namespace {

study::CheckReport sample() {
  study::CheckReport report;
  report.catalog_version = "embedded";
  study::CheckedFile file;
  file.path = "models/a b,c:d%.json";
  file.model = "a";
  file.findings.push_back({"/id", 3, 14, "wrong-value", study::Severity::error,
                           "100 % of <it> & \"all\"\nnext \x01\x1b[31m \xff \xEF\xBF\xBF",
                           "a hint"});
  file.findings.push_back(
      {"/formats/0", 4, 2, "group-size", study::Severity::warning, "a warning", ""});
  file.findings.push_back({"/expect/0/tier", 9, 1, "expect-tier", study::Severity::error,
                           "2x128: expected comfortable", ""});
  study::ExpectationResult expectation;
  expectation.pointer = "/expect/0";
  expectation.name = "2x128";
  expectation.found.emplace();
  file.expectations.push_back(expectation);
  study::ExpectationResult unplanned;
  unplanned.pointer = "/expect/1";
  unplanned.name = "3x128";
  file.expectations.push_back(unplanned);
  report.files.push_back(file);
  study::CheckedFile broken;
  broken.path = "gone.json";
  broken.readable = false;
  broken.findings.push_back({"", 1, 1, "unreadable", study::Severity::error, "can't open it", ""});
  report.files.push_back(broken);
  return report;
}

}  // namespace

TEST_CASE("annotations escape what GitHub's runner would take for its own", "[report]") {
  const std::string text = report::check_github(sample());
  CHECK_THAT(text,
             test::contains("::error file=models/a b%2Cc%3Ad%25.json,line=3,col=14,title=macfit "
                            "check%3A wrong-value::100 %25 of <it> & \"all\"%0Anext"));
  CHECK_THAT(text, test::contains("::warning file="));
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
}

TEST_CASE("the concise report is one line a finding whatever a file holds", "[report]") {
  const std::string text = report::check_concise(sample());
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK_THAT(text, test::contains("models/a b,c:d%.json:3:14: error: 100 % of"));
  CHECK_THAT(text, test::contains("(a hint) [wrong-value]"));
}

TEST_CASE("JUnit XML holds no character that XML does not", "[report]") {
  const std::string text = report::check_junit(sample());
  for (const char c : text) {
    CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
  }
  CHECK(text.find("\xEF\xBF\xBF") == std::string::npos);
  CHECK(text.find('\xff') == std::string::npos);
  CHECK_THAT(text, test::contains("of &lt;it&gt; &amp; &quot;all&quot;"));
  CHECK_THAT(text, test::contains("tests=\"4\" failures=\"2\" errors=\"2\""));
  // What can't be planned must not pass.
  CHECK_THAT(text, test::contains("name=\"expect 3x128\">\n      <error type=\"expect-invalid\""));
  CHECK_THAT(text, test::contains("<failure type=\"expect-tier\""));
  CHECK_THAT(text, test::contains("<error type=\"unreadable\""));
}

// The required shape is that of the published sarif-schema-2.1.0.json: what it demands of each
// object that is written, and the closed sets of its words.
TEST_CASE("SARIF has what its schema requires", "[report]") {
  const json log = json::parse(report::check_sarif(sample()));
  CHECK(log.at("version") == "2.1.0");
  CHECK_THAT(log.at("$schema").get<std::string>(), test::contains("sarif-2.1.0"));
  REQUIRE(log.at("runs").is_array());
  REQUIRE(log.at("runs").size() == 1);
  const json& run = log.at("runs")[0];
  const json& driver = run.at("tool").at("driver");
  CHECK_FALSE(driver.at("name").get<std::string>().empty());
  CHECK(driver.at("informationUri").get<std::string>().rfind("https://", 0) == 0);
  CHECK(run.at("columnKind") == "unicodeCodePoints");
  CHECK(run.at("invocations").at(0).at("executionSuccessful") == false);
  const json& rules = driver.at("rules");
  for (const json& rule : rules) {
    CHECK(rule.at("id").is_string());
    CHECK(rule.at("shortDescription").at("text").is_string());
    // GitHub's code scanning asks for these too.
    CHECK_FALSE(rule.at("fullDescription").at("text").get<std::string>().empty());
    CHECK_FALSE(rule.at("help").at("text").get<std::string>().empty());
    const std::string level = rule.at("defaultConfiguration").at("level");
    CHECK((level == "none" || level == "note" || level == "warning" || level == "error"));
  }
  REQUIRE(run.at("results").size() == 4);
  for (const json& result : run.at("results")) {
    CHECK_FALSE(result.at("message").at("text").get<std::string>().empty());
    CHECK(rules.at(result.at("ruleIndex").get<std::size_t>()).at("id") == result.at("ruleId"));
    const std::string level = result.at("level");
    CHECK((level == "none" || level == "note" || level == "warning" || level == "error"));
    for (const json& location : result.at("locations")) {
      const json& place = location.at("physicalLocation");
      CHECK(place.at("region").at("startLine").get<int>() >= 1);
      CHECK(place.at("region").at("startColumn").get<int>() >= 1);
      const std::string uri = place.at("artifactLocation").at("uri");
      CHECK(uri.find_first_of(" ,:%") == uri.find('%'));
    }
    for (const auto& print : result.at("partialFingerprints").items()) {
      CHECK(print.value().is_string());
    }
  }
  CHECK(run.at("results")[0]
            .at("locations")[0]
            .at("physicalLocation")
            .at("artifactLocation")
            .at("uri") == "models/a%20b%2Cc%3Ad%25.json");
}

TEST_CASE("the summary of a check counts", "[report]") {
  CHECK(report::check_summary(sample()) ==
        "2 files: 3 errors, 1 warning; 0 of 2 expectations hold");
}
