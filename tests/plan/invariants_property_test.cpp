// The design's invariants, over random models, clusters and workloads.

#include <numeric>

#include <rapidcheck.h>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/runtime/catalog.hpp"
#include "models.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

plan::Request random_request() {
  plan::Request request;
  if (*rc::gen::inRange(0, 3) == 0) {
    const int billions = *rc::gen::inRange(1, 900);
    request.model = model::nominal_model(model::parse_nominal(std::to_string(billions) + "b-q4"),
                                         model::Catalog::embedded());
  } else {
    request.model = test::plannable_models()[*rc::gen::inRange<std::size_t>(
        0, test::plannable_models().size())];
  }
  const std::vector<const char*> formats = {"q4", "q8", "q3", "bf16", "q6"};
  request.recipe = model::parse_recipe(formats[*rc::gen::inRange<std::size_t>(0, formats.size())]);
  const std::vector<const char*> sizes = {"16", "24", "32", "36", "48", "64", "96", "128", "512"};
  std::string spec;
  const int parts = *rc::gen::inRange(1, 4);
  for (int i = 0; i < parts; ++i) {
    spec += (i > 0 ? "+" : "") + std::to_string(*rc::gen::inRange(1, 3)) + "x" +
            sizes[*rc::gen::inRange<std::size_t>(0, sizes.size())];
  }
  request.cluster = hardware::parse_cluster(spec, {}, hardware::Catalog::embedded());
  request.workload.context = Tokens(*rc::gen::inRange(1, 200'000));
  request.workload.sequences = *rc::gen::inRange(1, 9);
  request.workload.prefill_step = *rc::gen::element<std::int64_t>(512, 1000, 2048);
  request.runtimes = {*rc::gen::elementOf(runtime::Catalog::embedded().all())};
  return request;
}

std::int64_t whole_demand(const plan::Request& request) {
  const plan::Scenario scenario = plan::make_scenario(request, *request.runtimes.front());
  RC_PRE(scenario.runs.ok);  // else there is nothing to demand
  const fit::Demand demand =
      plan::demand_of(scenario, request.workload, request.workload.context.count(),
                      plan::SplitKind::independent, 1, hardware::Transport::tcp);
  return demand.stage(0, demand.layers());
}

fit::Tier tier(const plan::Request& request) {
  return plan::decide(plan::make_scenarios(request), request.workload, plan::terms_of(request))
      .tier;
}

}  // namespace

TEST_CASE("budgets add up in every placement", "[plan]") {
  CHECK(rc::check("parts, demand, headroom, layers and weights", [] {
    const plan::Request request = random_request();
    const plan::Plan plan = plan::make_plan(request);
    for (const plan::Placement& placement : plan.placements) {
      std::vector<std::int64_t> layers(placement.replicas, 0);
      std::vector<Bytes> weights(placement.replicas);
      std::vector<std::int64_t> members(placement.replicas, 0);
      for (const plan::NodeBudget& node : placement.nodes) {
        RC_ASSERT(node.parts.demand() + node.headroom == node.effective);
        RC_ASSERT(node.parts.weights >= Bytes(0));
        RC_ASSERT(node.parts.kv_cache >= Bytes(0));
        RC_ASSERT(node.layer_count >= 1);
        layers[node.replica] += node.layer_count;
        weights[node.replica] += node.parts.weights;
        ++members[node.replica];
        RC_ASSERT(!placement.standing.fits() || node.headroom >= Bytes(0));
      }
      const plan::Scenario scenario = plan::make_scenario(request, *placement.runtime);
      for (std::size_t r = 0; r < placement.replicas && !placement.nodes.empty(); ++r) {
        const auto model_layers = static_cast<std::int64_t>(scenario.profile.layers);
        RC_ASSERT(layers[r] == (placement.split == plan::SplitKind::pipeline
                                    ? model_layers
                                    : model_layers * members[r]));
        if (placement.split == plan::SplitKind::pipeline) {
          // Every node holds embedding, head and final norm beside its layers.
          // What a runtime keeps on the CPU's side is not among the nodes' GPU bytes.
          RC_ASSERT(weights[r] + Bytes(scenario.profile.host_weights) ==
                    placement.weight_bytes + Bytes(scenario.profile.everywhere) * (members[r] - 1));
        } else {
          RC_ASSERT(weights[r] + Bytes(scenario.profile.host_weights) >= placement.weight_bytes);
        }
      }
    }
    const bool wins = plan.verdict.placement.has_value();
    using Kind = plan::Verdict::Kind;
    RC_ASSERT(wins ==
              (plan.verdict.kind != Kind::wont_fit && plan.verdict.kind != Kind::unsupported &&
               plan.verdict.kind != Kind::unknown));
    RC_ASSERT(wins == (plan.verdict.tier != fit::Tier::not_practical));
    if (wins) {
      const plan::Placement& winner = plan.placements[*plan.verdict.placement];
      RC_ASSERT(winner.standing.may_win);
      RC_ASSERT(winner.standing.loads());
      RC_ASSERT(winner.standing.tier == plan.verdict.tier);
      RC_ASSERT(winner.standing.fits() == plan.verdict.fits);
      RC_ASSERT(winner.replicas == plan.verdict.workers);
    } else {
      for (const plan::Placement& placement : plan.placements) {
        RC_ASSERT(!(placement.standing.may_win && placement.standing.loads()));
      }
    }
  }));
}

TEST_CASE("more context, sequences or bits never lower a demand", "[plan]") {
  CHECK(rc::check("demand grows", [] {
    plan::Request request = random_request();
    const std::int64_t before = whole_demand(request);
    plan::Request more = request;
    more.workload.context = Tokens(request.workload.context.count() + *rc::gen::inRange(0, 9000));
    RC_ASSERT(whole_demand(more) >= before);
    more = request;
    more.workload.sequences += *rc::gen::inRange(0, 4);
    RC_ASSERT(whole_demand(more) >= before);
    request.recipe = model::parse_recipe("q4");
    more = request;
    more.recipe = model::parse_recipe("q8");
    RC_ASSERT(whole_demand(more) >= whole_demand(request));
  }));
}

TEST_CASE("more memory never worsens the tier", "[plan]") {
  CHECK(rc::check("tier against limits", [] {
    plan::Request request = random_request();
    request.only = *rc::gen::element(plan::SplitKind::independent, plan::SplitKind::pipeline);
    const fit::Tier before = tier(request);
    for (hardware::Node& node : request.cluster.nodes) {
      const Bytes more = Bytes(gib) * *rc::gen::inRange(0, 64);
      node.ram += more;
      node.gpu_limit.bytes += more;
      node.raised_limit += more;
    }
    RC_ASSERT(tier(request) >= before);
  }));
}

TEST_CASE("the quick decision and the whole plan agree", "[plan]") {
  CHECK(rc::check("decide and make_plan", [] {
    const plan::Request request = random_request();
    const plan::Decision decision =
        plan::decide(plan::make_scenarios(request), request.workload, plan::terms_of(request));
    const plan::Plan plan = plan::make_plan(request);
    RC_ASSERT(decision.tier == plan.verdict.tier);
    RC_ASSERT(decision.found() == plan.verdict.placement.has_value());
    RC_ASSERT(decision.replicas.size() == plan.verdict.workers);
  }));
}
