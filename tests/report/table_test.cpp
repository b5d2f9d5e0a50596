#include "macfit/report/table/table.hpp"

#include "macfit/report/table/style.hpp"
#include "test.hpp"

using macfit::report::encode;
using macfit::report::Style;
using macfit::report::Table;

namespace {

Style of_width(std::size_t width, bool unicode = true) {
  Style style;
  style.width = width;
  style.unicode = unicode;
  return style;
}

}  // namespace

TEST_CASE("a table drops columns, then wraps, then becomes a list", "[report]") {
  Table table({{"name"}, {"what it is", true}, {"more", false, true}});
  table.add({"llama-3.1-70b", "12 GB", "yes"});
  CHECK(table.text(of_width(60)) ==
        "  name           what it is  more\n"
        "  llama-3.1-70b       12 GB  yes\n");
  CHECK(table.text(of_width(30)) ==
        "  name           what it is\n"
        "  llama-3.1-70b       12 GB\n");
  CHECK(table.text(of_width(20)) ==
        "  name       what it\n"
        "                  is\n"
        "  llama-       12 GB\n"
        "  3.1-70b\n");
  CHECK(table.text(of_width(10)) ==
        "  name:\n"
        "    llama-3.1-70b\n"
        "  what it\n"
        "    is: 12\n"
        "    GB\n"
        "  more:\n"
        "    yes\n"
        "\n");
}

TEST_CASE("a table measures what ASCII makes of its cells", "[report]") {
  Table table({{""}, {"size", true}});
  table.add({"→", "1"});
  table.add({"", "2"});
  CHECK(table.text(of_width(40, false)) ==
        "      size\n"
        "  ->     1\n"
        "         2\n");
}

TEST_CASE("lines are cut at blanks, words and commands are not", "[report]") {
  const Style style = of_width(20);
  CHECK(encode(style, "one two three\nfour") == "one two three\nfour");
  CHECK(encode(style, "  one two three four five\n") == "  one two three four\n    five\n");
  CHECK(encode(style, "  macfit plan --model 70b-q4\n") == "  macfit plan --model 70b-q4\n");
  CHECK(encode(style, "    \x1b[1mmacfit plan --model 70b\x1b[0m\n") ==
        "    \x1b[1mmacfit plan --model 70b\x1b[0m\n");
  CHECK(encode(style, "https://example.org/a/long/path\n") == "https://example.org/a/long/path\n");
  // Colors take no columns.
  CHECK(encode(style, "\x1b[32mgreen words\x1b[0m and much more\n") ==
        "\x1b[32mgreen words\x1b[0m and much\n  more\n");
  CHECK(encode(of_width(20, false), "a – b … c × d → e ≤ f\n") == "a - b ... c x d -> e\n  <= f\n");
}
