#include "macfit/core/json_reader_json.hpp"
#include "test.hpp"

using namespace macfit;
using macfit::test::contains;

TEST_CASE("bad JSON is refused with its place", "[core]") {
  const std::vector<std::pair<std::string, const char*>> facts = {
      {"", "the file is empty"},
      {"  \n", "the file is empty"},
      {"{", "not valid JSON"},
      {"{\"a\":1,}", "byte 8"},
      {"[1,2", "not valid JSON"},
      {"{\"a\":1,\"a\":2}", "at /a: the key stands twice"},
      {"{\"x\":[{\"k\":1},{\"k\":1,\"k\":2}]}", "at /x/1/k: the key stands twice"},
      {"\"\xff\"", "not valid JSON"},
      {"NaN", "not valid JSON"},
      {"{\"x\": 1e999}", "not valid JSON"},
      {std::string(100, '[') + std::string(100, ']'), "nested deeper than 64"},
      {std::string(100000, '['), "nested deeper than 64"},
  };
  for (const auto& [text, why] : facts) {
    CAPTURE(text.substr(0, 40));
    CHECK_THROWS_WITH(JsonDocument::parse(text), contains(why));
  }
  JsonLimits limits;
  limits.bytes = 10;
  CHECK_THROWS_WITH(JsonDocument::parse("[1,2,3,4,5,6,7]", limits), contains("larger than 10"));
}

TEST_CASE("a value of the wrong kind says what was found and expected", "[core]") {
  const JsonDocument document = JsonDocument::parse(
      R"({"n": 3, "s": "x", "f": 1.5, "neg": -1, "big": 18446744073709551615, "b": true,
          "null": null, "list": [1, "two"], "eight": 8.0, "a/b": {}})");
  JsonObject object = document.root().object();
  CHECK(object.at("n").whole(0, 10) == 3);
  CHECK(object.at("eight").whole(0, 10) == 8);
  CHECK(object.at("f").number(0, 2) == 1.5);
  CHECK_FALSE(object.find("null"));
  CHECK_FALSE(object.find("absent"));
  CHECK_THROWS_WITH(object.at("n").string(),
                    contains("at /n: expected a string, found the number 3"));
  CHECK_THROWS_WITH(object.at("s").whole(0, 9), contains("found the string \"x\""));
  CHECK_THROWS_WITH(object.at("neg").whole(0, 9), contains("from 0 to 9, found the number -1"));
  CHECK_THROWS_WITH(object.at("big").whole(0, 9), contains("18446744073709551615"));
  CHECK_THROWS_WITH(object.at("f").whole(0, 9), contains("whole number"));
  CHECK_THROWS_WITH(object.at("list").array()[1].boolean(), contains("at /list/1: expected true"));
  CHECK_THROWS_WITH(object.at("a/b").array(), contains("at /a~1b: expected an array"));
  CHECK_THROWS_WITH(object.at("missing"), contains("the key \"missing\" is missing"));
}

TEST_CASE("keys that nobody asked for are refused with the nearest", "[core]") {
  const JsonDocument document = JsonDocument::parse(R"({"layers": 3, "hiden": 4})");
  JsonObject object = document.root().object();
  (void)object.find("layers");
  (void)object.find("hidden");
  CHECK_THROWS_WITH(object.refuse_unknown(),
                    contains("at /hiden: unknown key \"hiden\" (did you mean hidden?)"));
}
