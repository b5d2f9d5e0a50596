// One request in, one plan out: decides, shows what lost beside what won, and puts it into words.

#include "macfit/plan/plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/plan/speeds.hpp"
#include "shown.hpp"
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

/// Something other than memory keeps a scenario from placements whose bytes are known.
bool restricts(const Scenario& scenario) {
  if (!scenario.plannable() || !scenario.pipeline.ok || !scenario.takes_split) {
    return true;
  }
  for (std::size_t size = 2; size < scenario.tensor.size(); ++size) {
    if (!scenario.tensor[size].ok && size < scenario.profile.rank_weights.size() &&
        scenario.profile.rank_weights[size] >= 0) {
      return true;
    }
  }
  return false;
}

/// Weights alone are more than all nodes together may hold, raised limits included: then no cache
/// that is not known changes the answer.
bool too_heavy(const Scenario& scenario) {
  std::int64_t room = 0;
  for (std::size_t node = 0; node < scenario.nodes(); ++node) {
    room += std::max(scenario.raised.part[node],
                     scenario.nodes() == 1 ? scenario.raised.whole[node] : 0);
  }
  return scenario.profile.layers > 0 && scenario.profile.total_weights() > room;
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

std::string_view goal_name(Goal goal) noexcept { return goal == Goal::jobs ? "jobs" : "answer"; }

Goal parse_goal(std::string_view name) {
  for (const Goal goal : {Goal::jobs, Goal::answer}) {
    if (same_name(name, goal_name(goal))) {
      return goal;
    }
  }
  throw unknown_name("goal", name, {"jobs", "answer"}, {}, "known are jobs and answer");
}

Verdict::Kind kind_of(SplitKind split) noexcept {
  switch (split) {
    case SplitKind::independent:
      return Verdict::Kind::independent;
    case SplitKind::pipeline:
      return Verdict::Kind::pipeline;
    case SplitKind::tensor:
      return Verdict::Kind::tensor;
  }
  return Verdict::Kind::wont_fit;
}

std::int64_t cap_of(const Plan& plan) {
  if (!plan.verdict.placement) {
    return 0;
  }
  const std::int64_t longest = plan.request.model.architecture.context;
  const std::int64_t most = plan.placements[*plan.verdict.placement].max_context;
  return longest > 0 ? std::min(longest, most) : most;
}

std::string tier_words(const Verdict& verdict, std::int64_t max_context) {
  if (!verdict.has_tier()) {
    return {};
  }
  std::string words(fit::tier_name(verdict.tier));
  if (!verdict.fits && max_context > 0) {
    const std::int64_t tokens = max_context >= 1024 ? max_context / 1024 * 1024 : max_context;
    words += ", only up to " + format_tokens(Tokens(tokens));
  }
  return words;
}

std::string_view requirement_name(Requirement requirement) noexcept {
  switch (requirement) {
    case Requirement::comfortable:
      return "comfortable";
    case Requirement::fits:
      return "fits";
    case Requirement::loads:
      break;
  }
  return "loads";
}

Requirement parse_requirement(std::string_view name) {
  for (const Requirement requirement :
       {Requirement::comfortable, Requirement::fits, Requirement::loads}) {
    if (same_name(name, requirement_name(requirement))) {
      return requirement;
    }
  }
  if (same_name(name, "borderline")) {
    return Requirement::fits;
  }
  throw unknown_name("requirement", name, {"comfortable", "fits", "borderline", "loads"}, {},
                     "known are comfortable, fits (the same as borderline) and loads");
}

bool meets(Requirement requirement, fit::Tier tier, bool fits) noexcept {
  switch (requirement) {
    case Requirement::comfortable:
      return fits && tier == fit::Tier::comfortable;
    case Requirement::fits:
      return fits && tier != fit::Tier::not_practical;
    case Requirement::loads:
      break;
  }
  return tier != fit::Tier::not_practical;
}

std::string verdict_name(Verdict::Kind kind, std::size_t workers) {
  switch (kind) {
    case Verdict::Kind::independent:
      return workers <= 1 ? "single-worker" : count_word(workers) + "-independent-workers";
    case Verdict::Kind::pipeline:
      return workers <= 1 ? "pipeline-shard" : count_word(workers) + "-pipeline-shards";
    case Verdict::Kind::tensor:
      return workers <= 1 ? "tensor-shard" : count_word(workers) + "-tensor-shards";
    case Verdict::Kind::unsupported:
      return "unsupported";
    case Verdict::Kind::unknown:
      return "unknown";
    case Verdict::Kind::wont_fit:
      break;
  }
  return "won't-fit";
}

Terms terms_of(const Request& request) { return {request.only, request.goal, request.replicas}; }

std::vector<Scenario> unrestricted_of(const Request& request,
                                      const std::vector<Scenario>& scenarios) {
  std::vector<Scenario> free;
  bool restricted = false;
  for (const Scenario& scenario : scenarios) {
    restricted = restricted || restricts(scenario);
    if (scenario.budgetable()) {
      free.push_back(unrestricted(scenario));
    }
  }
  if (!restricted) {
    return {};
  }
  for (const runtime::Runtime* rules : request.known_runtimes.all()) {
    const bool asked = std::find(request.runtimes.begin(), request.runtimes.end(), rules) !=
                       request.runtimes.end();
    if (free.empty() && !asked) {
      if (Scenario other = make_scenario(request, *rules); other.budgetable()) {
        free.push_back(unrestricted(std::move(other)));
      }
    }
  }
  return free;
}

Verdict::Kind kind_of_failure(const std::vector<Scenario>& scenarios,
                              const std::vector<Scenario>& free, const runtime::Workload& workload,
                              const Terms& terms) {
  if (std::any_of(free.begin(), free.end(),
                  [](const Scenario& scenario) { return scenario.budgetable(); })) {
    if (!decide(free, workload, terms).found()) {
      return Verdict::Kind::wont_fit;
    }
    const bool open = std::any_of(scenarios.begin(), scenarios.end(),
                                  [](const Scenario& scenario) { return scenario.runs.unknown(); });
    return open ? Verdict::Kind::unknown : Verdict::Kind::unsupported;
  }
  const bool known = std::any_of(scenarios.begin(), scenarios.end(),
                                 [](const Scenario& scenario) { return scenario.budgetable(); });
  if (known || std::all_of(scenarios.begin(), scenarios.end(), too_heavy)) {
    return Verdict::Kind::wont_fit;
  }
  return Verdict::Kind::unknown;
}

Plan make_plan(const Request& request) {
  if (request.cluster.nodes.empty()) {
    throw Error("a plan needs at least one node");
  }
  if (request.runtimes.empty()) {
    throw Error("a plan needs at least one runtime");
  }
  std::vector<Scenario> scenarios = make_scenarios(request);
  for (Scenario& scenario : scenarios) {
    add_work(scenario, request);
  }
  check_layers(request);

  Plan plan;
  plan.request = request;
  const Terms terms = terms_of(request);
  const Decision decision = decide(scenarios, request.workload, terms);
  plan.placements = shown_placements(request, scenarios, decision);
  Verdict& verdict = plan.verdict;
  if (decision.found()) {
    verdict.kind = kind_of(decision.split);
    verdict.tier = decision.tier;
    verdict.workers = decision.replicas.size();
    verdict.fits = decision.fits;
    const runtime::Runtime* winner = scenarios[decision.scenario].runtime;
    for (std::size_t i = 0; i < plan.placements.size() && !verdict.placement; ++i) {
      const Placement& placement = plan.placements[i];
      if (placement.standing.may_win && placement.runtime == winner &&
          placement.split == decision.split) {
        verdict.placement = i;
      }
    }
  } else {
    verdict.kind =
        kind_of_failure(scenarios, unrestricted_of(request, scenarios), request.workload, terms);
  }
  put_into_words(plan, scenarios, decision);
  plan.actions = find_actions(plan);
  write_headline(plan);
  return plan;
}

}  // namespace macfit::plan
