// Every other question is answered by planning: asked again as a plan, the answer is the same, and
// one unit more fails. What an action promises, typed as printed, holds.

#include <fmt/format.h>
#include <rapidcheck.h>

#include "cli/cli_test.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/study/breakeven.hpp"
#include "macfit/study/check.hpp"
#include "macfit/study/night.hpp"
#include "macfit/study/size.hpp"
#include "macfit/study/survey.hpp"
#include "macfit/study/sweep.hpp"
#include "models.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

std::string random_nodes() {
  static const std::vector<std::string> sizes = {"16", "24",  "32",  "48", "64",
                                                 "96", "128", "256", "512"};
  std::string spec;
  const int parts = *rc::gen::inRange(1, 4);
  for (int i = 0; i < parts; ++i) {
    spec += (i > 0 ? "+" : "") + std::to_string(*rc::gen::inRange(1, 3)) + "x" +
            *rc::gen::elementOf(sizes);
  }
  return spec;
}

plan::Request random_request() {
  plan::Request request;
  request.model =
      test::plannable_models()[*rc::gen::inRange<std::size_t>(0, test::plannable_models().size())];
  request.recipe = model::parse_recipe(*rc::gen::element<std::string>("q4", "q8", "q6"));
  request.cluster = hardware::parse_cluster(random_nodes(), {}, hardware::Catalog::embedded());
  request.workload.context = Tokens(*rc::gen::inRange(1, 200'000));
  request.workload.sequences = *rc::gen::inRange(1, 5);
  request.runtimes = runtime::Catalog::embedded().parse(
      *rc::gen::element<std::string>("all", "mlx-lm", "exo", "llama.cpp"));
  return request;
}

/// A row and a plan of the same question.
void same_answer(const study::SweepRow& row, const plan::Plan& plan) {
  RC_ASSERT(row.kind == plan.verdict.kind);
  RC_ASSERT(row.tier == plan.verdict.tier);
  RC_ASSERT(row.workers == plan.verdict.workers);
  RC_ASSERT(row.placed == plan.verdict.placement.has_value());
  if (!row.placed) {
    return;
  }
  const plan::Placement& placement = plan.placements[*plan.verdict.placement];
  RC_ASSERT(row.fits == plan.verdict.fits);
  RC_ASSERT(row.runtime == placement.runtime);
  RC_ASSERT(row.format == placement.format);
  RC_ASSERT(row.split == placement.split);
  RC_ASSERT(row.nodes_used == placement.nodes.size());
  RC_ASSERT(row.weight_bytes == placement.weight_bytes.count());
  RC_ASSERT(row.raised == placement.standing.raised());
  RC_ASSERT(row.max_context == placement.max_context);
  RC_ASSERT(row.utilization == placement.utilization);
  RC_ASSERT(row.speed.decode == placement.speed.decode);
  RC_ASSERT(row.speed.aggregate == placement.speed.aggregate);
}

bool fits_at(const plan::Request& request, plan::SplitKind split, std::int64_t context) {
  plan::Request asked = request;
  asked.only = split;
  asked.workload.context = Tokens(context);
  return plan::decide(plan::make_scenarios(asked), asked.workload, plan::terms_of(asked)).fits;
}

/// A command that a plan prints, as flags and values.
std::vector<std::string> typed(const std::string& command) {
  std::vector<std::string> words;
  for (const std::string_view word : split(command, ' ')) {
    words.emplace_back(word);
  }
  words.erase(words.begin(), words.begin() + 2);  // macfit plan
  return words;
}

}  // namespace

TEST_CASE("a sweep's row is the plan's answer", "[study]") {
  CHECK(rc::check("sweep", [] {
    const plan::Request request = random_request();
    study::SweepRow row;
    study::answer(study::make_setting(request, std::nullopt, true), request.workload,
                  plan::terms_of(request), {true, true}, row);
    same_answer(row, plan::make_plan(request));
  }));
}

TEST_CASE("a survey's answer is the plan's", "[study]") {
  CHECK(rc::check("survey", [] {
    plan::Request request = random_request();
    study::SurveyOptions options;
    options.runtimes = request.runtimes;
    options.workload = request.workload;
    const study::SurveyEntry entry =
        study::survey_model(request.model, request.cluster, std::nullopt, options);
    request.recipe = entry.smallest.recipe;
    const plan::Plan plan = plan::make_plan(request);
    const study::SweepRow& row = entry.smallest.row;
    RC_ASSERT(row.kind == plan.verdict.kind);
    RC_ASSERT(row.tier == plan.verdict.tier);
    RC_ASSERT(row.workers == plan.verdict.workers);
    if (row.placed) {
      RC_ASSERT(row.fits == plan.verdict.fits);
      RC_ASSERT(row.utilization == plan.placements[*plan.verdict.placement].utilization);
    }
  }));
}

TEST_CASE("the longest context that size finds fits, and one token more does not", "[study]") {
  CHECK(rc::check("size", [] {
    plan::Request request = random_request();
    for (const study::LongestContext& found :
         study::longest_contexts(request, {runtime::KvFormat::bf16})) {
      plan::Request asked = request;
      asked.runtimes = {found.runtime};
      RC_ASSERT(fits_at(asked, found.split, found.max_context));
      const plan::Scenario scenario = plan::make_scenario(asked, *found.runtime);
      if (found.max_context < plan::longest_context(scenario.profile)) {
        // The raised limit is the next step, and its own answer.
        plan::Request limited = asked;
        if (found.limit != plan::Limit::raised) {
          for (hardware::Node& node : limited.cluster.nodes) {
            node.raised_limit = node.gpu_limit.bytes;
          }
        }
        RC_ASSERT(!fits_at(limited, found.split, found.max_context + 1));
      }
    }
  }));
}

TEST_CASE("breakeven turns where the plan does, and a step more is beyond", "[study]") {
  CHECK(rc::check("breakeven", [] {
    const plan::Request request = random_request();
    study::BreakevenQuestion question;
    question.cluster = request.cluster;
    question.formats = {{request.recipe.name, request.recipe}};
    question.contexts = {request.workload.context};
    question.workload = request.workload;
    question.runtimes = request.runtimes;
    const study::BreakevenResult result = study::breakeven(question, model::Catalog::embedded());
    const auto planned = [&](std::int64_t parameters) {
      plan::Request asked = request;
      asked.model = model::find_model(fmt::format("{:g}b", static_cast<double>(parameters) / 1e9),
                                      model::Catalog::embedded())
                        .model;
      asked.recipe = request.recipe;
      return plan::make_plan(asked);
    };
    const auto fits = [](const plan::Plan& plan) {
      return plan.verdict.fits && !plan.placements[*plan.verdict.placement].standing.raised();
    };
    const study::Turn& turn = result.turns.front();
    RC_ASSERT((!turn.fits || fits(planned(*turn.fits))));
    RC_ASSERT(!fits(planned(turn.fits.value_or(0) + study::size_step)));
    RC_ASSERT((!turn.loads || planned(*turn.loads).verdict.placement.has_value()));
    RC_ASSERT(!planned(turn.loads.value_or(0) + study::size_step).verdict.placement.has_value());
    for (const study::Run& run : result.runs) {
      const plan::Plan plan = planned(*run.parameters);
      RC_ASSERT(run.decision.found() == plan.verdict.placement.has_value());
      if (run.decision.found()) {
        RC_ASSERT(plan::kind_of(run.decision.split) == plan.verdict.kind);
        RC_ASSERT(run.decision.tier == plan.verdict.tier);
        RC_ASSERT(run.decision.fits == plan.verdict.fits);
        RC_ASSERT(run.decision.replicas.size() == plan.verdict.workers);
        RC_ASSERT(run.runtime == plan.placements[*plan.verdict.placement].runtime);
      }
    }
  }));
}

TEST_CASE("what a night plays are the plan's placements", "[study]") {
  CHECK(rc::check("night", [] {
    study::NightQuestion question;
    question.plan = random_request();
    question.jobs = study::make_jobs(
        std::nullopt, study::parse_token_range(std::to_string(*rc::gen::inRange(64, 50'000)), ""),
        study::parse_token_range(std::to_string(*rc::gen::inRange(16, 4'000)), ""), 1);
    question.rules.faults = study::no_faults();
    question.rules.nights = 1;
    const study::NightResult result = study::night(question);
    const plan::Plan plan = plan::make_plan(result.question.plan);
    RC_ASSERT((!result.best || plan.verdict.placement.has_value()));
    for (const study::NightPlacement& played : result.placements) {
      RC_ASSERT(std::any_of(
          plan.placements.begin(), plan.placements.end(), [&](const plan::Placement& placement) {
            return placement.split == played.split && placement.runtime == played.runtime &&
                   placement.format == played.format && placement.standing.fits() &&
                   placement.standing.tier == played.tier &&
                   placement.standing.raised() == played.raised &&
                   placement.standing.may_win == played.may_win &&
                   (played.alone ? 1 : placement.replicas) == played.workers.size();
          }));
    }
  }));
}

TEST_CASE("an expectation holds where the plan says so, and no better one does", "[study]") {
  CHECK(rc::check("check", [] {
    const int layers = *rc::gen::inRange(8, 100);
    const std::string expectation = fmt::format(
        R"("nodes": "{}", "context": {}, "sequences": {}, "quant": "{}", "runtime": "{}")",
        random_nodes(), *rc::gen::inRange(1, 200'000), *rc::gen::inRange(1, 5),
        *rc::gen::element<std::string>("q4", "q8", "q6"),
        *rc::gen::element<std::string>("all", "mlx-lm", "exo", "llama.cpp"));
    const auto checked = [&](const std::string& more) {
      const std::string text = fmt::format(
          R"({{"schema": "macfit.manifest/1", "id": "m", "architecture": {{
                "type": "llama", "hidden": 8192, "vocabulary": 128256, "context": 131072,
                "blocks": {{"full": {{
                  "attention": {{"heads": 64, "kv_heads": 8, "head_dim": 128}},
                  "dense": {{"width": 28672}}}}}},
                "layers": "{}*full"}},
              "expect": [{{{}{}}}]}})",
          layers, expectation, more);
      return std::pair(text,
                       study::check({{"m.json", text, {}, {}, {}}},
                                    {hardware::Catalog::embedded(), "embedded", nullptr, {}, {}}));
    };
    const auto [text, report] = checked(R"(, "tier": "not-practical")");
    const study::ExpectationResult& result = report.files.front().expectations.front();
    plan::Request request;
    request.model = model::parse_manifest(text).model;
    request.recipe = model::parse_recipe(result.asked.quant);
    request.cluster =
        hardware::parse_cluster(result.asked.nodes, {}, hardware::Catalog::embedded());
    request.workload.context = *result.asked.context;
    request.workload.sequences = *result.asked.sequences;
    request.runtimes = runtime::Catalog::embedded().parse(result.asked.runtime);
    const plan::Plan plan = plan::make_plan(request);
    const std::string verdict = plan::verdict_name(plan.verdict.kind, plan.verdict.workers);
    RC_ASSERT(result.found.has_value());
    RC_ASSERT(result.found->verdict == verdict);
    RC_ASSERT(result.found->tier == plan.verdict.tier);
    RC_ASSERT(result.found->fits == plan.verdict.fits);
    RC_ASSERT(result.found->summary == plan.verdict.summary);
    const auto holds = [&](std::string_view tier) {
      const auto expected =
          checked(fmt::format(R"(, "tier": "{}", "verdict": "{}")", tier, verdict)).second;
      return expected.files.front().expectations.front().holds;
    };
    RC_ASSERT(holds(fit::tier_name(plan.verdict.tier)));
    if (plan.verdict.tier < fit::Tier::comfortable) {
      RC_ASSERT(!holds("comfortable"));
    }
  }));
}

TEST_CASE("what an action promises holds when it is typed as printed", "[study]") {
  CHECK(rc::check("actions", [] {
    const std::string model =
        test::plannable_models()[*rc::gen::inRange<std::size_t>(0, test::plannable_models().size())]
            .id;
    std::vector<std::string> flags = {"--model",   model,
                                      "--nodes",   random_nodes(),
                                      "--context", std::to_string(*rc::gen::inRange(1, 200'000))};
    if (*rc::gen::inRange(0, 2) == 0) {
      flags.insert(flags.end(), {"--quant", *rc::gen::element<std::string>("q4", "q6", "q8")});
    }
    if (*rc::gen::inRange(0, 2) == 0) {
      flags.insert(flags.end(),
                   {"--runtime", *rc::gen::element<std::string>("mlx-lm", "exo", "llama.cpp")});
    }
    if (*rc::gen::inRange(0, 3) == 0) {
      flags.insert(flags.end(), {"--sequences", std::to_string(*rc::gen::inRange(2, 9))});
    }
    const plan::Plan plan = test::make(flags);
    for (const plan::Action& action : plan.actions) {
      if (action.command.rfind("macfit plan ", 0) != 0) {
        continue;
      }
      RC_LOG() << action.kind << ": " << action.command << '\n';
      const plan::Plan again = test::make(typed(action.command));
      RC_ASSERT(again.verdict.placement.has_value());
      RC_ASSERT(again.verdict.tier == action.tier);
    }
  }));
}
