#include "macfit/report/table.hpp"

#include "macfit/core/text.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

std::string text(std::size_t width, bool wraps) {
  report::Table table(
      {{"name"}, {"size", true}, {"aside", false, true}, {"note", false, false, wraps}});
  table.add({"first", "1", "one", "some words that go on for longer than there is room"});
  table.add({"second", "22", "two", "short"});
  report::Style style;
  style.width = width;
  return table.text(style);
}

}  // namespace

TEST_CASE("a table gives up columns, then wraps its last, then its rows", "[report]") {
  CHECK(text(90, true) ==
        "  name    size  aside  note\n"
        "  first      1  one    some words that go on for longer than there is room\n"
        "  second    22  two    short\n");
  CHECK(text(50, true) ==
        "  name    size  note\n"
        "  first      1  some words that go on for longer\n"
        "                than there is room\n"
        "  second    22  short\n");
  const std::string rows =
      "  name: first\n  size: 1\n  aside: one\n"
      "  note: some words that go on for longer than there is room\n\n"
      "  name: second\n  size: 22\n  aside: two\n  note: short\n\n";
  CHECK(text(39, true) == rows);  // 23 columns would be left
  CHECK(text(40, true) != rows);
  CHECK(text(50, false) == rows);
}
