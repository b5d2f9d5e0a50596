// Several models at once: what lives on a node already is not there for another.

#include "macfit/plan/neighbors.hpp"

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/runtime/catalog.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

plan::Request request_of(const std::string& model, const std::string& nodes) {
  plan::Request request;
  model::NamedModel found = model::find_model(model, model::Catalog::embedded(), {});
  request.model = std::move(found.model);
  request.recipe = std::move(found.recipe);
  request.cluster = hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded());
  request.runtimes = runtime::Catalog::embedded().parse("mlx-lm");
  return request;
}

plan::Neighbor neighbor_of(const std::string& model, const std::string& node = "") {
  plan::Neighbor neighbor;
  model::NamedModel found = model::find_model(model, model::Catalog::embedded(), {});
  neighbor.model = std::move(found.model);
  neighbor.recipe = std::move(found.recipe);
  neighbor.node = node;
  return neighbor;
}

}  // namespace

TEST_CASE("a neighbor takes its own plan's demand off the nodes that hold it", "[plan]") {
  for (const char* nodes : {"1x64", "2x64", "1x64+1x128"}) {
    for (const char* name : {"llama-3.1-8b", "qwen3-30b-a3b"}) {
      INFO(name << " on " << nodes);
      plan::Request alone = request_of(name, nodes);
      alone.replicas = 1;
      const plan::Plan own = plan::make_plan(alone);
      REQUIRE(own.verdict.placement);
      const plan::NodeBudget& budget = own.placements[*own.verdict.placement].nodes.front();

      plan::Request request = request_of("llama-3.2-3b", nodes);
      request.beside = {neighbor_of(name)};
      plan::settle(request);
      REQUIRE(request.beside[0].lives.size() == 1);
      CHECK(request.beside[0].lives[0] == std::pair(budget.node, budget.parts.demand()));
      for (std::size_t i = 0; i < request.cluster.nodes.size(); ++i) {
        const hardware::Node& node = request.cluster.nodes[i];
        const Bytes taken = i == budget.node ? budget.parts.demand() : Bytes(0);
        CHECK(node.occupied == taken);
        CHECK(node.effective_whole() == alone.cluster.nodes[i].effective_whole() - taken);
        CHECK(node.effective_part(0.1) == alone.cluster.nodes[i].effective_part(0.1) - taken);
      }
      const auto before = request.beside[0].lives;
      plan::settle(request);  // starts anew
      CHECK(request.beside[0].lives == before);
    }
  }
}

TEST_CASE("a model is planned around what lives there", "[plan]") {
  // Two workers alone; with a neighbor on one node that leaves no room for a second, one worker.
  const plan::Plan alone = plan::make_plan(request_of("llama-3.3-70b", "2x64"));
  CHECK(alone.verdict.workers == 2);
  plan::Request request = request_of("llama-3.3-70b", "2x64");
  request.beside = {neighbor_of("qwen3-30b-a3b", "node-2")};
  plan::settle(request);
  const plan::Plan beside = plan::make_plan(request);
  REQUIRE(beside.verdict.placement);
  const plan::Placement& placement = beside.placements[*beside.verdict.placement];
  CHECK(beside.verdict.workers == 1);
  for (const plan::NodeBudget& budget : placement.nodes) {
    CHECK(budget.parts.demand() <= budget.effective);
    CHECK(budget.effective <=
          request.cluster.nodes[budget.node].effective_whole(placement.standing.raised()));
  }
  CHECK(std::any_of(beside.notes.begin(), beside.notes.end(), [](const std::string& note) {
    return note.find("lives there already") != std::string::npos;
  }));
}

TEST_CASE("neighbors find room one after the other, and a node that is named is kept to",
          "[plan]") {
  plan::Request request = request_of("llama-3.2-3b", "1x128+1x64");
  request.beside = {neighbor_of("llama-3.3-70b", "node-2"), neighbor_of("qwen3-30b-a3b", "NODE-1"),
                    neighbor_of("llama-3.1-8b")};
  plan::settle(request);
  CHECK(request.beside[0].lives[0].first == 1);
  CHECK(request.beside[1].lives[0].first == 0);
  CHECK(request.beside[2].lives[0].first == 0);  // what is left of the other is too little

  request.beside = {neighbor_of("llama-3.3-70b", "node-2"), neighbor_of("llama-3.3-70b", "node-2")};
  CHECK_THROWS_AS(plan::settle(request), Error);
  request.beside = {neighbor_of("llama-3.1-8b", "studio")};
  CHECK_THROWS_AS(plan::settle(request), Error);
}

TEST_CASE("what an action promises holds with a neighbor too", "[plan]") {
  plan::Request request = request_of("glm-4.5-air", "1x64");
  request.beside = {neighbor_of("llama-3.1-8b")};
  plan::Alternative more;
  more.kind = "one-more-node";
  more.spec = "2x64";
  more.cluster = hardware::parse_cluster(more.spec, {}, hardware::Catalog::embedded());
  more.label = "one more";
  request.alternatives = {more};
  plan::settle(request);
  const plan::Plan plan = plan::make_plan(request);
  const auto action = std::find_if(plan.actions.begin(), plan.actions.end(),
                                   [](const auto& one) { return one.kind == "one-more-node"; });
  REQUIRE(action != plan.actions.end());
  plan::Request typed = request;
  typed.alternatives.clear();
  typed.cluster = more.cluster;
  plan::settle(typed);
  const plan::Plan again = plan::make_plan(typed);
  CHECK(again.verdict.tier == action->tier);
  CHECK(again.verdict.placement.has_value());
}

TEST_CASE("a reserve or a limit that changes nothing says so", "[plan]") {
  struct Row {
    const char* model;
    const char* nodes;
    std::optional<Bytes> reserve;
    std::optional<Bytes> limit;
    std::optional<double> cluster_reserve;
    const char* says;  ///< part of a note; "" none
  };
  const Row rows[] = {
      {"llama-3.1-8b", "1x64", Bytes(2 * gib), {}, {}, "The reserve changes nothing:"},
      {"llama-3.1-8b", "1x64", Bytes(40 * gib), {}, {}, ""},
      {"llama-3.1-8b", "1x64+1x16", Bytes(5 * gib), {}, {}, "nothing on node-1:"},
      {"llama-3.1-8b", "1x64", Bytes(30 * gib), Bytes(50 * gib), {}, "The wired limit changes"},
      {"llama-3.1-8b", "1x64", {}, Bytes(50 * gib), {}, ""},
      {"llama-3.1-8b", "2x64", {}, {}, 0.05, "The cluster reserve changes nothing"},
      {"llama-3.1-8b", "2x64", {}, {}, {}, ""},
  };
  for (const Row& row : rows) {
    INFO(row.model << " on " << row.nodes << ": " << row.says);
    plan::Request request = request_of(row.model, row.nodes);
    hardware::ClusterOptions options;
    options.reserve = row.reserve;
    options.wired_limit = row.limit;
    options.cluster_reserve = row.cluster_reserve;
    request.cluster = hardware::parse_cluster(row.nodes, options, hardware::Catalog::embedded());
    const plan::Plan plan = plan::make_plan(request);
    std::string found;
    for (const std::string& note : plan.notes) {
      found += note.find("changes nothing") != std::string::npos ? note : "";
    }
    CHECK((*row.says == '\0' ? found.empty() : found.find(row.says) != std::string::npos));
  }
}

TEST_CASE("a small Mac that is nearly full is warned of swap", "[plan]") {
  struct Row {
    const char* model;
    const char* nodes;
    std::int64_t context;
    bool warned;
  };
  const Row rows[] = {
      {"qwen3-30b-a3b", "1x32", 8192, false},  // 19.3 of 26.8 GB
      {"qwen3-30b-a3b", "1x32", 32768, true},  // 21.8 of 26.8 GB
      {"llama-3.3-70b", "1x64", 8192, false},  // another size of Mac
  };
  for (const Row& row : rows) {
    INFO(row.model << " on " << row.nodes << " at " << row.context);
    plan::Request request = request_of(row.model, row.nodes);
    request.workload.context = Tokens(row.context);
    const plan::Plan plan = plan::make_plan(request);
    REQUIRE(plan.verdict.placement);
    CHECK(plan.verdict.tier == fit::Tier::comfortable);
    CHECK(row.warned ==
          std::any_of(plan.notes.begin(), plan.notes.end(), [](const std::string& note) {
            return note.find("seen to swap") != std::string::npos;
          }));
  }
}
