#include "macfit/core/portable.hpp"

#include <cstdint>
#include <string_view>
#include <system_error>

#include "test.hpp"

using namespace macfit;

TEST_CASE("decimals are read as std::from_chars reads them", "[core]") {
  struct Row {
    std::string_view text;
    double value;
    std::size_t used;  ///< letters; 0: no number
  };
  const Row rows[] = {
      {"2.5", 2.5, 3}, {"-.5x", -0.5, 3}, {"7.", 7.0, 2},   {"1e3", 1000.0, 3},   {"1e", 1.0, 1},
      {"1e+", 1.0, 1}, {"1/14d", 1.0, 1}, {"0x10", 0.0, 1}, {"2.5e-1h", 0.25, 6}, {"", 0.0, 0},
      {".", 0.0, 0},   {"+1", 0.0, 0},    {" 1", 0.0, 0},   {"-", 0.0, 0},        {"e5", 0.0, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    double value = 0.0;
    const auto [end, code] =
        parse_decimal(row.text.data(), row.text.data() + row.text.size(), value);
    CHECK((code == std::errc()) == (row.used > 0));
    CHECK(end == row.text.data() + row.used);
    CHECK(value == row.value);
  }
  double value = 3.0;
  const std::string_view huge = "1e999";
  CHECK(parse_decimal(huge.data(), huge.data() + huge.size(), value).ec ==
        std::errc::result_out_of_range);
  CHECK(value == 3.0);
}

TEST_CASE("bits keep their pattern", "[core]") {
  CHECK(bit_cast<std::uint32_t>(1.0F) == 0x3F800000U);
  CHECK(bit_cast<double>(std::uint64_t{0x4000000000000000}) == 2.0);
}
