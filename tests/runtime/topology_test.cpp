// Deliberately broken setups get their named problem and its remedy. Sources: docs/runtimes.md.

#include "macfit/runtime/topology.hpp"

#include <numeric>
#include <set>

#include "macfit/hardware/catalog.hpp"
#include "macfit/runtime/failure_modes.hpp"
#include "macfit/runtime/mlx_rules.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;
using hardware::Transport;
using runtime::Backend;

namespace {

hardware::Cluster cluster(const std::string& spec, const std::string& link,
                          const std::string& macos = {}) {
  hardware::ClusterOptions options;
  options.link = link;
  if (!macos.empty()) {
    options.macos = hardware::parse_macos(macos);
  }
  return hardware::parse_cluster(spec, options, hardware::Catalog::embedded());
}

std::vector<std::size_t> all_of(const hardware::Cluster& cluster) {
  std::vector<std::size_t> group(cluster.nodes.size());
  std::iota(group.begin(), group.end(), std::size_t{0});
  return group;
}

std::vector<runtime::TopologyProblem> problems(const hardware::Cluster& cluster,
                                               const runtime::Runtime& rules) {
  const auto group = all_of(cluster);
  return runtime::topology_problems(cluster, rules, runtime::group_transport(cluster, group),
                                    group);
}

std::string codes(const std::vector<runtime::TopologyProblem>& found) {
  std::string text;
  for (const auto& problem : found) {
    text += (text.empty() ? "" : " ") + problem.code;
  }
  return text;
}

}  // namespace

TEST_CASE("broken setups get a named problem", "[runtime]") {
  struct Row {
    std::string spec;
    std::string link;
    std::string macos;
    const runtime::Runtime* runtime;
    std::string codes;
    std::string remedy;
  };
  const std::vector<Row> rows = {
      {"2x128", "tb5-rdma", "26.3", &test::mlx_lm(), "", ""},
      {"2x128", "tb5-tcp", "15", &test::mlx_lm(), "", ""},
      {"m4-max-128+mac-mini-m4-32", "tb5-rdma", "26.3", &test::mlx_lm(), "tb4-in-ring",
       "--link tb4"},
      {"m4-max-128+mac-mini-m4-32", "tb4", "26.3", &test::mlx_lm(), "", ""},
      {"9x128", "tb5-rdma", "26.3", &test::mlx_lm(), "jaccl-too-many-ranks mesh-without-ports",
       "jaccl-ring"},
      {"9x128", "tb5-rdma", "26.3", &test::exo(), "jaccl-too-many-ranks mesh-without-ports",
       "--link tb5-tcp"},
      {"6x128", "tb5-rdma", "26.3", &test::mlx_lm(), "mesh-without-ports", "ring"},
      {"2x128", "tb5-rdma", "26.1", &test::mlx_lm(), "jaccl-needs-macos-26.2", "rdma_ctl enable"},
      {"2x128", "tb5-rdma", "26.2", &test::mlx_lm(), "jaccl-small-frames", "26.3"},
      {"2x128", "wifi", "26.3", &test::mlx_lm(), "wifi-in-split", "Thunderbolt"},
      {"6x128", "tb5-tcp", "26.3", &test::llama_cpp(), "client-without-ports", "client"},
      {"4x128", "10gbe", "26.3", &test::llama_cpp(), "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.spec, row.link, row.macos, row.runtime->backends().size());
    const auto found = problems(cluster(row.spec, row.link, row.macos), *row.runtime);
    CHECK(codes(found) == row.codes);
    for (const auto& problem : found) {
      CHECK_FALSE(problem.text.empty());
      CHECK_FALSE(problem.remedy.empty());
    }
    if (!row.remedy.empty() && !found.empty()) {
      CHECK_THAT(found.front().remedy, test::contains(row.remedy));
    }
  }
}

TEST_CASE("a mesh wants n(n-1)/2 cables, a ring n, two nodes one", "[runtime]") {
  for (std::size_t n = 2; n <= 9; ++n) {
    CHECK(runtime::cables_of(Backend::jaccl_mesh, n).size() == n * (n - 1) / 2);
    CHECK(runtime::cables_of(Backend::mlx_ring, n).size() == (n == 2 ? 1 : n));
    CHECK(runtime::cables_of(Backend::jaccl_ring, n).size() == (n == 2 ? 1 : n));
    CHECK(runtime::cables_of(Backend::llama_rpc, n).size() == n - 1);
  }
  CHECK(runtime::cables_of(Backend::mlx_ring, 1).empty());
}

TEST_CASE("the backend follows runtime, transport and cabling", "[runtime]") {
  auto four = cluster("4x128", "tb5-rdma");
  const auto group = all_of(four);
  CHECK(runtime::backend_of(four, test::mlx_lm(), Transport::rdma, group) == Backend::jaccl_mesh);
  CHECK(runtime::backend_of(four, test::mlx_lm(), Transport::tcp, group) == Backend::mlx_ring);
  CHECK(runtime::backend_of(four, test::llama_cpp(), Transport::rdma, group) == Backend::llama_rpc);
  CHECK(runtime::backend_of(four, test::mlx_lm(), Transport::rdma, {0}) == Backend::none);
  four.topology = hardware::Topology::ring;
  CHECK(runtime::backend_of(four, test::mlx_lm(), Transport::rdma, group) == Backend::jaccl_ring);
  // EXO "requires all-to-all RDMA connections" (placement_utils.py:296-325).
  CHECK(runtime::backend_of(four, test::exo(), Transport::rdma, group) == Backend::jaccl_mesh);
}

TEST_CASE("a ring of nine is no problem where a mesh of nine is", "[runtime]") {
  auto nine = cluster("9x128", "tb5-rdma", "26.3");
  nine.topology = hardware::Topology::ring;
  CHECK(codes(problems(nine, test::mlx_lm())).empty());
}

TEST_CASE("a node that is no Mac keeps mlx out and llama.cpp in", "[runtime]") {
  auto mixed = cluster("2x128", "10gbe", "26.3");
  mixed.nodes[1].mac = false;
  mixed.nodes[1].macos.reset();
  CHECK(codes(problems(mixed, test::mlx_lm())) == "runtime-needs-mac");
  CHECK(codes(problems(mixed, test::llama_cpp())).empty());
}

TEST_CASE("JACCL's frames are small on macOS 26.2", "[runtime]") {
  // jaccl/rdma.h:19-45: a MiniMax-M2 decode message of 6,144 B, a prefill chunk of 12.58 MB.
  CHECK(runtime::jaccl_frames(6144, true) == 2);
  CHECK(runtime::jaccl_frames(12'582'912, true) == 24);
  CHECK(runtime::jaccl_frames(12'582'912, false) == 3072);
}

TEST_CASE("every topology code is explained, and none is a cluster's", "[runtime]") {
  std::set<std::string_view> names;
  for (const auto& code : runtime::topology_problem_codes()) {
    CHECK(names.insert(code.code).second);
    CHECK_FALSE(code.meaning.empty());
  }
  for (const auto& code : hardware::cluster_problem_codes()) {
    CHECK(names.count(code.code) == 0);
  }
}

TEST_CASE("every runtime has its failure modes and demands", "[runtime]") {
  for (const runtime::Runtime* one : {&test::mlx_lm(), &test::exo(), &test::llama_cpp()}) {
    CHECK(runtime::failure_modes_of(*one).size() >= 4);
    for (const Backend backend : one->backends()) {
      CHECK_FALSE(runtime::demands_of(*one, backend).empty());
    }
  }
  const auto modes = runtime::failure_modes_of(runtime::Catalog::embedded().get("mlx-lm@0.31.3"));
  for (const std::string_view id :
       {"bridge-after-reboot", "protection-domain", "fast-synch-lock", "wedged-port",
        "two-cables-deadlock", "tb4-offered-rdma", "dropped-layers", "wired-limit-after-reboot",
        "kernel-panic-at-limit"}) {
    CHECK(std::any_of(modes.begin(), modes.end(), [&](const auto& mode) { return mode.id == id; }));
  }
}
