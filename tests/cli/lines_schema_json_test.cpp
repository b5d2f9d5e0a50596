// JSON Lines that the program, or a script that it writes, prints and reads, against docs/schema/.

#include "cli_test.hpp"
#include "docs/document.hpp"
#include "json_schema_json.hpp"
#include "macfit/calibrate/calibrate.hpp"
#include "macfit/core/text.hpp"
#include "macfit/study/night_jobs.hpp"
#include "read/scratch_folder.hpp"

using nlohmann::json;

namespace {

std::string schema_text(const std::string& name) {
  return macfit::test::read_text(macfit::test::source_path("docs/schema/" + name + ".schema.json"));
}

std::string complaint(const std::string& name, const json& value) {
  return macfit::test::SchemaCheck(json::parse(schema_text(name))).complaint(value);
}

/// Every line, parsed.
std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  for (const std::string_view line : macfit::split(macfit::trim(text), '\n')) {
    lines.push_back(json::parse(line));
  }
  return lines;
}

constexpr const char* requests =
    R"({"id": 1, "model": "glm-4.5", "nodes": "2x128", "context": 32768, "kv": ["q8", "q8"]}
{"model": "llama-3.1-70b", "nodes": "2x64", "split": "pipeline", "layers": [40, 40], "macos": 26.2}
{"id": "c", "model": "deepseek-v4-pro", "nodes": "2x512", "prefill_step": 512, "wired-limit": "100GiB"}
{"model": "230b-q4", "nodes": "1x128", "cluster-reserve": "5%", "reserve": 0, "link": "tb5-tcp"}
)";

constexpr const char* refused =
    R"({"id": "d", "model": "glm-4.5", "nodes": "2x127"}
{"id": "e", "model": "nonesuch", "nodes": "2x128"}
{"id": "f", "modl": "glm-4.5", "nodes": "2x128"}
{"id": "g", "model": "glm-4.5", "nodes": "missing.json"}
)";

}  // namespace

TEST_CASE("lines of a batch are what their schemas say", "[cli]") {
  const macfit::test::ScratchFolder scratch;
  const std::string good = scratch.write("good.jsonl", requests).string();
  const std::string wrong = scratch.write("wrong.jsonl", refused).string();
  for (const json& request : lines_of(requests)) {
    CAPTURE(request);
    CHECK(complaint("batch-request", request).empty());
  }
  for (const char* how : {"", " --brief"}) {
    CAPTURE(how);
    const macfit::test::Ran ran = macfit::test::run("plan --batch " + good + how);
    REQUIRE(ran.code == 0);
    const std::vector<json> answers = lines_of(ran.out);
    REQUIRE(answers.size() == 4);
    for (const json& answer : answers) {
      CHECK(complaint("batch-answer", answer).empty());
    }
    const std::vector<json> errors = lines_of(macfit::test::run("plan --batch " + wrong + how).out);
    REQUIRE(errors.size() == 4);
    for (const json& error : errors) {
      CHECK(error.contains("error"));
      CHECK(complaint("batch-answer", error).empty());
    }
  }
}

TEST_CASE("a batch's schemas refuse what is not so", "[cli]") {
  for (const char* wrong : {R"({"modl": "glm-4.5"})", R"({"model": 7})", R"({"layers": [0]})",
                            R"({"id": ["a"], "model": "glm-4.5"})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(complaint("batch-request", json::parse(wrong)).empty());
  }
  for (const char* wrong :
       {R"({"id": 1, "line": 1})", R"({"line": 1, "error": {"message": "", "hint": null}})",
        R"({"id": 1, "line": 1, "error": {"message": ""}})",
        R"({"id": 1, "line": 1, "row": {"model": "glm-4.5"}})",
        R"({"id": 1, "line": 1, "plan": {"schema": "macfit.plan/1"}})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(complaint("batch-answer", json::parse(wrong)).empty());
  }
}

TEST_CASE("a sweep's rows are what their schema says", "[cli]") {
  const json columns = json::parse(schema_text("sweep-row")).at("properties");
  std::string all;
  for (const auto& column : columns.items()) {
    all += (all.empty() ? "" : ",") + column.key();
  }
  const macfit::test::Ran ran = macfit::test::run(
      "sweep --model glm-4.5,deepseek-v4-pro,8b-q4 --nodes 2x128,1x16,m4-max-128+m4-pro-64 "
      "--kv bf16,'q8_0' --runtime mlx-lm,llama.cpp --format jsonl --select " +
      all);
  REQUIRE(ran.code == 0);
  const std::vector<json> rows = lines_of(ran.out);
  CHECK(rows.size() == 36);
  for (const json& row : rows) {
    CHECK(row.size() == columns.size());
    CHECK(complaint("sweep-row", row).empty());
  }
  // And there is no column that it does not know.
  const std::string listed = macfit::test::run("sweep --columns").out;
  CHECK(static_cast<std::size_t>(std::count(listed.begin(), listed.end(), '\n')) == columns.size());
}

TEST_CASE("spike.sh writes, and calibrate reads, what the schema says", "[cli]") {
  const macfit::test::ScratchFolder scratch;
  scratch.write("curl", R"(#!/bin/bash
body=$(cat)
wanted=${body##*\"max_tokens\":}
printf '{"usage": {"prompt_tokens": 500, "completion_tokens": %s}}\n%s.5\n' "${wanted%%,*}" "${#wanted}"
)");
  const macfit::test::docs::Outcome outcome = macfit::test::docs::run(
      "macfit launch --model llama-3.1-70b --nodes 2x128 --runtime mlx-lm --output x --quiet &&"
      "chmod +x curl && sed 's/^SSH=.*/SSH=(local local)/' x/settings.sh >new &&"
      "mv new x/settings.sh && cd x && PATH=..:$PATH ./spike.sh plan",
      scratch.path());
  REQUIRE(outcome.exit_code == 0);
  const std::string text = macfit::test::read_text(scratch.path() / "x/results.jsonl");
  const std::vector<json> lines = lines_of(text);
  REQUIRE(lines.size() > 1);
  const json schema = json::parse(schema_text("spike"));
  for (const json& line : lines) {
    CAPTURE(line);
    CHECK(complaint("spike", line).empty());
    // All that the schema requires is needed, and by the reader too.
    for (const json& key : schema.at("required")) {
      json less = line;
      less.erase(key.get<std::string>());
      CHECK_FALSE(complaint("spike", less).empty());
      CHECK_THROWS(macfit::calibrate::read_measurements(less.dump(), "x"));
    }
  }
  CHECK(macfit::calibrate::read_measurements(text, "x").size() == lines.size());
  // And the folder says of its workers what a line says of itself.
  const json folder = json::parse(macfit::test::read_text(scratch.path() / "x/workers.json"));
  CHECK(complaint("launch", folder).empty());
  CHECK(folder.at("workers").size() == 2);
  for (const auto& [key, value] : folder.at("workers").at(0).at("measurement").items()) {
    CHECK((key == "link" || lines.front().at(key) == value));
  }
}

TEST_CASE("jobs of a night are what their schema says", "[cli]") {
  const auto reads = [](const std::string& line) {
    try {
      (void)macfit::study::read_jobs(line, "x");
      return true;
    } catch (const std::exception&) {
      return false;
    }
  };
  for (const char* line : {R"({"prompt_tokens": 2000, "output_tokens": 500})",
                           R"({"prompt_tokens": 1, "output_tokens": 1, "count": 3, "id": "a"})",
                           R"({"prompt_tokens": 0, "output_tokens": 1})", R"({"prompt_tokens": 5})",
                           R"({"prompt_tokens": 1, "output_tokens": 1, "coun": 3})",
                           R"({"prompt_tokens": 1, "output_tokens": 1, "id": 7})"}) {
    CAPTURE(line);
    CHECK(complaint("night-job", json::parse(line)).empty() == reads(line));
  }
}
