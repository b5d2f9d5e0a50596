#include "macfit/core/characters.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/core/text.hpp"
#include "test.hpp"

using namespace macfit;

TEST_CASE("characters that hide, reorder or control are unsafe", "[core]") {
  for (const std::uint32_t code : {0x00U,   0x1BU,   0x7FU,   0x85U,   0x9BU,    0xADU,   0x034FU,
                                   0x061CU, 0x200BU, 0x200FU, 0x2028U, 0x202EU,  0x2066U, 0x2069U,
                                   0x3164U, 0xFEFFU, 0xFFF9U, 0xFFFEU, 0xE0041U, 0xE01EFU}) {
    CAPTURE(code);
    CHECK(is_unsafe(code));
  }
  for (const std::uint32_t code : {0x20U, 0x41U, 0x7EU, 0xA0U, 0xE9U, 0x0301U, 0x2013U, 0x2588U,
                                   0x65E5U, 0xFE0FU, 0xFFFDU, 0x1F600U}) {
    CAPTURE(code);
    CHECK_FALSE(is_unsafe(code));
  }
}

TEST_CASE("columns count wide characters twice and marks not at all", "[core]") {
  CHECK(columns("plain") == 5);
  CHECK(columns("日本") == 4);
  CHECK(columns("e\xCC\x81") == 1);  // e and a combining acute
  CHECK(columns("😀") == 2);
  CHECK(columns("█·–") == 3);
}

TEST_CASE("JSON reads back as it was, and shows nothing that acts", "[core]") {
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"plain – text", "\"plain – text\""},
      {"\x1b[31m\n", "\"\\u001b[31m\\n\""},
      {"\x7F", "\"\\u007f\""},
      {"\xC2\x9B", "\"\\u009b\""},
      {"\xE2\x80\xAE", "\"\\u202e\""},
      {"\xF3\xA0\x81\x81", "\"\\udb40\\udc41\""},
  };
  for (const auto& [text, wanted] : facts) {
    const nlohmann::ordered_json value = text;
    CHECK(dump_json(value, -1) == wanted);
    CHECK(nlohmann::ordered_json::parse(dump_json(value)) == value);
  }
  CHECK(dump_json(std::string("\xFF"), -1) == "\"\xEF\xBF\xBD\"");
  CHECK(dump_json({{"a", {1, 2}}}) == "{\n  \"a\": [\n    1,\n    2\n  ]\n}");
}
