#include "macfit/plan/plan.hpp"

#include <fmt/format.h>

#include "expand.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/plan/speeds.hpp"
#include "words.hpp"

namespace macfit::plan {
namespace {

void check_layers(const Request& request) {
  if (request.layers.empty()) {
    return;
  }
  const auto layers = static_cast<std::int64_t>(request.model.architecture.layers.size());
  std::int64_t sum = 0;
  for (const std::int64_t count : request.layers) {
    if (count < 1) {
      throw Error("--layers: every node of a pipeline holds at least one layer");
    }
    sum = checked_add(sum, count);
  }
  if (request.layers.size() != request.cluster.nodes.size()) {
    throw Error(fmt::format("--layers names {} node{}, the cluster has {}", request.layers.size(),
                            request.layers.size() == 1 ? "" : "s", request.cluster.nodes.size()),
                {}, "one number for each node, joined by commas");
  }
  if (sum != layers) {
    throw Error(
        fmt::format("--layers sums to {}, {} has {} layers", sum, request.model.id, layers));
  }
}

Verdict::Kind kind_of(const Decision& decision) {
  if (decision.wont_fit) {
    return Verdict::Kind::wont_fit;
  }
  switch (decision.split) {
    case SplitKind::independent:
      return Verdict::Kind::independent;
    case SplitKind::pipeline:
      return Verdict::Kind::pipeline;
    case SplitKind::tensor:
      return Verdict::Kind::tensor;
  }
  return Verdict::Kind::wont_fit;
}

}  // namespace

std::string_view split_name(SplitKind split) noexcept {
  switch (split) {
    case SplitKind::independent:
      return "independent";
    case SplitKind::pipeline:
      return "pipeline";
    case SplitKind::tensor:
      return "tensor";
  }
  return "";
}

std::string_view layout_name(Layout layout) noexcept {
  switch (layout) {
    case Layout::runtime_default:
      return "default";
    case Layout::best:
      return "best";
    case Layout::given:
      return "given";
  }
  return "";
}

std::string_view limit_name(Limit limit) noexcept {
  switch (limit) {
    case Limit::standard:
      return "default";
    case Limit::raised:
      return "raised";
    case Limit::stated:
      return "stated";
  }
  return "";
}

std::string verdict_name(Verdict::Kind kind, std::size_t workers) {
  switch (kind) {
    case Verdict::Kind::independent:
      return workers <= 1 ? "single-worker" : count_word(workers) + "-independent-workers";
    case Verdict::Kind::pipeline:
      return workers <= 1 ? "pipeline-shard" : count_word(workers) + "-pipeline-shards";
    case Verdict::Kind::tensor:
      return workers <= 1 ? "tensor-shard" : count_word(workers) + "-tensor-shards";
    case Verdict::Kind::wont_fit:
      break;
  }
  return "won't-fit";
}

Plan make_plan(const Request& request) {
  if (request.cluster.nodes.empty()) {
    throw Error("a plan needs at least one node");
  }
  if (request.runtimes.empty()) {
    throw Error("a plan needs at least one runtime");
  }
  std::vector<Scenario> scenarios;
  for (const runtime::Id id : request.runtimes) {
    scenarios.push_back(make_scenario(request, id));
    add_work(scenarios.back(), request);
  }
  check_layers(request);

  Plan plan;
  plan.request = request;
  const Decision decision = decide(scenarios, request.workload, request.only);
  for (const Scenario& scenario : scenarios) {
    for (Placement& placement : placements_of(request, scenario)) {
      if (request.only && placement.split != *request.only) {
        placement.may_win = false;
      }
      plan.placements.push_back(std::move(placement));
    }
  }
  plan.verdict.kind = kind_of(decision);
  plan.verdict.tier = decision.tier;
  plan.verdict.workers = decision.replicas;
  if (!decision.wont_fit) {
    const runtime::Id winner = scenarios[decision.scenario].runtime->id();
    for (std::size_t i = 0; i < plan.placements.size(); ++i) {
      const Placement& placement = plan.placements[i];
      if (placement.may_win && placement.runtime == winner && placement.split == decision.split) {
        plan.verdict.placement = i;
        break;
      }
    }
  }
  put_into_words(plan, scenarios, decision);
  plan.actions = find_actions(plan);
  return plan;
}

}  // namespace macfit::plan
