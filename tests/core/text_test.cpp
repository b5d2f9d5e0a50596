#include "macfit/core/text.hpp"

#include "macfit/core/error.hpp"
#include "macfit/core/evidence.hpp"
#include "test.hpp"

using namespace macfit;

TEST_CASE("what a terminal could act on is shown, not sent", "[core]") {
  CHECK(printable("plain – text") == "plain – text");
  CHECK(printable("a\nb\tc") == "a\\u{A}b\\u{9}c");
  CHECK(printable("\x1b[31mred") == "\\u{1B}[31mred");
  CHECK(printable("a\xE2\x80\xAE"
                  "b") == "a\\u{202E}b");                 // right-to-left override
  CHECK(printable("\xff\xfe") == "\\xFF\\xFE");           // not UTF-8
  CHECK(printable("\xC0\xAF") == "\\xC0\\xAF");           // overlong
  CHECK(printable("\xED\xA0\x80") == "\\xED\\xA0\\x80");  // surrogate
  CHECK(printable(std::string(1000, 'x'), 10) == std::string(11, 'x') + "…");
}

TEST_CASE("the nearest names come first", "[core]") {
  const std::vector<std::string> names = {"llama-3.1-70b", "llama-3.1-8b", "qwen3-235b-a22b",
                                          "gpt-oss-120b"};
  CHECK(nearest("lama-3.1-70b", names, 1) == std::vector<std::string>{"llama-3.1-70b"});
  CHECK(nearest("LLAMA-3.1-8B", names, 1) == std::vector<std::string>{"llama-3.1-8b"});
  CHECK(nearest("qwen3-235", names, 1) == std::vector<std::string>{"qwen3-235b-a22b"});
  CHECK(nearest("quen3-235b", names, 1) == std::vector<std::string>{"qwen3-235b-a22b"});
  CHECK(nearest("gpt-oss-102b", names, 1) == std::vector<std::string>{"gpt-oss-120b"});
  CHECK(nearest("zzzzzzzzzz", names, 3).empty());
  CHECK(edit_distance("abcd", "abdc", 3) == 1);  // a swap is one slip
  CHECK(edit_distance("abc", "xyz", 2) == 3);
}

TEST_CASE("pointers, words and wrapping", "[core]") {
  CHECK(pointer_join("/a", "b/c~d") == "/a/b~1c~0d");
  CHECK(pointer_join("", std::size_t{3}) == "/3");
  CHECK(join_words({}) == "");
  CHECK(join_words({"a"}) == "a");
  CHECK(join_words({"a", "b"}) == "a and b");
  CHECK(join_words({"a", "b", "c"}, "or") == "a, b or c");
  CHECK(count_word(2) == "two");
  CHECK(count_word(12) == "twelve");
  CHECK(count_word(13) == "13");
  CHECK(wrap("one two three", 7, 0) == "one two\nthree");
  CHECK(wrap("one two three", 9, 2) == "one two\n  three");
  CHECK(wrap("averyverylongword x", 5, 0) == "averyverylongword\nx");
  CHECK(columns("–µ×") == 3);
  CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
}

TEST_CASE("an error says where, what and what then", "[core]") {
  const Error error("expected a number", Place{"m.json", "/layers/0", 17}, "write 3");
  CHECK(std::string(error.what()) == "m.json: at /layers/0: byte 17: expected a number (write 3)");
  CHECK(std::string(Error("x", Place{{}, "", {}}).what()) == "at the top: x");
  CHECK(std::string(Error("x").in_file("f").what()) == "f: x");
  const Error unknown = unknown_name("runtime", "mlx-ml", {"mlx-lm", "exo"}, {}, "see help");
  CHECK(std::string(unknown.what()) ==
        "unknown runtime \"mlx-ml\" (did you mean mlx-lm? see help)");
}

TEST_CASE("evidence is ordered from best to worst", "[core]") {
  CHECK(weaker(Evidence::exact, Evidence::vendor) == Evidence::vendor);
  CHECK(weaker(Evidence::estimated, Evidence::measured) == Evidence::estimated);
  for (const char* name :
       {"exact", "measured", "measured-near", "community", "vendor", "extrapolated", "estimated"}) {
    const auto evidence = evidence_from_name(name);
    REQUIRE(evidence);
    CHECK(evidence_name(*evidence) == name);
  }
  CHECK_FALSE(evidence_from_name("guessed"));
}
