// What people say about such clusters, as tests: macOS 26 limits, 8,192 tokens, one sequence.

#include <algorithm>

#include "cli_test.hpp"

using macfit::test::contains;
using macfit::test::make;

namespace {

using namespace macfit;

bool has_reason(const plan::Plan& plan, const std::string& code) {
  for (const plan::Reason& reason : plan.verdict.reasons) {
    if (reason.code == code) {
      return true;
    }
  }
  return false;
}

std::string words(const plan::Plan& plan) {
  std::string text = plan.verdict.summary;
  for (const plan::Reason& reason : plan.verdict.reasons) {
    text += "\n" + reason.text;
  }
  for (const std::string& note : plan.notes) {
    text += "\n" + note;
  }
  return text;
}

std::string kind(const plan::Plan& plan) {
  return plan::verdict_name(plan.verdict.kind, plan.verdict.workers);
}

const plan::Placement& winner(const plan::Plan& plan) {
  REQUIRE(plan.verdict.placement);
  return plan.placements[*plan.verdict.placement];
}

}  // namespace

TEST_CASE("230b-q4 on 2x128 is a comfortable pipeline", "[cli]") {
  const plan::Plan plan = make({"--model", "230b-q4", "--nodes", "2x128"});
  CHECK(kind(plan) == "pipeline-shard");
  CHECK(plan.verdict.tier == fit::Tier::comfortable);
  CHECK(has_reason(plan, "one-node-too-small"));
  CHECK(words(plan).find("129.4 GB") != std::string::npos);
  CHECK(words(plan).find("115.4 GB") != std::string::npos);
  for (const plan::NodeBudget& node : winner(plan).nodes) {
    CHECK(node.parts.weights.as_double() / 1e9 == test::Approx(65.0).margin(1.5));
  }
}

TEST_CASE("70b-q4 on 2x128 is two comfortable workers", "[cli]") {
  const plan::Plan plan = make({"--model", "70b-q4", "--nodes", "2x128"});
  CHECK(kind(plan) == "two-independent-workers");
  CHECK(plan.verdict.tier == fit::Tier::comfortable);
  CHECK(words(plan).find("twice the jobs") != std::string::npos);
  CHECK(words(plan).find("no faster") != std::string::npos);
}

TEST_CASE("200gb to 220gb on 2x128 are borderline pipelines with their sysctl line", "[cli]") {
  for (const char* model : {"200gb", "210gb", "220gb"}) {
    CAPTURE(model);
    const plan::Plan plan = make({"--model", model, "--nodes", "2x128"});
    CHECK(kind(plan) == "pipeline-shard");
    CHECK(plan.verdict.tier == fit::Tier::borderline);
    for (const plan::NodeBudget& node : winner(plan).nodes) {
      CHECK(node.parts.demand() < Bytes(128 * gib));
    }
    const bool raised = winner(plan).standing.raised();
    bool sysctl = false;
    for (const plan::Action& action : plan.actions) {
      sysctl = sysctl || action.command.rfind("sudo sysctl iogpu.wired_limit_mb=", 0) == 0;
    }
    CHECK(raised == sysctl);
    CHECK((std::string(model) == "200gb" || raised));
  }
}

TEST_CASE("230gb on 2x128 is the edge, said exactly", "[cli]") {
  const plan::Plan plan = make({"--model", "230gb", "--nodes", "2x128"});
  if (plan.verdict.kind == plan::Verdict::Kind::wont_fit) {
    CHECK(has_reason(plan, "short-of-memory"));
    CHECK(words(plan).find("bytes short") != std::string::npos);
  } else {
    CHECK(plan.verdict.tier == fit::Tier::borderline);
  }
}

TEST_CASE("250gb on 2x128 does not fit and says where and by how much", "[cli]") {
  const plan::Plan plan = make({"--model", "250gb", "--nodes", "2x128"});
  CHECK(kind(plan) == "won't-fit");
  CHECK(plan.verdict.tier == fit::Tier::not_practical);
  CHECK_FALSE(plan.verdict.placement);
  CHECK(words(plan).find("node-") != std::string::npos);
  CHECK(words(plan).find("bytes short") != std::string::npos);
}

TEST_CASE("where one more node is not enough, the fewest that are get offered", "[cli]") {
  const plan::Plan plan = make({"--model", "deepseek-v3.2", "--nodes", "2x128"});
  CHECK(kind(plan) == "won't-fit");
  const auto more = std::find_if(plan.actions.begin(), plan.actions.end(),
                                 [](const auto& action) { return action.kind == "more-nodes"; });
  REQUIRE(more != plan.actions.end());
  CHECK_THAT(more->command, test::contains("--nodes 2x128+2xmac-studio-m4-max-128"));
  const plan::Plan again =
      make({"--model", "deepseek-v3.2", "--nodes", "2x128+2xmac-studio-m4-max-128"});
  CHECK(again.verdict.placement);
  CHECK(again.verdict.tier == more->tier);
  CHECK_FALSE(make({"--model", "deepseek-v3.2", "--nodes", "3x128"}).verdict.placement);
}

TEST_CASE("1000b-q4 does not fit 2x128 even cut in two", "[cli]") {
  const plan::Plan plan = make({"--model", "1000b-q4", "--nodes", "2x128", "--split", "tensor"});
  CHECK(kind(plan) == "won't-fit");
  bool seen = false;
  for (const plan::Placement& placement : plan.placements) {
    for (const plan::NodeBudget& node : placement.nodes) {
      if (placement.split == plan::SplitKind::tensor) {
        seen = true;
        CHECK(node.parts.demand() > Bytes(128 * gib));
      }
    }
  }
  CHECK(seen);
}

TEST_CASE("200b-q4 on 4x64 is a comfortable pipeline over as few as reach the tier", "[cli]") {
  const plan::Plan plan = make({"--model", "200b-q4", "--nodes", "4x64"});
  CHECK(kind(plan) == "pipeline-shard");
  CHECK(plan.verdict.tier == fit::Tier::comfortable);
  // Three reach it; the fourth would add a hop and no speed.
  REQUIRE(winner(plan).nodes.size() + winner(plan).idle.size() == 4);
  REQUIRE(winner(plan).nodes.size() >= 3);
  for (const plan::NodeBudget& node : winner(plan).nodes) {
    CHECK(node.parts.weights >= Bytes(25 * gb));
    CHECK(node.parts.weights <= Bytes(41 * gb));
  }
  CHECK(plan.request.cluster.effective_sum() >= Bytes(170 * gib));
  CHECK(plan.request.cluster.effective_sum() <= Bytes(190 * gib));
  CHECK(plan.request.cluster.ram() == Bytes(256 * gib));
}

TEST_CASE("120b-q4 on 4x64 is two pipelines of two", "[cli]") {
  const plan::Plan plan = make({"--model", "120b-q4", "--nodes", "4x64"});
  CHECK(kind(plan) == "two-pipeline-shards");
  CHECK(winner(plan).nodes.size() == 4);
  CHECK(words(plan).find("twice the jobs") != std::string::npos);
}

TEST_CASE("8b-q4 on 2x8 has an extrapolated limit that raising never lowers", "[cli]") {
  const plan::Plan plan = make({"--model", "8b-q4", "--nodes", "2x8"});
  CHECK(plan.verdict.workers <= 2);
  CHECK(plan.verdict.kind != plan::Verdict::Kind::tensor);
  for (const hardware::Node& node : plan.request.cluster.nodes) {
    CHECK(node.gpu_limit.evidence == Evidence::extrapolated);
    CHECK(node.raised_limit >= node.gpu_limit.bytes);
  }
  CHECK(words(plan).find("extrapolated") != std::string::npos);
}

TEST_CASE("70b-q4 on 4x64 is four workers", "[cli]") {
  CHECK(kind(make({"--model", "70b-q4", "--nodes", "4x64"})) == "four-independent-workers");
}

TEST_CASE("70b-q4 on 1x128+1x36 works on the large node and says why", "[cli]") {
  const plan::Plan plan = make({"--model", "70b-q4", "--nodes", "1x128+1x36"});
  CHECK(kind(plan) == "single-worker");
  REQUIRE(winner(plan).nodes.size() == 1);
  CHECK(winner(plan).nodes.front().node == 0);
  CHECK(has_reason(plan, "idle-node"));
  CHECK(words(plan).find("node-2 gets no worker") != std::string::npos);
}

TEST_CASE("minimax-m2.5 on 2x128 under mlx-lm over TCP is a tensor shard, with its warning",
          "[cli]") {
  const plan::Plan plan =
      make({"--model", "minimax-m2.5", "--nodes", "2x128", "--runtime", "mlx-lm"});
  CHECK(kind(plan) == "tensor-shard");
  CHECK(plan.verdict.tier == fit::Tier::borderline);
  const std::string text = words(plan);
  CHECK(text.find("mlx-lm has no pipeline") != std::string::npos);
  CHECK(text.find("EXO") != std::string::npos);
  CHECK(text.find("RDMA") != std::string::npos);
  CHECK(has_reason(plan, "tensor-latency"));
  bool pipeline = false;
  bool tensor = false;
  for (const plan::Placement& placement : plan.placements) {
    pipeline = pipeline || (placement.split == plan::SplitKind::pipeline &&
                            !placement.standing.supported && placement.nodes.size() == 2);
    tensor = tensor || (placement.split == plan::SplitKind::tensor && placement.nodes.size() == 2);
  }
  CHECK(pipeline);
  CHECK(tensor);
}

TEST_CASE("a tensor split over TCP is not taken where something else loads", "[cli]") {
  for (const char* model : {"llama-3.1-70b", "230b-q4", "minimax-m2.5", "gpt-oss-120b"}) {
    for (const char* nodes : {"2x128", "4x64", "2x64"}) {
      CAPTURE(model, nodes);
      const plan::Plan plan = make({"--model", model, "--nodes", nodes});
      CHECK(plan.verdict.kind != plan::Verdict::Kind::tensor);
    }
  }
  const plan::Plan plan = make({"--model", "230b-q4", "--nodes", "2x128"});
  REQUIRE(has_reason(plan, "tensor-latency"));
  CHECK(words(plan).find("collectives a token") != std::string::npos);
}

TEST_CASE("MiniMax-M2.5 split 31/31 weighs what the runtime loads", "[cli]") {
  // Checkpoint: MiniMax-M2.5 4 bit, published total_size 128,666,664,960 B.
  const plan::Plan plan =
      make({"--model", "minimax-m2.5", "--nodes", "2x128", "--layers", "31,31"});
  const plan::Placement& placement = winner(plan);
  CHECK(placement.weight_bytes == Bytes(128'666'664'960));
  REQUIRE(placement.nodes.size() == 2);
  for (const plan::NodeBudget& node : placement.nodes) {
    CHECK(node.layer_count == 31);
    CHECK(node.parts.weights == Bytes(64'679'046'144));
    // 253,952 B a token over the two halves.
    CHECK(node.parts.kv_cache == Bytes(253'952 / 2 * 8192));
  }
}

TEST_CASE("Llama-3.1-70B at 4 bit weighs what its checkpoint does", "[cli]") {
  // Llama-3.1-Nemotron-70B 4 bit, same shapes: total_size 39,688,355,840 B.
  const plan::Plan plan = make({"--model", "llama-3.1-70b", "--nodes", "2x128"});
  CHECK(winner(plan).weight_bytes == Bytes(39'688'355'840));
  CHECK(kind(plan) == "two-independent-workers");
}
