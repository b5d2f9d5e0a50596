// Speeds that people measured, where they lie beside the tree. Without them there is nothing to
// compare and the test says so.

#include <nlohmann/json.hpp>

#include "cli_test.hpp"

using nlohmann::json;

TEST_CASE("speeds are near those that were measured, and their intervals hold", "[cli]") {
  const std::string path = std::string(MACFIT_SHARED_DATA) + "/measurements.json";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: measurements.json is not beside the tree");
    return;
  }
  const auto run = macfit::test::run("calibrate --format json --validate " + path);
  INFO(run.error);
  REQUIRE(run.code == 0);
  const json report = json::parse(run.out);
  const json& decode = report["classes"].at(0);
  CHECK(decode["name"] == "decode, 1 node");
  CHECK(decode["median_abs_error"].get<double>() < 0.10);
  for (const json& each : report["classes"]) {
    if (each["count"].get<int>() >= 40) {
      INFO(each["name"]);
      CHECK(each["interval_coverage"].get<double>() > 0.6);
    }
  }
}
