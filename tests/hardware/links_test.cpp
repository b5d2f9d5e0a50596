#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/hardware/link.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::hardware;

namespace {

Cluster parse(std::string_view spec, const char* link = nullptr, const char* macos = nullptr) {
  ClusterOptions options;
  if (link != nullptr) {
    options.link = link;
  }
  if (macos != nullptr) {
    options.macos = parse_macos(macos);
  }
  return parse_cluster(spec, options, Catalog::embedded());
}

/// "code code", in order.
std::string codes(const Cluster& cluster) {
  std::string result;
  for (const Problem& problem : cluster.problems) {
    result += (result.empty() ? "" : " ") + problem.code;
  }
  return result;
}

}  // namespace

TEST_CASE("the default link is the best that both ends have, by TCP", "[hardware]") {
  struct Row {
    const char* spec;
    const char* link;
  };
  for (const Row& row : {
           Row{"2x128", "tb5-tcp"},
           Row{"m4-max-128+m4-pro-64", "tb5-tcp"},
           Row{"2xmac-studio-m3-ultra-512", "tb5-tcp"},
           Row{"2xmac-studio-m5-ultra-512", "tb5-tcp"},
           Row{"2x192", "tb4"},
           Row{"2x16", "tb4"},
           Row{"m4-max-128+m4-16", "tb4"},
           Row{"mac-mini-m6-32+m4-max-128", "tb4"},
           Row{"mac-mini-m1-8+m4-max-128", "tb3"},
           Row{"2xframework-desktop-128", "tb3"},
           Row{"2xdgx-spark-128", "qsfp-200g"},
           Row{"dgx-spark-128+mac-studio-m3-ultra-512", "10gbe"},
           Row{"dgx-spark-128+mac-mini-m4-pro-64", "1gbe"},
           Row{"dgx-spark-128+mac-mini-m5-pro-64", "1gbe"},  // 2.5 Gb Ethernet: no figure found
           Row{"dgx-spark-128+macbook-pro-m4-max-128", "wifi"},
       }) {
    CAPTURE(row.spec);
    const Cluster cluster = parse(row.spec);
    REQUIRE(cluster.links.size() == 1);
    CHECK(cluster.links[0].type.id == row.link);
    CHECK(cluster.problems.empty());
  }
}

TEST_CASE("links join every pair", "[hardware]") {
  CHECK(parse("128").links.empty());
  const Cluster cluster = parse("4x128");
  REQUIRE(cluster.links.size() == 6);
  CHECK(cluster.links[1].first == 0);
  CHECK(cluster.links[1].second == 2);
  CHECK(cluster.link_between(3, 1) == &cluster.links[4]);
  CHECK(cluster.link_between(1, 1) == nullptr);
  CHECK(cluster.link_between(0, 4) == nullptr);
}

TEST_CASE("a link that the machines can't do is kept, with a problem", "[hardware]") {
  struct Row {
    const char* spec;
    const char* link;
    const char* macos;
    const char* codes;
  };
  for (const Row& row : {
           Row{"2x128", "tb5-rdma", nullptr, ""},
           Row{"2x128", "TB5-RDMA", "26.2", ""},
           Row{"2x128", "tb5-rdma", "27", ""},
           Row{"2x128", "tb5-rdma", "26.1", "rdma-needs-macos-26.2"},
           Row{"2x128", "tb5-rdma", "15", "rdma-needs-macos-26.2"},
           Row{"2x16", "tb5-rdma", nullptr, "rdma-needs-thunderbolt-5"},
           Row{"m4-max-128+m4-16", "tb5-rdma", "15",
               "rdma-needs-macos-26.2 rdma-needs-thunderbolt-5"},
           Row{"2x192", "tb5-rdma", nullptr, "rdma-needs-thunderbolt-5"},
           Row{"mac-mini-m6-32+m4-max-128", "tb5-rdma", nullptr, "rdma-needs-thunderbolt-5"},
           Row{"2xdgx-spark-128", "tb5-rdma", nullptr, "rdma-needs-thunderbolt-5"},
           Row{"2x16", "tb5-tcp", nullptr, "link-not-available"},
           Row{"2x128", "tb4", nullptr, ""},
           Row{"2x128", "10gbe", nullptr, ""},
           Row{"2x64", "10gbe", nullptr, "link-not-available"},
           Row{"2x64", "1gbe", nullptr, ""},
           Row{"2xmbp-m4-max-128", "1gbe", nullptr, "link-not-available"},
           Row{"2xmac-pro-m2-ultra-192", "10gbe", nullptr, "link-not-confirmed"},
           Row{"2x128", "qsfp", nullptr, "link-not-available"},
           Row{"2x128", "wifi", nullptr, ""},
           // M4 Max: four ports, three of them for RDMA; M4 Pro: three; M3 Ultra: five for RDMA.
           Row{"4x128", "tb5-rdma", nullptr, ""},
           Row{"5x128", "tb5-rdma", nullptr, "rdma-ports"},
           Row{"5x128", "tb5-tcp", nullptr, ""},
           Row{"6x128", "tb5-tcp", nullptr, "thunderbolt-ports"},
           Row{"5x64", nullptr, nullptr, "thunderbolt-ports"},
           Row{"6x512", "tb5-rdma", nullptr, ""},
           Row{"7x512", "tb5-rdma", nullptr, "rdma-ports"},
           Row{"9x64", "tb5-rdma", nullptr, "thunderbolt-ports rdma-mesh-nodes"},
           Row{"9x64", "1gbe", nullptr, ""},
       }) {
    CAPTURE(row.spec, row.link == nullptr ? "" : row.link);
    const Cluster cluster = parse(row.spec, row.link, row.macos);
    CHECK(codes(cluster) == row.codes);
    for (const Problem& problem : cluster.problems) {
      CHECK_THAT(problem.text, test::contains("node-"));
      const auto& known = cluster_problem_codes();
      CHECK(std::any_of(known.begin(), known.end(),
                        [&](const ProblemCode& code) { return code.code == problem.code; }));
    }
  }
  const Cluster cluster = parse("m4-max-128+2xm4-16", "tb5-rdma");
  CHECK(cluster.links[0].type.id == "tb5-rdma");
  REQUIRE(cluster.problems.size() == 1);
  CHECK(cluster.problems[0].text ==
        "RDMA needs Thunderbolt 5, found thunderbolt-4 on: node-2 and node-3");
}

TEST_CASE("link figures and where they come from", "[hardware]") {
  const Catalog& catalog = Catalog::embedded();
  struct Row {
    const char* id;
    double gb_per_s;
    double low;
    double high;
    Evidence evidence;
  };
  for (const Row& row : {
           Row{"tb5-rdma", 6.3, 3.5, 9.07, Evidence::measured},      // omlx #3118, mlx #3207
           Row{"tb5-tcp", 2.05, 2.0, 9.07, Evidence::estimated},     // bounded: not measured
           Row{"tb4-tcp", 2.05, 2.0, 2.5, Evidence::measured},       // 16.2 to 20 Gb/s
           Row{"10gbe", 1.176, 1.176, 1.176, Evidence::measured},    // 9.41 Gb/s
           Row{"1gbe", 0.1176, 0.1176, 0.1176, Evidence::measured},  // 941 Mb/s
           Row{"qsfp", 23.73, 18.9, 23.74, Evidence::measured},      // 189.85 Gb/s
           Row{"nvlink", 900, 900, 900, Evidence::vendor},           // 1.8 TB/s both ways
       }) {
    CAPTURE(row.id);
    const LinkType& link = catalog.link(row.id);
    REQUIRE(link.bandwidth);
    CHECK(link.bandwidth->value.value() == test::Approx(row.gb_per_s * 1e9));
    CHECK(link.bandwidth->low.value() == test::Approx(row.low * 1e9));
    CHECK(link.bandwidth->high.value() == test::Approx(row.high * 1e9));
    CHECK(link.bandwidth->evidence == row.evidence);
    CHECK_FALSE(link.bandwidth->source.empty());
    REQUIRE(link.raw);
    CHECK(link.bandwidth->value <= link.raw->value);
  }
  CHECK_FALSE(catalog.link("wifi").bandwidth);  // no figure found: empty, never 0
  CHECK_FALSE(catalog.link("qsfp").latency);
  CHECK(catalog.link("tb5-rdma").latency->value.value() == test::Approx(29e-6));
  CHECK_FALSE(catalog.link("tb5-rdma").latency_is_round_trip);
  CHECK(catalog.link("tb5-tcp").latency->value.value() == test::Approx(450e-6));
  CHECK(catalog.link("tb5-tcp").latency_is_round_trip);
  CHECK(catalog.link("10gbe").latency->evidence == Evidence::estimated);
  for (const LinkType& link : catalog.links()) {
    CHECK(link_kind_from_name(link_kind_name(link.kind)) == link.kind);
    CHECK(transport_from_name(transport_name(link.transport)) == link.transport);
  }
  CHECK_FALSE(link_kind_from_name("thunderbolt-6"));
  CHECK_FALSE(transport_from_name("udp"));
}

TEST_CASE("a cable is about two orders of magnitude slower than memory", "[hardware]") {
  const Catalog& catalog = Catalog::embedded();
  const auto memory = catalog.bandwidth(catalog.machine("m4-max-128"));
  REQUIRE(memory);
  const auto rows = link_slowdowns(*memory, catalog.links());
  REQUIRE(rows.size() == catalog.links().size());
  for (const LinkSlowdown& row : rows) {
    CAPTURE(row.link);
    if (row.link == "tb5-rdma") {
      CHECK(row.times->value == test::Approx(546 / 6.3));
      CHECK(row.times->low == test::Approx(546 / 9.07));
      CHECK(row.times->high == test::Approx(546 / 3.5));
      CHECK(row.times->evidence == Evidence::vendor);  // the weaker of the two
      CHECK(*row.raw_times == test::Approx(54.6));
    } else if (row.link == "tb5-tcp") {
      CHECK(row.times->value > 50);
      CHECK(row.times->value < 500);
      CHECK(row.times->evidence == Evidence::estimated);
    } else if (row.link == "wifi") {
      CHECK_FALSE(row.times);
      CHECK_FALSE(row.raw_times);
    }
  }
}
