#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/size/size_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

std::string tokens(std::int64_t count) {
  return count == 0 ? "none" : format_tokens(Tokens(count >= 1024 ? count / 1024 * 1024 : count));
}

std::string more(std::size_t count, const char* what) {
  return count == 0 ? std::string() : fmt::format("  … and {} more {} (--top)\n", count, what);
}

std::string contexts_text(const SizeAnswer& answer, const Style& style) {
  std::string out = paint(style, Paint::bold,
                          fmt::format("Longest context of {} on {}", printable(answer.model),
                                      printable(answer.cluster))) +
                    "\n";
  if (answer.contexts.empty()) {
    return out + "  nothing of it can be placed there: see macfit plan\n";
  }
  Table table({{"kv"},
               {"runtime"},
               {"split"},
               {"layout", false, true},
               {"format", false, true},
               {"replicas", true, true},
               {"limit"},
               {"comfortable", true},
               {"longest", true}});
  for (const study::LongestContext& one : answer.contexts) {
    table.add({std::string(runtime::kv_format_name(one.kv)), one.runtime->name(),
               std::string(plan::split_name(one.split)), std::string(plan::layout_name(one.layout)),
               one.format, std::to_string(one.replicas), std::string(plan::limit_name(one.limit)),
               one.limit == plan::Limit::raised ? "-" : tokens(one.comfortable_context),
               tokens(one.max_context)});
  }
  return out + table.text(style);
}

std::string models_text(const SizeAnswer& answer, const Style& style) {
  std::string out =
      paint(style, Paint::bold,
            fmt::format("Largest model in {} on {} at {} tokens", answer.format,
                        printable(answer.cluster), format_tokens(answer.workload.context))) +
      "\n";
  for (const auto& [tier, parameters] : answer.nominal) {
    out += fmt::format("  {:<12} {}\n", fit::tier_name(tier),
                       parameters == 0 ? "none"
                                       : fmt::format("dense, {} parameters (estimated: by size)",
                                                     format_parameters(parameters)));
  }
  Table table(
      {{"model"}, {"size", true}, {"tier"}, {"verdict"}, {"runtime", false, true}, {"full", true}});
  for (const study::SurveyEntry& entry : answer.models) {
    const study::SweepRow& row = entry.smallest.row;
    table.add({printable(entry.model), format_parameters(entry.parameters),
               std::string(fit::tier_name(row.tier)), plan::verdict_name(row.kind, row.workers),
               row.runtime->name(), format_percent(row.utilization)});
  }
  if (!table.empty()) {
    out += "\nOf the catalog:\n" + table.text(style) + more(answer.left_out, "models");
  }
  return out;
}

std::string clusters_text(const SizeAnswer& answer, const Style& style) {
  std::string out =
      paint(style, Paint::bold,
            fmt::format("Clusters for {} in {} at {} tokens, {}", printable(answer.model),
                        answer.format, format_tokens(answer.workload.context),
                        fit::tier_name(answer.tier.value_or(fit::Tier::comfortable)))) +
      "\n";
  if (answer.model_ends > 0) {
    return out + fmt::format("  none: the model ends at {} tokens (context-above-longest)\n",
                             format_tokens(Tokens(answer.model_ends)));
  }
  if (answer.clusters.empty()) {
    return out + "  none of the catalog's, of so few nodes: see --max-nodes\n";
  }
  Table table({{"price", true},
               {"cluster"},
               {"verdict"},
               {"tier"},
               {"runtime", false, true},
               {"full", true}});
  for (const study::ClusterFound& one : answer.clusters) {
    table.add({one.price ? "$" + format_whole(static_cast<std::int64_t>(*one.price)) : "not known",
               one.spec, plan::verdict_name(one.row.kind, one.row.workers),
               std::string(fit::tier_name(one.row.tier)), one.row.runtime->name(),
               format_percent(one.row.utilization)});
  }
  out += table.text(style) + more(answer.left_out, "clusters");
  if (answer.clusters.front().row.reason == "context-above-longest") {
    out +=
        fmt::format("  {} tokens are more than the model was made for (context-above-longest).\n",
                    format_tokens(answer.workload.context));
  }
  return out + "  Prices: US list of the machines alone, without cables.\n";
}

}  // namespace

std::string size_text(const SizeAnswer& answer, const Style& style) {
  switch (answer.kind) {
    case SizeAnswer::Kind::contexts:
      return encode(style, contexts_text(answer, style));
    case SizeAnswer::Kind::models:
      return encode(style, models_text(answer, style));
    case SizeAnswer::Kind::clusters:
      break;
  }
  return encode(style, clusters_text(answer, style));
}

}  // namespace macfit::report
