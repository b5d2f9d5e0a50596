#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/size/size_formats.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

/// Figures as they are, for the tools that read tables.
Table contexts_table(const SizeAnswer& answer) {
  Table table({{"model"},
               {"cluster"},
               {"kv"},
               {"runtime"},
               {"split"},
               {"layout"},
               {"format"},
               {"replicas", Table::number},
               {"gpu_limit"},
               {"comfortable_context", Table::number},
               {"max_context", Table::number}});
  for (const study::LongestContext& one : answer.contexts) {
    table.add({answer.model, answer.cluster, std::string(runtime::kv_format_name(one.kv)),
               std::string(one.runtime->name()), std::string(plan::split_name(one.split)),
               std::string(plan::layout_name(one.layout)), one.format, std::to_string(one.replicas),
               std::string(plan::limit_name(one.limit)), std::to_string(one.comfortable_context),
               std::to_string(one.max_context)});
  }
  return table;
}

Table models_table(const SizeAnswer& answer) {
  Table table({{"cluster"},
               {"model"},
               {"parameters", Table::number},
               {"format"},
               {"tier"},
               {"verdict"},
               {"runtime"},
               {"utilization", Table::number},
               {"evidence"}});
  for (const auto& [tier, parameters] : answer.nominal) {
    table.add({answer.cluster, "nominal, dense", parameters == 0 ? "" : std::to_string(parameters),
               answer.format, std::string(fit::tier_name(tier)), "", "", "", "estimated"});
  }
  for (const study::SurveyEntry& entry : answer.models) {
    const study::SweepRow& row = entry.smallest.row;
    table.add({answer.cluster, entry.model, std::to_string(entry.parameters),
               entry.smallest.recipe.name, std::string(fit::tier_name(row.tier)),
               plan::verdict_name(row.kind, row.workers), std::string(row.runtime->name()),
               fmt::format("{:.4f}", row.utilization), ""});
  }
  return table;
}

Table clusters_table(const SizeAnswer& answer) {
  Table table({{"model"},
               {"cluster"},
               {"nodes", Table::number},
               {"price_usd", Table::number},
               {"verdict"},
               {"tier"},
               {"runtime"},
               {"utilization", Table::number}});
  for (const study::ClusterFound& one : answer.clusters) {
    table.add({answer.model, one.spec, std::to_string(one.nodes),
               one.price ? fmt::format("{:.0f}", *one.price) : std::string(),
               plan::verdict_name(one.row.kind, one.row.workers),
               std::string(fit::tier_name(one.row.tier)), std::string(one.row.runtime->name()),
               fmt::format("{:.4f}", one.row.utilization)});
  }
  return table;
}

Table table_of(const SizeAnswer& answer) {
  switch (answer.kind) {
    case SizeAnswer::Kind::contexts:
      return contexts_table(answer);
    case SizeAnswer::Kind::models:
      return models_table(answer);
    case SizeAnswer::Kind::clusters:
      break;
  }
  return clusters_table(answer);
}

}  // namespace

std::string size_csv(const SizeAnswer& answer, const Context&) { return table_of(answer).csv(); }

std::string size_markdown(const SizeAnswer& answer, const Context&) {
  std::string title = answer.kind == SizeAnswer::Kind::contexts
                          ? "Longest context of " + answer.model + " on " + answer.cluster
                      : answer.kind == SizeAnswer::Kind::models
                          ? "Largest model in " + answer.format + " on " + answer.cluster
                          : "Clusters for " + answer.model + " in " + answer.format;
  if (answer.kind != SizeAnswer::Kind::contexts) {
    title += " at " + format_tokens(answer.workload.context) + " tokens";
  }
  std::string text = "# ";
  markdown_text(text, title);
  text += "\n\n" + table_of(answer).markdown();
  if (answer.left_out > 0) {
    text += fmt::format("\nAnd {} more (--top).\n", answer.left_out);
  }
  return text;
}

}  // namespace macfit::report
