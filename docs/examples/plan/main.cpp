// Plans a model on some Macs: plan_example [MODEL [NODES]]

#include <exception>
#include <iostream>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/runtime/catalog.hpp"

using namespace macfit;

namespace {

plan::Plan make(const char* model, const char* nodes) {
  plan::Request request;
  const model::NamedModel named = model::find_model(model, model::Catalog::embedded());
  request.model = named.model;
  request.recipe = named.recipe;
  request.cluster = hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded());
  request.runtimes = runtime::Catalog::embedded().all();
  request.workload.context = parse_tokens("32k");
  return plan::make_plan(request);
}

void print(const plan::Plan& plan) {
  std::cout << plan.request.model.id << " on " << plan.request.cluster.spec << ": "
            << plan::verdict_name(plan.verdict.kind, plan.verdict.workers) << ", "
            << fit::tier_name(plan.verdict.tier) << '\n'
            << plan.verdict.summary << '\n';
  if (!plan.verdict.placement) {
    return;
  }
  const plan::Placement& winner = plan.placements[*plan.verdict.placement];
  for (const plan::NodeBudget& budget : winner.nodes) {
    const hardware::Node& node = plan.request.cluster.nodes[budget.node];
    std::cout << node.name << ": " << budget.layer_count << " layers from " << budget.first_layer
              << "\n  weights   " << format_gb(budget.parts.weights) << " ("
              << evidence_name(winner.weight_evidence) << ")\n  demand    "
              << format_gb(budget.parts.demand()) << " of " << format_gb(budget.effective)
              << "\n  GPU limit " << format_gb(node.gpu_limit.bytes) << " ("
              << evidence_name(node.gpu_limit.evidence) << ")\n";
  }
  if (winner.speed.decode) {
    std::cout << "decode " << format_rate(winner.speed.decode->low) << " to "
              << format_rate(winner.speed.decode->high) << " tokens a second ("
              << evidence_name(winner.speed.decode->evidence) << ")\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    print(make(argc > 1 ? argv[1] : "minimax-m2.5", argc > 2 ? argv[2] : "2x128"));
    return 0;
  } catch (const std::exception& error) {  // a macfit::Error: what was found, what was expected
    std::cerr << "plan_example: " << error.what() << '\n';
    return 2;
  }
}
