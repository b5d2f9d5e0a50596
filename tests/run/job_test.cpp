#include "macfit/run/job.hpp"

#include <set>

#include "macfit/core/error.hpp"
#include "test.hpp"

using macfit::run::Job;
using macfit::run::parse_job;
using macfit::test::contains;

TEST_CASE("jobs are read in both forms", "[run]") {
  struct Row {
    std::string line;
    std::string model;
    std::string id;
    std::string path;
    std::string body;
  };
  const auto row = GENERATE(values<Row>({
      // OpenAI's batch input (platform.openai.com/docs/guides/batch).
      {R"({"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x"}})",
       "", "a", "/v1/completions", R"({"prompt":"x"})"},
      {R"({"custom_id": "a", "body": {"model": "gpt-x", "stream": false}})", "served", "a",
       "/v1/chat/completions", R"({"model":"served","stream":false})"},
      {R"({"custom_id": "a", "body": {"model": "gpt-x"}})", "", "a", "/v1/chat/completions",
       R"({"model":"gpt-x"})"},
      {R"({"id": "7", "prompt": "Hi"})", "", "7", "/v1/chat/completions",
       R"({"messages":[{"role":"user","content":"Hi"}]})"},
      {R"({"id": "7", "prompt": "Hi", "system": "Be brief", "max_tokens": 5, "temperature": 0.5})",
       "m", "7", "/v1/chat/completions",
       R"({"model":"m","messages":[{"role":"system","content":"Be brief"},{"role":"user","content":"Hi"}],"max_tokens":5,"temperature":0.5})"},
  }));
  const Job job = parse_job(row.line, row.model);
  CHECK(job.id == row.id);
  CHECK(job.path == row.path);
  CHECK(job.body == row.body);
}

TEST_CASE("a prompt may be long", "[run]") {
  const std::string text(100'000, 'x');
  CHECK(parse_job(R"({"id": "1", "prompt": ")" + text + "\"}").body.size() > text.size());
}

TEST_CASE("what is no job says why", "[run]") {
  struct Row {
    std::string line;
    std::string words;
  };
  const auto row = GENERATE(values<Row>({
      {"{}", "this is no job"},
      {"[1]", "expected an object"},
      {R"({"id": "1"})", "prompt"},
      {R"({"id": 1, "prompt": "x"})", "expected a string, found the number 1"},
      {R"({"id": "", "prompt": "x"})", "an id has 1 to 512 bytes, found 0"},
      {R"({"id": "1", "promt": "x"})", "prompt"},
      {R"({"id": "1", "prompt": "x", "max_token": 3})", "max_tokens"},
      {R"({"custom_id": "1", "method": "GET", "body": {}})", "POST"},
      {R"({"custom_id": "1", "body": {"stream": true}})", "can't be streamed"},
      {R"({"custom_id": "1", "body": []})", "/body"},
      // A job chooses neither host nor anything outside the API.
      {R"({"custom_id": "1", "url": "http://evil/v1/x", "body": {}})", "a path of the API"},
      {R"({"custom_id": "1", "url": "/v1/../admin", "body": {}})", "a path of the API"},
      {R"({"custom_id": "1", "url": "/v1/x?a=b", "body": {}})", "a path of the API"},
      {R"({"custom_id": "1", "url": "/v1/x\r\nHost: y", "body": {}})", "a path of the API"},
      {R"({"id": "1", "id": "2", "prompt": "x"})", "twice"},
      {R"({"id": "1", "prompt": )", ""},
  }));
  INFO(row.line);
  CHECK_THROWS_WITH(parse_job(row.line), contains(row.words));
}

TEST_CASE("a soak's jobs differ, and are the same every time", "[run]") {
  std::set<std::string> bodies;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Job job = macfit::run::soak_job(i, "m");
    CHECK(job.body == macfit::run::soak_job(i, "m").body);
    bodies.insert(job.body);
  }
  CHECK(bodies.size() == 100);
}
