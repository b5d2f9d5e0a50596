// The decision's rules on cases that were once answered poorly, and the design's own hard ones.

#include <algorithm>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/runtime/catalog.hpp"
#include "test.hpp"

using namespace macfit;
using plan::Goal;
using plan::SplitKind;
using plan::Verdict;

namespace {

struct Asked {
  std::string model;
  std::string nodes;
  std::string quant = "";
  std::int64_t context = 8192;
  std::int64_t sequences = 1;
  std::string runtimes = "all";
  std::string link = "";
};

plan::Request request_of(const Asked& asked) {
  plan::Request request;
  std::optional<model::Recipe> recipe;
  if (!asked.quant.empty()) {
    recipe = model::parse_recipe(asked.quant);
  }
  model::NamedModel found = model::find_model(asked.model, model::Catalog::embedded(), recipe);
  request.model = std::move(found.model);
  request.recipe = std::move(found.recipe);
  hardware::ClusterOptions options;
  if (!asked.link.empty()) {
    options.link = asked.link;
  }
  request.cluster = hardware::parse_cluster(asked.nodes, options, hardware::Catalog::embedded());
  request.workload.context = Tokens(asked.context);
  request.workload.sequences = asked.sequences;
  request.runtimes = runtime::Catalog::embedded().parse(asked.runtimes);
  return request;
}

plan::Plan plan_of(const Asked& asked) { return plan::make_plan(request_of(asked)); }

std::string verdict_of(const plan::Plan& plan) {
  return plan::verdict_name(plan.verdict.kind, plan.verdict.workers) + ", " +
         std::string(fit::tier_name(plan.verdict.tier)) + (plan.verdict.fits ? "" : ", capped");
}

const plan::Placement& winner(const plan::Plan& plan) {
  REQUIRE(plan.verdict.placement);
  return plan.placements[*plan.verdict.placement];
}

double rate_of(const plan::Plan& plan) { return winner(plan).speed.aggregate->value; }

bool has_reason(const plan::Plan& plan, const std::string& code) {
  return std::any_of(plan.verdict.reasons.begin(), plan.verdict.reasons.end(),
                     [&](const plan::Reason& reason) { return reason.code == code; });
}

const plan::Action* action(const plan::Plan& plan, const std::string& kind) {
  const auto found = std::find_if(plan.actions.begin(), plan.actions.end(),
                                  [&](const plan::Action& one) { return one.kind == kind; });
  return found == plan.actions.end() ? nullptr : &*found;
}

constexpr std::int64_t k = 1024;

}  // namespace

TEST_CASE("a small node more stays idle", "[plan]") {
  const plan::Plan two = plan_of({"gpt-oss-120b", "2x64"});
  const plan::Plan three = plan_of({"gpt-oss-120b", "2x64+1x32"});
  CHECK(verdict_of(three) == verdict_of(two));
  CHECK(rate_of(three) == test::Approx(rate_of(two)));
  CHECK(winner(three).idle == std::vector<std::size_t>{2});
  CHECK(has_reason(three, "idle-node"));

  const plan::Plan large = plan_of({"kimi-k2.5", "2xmac-studio-m3-ultra-512"});
  const plan::Plan larger = plan_of({"kimi-k2.5", "2xmac-studio-m3-ultra-512+1x32"});
  CHECK(winner(larger).max_context == winner(large).max_context);
  CHECK(rate_of(larger) == test::Approx(rate_of(large)));
}

TEST_CASE("the order of nodes means nothing", "[plan]") {
  const auto answer = [](const char* nodes) {
    Asked asked{"glm-4.5", nodes, "mlx-4bit-g64", 4096, 8, "mlx-lm"};
    plan::Request request = request_of(asked);
    request.workload.prefill_step = 512;
    return verdict_of(plan::make_plan(request));
  };
  CHECK(answer("1x48+1x64+2x48+1x16+1x48") == answer("1x64+4x48+1x16"));
  CHECK(answer("1x64+4x48+1x16").find("pipeline-shard") == 0);
}

TEST_CASE("what fits with a raised limit goes before what only loads", "[plan]") {
  const plan::Plan plan = plan_of({"glm-4.5", "2x128", "", 32 * k});
  CHECK(verdict_of(plan) == "pipeline-shard, borderline");
  CHECK(winner(plan).standing.raised());
  REQUIRE(action(plan, "raise-gpu-limit") != nullptr);
  CHECK_THAT(action(plan, "raise-gpu-limit")->command,
             test::contains("sudo sysctl iogpu.wired_limit_mb="));
}

TEST_CASE("borderline workers say that a shard would be comfortable, and how", "[plan]") {
  const plan::Plan plan = plan_of({"step-3.5-flash", "2x128"});
  CHECK(verdict_of(plan) == "two-independent-workers, borderline");
  CHECK(has_reason(plan, "roomier-shard"));
  REQUIRE_FALSE(plan.actions.empty());
  CHECK(plan.actions.front().kind == "another-split");
  CHECK(plan.actions.front().tier == fit::Tier::comfortable);
  CHECK_THAT(plan.actions.front().command, test::contains("--split pipeline"));
}

TEST_CASE("a lone worker has no privilege over a comfortable shard", "[plan]") {
  const plan::Plan plan = plan_of({"yi-34b", "1x256+4x128", "", 113'534, 7, "exo"});
  CHECK(plan.verdict.tier == fit::Tier::comfortable);
}

TEST_CASE("a context that does not fit fails the gate, whatever loads", "[plan]") {
  const plan::Plan capped = plan_of({"minimax-m2.5", "2x128", "", 1024 * k});
  CHECK_FALSE(capped.verdict.fits);
  CHECK_FALSE(plan::meets(plan::Requirement::fits, capped.verdict.tier, capped.verdict.fits));
  CHECK(plan::meets(plan::Requirement::loads, capped.verdict.tier, capped.verdict.fits));

  // The model ends at 8,192 tokens: no hardware changes that, and none is offered.
  const plan::Plan ends = plan_of({"llama-3-8b", "2x128", "", 256 * k});
  CHECK(verdict_of(ends) == "two-independent-workers, comfortable, capped");
  CHECK(ends.verdict.reasons.front().code == "context-above-longest");
  CHECK_FALSE(plan::meets(plan::Requirement::comfortable, ends.verdict.tier, ends.verdict.fits));
  CHECK(action(ends, "one-more-node") == nullptr);
  CHECK(action(ends, "bigger-machine") == nullptr);
  CHECK(plan::parse_requirement("borderline") == plan::Requirement::fits);
}

TEST_CASE("a verdict always has its placement", "[plan]") {
  const plan::Plan plan =
      plan_of({"llama-3.1-405b", "8xm4-max-128", "mlx-6bit-g64", 8192, 1, "mlx-lm", "tb5-rdma"});
  CHECK(plan.verdict.placement.has_value() == plan.verdict.has_tier());
  if (plan.verdict.placement) {
    CHECK(winner(plan).standing.loads());
    CHECK_FALSE(winner(plan).nodes.empty());
  }
}

TEST_CASE("one answer over all nodes can be asked for, and so many replicas", "[plan]") {
  plan::Request request =
      request_of({"deepseek-v3.1", "4xmac-studio-m3-ultra-512", "", k, 1, "mlx-lm", "tb5-rdma"});
  request.goal = Goal::answer;
  const plan::Plan one = plan::make_plan(request);
  CHECK(one.verdict.workers == 1);
  CHECK(winner(one).nodes.size() == 4);
  request.goal = Goal::jobs;
  const plan::Plan jobs = plan::make_plan(request);
  CHECK(winner(one).speed.decode->value > winner(jobs).speed.decode->value);

  request = request_of({"llama-3.1-70b", "4x128"});
  request.replicas = 2;
  CHECK(plan::make_plan(request).verdict.workers == 2);
  request.replicas = 5;
  const plan::Plan none = plan::make_plan(request);
  CHECK(none.verdict.kind == Verdict::Kind::wont_fit);
}

TEST_CASE("the design's hard cases", "[plan]") {
  SECTION("a lone comfortable worker stays") {
    CHECK(verdict_of(plan_of({"70b-q4", "1xm4-pro-64+1xm4-max-48"})) ==
          "single-worker, comfortable");
  }
  SECTION("three pipelines beat two borderline workers") {
    const plan::Plan plan = plan_of({"95gb", "2x128+6xm4-max-64"});
    CHECK(plan.verdict.kind == Verdict::Kind::pipeline);
    CHECK(plan.verdict.workers >= 3);
  }
  SECTION("where the context does not fit the longest cap wins") {
    const plan::Plan plan = plan_of({"70b-q4", "2x64", "", 256 * k});
    CHECK(plan.verdict.kind == Verdict::Kind::pipeline);
  }
  SECTION("one raised worker beats a shard at 99 %") {
    const plan::Plan plan = plan_of({"117gb", "1x128+1x36"});
    CHECK(verdict_of(plan) == "single-worker, borderline");
    CHECK(winner(plan).standing.raised());
  }
  SECTION("two raised workers are offered beside a comfortable shard") {
    const plan::Plan plan = plan_of({"120gb", "2x128"});
    CHECK(verdict_of(plan) == "pipeline-shard, comfortable");
    REQUIRE(action(plan, "raise-gpu-limit") != nullptr);
    CHECK_THAT(action(plan, "raise-gpu-limit")->effect, test::contains("two-independent-workers"));
  }
  SECTION("a context beyond the model's is judged at the model's") {
    const plan::Plan plan = plan_of({"devstral-2-123b", "2x128", "", 1024 * k});
    CHECK_FALSE(plan.verdict.fits);
    CHECK(plan.verdict.reasons.front().code == "context-above-longest");
  }
}

TEST_CASE("won't-fit is said of memory alone", "[plan]") {
  SECTION("over TCP mlx-lm has only a tensor split for MiniMax M2") {
    const plan::Plan plan = plan_of({"minimax-m2.5", "2x128", "", 8192, 1, "mlx-lm"});
    CHECK(verdict_of(plan) == "tensor-shard, borderline");
    CHECK(has_reason(plan, "tensor-latency"));
  }
  SECTION("a cache that the runtime refuses is not memory") {
    plan::Request request =
        request_of({"deepseek-v3.1", "2xmac-studio-m3-ultra-512", "", 8192, 1, "mlx-lm"});
    request.workload.kv = runtime::KvFormat::q8;
    const plan::Plan plan = plan::make_plan(request);
    CHECK(plan.verdict.kind == Verdict::Kind::unsupported);
    CHECK_FALSE(plan.verdict.has_tier());
    CHECK_FALSE(plan.verdict.placement);
    REQUIRE(plan.verdict.nearest);
    CHECK(plan.placements[*plan.verdict.nearest].standing.loads());
  }
  SECTION("without shapes nothing is said of memory but the weights") {
    plan::Request request = request_of({"llama-3.1-70b", "2x128"});
    request.model.architecture.cache_known = false;
    const plan::Plan plan = plan::make_plan(request);
    CHECK(plan::verdict_name(plan.verdict.kind, 0) == "unknown");
    CHECK(has_reason(plan, "weights-alone"));
    // What is too heavy by its weights alone won't fit, known shapes or not.
    request.cluster = hardware::parse_cluster("2x16", {}, hardware::Catalog::embedded());
    CHECK(plan::make_plan(request).verdict.kind == Verdict::Kind::wont_fit);
  }
}

TEST_CASE("unsupported is what a runtime is known not to do, unknown what nobody told", "[plan]") {
  struct Row {
    const char* type;
    const char* runtimes;
    Verdict::Kind kind;
  };
  const Row rows[] = {
      {"", "all", Verdict::Kind::unknown},  // weights without a config.json
      {"", "mlx-lm", Verdict::Kind::unknown},
      {"novel", "mlx-lm", Verdict::Kind::unsupported},  // the release's classes are all known
      {"novel", "llama.cpp", Verdict::Kind::unknown},   // its architectures are not
      {"novel", "all", Verdict::Kind::unknown},
      {"mimo", "llama.cpp", Verdict::Kind::unsupported},  // known to have none
      {"llama", "all", Verdict::Kind::independent},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type, row.runtimes);
    plan::Request request =
        request_of({.model = "llama-3.1-8b", .nodes = "2x64", .runtimes = row.runtimes});
    request.model.architecture.type = row.type;
    const plan::Plan plan = plan::make_plan(request);
    CHECK(plan.verdict.kind == row.kind);
    // Memory is said either way, but for GGUF's bytes, which follow from the architecture's rule.
    if (row.kind != Verdict::Kind::independent && std::string(row.runtimes) != "llama.cpp") {
      REQUIRE(plan.verdict.nearest);
      CHECK(plan.placements[*plan.verdict.nearest].standing.loads());
      CHECK_THAT(plan.verdict.summary, test::contains("would fit in memory"));
    }
  }
}
