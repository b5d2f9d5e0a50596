#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/hardware/cluster.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::hardware;

namespace {

Cluster read(const std::string& text, const ClusterOptions& options = {}) {
  return read_cluster_file(text, options, Catalog::embedded(), "desk.json");
}

std::string file(const std::string& rest) {
  return R"({"schema": "macfit.cluster/1", )" + rest + "}";
}

std::string nodes(const std::string& list) { return file("\"nodes\": [" + list + "]"); }

std::string error_of(const std::string& text, const ClusterOptions& options = {}) {
  try {
    (void)read(text, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const std::string desk = R"({"schema": "macfit.cluster/1", "name": "desk",
 "nodes": [{"name": "studio", "machine": "mac-studio-m4-max-128", "macos": "26.2", "wired_limit": "120GiB", "reserve": "8GiB"},
           {"name": "mini", "machine": "mac-mini-m4-pro-64"}],
 "links": [{"between": ["studio", "mini"], "kind": "thunderbolt-5", "transport": "rdma"}]})";

const std::string pair =
    R"({"name": "a", "machine": "m4-max-128"}, {"name": "b", "machine": "64"})";

}  // namespace

TEST_CASE("a cluster file", "[hardware]") {
  const Cluster cluster = read(desk);
  CHECK(cluster.name == "desk");
  CHECK(cluster.spec == "desk");
  REQUIRE(cluster.nodes.size() == 2);
  CHECK(cluster.nodes[0].name == "studio");
  CHECK(cluster.nodes[0].macos->text() == "26.2");
  CHECK(cluster.nodes[0].gpu_limit.stated);
  CHECK(cluster.nodes[0].gpu_limit.bytes == Bytes(120 * gib));
  CHECK(cluster.nodes[0].reserve == Bytes(8 * gib));
  CHECK(cluster.nodes[0].effective_whole() == Bytes(120 * gib));
  CHECK(cluster.nodes[1].gpu_limit.bytes == Bytes(55'662'788'608));
  CHECK(cluster.macos.text() == "26.2");  // the oldest
  REQUIRE(cluster.links.size() == 1);
  CHECK(cluster.links[0].type.id == "tb5-rdma");
  CHECK(cluster.problems.empty());
}

TEST_CASE("flags go before a cluster file", "[hardware]") {
  ClusterOptions options;
  options.macos = parse_macos("15");
  options.wired_limit = Bytes(0);
  options.reserve = Bytes(1 * gib);
  options.cluster_reserve = 0.2;
  options.link = "10gbe";
  const Cluster cluster = read(desk, options);
  CHECK(cluster.nodes[0].macos->text() == "15");
  CHECK_FALSE(cluster.nodes[0].gpu_limit.stated);
  CHECK(cluster.nodes[0].gpu_limit.bytes == Bytes(96 * gib));
  CHECK(cluster.nodes[0].reserve == Bytes(1 * gib));
  CHECK(cluster.cluster_reserve == 0.2);
  CHECK(cluster.links[0].type.id == "10gbe");
  CHECK(cluster.problems.size() == 1);  // the mini has 1 Gb Ethernet
}

TEST_CASE("what a cluster file may leave out", "[hardware]") {
  const Cluster cluster =
      read(nodes(R"({"machine": "128"}, {"chip": "M4 Pro", "ram": "64GB"}, {"machine": "64"})"));
  CHECK(cluster.nodes[0].name == "node-1");
  CHECK(cluster.nodes[1].machine == "mac-mini-m4-pro-64");
  CHECK(cluster.spec == "mac-studio-m4-max-128+2xmac-mini-m4-pro-64");
  CHECK(cluster.links.size() == 3);
  CHECK(cluster.cluster_reserve == 0.1);

  // A chip and memory size that no known machine has: ports are unknown, not absent.
  const Cluster rare =
      read(nodes(R"({"chip": "m1-pro", "ram": 16}, {"chip": "m2-max", "ram": 64})"));
  CHECK(rare.nodes[0].machine == "macbook-pro-m1-pro-16");

  const Cluster reserve = read(file(R"("cluster_reserve": "12.5 %", "macos": "15",
    "nodes": [{"machine": "128"}, {"machine": "128", "macos": "26"}])"));
  CHECK(reserve.cluster_reserve == 0.125);
  CHECK(reserve.nodes[0].macos->text() == "15");
  CHECK(reserve.nodes[1].macos->text() == "26");
  CHECK(reserve.macos.text() == "15");

  const Cluster spark = read(nodes(R"({"machine": "dgx-spark-128", "wired_limit": "100GiB"})"));
  CHECK(spark.nodes[0].gpu_limit.stated);
  CHECK(spark.nodes[0].gpu_limit.bytes == Bytes(100 * gib));
}

TEST_CASE("a ring joins neighbors only", "[hardware]") {
  const std::string four = R"({"name": "a", "machine": "64"}, {"name": "b", "machine": "64"},
    {"name": "c", "machine": "64"}, {"name": "d", "machine": "64"}, {"name": "e", "machine": "64"})";
  const Cluster ring = read(file(R"("topology": "ring", "nodes": [)" + four + "]"));
  REQUIRE(ring.links.size() == 5);
  CHECK(ring.topology == Topology::ring);
  CHECK(ring.link_between(0, 4) != nullptr);
  CHECK(ring.link_between(0, 2) == nullptr);
  CHECK(ring.problems.empty());  // two cables a node
  CHECK(read(nodes(four)).problems.size() == 1);

  const Cluster two = read(file(R"("topology": "ring", "nodes": [)" + pair + "]"));
  CHECK(two.links.size() == 1);
  CHECK_THAT(error_of(file(R"("topology": "ring", "links": [{"between": ["a", "c"],
               "kind": "thunderbolt-5"}], "nodes": [)" +
                           four + "]")),
             test::contains("at /links/0/between: these two nodes are not neighbors in the ring"));
}

TEST_CASE("link kinds and transports", "[hardware]") {
  struct Row {
    const char* link;
    const char* id;
  };
  for (const Row& row :
       {Row{R"("kind": "thunderbolt-5")", "tb5-tcp"},
        Row{R"("kind": "thunderbolt-5", "transport": "rdma")", "tb5-rdma"},
        Row{R"("kind": "thunderbolt-4", "transport": "tcp")", "tb4"},
        Row{R"("kind": "thunderbolt-3")", "tb3"}, Row{R"("kind": "ethernet-10g")", "10gbe"},
        Row{R"("kind": "ethernet-1g")", "1gbe"}, Row{R"("kind": "wifi")", "wifi"},
        Row{R"("kind": "qsfp-200g")", "qsfp-200g"}}) {
    CAPTURE(row.link);
    const std::string text = file(R"("links": [{"between": ["b", "a"], )" + std::string(row.link) +
                                  R"(}], "nodes": [)" + pair + "]");
    CHECK(read(text).links[0].type.id == row.id);
  }
}

TEST_CASE("a malformed cluster file names the place", "[hardware]") {
  const auto link = [](const std::string& rest) {
    return file(R"("links": [)" + rest + R"(], "nodes": [)" + pair + "]");
  };
  for (
      const auto& [text, wanted] : std::vector<std::pair<std::string, std::string>>{
          {"", "desk.json: "},
          {"[]", "desk.json: at the top: expected an object"},
          {"{}", "\"schema\" is missing"},
          {R"({"schema": "macfit.cluster/2", "nodes": []})",
           "at /schema: expected \"macfit.cluster/1\", found"},
          {file("\"name\": \"x\""), "\"nodes\" is missing"},
          {nodes(""), "at /nodes: expected at least one node"},
          {nodes("1"), "at /nodes/0: expected an object"},
          {nodes("{}"), "at /nodes/0: expected a machine, or a chip with its ram"},
          {nodes(R"({"chip": "m4-max"})"), "at /nodes/0: expected a machine, or a chip"},
          {nodes(R"({"machine": "128", "ram": 128})"), "at /nodes/0: a machine says its chip"},
          {nodes(R"({"machine": 128})"), "at /nodes/0/machine: expected a string"},
          {nodes(R"({"machine": "mac-studo-m4-max-128"})"),
           "at /nodes/0/machine: unknown machine \"mac-studo-m4-max-128\" (did you mean "
           "mac-studio-m4-max-128"},
          {nodes(R"({"machine": "127"})"), "at /nodes/0/machine: no machine with 127 GB"},
          {nodes(R"({"chip": "m9", "ram": 8})"), "at /nodes/0/chip: unknown chip \"m9\""},
          {nodes(R"({"chip": "m4-pro", "ram": "128GB"})"),
           "at /nodes/0/ram: M4 Pro is not sold with 128 GB: expected 24 GB, 48 GB or 64 GB"},
          {nodes(R"({"chip": "m4-pro", "ram": "lots"})"), "at /nodes/0/ram: expected a memory"},
          {nodes(R"({"chip": "m4-pro", "ram": 0})"), "at /nodes/0/ram: expected a whole number"},
          {nodes(R"({"machine": "128", "machien": "64"})"), "machien"},
          {nodes(R"({"machine": "128", "macos": "25"})"), "at /nodes/0/macos: macOS version"},
          {nodes(R"({"machine": "128", "macos": 26.2})"),
           "at /nodes/0/macos: expected a string such as \"26.2\""},
          {nodes(R"({"machine": "dgx-spark-128", "macos": "26"})"),
           "at /nodes/0/macos: this machine does not run macOS"},
          {nodes(R"({"machine": "128", "wired_limit": "129GiB"})"),
           "at /nodes/0: the wired limit of 129 GiB is outside the 128 GB of node-1"},
          {nodes(R"({"machine": "128", "wired_limit": "-1GiB"})"), "at /nodes/0/wired_limit: "},
          {nodes(R"({"machine": "128", "wired_limit": "much"})"), "at /nodes/0/wired_limit: "},
          {nodes(R"({"machine": "128", "reserve": "128GiB"})"),
           "at /nodes/0: the reserve of 128 GiB leaves nothing"},
          {nodes(R"({"name": "a", "machine": "128"}, {"name": "a", "machine": "64"})"),
           "at /nodes/1: two nodes are named \"a\""},
          {nodes(R"({"machine": "128"}, {"name": "node-1", "machine": "64"})"),
           "at /nodes/1: two nodes are named \"node-1\""},
          {nodes(R"({"name": "", "machine": "128"})"), "at /nodes/0/name: expected a name of 1"},
          {nodes(R"({"name": "a\nb", "machine": "128"})"), "without control characters"},
          {nodes(R"({"name": "a\u007f", "machine": "128"})"), "without control characters"},
          {nodes(R"({"name": "a\u0085", "machine": "128"})"), "without control characters"},
          {nodes("{\"name\": \"" + std::string(65, 'a') + R"(", "machine": "128"})"),
           "at /nodes/0/name: expected a name of 1 to 64 bytes"},
          {file(R"("topology": "star", "nodes": [)" + pair + "]"),
           "at /topology: expected mesh or ring"},
          {file(R"("cluster_reserve": 1, "nodes": [)" + pair + "]"), "at /cluster_reserve: "},
          {file(R"("cluster_reserve": -0.1, "nodes": [)" + pair + "]"), "at /cluster_reserve: "},
          {file(R"("cluster_reserve": "110%", "nodes": [)" + pair + "]"), "at /cluster_reserve"},
          {file(R"("node": [], "nodes": [)" + pair + "]"), "nodes"},
          {link("{}"), "at /links/0: the key \"between\" is missing"},
          {link(R"({"between": ["a"], "kind": "wifi"})"),
           "at /links/0/between: expected the names of two nodes"},
          {link(R"({"between": ["a", "c"], "kind": "wifi"})"),
           "at /links/0/between/1: unknown node \"c\""},
          {link(R"({"between": ["a", "a"], "kind": "wifi"})"),
           "at /links/0/between: a link joins two different nodes"},
          {link(
               R"({"between": ["a", "b"], "kind": "wifi"}, {"between": ["b", "a"], "kind": "wifi"})"),
           "at /links/1/between: these two nodes are linked twice"},
          {link(R"({"between": ["a", "b"]})"), "at /links/0: the key \"kind\" is missing"},
          {link(R"({"between": ["a", "b"], "kind": "thunderbold-5"})"),
           "at /links/0/kind: unknown link kind \"thunderbold-5\" (did you mean thunderbolt-5"},
          {link(R"({"between": ["a", "b"], "kind": "nvlink"})"),
           "at /links/0/kind: links of this kind are known for comparison only"},
          {link(R"({"between": ["a", "b"], "kind": "wifi", "transport": "rdma"})"),
           "at /links/0/kind: no known link of this kind runs over rdma"},
          {link(R"({"between": ["a", "b"], "kind": "wifi", "transport": "udp"})"),
           "at /links/0/transport: expected tcp or rdma"},
          {link(R"({"between": ["a", "b"], "kind": "wifi", "speed": 1})"), "speed"},
      }) {
    CAPTURE(text);
    CHECK_THAT(error_of(text), test::contains(wanted));
    CHECK_THAT(error_of(text), test::contains("desk.json: "));
  }
}

TEST_CASE("a cluster file holds at most 64 nodes", "[hardware]") {
  std::string list = R"({"machine": "8"})";
  for (int i = 1; i < 64; ++i) {
    list += R"(, {"machine": "8"})";
  }
  CHECK(read(nodes(list)).nodes.size() == 64);
  CHECK_THAT(error_of(nodes(list + R"(, {"machine": "8"})")), test::contains("more than 64 nodes"));
}

TEST_CASE("hostile node names survive", "[hardware]") {
  const Cluster cluster =
      read(nodes(R"({"name": "<b>\"&'", "machine": "64"}, {"name": "机器", "machine": "16"})"), [] {
        ClusterOptions options;
        options.link = "tb5-rdma";
        return options;
      }());
  CHECK(cluster.nodes[0].name == "<b>\"&'");
  REQUIRE(cluster.problems.size() == 1);
  CHECK_THAT(cluster.problems[0].text, test::contains("机器"));
}
