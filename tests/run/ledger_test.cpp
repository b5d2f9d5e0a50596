#include "macfit/run/ledger.hpp"

#include "../read/scratch_folder.hpp"
#include "macfit/core/error.hpp"
#include "macfit/run/job_file.hpp"
#include "test.hpp"

using macfit::run::JobFile;
using macfit::run::Ledger;
using macfit::run::Result;
using macfit::test::contains;

namespace {

Result result(const std::string& id) {
  Result made;
  made.id = id;
  made.good = true;
  made.status = 200;
  made.body = R"({"choices":[{}]})";
  made.worker = "w";
  return made;
}

/// The ids that stand in it, opened anew.
std::vector<std::string> ids_in(const std::string& path) {
  std::vector<std::string> ids;
  const Ledger ledger(path, [&](const Result& seen) { ids.push_back(seen.id); });
  return ids;
}

}  // namespace

TEST_CASE("a ledger cut off at any byte keeps its whole lines", "[run]") {
  const macfit::test::ScratchFolder scratch;
  const std::string path = scratch.write("results.jsonl", "").string();
  {
    Ledger ledger(path, [](const Result&) {});
    for (const char* id : {"a", "b", "c"}) {
      ledger.append(result(id));
    }
  }
  const std::string whole = macfit::test::read_text(path);
  const std::size_t second = whole.find('\n', whole.find('\n') + 1) + 1;
  for (std::size_t size = second; size <= whole.size(); ++size) {
    CAPTURE(size);
    scratch.write("results.jsonl", whole.substr(0, size));
    const auto kept = ids_in(path).size();
    // The last line is whole but for its end, or all of it.
    REQUIRE(kept == (size + 1 >= whole.size() ? 3U : 2U));
    Ledger ledger(path, [](const Result&) {});
    ledger.append(result("d"));
    const std::string after = macfit::test::read_text(path);
    REQUIRE(after.back() == '\n');
    REQUIRE(std::count(after.begin(), after.end(), '\n') == static_cast<std::ptrdiff_t>(kept) + 1);
  }
}

TEST_CASE("one run at a time writes a ledger", "[run]") {
  const macfit::test::ScratchFolder scratch;
  const std::string path = scratch.write("results.jsonl", "").string();
  {
    const Ledger ledger(path, [](const Result&) {});
    CHECK(macfit::run::is_locked(path));
    CHECK_THROWS_WITH(ids_in(path), contains("another macfit run"));
  }
  CHECK_FALSE(macfit::run::is_locked(path));
  CHECK(ids_in(path).empty());
}

TEST_CASE("what no run wrote is left alone", "[run]") {
  const macfit::test::ScratchFolder scratch;
  const std::string path = scratch.write("notes.txt", "my notes\nmore\n").string();
  CHECK_THROWS_WITH(ids_in(path), contains("notes.txt:1: this is no result"));
  CHECK(macfit::test::read_text(path) == "my notes\nmore\n");
  CHECK_THROWS_AS(ids_in("/dev/null"), macfit::Error);
  CHECK_THROWS_AS(ids_in(path + "/x"), macfit::Error);
}

TEST_CASE("a job list is read once and its jobs again when they are sent", "[run]") {
  const macfit::test::ScratchFolder scratch;
  const std::string text =
      "{\"id\": \"a\", \"prompt\": \"x\"}\r\n\n{\"id\": \"b\", \"prompt\": \"y\"}";
  const std::string path = scratch.write("jobs.jsonl", text).string();
  const JobFile file(path);
  REQUIRE(file.size() == 2);
  CHECK(file.find("b") == 1);
  CHECK(file.find("c") == 2);
  CHECK(file.id(0) == "a");
  CHECK_THAT(file.read(1, "m").body, contains("\"y\""));
  scratch.write("jobs.jsonl",
                "{\"id\": \"A\", \"prompt\": \"x\"}\r\n\n{\"id\": \"b\", \"prompt\": \"");
  CHECK_THROWS_WITH(file.read(0, ""), contains("changed since the start"));
  CHECK_THROWS_WITH(file.read(1, ""), contains("changed since the start"));
}

TEST_CASE("a job list that is wrong names the line", "[run]") {
  struct Row {
    std::string text;
    std::string words;
  };
  const auto row = GENERATE(values<Row>({
      {"", "there are no jobs"},
      {"\n \n", "there are no jobs"},
      {"{\"id\": \"a\", \"prompt\": \"x\"}\n{\"id\": \"a\", \"prompt\": \"y\"}\n",
       "jobs.jsonl:2: the id \"a\" stands in line 1 already"},
      {"{\"id\": \"a\", \"prompt\": \"x\"}\n{\"id\": \"b\"}\n", "jobs.jsonl:2"},
  }));
  const macfit::test::ScratchFolder scratch;
  const std::string path = scratch.write("jobs.jsonl", row.text).string();
  CHECK_THROWS_WITH(JobFile(path), contains(row.words));
  CHECK_THROWS_AS(JobFile(path + ".missing"), macfit::Error);
}
