#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/hardware/cluster.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::hardware;

namespace {

Cluster parse(std::string_view spec, const ClusterOptions& options = {}) {
  return parse_cluster(spec, options, Catalog::embedded());
}

/// "mac-studio-m4-max-128 mac-mini-m4-pro-64".
std::string machines(const Cluster& cluster) {
  std::string result;
  for (const Node& node : cluster.nodes) {
    result += (result.empty() ? "" : " ") + node.machine;
  }
  return result;
}

std::string error_of(std::string_view spec, const ClusterOptions& options = {}) {
  try {
    (void)parse(spec, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("cluster specs", "[hardware]") {
  struct Row {
    const char* spec;
    const char* machines;
  };
  for (const Row& row : {
           Row{"128", "mac-studio-m4-max-128"},
           Row{"1x128", "mac-studio-m4-max-128"},
           Row{"2x128", "mac-studio-m4-max-128 mac-studio-m4-max-128"},
           Row{" 2 X 128 ", "mac-studio-m4-max-128 mac-studio-m4-max-128"},
           Row{"2\xC3\x97"
               "128",
               "mac-studio-m4-max-128 mac-studio-m4-max-128"},
           Row{"1x128+2x64", "mac-studio-m4-max-128 mac-mini-m4-pro-64 mac-mini-m4-pro-64"},
           Row{"1x128 + 1x64", "mac-studio-m4-max-128 mac-mini-m4-pro-64"},
           Row{"128gb+64GiB", "mac-studio-m4-max-128 mac-mini-m4-pro-64"},
           Row{"m4-max-128+m4-pro-64", "mac-studio-m4-max-128 mac-mini-m4-pro-64"},
           Row{"M4-MAX-128", "mac-studio-m4-max-128"},
           Row{"m4max-128", "mac-studio-m4-max-128"},
           Row{"M4 Max 128GB", "mac-studio-m4-max-128"},
           Row{"m3ultra-512", "mac-studio-m3-ultra-512"},
           Row{"2xmac-studio-m3-ultra-512", "mac-studio-m3-ultra-512 mac-studio-m3-ultra-512"},
           Row{"mac-studio-m4max-128", "mac-studio-m4-max-128"},
           Row{"macbook-pro-m4-max-128", "macbook-pro-m4-max-128"},
           Row{"mbp-m4-max-128", "macbook-pro-m4-max-128"},
           Row{"m5-max-128", "mac-studio-m5-max-128"},
           Row{"m3-max-128", "macbook-pro-m3-max-128"},
           Row{"m4-16", "mac-mini-m4-16"},
           Row{"dgx-spark-128", "dgx-spark-128"},
           Row{"gb10-128", "dgx-spark-128"},
           Row{"strix-halo-128", "framework-desktop-128"},
           // What a bare size stands for.
           Row{"8", "mac-mini-m2-8"},
           Row{"16", "mac-mini-m4-16"},
           Row{"18", "macbook-pro-m3-pro-18"},
           Row{"24", "mac-mini-m4-pro-24"},
           Row{"32", "mac-mini-m4-32"},
           Row{"36", "mac-studio-m4-max-36"},
           Row{"48", "mac-mini-m4-pro-48"},
           Row{"64", "mac-mini-m4-pro-64"},
           Row{"96", "mac-studio-m3-ultra-96"},
           Row{"192", "mac-studio-m2-ultra-192"},
           Row{"256", "mac-studio-m3-ultra-256"},
           Row{"512", "mac-studio-m3-ultra-512"},
       }) {
    CAPTURE(row.spec);
    CHECK(machines(parse(row.spec)) == row.machines);
  }
  CHECK(parse("64x64").nodes.size() == max_nodes);
  CHECK(parse("60x64+4x128").links.size() == 64 * 63 / 2);
}

TEST_CASE("malformed cluster specs say what was found and expected", "[hardware]") {
  const std::string count = "expected a whole number from 1 to 64 before the x, found ";
  const std::string sizes = "expected 8, 16, 18, 24, 32, 36, 48, 64, 96, 128, 192, 256 or 512";
  for (const auto& [spec, text] : std::vector<std::pair<std::string, std::string>>{
           {"", "expected a cluster, found nothing"},
           {"  ", "expected a cluster, found nothing"},
           {"0x128", "nodes \"0x128\": " + count + "\"0\""},
           {"-2x128", count + "\"-2\""},
           {"1e9x128", count + "\"1e9\""},
           {"1.5x128", count + "\"1.5\""},
           {"65x8", count + "\"65\""},
           {"99999999999999999999x8", count + "\"99999999999999999999\""},
           {"2_0x8", count},
           {"40x64+40x64", "more than 64 nodes"},
           {"2x", "expected a machine or a memory size after the x in \"2x\""},
           {"x128", "a count is missing before the x in \"x128\""},
           {"2x128+", "expected a machine or a memory size on both sides of every +"},
           {"+2x128", "expected a machine or a memory size on both sides of every +"},
           {"2x128++2x64", "expected a machine or a memory size on both sides of every +"},
           {"+", "expected a machine or a memory size on both sides of every +"},
           {"2x127", "no machine with 127 GB is known: " + sizes},
           {"2x0", "no machine with 0 GB is known: " + sizes},
           {"99999999", "no machine with 99999999 GB is known: " + sizes},
           {"1tb", "no machine with 1024 GB is known: " + sizes},
           {"2xfoo", "unknown machine \"foo\""},
           {"2x128,4x64", "expected one cluster, found a list (a comma separates the values"},
           {"m4-max",
            "\"m4-max\" needs a memory size: expected m4-max-36, m4-max-48, m4-max-64 "
            "or m4-max-128"},
           {"m4-pro-128",
            "\"m4-pro\" is not sold with 128 GB: expected m4-pro-24, m4-pro-48 or "
            "m4-pro-64"},
           {"mac-mini-m4-pro",
            "\"mac-mini-m4-pro\" needs a memory size: expected "
            "mac-mini-m4-pro-24"},
           {"mac-studio-m4-max-512",
            "\"mac-studio-m4-max\" is not sold with 512 GB: expected "
            "mac-studio-m4-max-36"},
           {"mac-studo-m4-max-128", "did you mean mac-studio-m4-max-128"},
           {"2x2x128", "unknown machine \"2x128\""},
           {"2*128", "unknown machine \"2*128\""},
           {"2x128\n", "no error"},
           {"m4-max-128\x1b[31m", "\\u{1B}"},
       }) {
    CAPTURE(spec);
    CHECK_THAT(error_of(spec), test::contains(text));
  }
}

TEST_CASE("nodes carry what a plan needs", "[hardware]") {
  const Cluster cluster = parse("m4-max-128+m4-pro-64");
  CHECK(cluster.spec == "m4-max-128+m4-pro-64");
  CHECK(cluster.name.empty());
  CHECK(cluster.cluster_reserve == 0.10);
  CHECK(cluster.macos.text() == "26");
  CHECK(cluster.ram() == Bytes(192 * gib));
  REQUIRE(cluster.nodes.size() == 2);
  const Node& studio = cluster.nodes[0];
  CHECK(studio.name == "node-1");
  CHECK(cluster.nodes[1].name == "node-2");
  CHECK(studio.machine_label == "Mac Studio (2025), M4 Max, 128 GB");
  CHECK(studio.chip == "m4-max");
  CHECK(studio.chip_name == "M4 Max");
  CHECK(studio.chip_generation == 4);
  CHECK(studio.gpu_cores == 40);
  CHECK(studio.ram == Bytes(128 * gib));
  CHECK(studio.gpu_limit.bytes == Bytes(115'448'725'504));
  CHECK(studio.raised_limit == Bytes(130'567'005'798));
  REQUIRE(studio.bandwidth);
  CHECK(studio.bandwidth->value.value() == 546e9);
  CHECK(studio.bandwidth->evidence == Evidence::vendor);
  CHECK(studio.effective_whole() == Bytes(115'448'725'504));
  CHECK(studio.effective_whole(true) == studio.raised_limit);
  CHECK(studio.effective_part(0.1) == Bytes(103'903'852'953));
  CHECK(cluster.effective_sum() ==
        studio.effective_part(0.1) + cluster.nodes[1].effective_part(0.1));
  CHECK(parse("128").effective_sum() == studio.effective_whole());

  // The 16-core bin of a 20-core chip: TFLOPS scaled, and marked so.
  REQUIRE(cluster.nodes[1].tflops);
  CHECK(cluster.nodes[1].gpu_cores == 16);
  CHECK(cluster.nodes[1].tflops->value == test::Approx(9.2 * 16 / 20));
  CHECK(cluster.nodes[1].tflops->evidence == Evidence::estimated);
}

TEST_CASE("options", "[hardware]") {
  ClusterOptions options;
  options.macos = parse_macos("15");
  CHECK(parse("2x128", options).nodes[0].gpu_limit.bytes == Bytes(96 * gib));
  CHECK(parse("2x128", options).macos.text() == "15");

  options = {};
  options.wired_limit = Bytes(120 * gib);
  options.reserve = Bytes(4 * gib);
  options.cluster_reserve = 0.25;
  const Cluster stated = parse("2x128", options);
  CHECK(stated.nodes[1].gpu_limit.stated);
  CHECK(stated.nodes[1].gpu_limit.bytes == Bytes(120 * gib));
  CHECK(stated.nodes[1].effective_whole() == Bytes(120 * gib));
  CHECK(stated.nodes[1].effective_part(stated.cluster_reserve) == Bytes(90 * gib));
  CHECK(stated.nodes[1].raised_limit >= Bytes(120 * gib));
  CHECK_THAT(error_of("128+64", options),
             test::contains("the wired limit of 120 GiB is outside the 64 GB of node-2 (Mac "
                            "mini (2024), M4 Pro, 64 GB)"));

  options = {};
  options.wired_limit = Bytes(0);  // as sysctl has it: the default
  CHECK_FALSE(parse("128", options).nodes[0].gpu_limit.stated);
  options.wired_limit = Bytes(-1);
  CHECK_THAT(error_of("128", options), test::contains("outside"));

  options = {};
  options.reserve = Bytes(128 * gib);
  CHECK_THAT(error_of("128", options), test::contains("leaves nothing of the 128 GB of node-1"));
  options.reserve = Bytes(-1);
  CHECK_THAT(error_of("128", options), test::contains("leaves nothing"));

  options = {};
  options.cluster_reserve = 1.0;
  CHECK_THAT(error_of("2x128", options), test::contains("from 0 to below 1"));

  options = {};
  options.link = "tb6";
  CHECK_THAT(error_of("2x128", options), test::contains("unknown link \"tb6\""));
  options.link = "nvlink";
  CHECK_THAT(error_of("2x128", options), test::contains("unknown link \"nvlink\""));
}

TEST_CASE("machines that are not Macs have their own memory", "[hardware]") {
  // What is sold in one size needs none.
  CHECK(machines(parse("dgx-spark+m4-max-128")) == "dgx-spark-128 mac-studio-m4-max-128");
  ClusterOptions options;
  options.wired_limit = Bytes(100 * gib);  // a Mac's setting: left alone elsewhere
  const Cluster cluster = parse("dgx-spark-128+m4-max-128+framework-desktop-128", options);
  CHECK(cluster.nodes[0].gpu_limit.bytes == Bytes(122'570 * mib));  // dgx-spark-playbooks
  CHECK_FALSE(cluster.nodes[0].gpu_limit.stated);
  CHECK(cluster.nodes[0].raised_limit == cluster.nodes[0].gpu_limit.bytes);
  CHECK_FALSE(cluster.nodes[0].macos);
  CHECK_FALSE(cluster.nodes[0].tflops);  // not found in a source: empty, not 0
  CHECK(cluster.nodes[1].gpu_limit.stated);
  CHECK(cluster.nodes[2].gpu_limit.evidence == Evidence::community);
}

TEST_CASE("lists", "[hardware]") {
  CHECK(split_list("2x128") == std::vector<std::string>{"2x128"});
  CHECK(split_list(" 2x128 , 4x64 ") == std::vector<std::string>{"2x128", "4x64"});
  for (const char* bad : {"", ",", "2x128,", ",2x128", "2x128, ,4x64"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH(split_list(bad), test::contains("expected a value on both sides"));
  }
}

TEST_CASE("any text is a cluster or an error, never anything else", "[hardware]") {
  const std::string alphabet = "0123456789xX+-, mapro4\xC3\x97\n\x01";
  std::uint32_t state = 12345;
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (std::uint32_t length = (state >> 7) % 12; length > 0; --length) {
      state = state * 1664525U + 1013904223U;
      text += alphabet[(state >> 16) % alphabet.size()];
    }
    state = state * 1664525U + 1013904223U;
    try {
      const Cluster cluster = parse(text);
      CHECK_FALSE(cluster.nodes.empty());
      CHECK(cluster.nodes.size() <= max_nodes);
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
    }
  }
}
