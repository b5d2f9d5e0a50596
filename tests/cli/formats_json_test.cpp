// Every format of every answer: what it begins with, and that no figure gets lost on the way.

#include <nlohmann/json.hpp>

#include "cli_test.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/breakeven/breakeven_formats.hpp"
#include "macfit/report/check/check_formats.hpp"
#include "macfit/report/compare/compare_formats.hpp"
#include "macfit/report/night/night_formats.hpp"
#include "macfit/report/plan/plan_formats.hpp"
#include "macfit/report/size/size_formats.hpp"
#include "macfit/report/survey/survey_formats.hpp"

using namespace macfit;

namespace {

struct Command {
  std::string line;
  std::vector<std::string> formats;
};

std::vector<Command> commands() {
  return {
      {"plan -m 230b-q4 -n 2x128", report::format_names(report::plan_formats)},
      {"plan -m 230b-q4 -n 2x128 --against 1x512", report::format_names(report::plan_formats)},
      {"survey -n 1x64 --models 'llama-3*'", report::format_names(report::survey_formats)},
      {"size -m glm-4.5-air -n 2x64", report::format_names(report::size_formats)},
      {"size -n 1x64", report::format_names(report::size_formats)},
      {"size -m llama-3.1-8b --max-nodes 1", report::format_names(report::size_formats)},
      {"compare -m 230b-q4 nodes=2x128 nodes=1x512", report::format_names(report::compare_formats)},
      {"night -m llama-3.1-8b -n 2x64 --prompt-tokens 2000 --output-tokens 500 --nights 20",
       report::format_names(report::night_formats)},
      {"breakeven -n 2x64 --quant q4 --context 8k",
       report::format_names(report::breakeven_formats)},
      {"check '" MACFIT_SOURCE_DIR "/models/glm-4.5-air.json'",
       report::format_names(report::check_formats)},
  };
}

/// Cells of each record; quotes are taken off, commas inside them don't count.
std::vector<std::vector<std::string>> records(const std::string& csv) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool quoted = false;
  for (const char c : csv) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      rows.back().emplace_back();
    } else if (c == '\n' && !quoted) {
      rows.emplace_back(1);
    } else if (c != '\r') {
      rows.back().back() += c;
    }
  }
  rows.pop_back();
  return rows;
}

}  // namespace

TEST_CASE("every answer is written in each of its formats, whole", "[cli]") {
  for (const Command& command : commands()) {
    for (const std::string& format : command.formats) {
      INFO(command.line << " --format " << format);
      const auto ran = test::run(command.line + " --format " + format);
      REQUIRE(ran.code == 0);
      // Where all is well, these two say nothing.
      CHECK((!ran.out.empty() || format == "concise" || format == "github"));
      if (format == "json" || format == "sarif") {
        CHECK(nlohmann::json::accept(ran.out));
      } else if (format == "html") {
        CHECK(ran.out.rfind("<!doctype html>", 0) == 0);
      } else if (format == "csv") {
        const auto rows = records(ran.out);
        REQUIRE(rows.size() > 1);
        for (const auto& row : rows) {
          CHECK(row.size() == rows.front().size());
        }
      } else if (format == "markdown") {
        // Each table has as many cells a row as its head.
        std::size_t cells = 0;
        std::size_t tables = 0;
        for (const std::string_view line : split(ran.out, '\n')) {
          if (line.empty() || line[0] != '|') {
            cells = 0;
            continue;
          }
          std::size_t bars = 0;
          for (std::size_t i = 0; i < line.size(); ++i) {
            bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
          }
          tables += cells == 0 ? 1 : 0;
          CHECK((cells == 0 || cells == bars));
          cells = bars;
        }
        CHECK(tables > 0);
      }
    }
  }
}

TEST_CASE("a plan's CSV holds the budgets of its JSON", "[cli]") {
  const std::string line = "plan -m glm-4.5-air -n 1x128+1x64 --format ";
  const auto rows = records(test::run(line + "csv").out);
  const auto plan = nlohmann::json::parse(test::run(line + "json").out);
  const auto column = [&](const std::string& name) {
    const auto at = std::find(rows[0].begin(), rows[0].end(), name);
    REQUIRE(at != rows[0].end());
    return static_cast<std::size_t>(at - rows[0].begin());
  };
  std::size_t row = 0;
  for (std::size_t i = 0; i < plan["placements"].size(); ++i) {
    const auto& placement = plan["placements"][i];
    const bool chosen = plan["verdict"]["placement"] == i;
    for (const auto& node : placement["nodes"]) {
      ++row;
      REQUIRE(row < rows.size());
      CHECK(rows[row][column("placement")] == std::to_string(i));
      CHECK(rows[row][column("chosen")] == (chosen ? "true" : "false"));
      CHECK(rows[row][column("runtime")] == placement["runtime"]);
      CHECK(rows[row][column("node")] == node["name"]);
      for (const char* figure : {"weight_bytes", "kv_cache_bytes", "demand_bytes",
                                 "effective_bytes", "headroom_bytes"}) {
        CHECK(rows[row][column(figure)] == std::to_string(node[figure].get<std::int64_t>()));
      }
    }
    row += placement["nodes"].empty() ? 1 : 0;
  }
  CHECK(row + 1 == rows.size());
}

TEST_CASE("a plan's Markdown says the verdict and what to type", "[cli]") {
  const auto ran = test::run("plan -m 230b-q4 -n 2x128 --against 1x512 --format markdown");
  CHECK_THAT(ran.out, test::contains("# 230b-q4 on 2x128\n\n**"));
  CHECK_THAT(ran.out, test::contains("# 230b-q4 on 1x512\n\n**"));
  CHECK_THAT(ran.out, test::contains("## Per node\n\n| node | layers |"));
  CHECK_THAT(ran.out, test::contains("chosen"));
}
