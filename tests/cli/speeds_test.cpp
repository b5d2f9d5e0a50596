// Speeds in plans, and what cables and caches that can't work do to them.

#include <algorithm>

#include "cli_test.hpp"

using macfit::test::make;

namespace {

using namespace macfit;

std::string kind(const plan::Plan& plan) {
  return plan::verdict_name(plan.verdict.kind, plan.verdict.workers);
}

const plan::Placement& winner(const plan::Plan& plan) {
  REQUIRE(plan.verdict.placement);
  return plan.placements[*plan.verdict.placement];
}

bool has_reason(const plan::Plan& plan, const std::string& code) {
  return std::any_of(plan.verdict.reasons.begin(), plan.verdict.reasons.end(),
                     [&](const plan::Reason& reason) { return reason.code == code; });
}

bool names(const plan::Placement& placement, const std::string& code) {
  return std::any_of(placement.problems.begin(), placement.problems.end(),
                     [&](const plan::Reason& problem) { return problem.code == code; });
}

bool suggests(const plan::Plan& plan, const std::string& kind, const std::string& part) {
  return std::any_of(plan.actions.begin(), plan.actions.end(), [&](const plan::Action& action) {
    return action.kind == kind && action.command.find(part) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("tensor wins over RDMA where it is faster, never over TCP", "[cli]") {
  const plan::Plan rdma =
      make({"--model", "minimax-m2.5", "--nodes", "2x128", "--link", "tb5-rdma"});
  CHECK(kind(rdma) == "tensor-shard");
  CHECK(has_reason(rdma, "tensor-faster"));
  const plan::Plan tcp = make({"--model", "minimax-m2.5", "--nodes", "2x128"});
  CHECK(kind(tcp) == "pipeline-shard");
  CHECK(has_reason(tcp, "tensor-latency"));
  const auto tensor = [](const plan::Plan& plan) {
    for (const plan::Placement& placement : plan.placements) {
      if (placement.split == plan::SplitKind::tensor && placement.standing.supported) {
        return placement.speed.decode->value;
      }
    }
    return 0.0;
  };
  CHECK(tensor(tcp) < winner(tcp).speed.decode->value);
  CHECK(tensor(rdma) > 2.0 * tensor(tcp));
}

TEST_CASE("workers do twice the jobs, one stream is sped up by tensor over RDMA alone", "[cli]") {
  const plan::Plan plan = make({"--model", "llama-3.3-70b", "--nodes", "2x128"});
  REQUIRE(kind(plan) == "two-independent-workers");
  const plan::Speed& speed = winner(plan).speed;
  CHECK(speed.aggregate->value == test::Approx(2.0 * speed.decode->value));
  CHECK(speed.decode->low < speed.decode->value);
  CHECK(speed.decode->value < speed.decode->high);
  CHECK(has_reason(plan, "one-stream"));
}

TEST_CASE("a pipeline over unlike chips gives the faster one what it holds comfortably", "[cli]") {
  const plan::Plan plan = make({"--model", "230b-q4", "--nodes", "m3-ultra-256+m4-pro-64",
                                "--split", "pipeline", "--runtime", "mlx-lm"});
  const plan::Placement& best = winner(plan);
  CHECK(best.layout == plan::Layout::best);
  CHECK(best.standing.tier == fit::Tier::comfortable);
  const plan::Placement* even = nullptr;
  for (const plan::Placement& placement : plan.placements) {
    if (placement.split == plan::SplitKind::pipeline &&
        placement.layout == plan::Layout::runtime_default) {
      even = &placement;
    }
  }
  REQUIRE(even != nullptr);
  CHECK(best.speed.decode->value > even->speed.decode->value);
}

TEST_CASE("a TB4 node rules RDMA out: planned over TCP, with the problem named", "[cli]") {
  const plan::Plan plan =
      make({"--model", "minimax-m2.5", "--nodes", "m4-max-128+m2-max-96", "--link", "tb5-rdma"});
  CHECK(kind(plan) == "pipeline-shard");
  CHECK(names(winner(plan), "tb4-in-ring"));
  CHECK(suggests(plan, "tb4-in-ring", "--link tb4"));
}

TEST_CASE("RDMA before macOS 26.2 is ruled out", "[cli]") {
  const plan::Plan plan =
      make({"--model", "minimax-m2.5", "--nodes", "2x128", "--link", "tb5-rdma", "--macos", "15"});
  CHECK(kind(plan) == "pipeline-shard");
  CHECK(names(winner(plan), "jaccl-needs-macos-26.2"));
  CHECK(suggests(plan, "jaccl-needs-macos-26.2", "--link tb5-tcp"));
}

TEST_CASE("nine JACCL ranks are named", "[cli]") {
  const plan::Plan plan =
      make({"--model", "400b-q8", "--nodes", "9x64", "--link", "tb5-rdma", "--runtime", "mlx-lm"});
  CHECK(names(winner(plan), "jaccl-too-many-ranks"));
}

TEST_CASE("a mesh without ports is named", "[cli]") {
  const plan::Plan plan =
      make({"--model", "400b-q4", "--nodes", "5xmac-mini-m4-pro-64", "--link", "tb5-rdma"});
  CHECK(names(winner(plan), "mesh-without-ports"));
  CHECK(suggests(plan, "mesh-without-ports", "--link tb5-tcp"));
}

TEST_CASE("three nodes do not divide eight KV heads", "[cli]") {
  const plan::Plan plan = make({"--model", "gpt-oss-120b", "--nodes", "3x128", "--link", "tb5-rdma",
                                "--split", "tensor", "--runtime", "mlx-lm"});
  CHECK(names(winner(plan), "not-divisible"));
  CHECK(has_reason(plan, "idle-node"));
  CHECK(has_reason(plan, "better-split"));
  CHECK(winner(plan).nodes.size() == 2);
}

TEST_CASE("keys and values of different types are an error with a remedy", "[cli]") {
  const plan::Plan plan = make({"--model", "llama-3.1-70b", "--nodes", "2x128", "--runtime",
                                "llama.cpp", "--kv", "q8_0,q4_0"});
  CHECK(plan.verdict.kind == plan::Verdict::Kind::unsupported);
  REQUIRE_FALSE(plan.placements.empty());
  CHECK(names(plan.placements.front(), "kv-types-differ"));
  CHECK(suggests(plan, "same-cache-types", "--kv q8"));
}

TEST_CASE("another cluster beside this one", "[cli]") {
  const test::Ran text = test::run(
      "plan --model 230b-q4 --nodes 2x128 --against mac-studio-m3-ultra-512 --color never");
  CHECK(text.code == 0);
  CHECK(text.out.find("Against mac-studio-m3-ultra-512") != std::string::npos);
  CHECK(text.out.find("jobs in a night") != std::string::npos);
  const test::Ran wrong = test::run("plan --model 230b-q4 --nodes 2x128 --against m4-max-129");
  CHECK(wrong.code == 2);
  CHECK(wrong.error.find("--against") != std::string::npos);
}
