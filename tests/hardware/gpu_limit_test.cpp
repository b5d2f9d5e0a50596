#include "macfit/hardware/gpu_limit.hpp"

#include <limits>

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::hardware;

namespace {

Bytes gibs(std::int64_t n) { return Bytes(n * gib); }

GpuLimit limit(std::int64_t ram_gib, const char* macos) {
  return Catalog::embedded().gpu_limit(gibs(ram_gib), parse_macos(macos));
}

}  // namespace

TEST_CASE("macOS 26 limits to the byte", "[hardware]") {
  // recommendedMaxWorkingSetSize in logs, printed in MB: 12713.12, 19069.67, 26800.60, 30150.67,
  // 40200.90, 55662.79, 115448.73.
  struct Row {
    std::int64_t ram;
    std::int64_t bytes;
    double printed_mb;
  };
  for (const Row& row : {Row{16, 12'713'115'648, 12713.12}, Row{24, 19'069'665'280, 19069.67},
                         Row{32, 26'800'603'136, 26800.60}, Row{36, 30'150'672'384, 30150.67},
                         Row{48, 40'200'896'512, 40200.90}, Row{64, 55'662'788'608, 55662.79},
                         Row{128, 115'448'725'504, 115448.73}}) {
    CAPTURE(row.ram);
    const GpuLimit found = limit(row.ram, "26");
    CHECK(found.bytes.count() == row.bytes);
    CHECK(found.evidence == Evidence::measured);
    CHECK_FALSE(found.stated);
    CHECK(found.bytes.count() % (16 * kib) == 0);
    CHECK(found.bytes.as_double() / 1e6 == test::Approx(row.printed_mb).margin(0.005));
    CHECK(limit(row.ram, "26.2").bytes == found.bytes);
  }
}

TEST_CASE("limits up to macOS 15", "[hardware]") {
  struct Row {
    std::int64_t ram;
    double printed;  // as the logs print it
    double unit;
  };
  constexpr double mb = 1e6;
  constexpr double mebi = 1024.0 * 1024.0;
  for (const Row& row : {Row{16, 10922.67, mebi}, Row{24, 17179.89, mb}, Row{32, 22906.50, mb},
                         Row{32, 21845.34, mebi}, Row{36, 28991.03, mb}, Row{48, 38654.71, mb},
                         Row{64, 51539.61, mb}, Row{96, 73728.0, mebi}, Row{128, 103079.22, mb}}) {
    CAPTURE(row.ram, row.printed);
    for (const char* macos : {"13", "14", "15", "15.6"}) {
      const GpuLimit found = limit(row.ram, macos);
      CHECK(found.bytes.as_double() / row.unit == test::Approx(row.printed).margin(0.0051));
      CHECK(found.evidence == Evidence::measured);
    }
  }
}

TEST_CASE("sizes that nobody measured take the nearest smaller one's fraction", "[hardware]") {
  struct Row {
    std::int64_t ram;
    const char* macos;
    std::int64_t percent_times_three;
  };
  for (const Row& row :
       {Row{8, "26", 222}, Row{18, "26", 222}, Row{96, "26", 243}, Row{192, "26", 252},
        Row{256, "26", 252}, Row{512, "26", 252}, Row{8, "15", 200}, Row{18, "15", 200},
        Row{192, "15", 225}, Row{256, "15", 225}, Row{512, "15", 225}}) {
    CAPTURE(row.ram, row.macos);
    const GpuLimit found = limit(row.ram, row.macos);
    CHECK(found.evidence == Evidence::extrapolated);
    const std::int64_t wanted = ceil_div(row.ram * gib * row.percent_times_three, 300);
    CHECK(found.bytes.count() >= wanted);
    CHECK(found.bytes.count() - wanted < 16 * kib);
  }
  // macOS 27 was read at 64 GB only.
  CHECK(limit(64, "27").evidence == Evidence::measured);
  CHECK(limit(64, "27").bytes == limit(64, "26").bytes);
  CHECK(limit(128, "27").evidence == Evidence::extrapolated);
  CHECK(limit(128, "27").bytes == limit(128, "26").bytes);
}

TEST_CASE("more memory never lowers a limit", "[hardware]") {
  const GpuLimitRules& rules = Catalog::embedded().gpu_limit_rules();
  for (const char* text : {"15", "26", "27"}) {
    const Macos macos = parse_macos(text);
    Bytes before{};
    Bytes raised_before{};
    for (std::int64_t ram = 512 * mib; ram <= 1024 * gib; ram += 256 * mib - 4096) {
      const Bytes size(ram);
      const Bytes now = gpu_limit(rules, size, macos).bytes;
      const Bytes raised = raised_gpu_limit(now, size);
      if (now < before || raised < raised_before || raised < now || now > size || raised > size) {
        CAPTURE(text, ram, now.count(), raised.count());
        FAIL("limits do not ascend");
      }
      before = now;
      raised_before = raised;
    }
  }
}

TEST_CASE("the limit needs memory", "[hardware]") {
  const GpuLimitRules& rules = Catalog::embedded().gpu_limit_rules();
  CHECK_THROWS_AS(gpu_limit(rules, Bytes(0), Macos{}), Error);
  CHECK_THROWS_AS(gpu_limit(rules, Bytes(-1), Macos{}), Error);
  CHECK_THROWS_AS(gpu_limit(GpuLimitRules{}, gibs(16), Macos{}), Error);
  CHECK_THROWS_AS(gpu_limit(rules, Bytes(std::int64_t{1} << 62), Macos{}), Error);
  CHECK(gpu_limit(rules, Bytes(1), Macos{}).bytes == Bytes(1));
}

TEST_CASE("the raised limit keeps 5 GiB or 5 percent", "[hardware]") {
  struct Row {
    std::int64_t ram;
    std::int64_t raised;
  };
  for (const Row& row :
       {Row{16, 12'713'115'648}, Row{24, 19 * gib}, Row{32, 27 * gib}, Row{64, 59 * gib},
        Row{96, 91 * gib}, Row{128, 130'567'005'798}, Row{512, 522'268'023'193}}) {
    CAPTURE(row.ram);
    const Bytes standard = limit(row.ram, "26").bytes;
    const Bytes raised = raised_gpu_limit(standard, gibs(row.ram));
    CHECK(raised.count() == row.raised);
    CHECK(raised >= standard);
  }
  CHECK(raised_gpu_limit(gibs(24), gibs(24)) == gibs(24));  // a stated limit counts as the default
  CHECK(raised_gpu_limit(Bytes(1), gibs(2)) == Bytes(1));
}

TEST_CASE("effective memory", "[hardware]") {
  const Bytes ram = gibs(128);
  const Bytes standard(115'448'725'504);
  CHECK(effective_memory_whole(standard, ram, Bytes(0)) == standard);
  CHECK(effective_memory_whole(standard, ram, gibs(16)) == standard);  // 112 GiB is more
  CHECK(effective_memory_whole(standard, ram, gibs(28)) == gibs(100));
  CHECK(effective_memory_whole(standard, ram, gibs(200)) == Bytes(0));

  CHECK(effective_memory_part(standard, ram, Bytes(0), 0.0) == standard);
  CHECK(effective_memory_part(standard, ram, Bytes(0), 0.1).count() == 103'903'852'953);  // floor
  CHECK(effective_memory_part(Bytes(10), ram, Bytes(0), 0.1) == Bytes(9));
  CHECK(effective_memory_part(Bytes(19), ram, Bytes(0), 0.1) == Bytes(17));
  CHECK(effective_memory_part(gibs(512), gibs(512), Bytes(0), 0.125) == gibs(448));
  const Bytes huge(std::numeric_limits<std::int64_t>::max());
  CHECK(effective_memory_part(huge, huge, Bytes(0), 0.5).count() == (std::int64_t{1} << 62) - 1);
  for (const double reserve : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(effective_memory_part(standard, ram, Bytes(0), reserve), Error);
  }
}

TEST_CASE("macOS versions", "[hardware]") {
  CHECK(parse_macos("15").text() == "15");
  CHECK(parse_macos(" 26.2 ").text() == "26.2");
  CHECK(parse_macos("macOS 26.2.1").text() == "26.2");
  CHECK(parse_macos("macos26").text() == "26");
  CHECK(parse_macos("26").at_least(26, 2));  // the newest 26.x known
  CHECK(parse_macos("26.10").at_least(26, 9));
  CHECK(parse_macos("27").at_least(26, 9));
  CHECK_FALSE(parse_macos("15").at_least(26, 0));

  // Apple TN3205: from macOS 26.2.
  CHECK(macos_has_rdma(parse_macos("26")));
  CHECK(macos_has_rdma(parse_macos("26.2")));
  CHECK(macos_has_rdma(parse_macos("27")));
  CHECK_FALSE(macos_has_rdma(parse_macos("26.1")));
  CHECK_FALSE(macos_has_rdma(parse_macos("26.0")));
  CHECK_FALSE(macos_has_rdma(parse_macos("15")));

  CHECK(era_of(parse_macos("15.6")) == MacosEra::up_to_15);
  CHECK(era_of(parse_macos("26.0")) == MacosEra::from_26);

  for (const char* bad : {"", " ", "16", "25", "28", "2", "126", "26.", ".2", "26.x", "26,2", "-26",
                          "26.2.3.4", "26.123", "tahoe", "1e1", "26 .2"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH(parse_macos(bad), test::contains("macOS version: expected 15, 26 or such"));
  }
}
