#include "macfit/core/json_place.hpp"

#include "test.hpp"

using namespace macfit;

namespace {

constexpr std::string_view text = R"({
  "id": "x", "größe": 1,
  "list": [1, {"a/b": true},
           [[], {}, "]"]],
  "q\"u\u006fte": {"deep": {"er": null}}
})";

TextPlace at(std::string_view pointer, PointAt what = PointAt::value) {
  return place_of_pointer(text, pointer, what);
}

}  // namespace

TEST_CASE("a pointer's value is found by line and column", "[core]") {
  CHECK(at("") == TextPlace{1, 1});
  CHECK(at("/id") == TextPlace{2, 9});
  CHECK(at("/id", PointAt::key) == TextPlace{2, 3});
  // Columns count characters: ö and ß are one each.
  CHECK(at("/größe") == TextPlace{2, 23});
  CHECK(at("/list/0") == TextPlace{3, 12});
  CHECK(at("/list/1/a~1b") == TextPlace{3, 23});
  CHECK(at("/list/2/1") == TextPlace{4, 17});
  CHECK(at("/list/2/2") == TextPlace{4, 21});
  CHECK(at("/q\"uote/deep/er") == TextPlace{5, 35});
}

TEST_CASE("a pointer that leads nowhere ends at the innermost value on its way", "[core]") {
  CHECK(at("/missing") == TextPlace{1, 1});
  CHECK(at("/list/7") == at("/list"));
  CHECK(at("/id/x") == at("/id"));
  CHECK(at("/q\"uote/deep/missing", PointAt::key) == at("/q\"uote/deep"));
}

TEST_CASE("an offset's place counts lines and characters", "[core]") {
  CHECK(place_of_offset("a\nbc", 0) == TextPlace{1, 1});
  CHECK(place_of_offset("a\nbc", 3) == TextPlace{2, 2});
  CHECK(place_of_offset("a\r\nbc", 3) == TextPlace{2, 1});
  CHECK(place_of_offset("a\n", 99) == TextPlace{2, 1});
  CHECK(place_of_offset("\xEF\xBB\xBF{", 3) == TextPlace{1, 1});
}

TEST_CASE("any text is safe to look for a place in", "[core]") {
  const std::string whole(text);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    for (const char* pointer : {"/list/2/2", "/q\"uote/deep/er", "/", "//", "/list/", "nothing"}) {
      const TextPlace place = place_of_pointer(cut, pointer);
      CHECK(place.line <= 6);
    }
  }
  CHECK(place_of_pointer("}]{[\"\\u", "/a/b") == TextPlace{1, 1});
  CHECK(place_of_pointer("{\"\\ud83d\\ude00\": 1}", "/\xF0\x9F\x98\x80") == TextPlace{1, 18});
}
