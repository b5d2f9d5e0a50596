#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/plan/plan_formats.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

std::string rate_or_dash(const std::optional<speed::Estimate>& figure) {
  return figure ? format_rate(figure->value) : "–";
}

std::string placements(const plan::Plan& plan) {
  Table table({{"placement"},
               {"runtime"},
               {"format"},
               {"tier"},
               {"used", true},
               {"tokens/s", true},
               {"all", true},
               {"longest context", true},
               {"remark"}});
  for (std::size_t i = 0; i < plan.placements.size(); ++i) {
    const plan::Placement& placement = plan.placements[i];
    const bool budgeted = !placement.nodes.empty();
    std::string name(plan::split_name(placement.split));
    if (placement.replicas > 1) {
      name = fmt::format("{} × {}", placement.replicas, name);
    }
    std::string remark = plan.verdict.placement == i ? "chosen" : "";
    for (const plan::Reason& problem : placement.problems) {
      remark += (remark.empty() ? "" : ", ") + problem.code;
    }
    table.add({name, placement.runtime->name() + std::string(" ") + placement.runtime->release(),
               placement.format,
               placement.standing.supported ? std::string(fit::tier_name(placement.standing.tier))
                                            : "not supported",
               budgeted ? format_percent(placement.utilization) : "–",
               rate_or_dash(placement.speed.decode), rate_or_dash(placement.speed.aggregate),
               budgeted ? format_whole(placement.max_context) : "–", remark});
  }
  return table.markdown();
}

/// Budgets of the placement that won, or of the one that lacks least.
std::string budgets(const plan::Plan& plan) {
  const auto shown = plan.verdict.placement ? plan.verdict.placement : plan.verdict.nearest;
  if (!shown || plan.placements[*shown].nodes.empty()) {
    return {};
  }
  const plan::Placement& placement = plan.placements[*shown];
  Table table({{"node"},
               {"layers"},
               {"weights", true},
               {"cache", true},
               {"activations", true},
               {"overhead", true},
               {"demand", true},
               {"effective", true},
               {"used", true}});
  for (const plan::NodeBudget& budget : placement.nodes) {
    table.add(
        {plan.request.cluster.nodes[budget.node].name,
         placement.split == plan::SplitKind::pipeline
             ? fmt::format("{}–{}", budget.first_layer, budget.first_layer + budget.layer_count - 1)
             : "all",
         format_gb(budget.parts.weights), format_gb(budget.parts.kv_cache),
         format_gb(budget.parts.activations),
         format_gb(budget.parts.communication + budget.parts.runtime),
         format_gb(budget.parts.demand()), format_gb(budget.effective),
         format_percent(budget.utilization)});
  }
  return "\n## Per node\n\n" + table.markdown();
}

std::string actions(const plan::Plan& plan) {
  std::string text;
  for (const plan::Action& action : plan.actions) {
    const std::string where = action.node.empty() ? "" : "on " + action.node + ": ";
    text += "- " + markdown_field(where + action.effect) + "\n\n  ```sh\n  " +
            printable(action.command, 2000) + "\n  ```\n";
  }
  return text.empty() ? text : "\n## What to do\n\n" + text;
}

std::string section(const plan::Plan& plan) {
  const plan::Request& request = plan.request;
  const std::string tier = plan::tier_words(plan.verdict, plan::cap_of(plan));
  std::string text = fmt::format(
      "# {} on {}\n\n**{}{}{}.** {}\n\n", markdown_field(request.model.id),
      markdown_field(request.cluster.spec),
      plan::verdict_name(plan.verdict.kind, plan.verdict.workers), tier.empty() ? "" : ", ",
      markdown_field(tier), markdown_field(plan.verdict.headline));
  if (const std::string next = plan.next_command(); !next.empty()) {
    text += "```sh\n" + printable(next, 2000) + "\n```\n\n";
  }
  for (const plan::Reason& reason : plan.verdict.reasons) {
    text += "- " + markdown_field(reason.text) + '\n';
  }
  text += fmt::format(
      "\n## Side by side\n\nContext {}, sequences {}, cache {}. Speeds are estimates.\n\n{}",
      format_tokens(request.workload.context), request.workload.sequences,
      runtime::kv_format_name(request.workload.kv), placements(plan));
  text += budgets(plan) + actions(plan);
  if (!plan.notes.empty()) {
    text += "\n## Notes\n\n";
    for (const std::string& note : plan.notes) {
      text += "- " + markdown_field(note) + '\n';
    }
  }
  return text;
}

}  // namespace

std::string plan_markdown(const PlanAnswer& answer, const Context&) {
  std::string text = section(answer.plan);
  if (answer.beside) {
    text += "\n" + section(answer.beside->plan);
  }
  return text;
}

}  // namespace macfit::report
