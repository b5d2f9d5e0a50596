#include "macfit/run/answer.hpp"

#include "macfit/core/error.hpp"
#include "macfit/run/result.hpp"
#include "test.hpp"

using macfit::run::Answer;
using macfit::run::error_code;
using macfit::run::Exchange;
using macfit::run::judge;
using macfit::run::Outcome;
using macfit::run::read_result;
using macfit::run::Result;
using macfit::run::result_line;
using macfit::test::contains;

namespace {

constexpr const char* chat = "/v1/chat/completions";
constexpr const char* good =
    R"({"choices": [{"message": {"content": "yes"}}],
 "usage": {"prompt_tokens": 9, "completion_tokens": 1}})";

Exchange whole(int status, const std::string& body) {
  Exchange exchange;
  exchange.end = Exchange::End::whole;
  exchange.status = status;
  exchange.body = body;
  return exchange;
}

}  // namespace

TEST_CASE("an answer is judged by what it holds", "[run]") {
  struct Row {
    int status;
    std::string path;
    std::string body;
    Outcome outcome;
    std::string code;
    std::string words;
  };
  const auto row = GENERATE(values<Row>({
      {200, chat, good, Outcome::done, "", ""},
      {200, "/v1/embeddings", R"({"data": [{"embedding": [1]}]})", Outcome::done, "", ""},
      {200, "/v1/tokenize", "{}", Outcome::done, "", ""},
      // All is well, says the status.
      {200, chat, "", Outcome::garbage, "garbage", "empty"},
      {200, chat, "<html>", Outcome::garbage, "garbage", "no JSON"},
      {200, chat, R"({"choices": []})", Outcome::garbage, "garbage", "no \"choices\""},
      {200, chat, R"({"choices": 7})", Outcome::garbage, "garbage", "no \"choices\""},
      {200, chat, "[]", Outcome::garbage, "garbage", "no object"},
      {200, chat, R"({"error": {"message": "no memory"}})", Outcome::garbage, "garbage",
       "no memory"},
      {200, chat, std::string(good).substr(0, 40), Outcome::garbage, "garbage", "no JSON"},
      {200, chat, "{\"choices\": [\"\xff\"]}", Outcome::garbage, "garbage", "no JSON"},
      {200, chat, std::string(100'000, '['), Outcome::garbage, "garbage", "no JSON"},
      // Other statuses.
      {204, chat, "", Outcome::garbage, "http-204", "HTTP 204"},
      {302, chat, "", Outcome::barred, "http-302", "redirects"},
      {400, chat, R"({"error": {"message": "too long"}})", Outcome::rejected, "http-400",
       "HTTP 400: too long"},
      {404, chat, R"({"detail": "no such model"})", Outcome::cut, "http-404",
       "HTTP 404: no such model"},
      {401, chat, "", Outcome::barred, "http-401", "MACFIT_API_KEY"},
      {403, chat, "", Outcome::barred, "http-403", "MACFIT_API_KEY"},
      {408, chat, "", Outcome::late, "timeout", "HTTP 408"},
      {429, chat, "", Outcome::busy, "http-429", "HTTP 429"},
      {503, chat, R"({"error": {"message": "Loading model"}})", Outcome::busy, "http-503",
       "Loading model"},
      {500, chat, "garbage", Outcome::failed, "http-500", "HTTP 500"},
  }));
  INFO(row.status << " " << row.body.substr(0, 60));
  const Answer answer = judge(whole(row.status, row.body), row.path);
  CHECK(answer.outcome == row.outcome);
  if (row.status != 204) {
    CHECK(error_code(answer) == row.code);
  }
  CHECK_THAT(answer.message, contains(row.words));
  CHECK(answer.message.size() < 1000);
}

TEST_CASE("tokens are taken where they are whole numbers", "[run]") {
  CHECK(judge(whole(200, good), chat).prompt_tokens == 9);
  CHECK(judge(whole(200, good), chat).completion_tokens == 1);
  for (const char* usage : {R"("x")", R"({"prompt_tokens": -1})", R"({"prompt_tokens": 1e300})",
                            R"({"prompt_tokens": "9"})", "null", "[]"}) {
    const std::string body = std::string(R"({"choices": [1], "usage": )") + usage + "}";
    const Answer answer = judge(whole(200, body), chat);
    INFO(body);
    CHECK(answer.outcome == Outcome::done);
    CHECK_FALSE(answer.prompt_tokens.has_value());
  }
}

TEST_CASE("a compressed answer that nobody asked for is named", "[run]") {
  Exchange exchange = whole(200, "\x1f\x8b bomb");
  exchange.content_encoding = "gzip";
  CHECK_THAT(judge(exchange, chat).message, contains("compressed (gzip)"));
}

TEST_CASE("what stands in a result is what the server sent, on one line", "[run]") {
  const Answer answer = judge(whole(200, good), chat);
  Result result;
  result.id = "a \"b\"\n\xe2\x80\xae";
  result.good = true;
  result.status = 200;
  result.body = answer.body;
  result.worker = "node-1";
  result.attempts = 3;
  result.seconds = 1.25;
  result.completion_tokens = 1;
  const std::string line = result_line(result);
  CHECK(line.find('\n') == std::string::npos);
  CHECK_THAT(line, contains(R"("content": "yes")"));
  const Result back = read_result(line);
  CHECK(back.id == result.id);
  CHECK(back.good);
  CHECK(back.status == 200);
  CHECK(back.attempts == 3);
  CHECK(back.seconds == 1.25);
  CHECK(back.completion_tokens == 1);
  CHECK_FALSE(back.prompt_tokens.has_value());
}

TEST_CASE("a result of a job set aside has its error", "[run]") {
  Result result;
  result.id = "1";
  result.code = "cut";
  result.message = "the connection broke";
  result.worker = "w";
  const Result back = read_result(result_line(result));
  CHECK_FALSE(back.good);
  CHECK(back.code == "cut");
  CHECK(back.message == "the connection broke");
  CHECK(back.status == 0);
}

TEST_CASE("a line cut off anywhere is no result", "[run]") {
  Result result;
  result.id = "1";
  result.good = true;
  result.status = 200;
  result.body = R"({"choices":[{}]})";
  result.worker = "w";
  const std::string line = result_line(result);
  for (std::size_t i = 0; i < line.size(); ++i) {
    INFO(i);
    CHECK_THROWS_AS(read_result(line.substr(0, i)), macfit::Error);
  }
}
