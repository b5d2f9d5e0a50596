#include "macfit/core/quantity.hpp"

#include "macfit/core/error.hpp"
#include "test.hpp"

using namespace macfit;
using macfit::test::contains;

TEST_CASE("sizes are read as people write them", "[core]") {
  const std::vector<std::pair<const char*, std::int64_t>> facts = {
      {"128GiB", 137'438'953'472},
      {"115.4 GB", 115'400'000'000},
      {"0.5GB", 500'000'000},
      {"1.5GB", 1'500'000'000},
      {"512 MiB", 536'870'912},
      {"16KiB", 16'384},
      {"1TB", 1'000'000'000'000},
      {"1 tib", 1'099'511'627'776},
      {"1048576", 1'048'576},
      {"7B", 7},
      {" 64 GiB ", 68'719'476'736},
      {"9223372036854775807", 9'223'372'036'854'775'807},
      {"0", 0},
  };
  for (const auto& [text, bytes] : facts) {
    CAPTURE(text);
    CHECK(parse_bytes(text) == Bytes(bytes));
  }
  CHECK(parse_bytes_default_gib("128") == Bytes(128 * gib));
}

TEST_CASE("sizes that make no sense are refused with the reason", "[core]") {
  const std::vector<std::pair<const char*, const char*>> facts = {
      {"", "empty"},
      {"-1GB", "negative"},
      {"-0.5 GiB", "negative"},
      {"nan", "does not start with a number"},
      {"inf", "does not start with a number"},
      {"GB", "does not start with a number"},
      {".", "does not start with a number"},
      {"1.2.3GB", "two decimal points"},
      {"1e9", "unknown unit \"e9\""},
      {"12GBx", "unknown unit \"GBx\""},
      {"12 GB 3", "unknown unit"},
      {"4G", "write GiB (2^30) or GB (10^9)"},
      {"0.5", "part of a byte"},
      {"9223372036854775808", "too large"},
      {"9300000000GB", "too large"},
      {"99999999999.5GB", "too large"},
      {"0x10", "unknown unit"},
      {"1,000", "unknown unit"},
  };
  for (const auto& [text, why] : facts) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse_bytes(text), contains(why));
  }
}

TEST_CASE("token counts are read as people write them", "[core]") {
  const std::vector<std::pair<const char*, std::int64_t>> facts = {
      {"8192", 8192},  {"32k", 32'768}, {"1M", 1'048'576}, {"1.5M", 1'572'864},
      {"8,192", 8192}, {"8_192", 8192}, {"0.5k", 512},     {"1", 1},
  };
  for (const auto& [text, tokens] : facts) {
    CAPTURE(text);
    CHECK(parse_tokens(text) == Tokens(tokens));
  }
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"", "empty"},        {"0", "from 1 to 2^40"}, {"-5", "negative"},
      {"1.5", "whole"},     {"10g", "unknown unit"}, {"0.0001k", "whole"},
      {"2000000M", "2^40"}, {"k", "number"},         {"9223372036854775807M", "too large"},
  };
  for (const auto& [text, why] : wrong) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse_tokens(text), contains(why));
  }
}

TEST_CASE("shares are percentages or fractions below one", "[core]") {
  CHECK(parse_fraction("10%") == test::Approx(0.1));
  CHECK(parse_fraction("12.5 %") == test::Approx(0.125));
  CHECK(parse_fraction("0") == 0.0);
  CHECK(parse_fraction("0.25") == test::Approx(0.25));
  CHECK_THROWS_WITH(parse_fraction("100%"), contains("less than 100 %"));
  CHECK_THROWS_WITH(parse_fraction("1"), contains("less than 100 %"));
  CHECK_THROWS_WITH(parse_fraction("-1%"), contains("negative"));
  CHECK_THROWS_WITH(parse_fraction("5x"), contains("percentage"));
}

TEST_CASE("whole numbers keep to their range", "[core]") {
  CHECK(parse_whole("4", "--sequences", 1, 10) == 4);
  CHECK_THROWS_WITH(parse_whole("0", "--sequences", 1, 10), contains("from 1 to 10"));
  CHECK_THROWS_WITH(parse_whole("4x", "--sequences", 1, 10), contains("whole number"));
  CHECK_THROWS_WITH(parse_whole("", "--sequences", 1, 10), contains("whole number"));
  CHECK_THROWS_WITH(parse_whole("99999999999999999999", "--sequences", 1, 10),
                    contains("whole number"));
}

TEST_CASE("byte arithmetic refuses to wrap", "[core]") {
  const Bytes most(std::numeric_limits<std::int64_t>::max());
  CHECK_THROWS_AS(most + Bytes(1), Error);
  CHECK_THROWS_AS(most * 2, Error);
  CHECK_THROWS_AS(Bytes(0) - most - Bytes(2), Error);
  CHECK(Bytes(5) - Bytes(7) == Bytes(-2));
  CHECK(round_up(1, 16'384) == 16'384);
  CHECK(round_up(16'384, 16'384) == 16'384);
  CHECK(ceil_div(7, 2) == 4);
}

TEST_CASE("quantities print short and in their own unit", "[core]") {
  CHECK(format_gb(Bytes(64'679'046'144)) == "64.68 GB");
  CHECK(format_gb(Bytes(128'666'664'960)) == "128.7 GB");
  CHECK(format_gb(Bytes(1'027'600'000'000)) == "1,028 GB");
  CHECK(format_gb(Bytes(512 * mib)) == "537 MB");
  CHECK(format_gb(Bytes(253'952)) == "254.0 kB");
  CHECK(format_gb(Bytes(-1'500'000'000)) == "-1.50 GB");
  CHECK(format_gb(Bytes(12)) == "12 B");
  CHECK(format_gib(Bytes(128 * gib)) == "128 GiB");
  CHECK(format_gib(Bytes(115'448'725'504)) == "107.5 GiB");
  CHECK(format_tokens(Tokens(8192)) == "8k");
  CHECK(format_tokens(Tokens(1'048'576)) == "1M");
  CHECK(format_tokens(Tokens(5000)) == "5,000");
  CHECK(format_whole(-1'234'567) == "-1,234,567");
  CHECK(format_whole(123) == "123");
  CHECK(format_percent(0.7249) == "72 %");
  CHECK(format_percent(0.0123) == "1.2 %");
  CHECK(format_percent(0.9956) == "99.6 %");
  CHECK(format_percent(1.0) == "100 %");
  CHECK(format_parameters(228'689'764'864) == "228.7B");
  CHECK(format_parameters(8'030'261'248) == "8.03B");
  CHECK(format_parameters(596'049'920) == "596M");
  CHECK(format_parameters(1'026'408'232'448) == "1.03T");
}

TEST_CASE("seconds come from bytes and bandwidth", "[core]") {
  CHECK((Bytes(546'000'000'000) / Bandwidth(546e9)).value() == test::Approx(1.0));
}
