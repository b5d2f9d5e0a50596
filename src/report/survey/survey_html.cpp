#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "../plan/plan_html.hpp"
#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/report/page/html_report.hpp"

namespace macfit::report {
namespace {

using html::element;
using html::Markup;
using html::text;

constexpr std::array<std::pair<fit::Tier, std::string_view>, 3> tiers = {
    {{fit::Tier::comfortable, "Comfortable"},
     {fit::Tier::borderline, "Borderline"},
     {fit::Tier::not_practical, "Not practical"}}};

std::int64_t count_of(const Survey& survey, fit::Tier tier) {
  return std::count_if(survey.entries.begin(), survey.entries.end(),
                       [&](const auto& entry) { return entry.smallest.row.tier == tier; });
}

std::string evidence_words(const study::SweepRow& row) {
  return row.speed.decode ? std::string(evidence_name(row.speed.decode->evidence)) : "–";
}

std::string context_words(const study::SweepRow& row) {
  return row.placed ? format_whole(row.max_context) : "–";
}

std::string best_words(const study::SurveyEntry& entry) {
  return entry.best ? fmt::format("{}, {}", entry.best->recipe.name,
                                  format_percent(entry.best->row.utilization))
                    : "–";
}

Markup tier_section(const Survey& survey, fit::Tier tier, std::string_view name) {
  std::vector<std::vector<Markup>> rows;
  for (const study::SurveyEntry& entry : survey.entries) {
    const study::SweepRow& row = entry.smallest.row;
    if (row.tier != tier) {
      continue;
    }
    rows.push_back(
        {text(printable(entry.model)),
         text(entry.parameters > 0 ? format_parameters(entry.parameters) : "–"),
         html::whole(entry.smallest.recipe.name) + text(entry.published ? "" : " (not published)"),
         text(row.known ? plan::verdict_name(row.kind, row.workers) : "not planned"),
         text(row.placed ? std::string(runtime::id_name(row.runtime)) : "–"),
         row.placed ? html::meter(row.utilization) + text(format_percent(row.utilization))
                    : text("–"),
         text(context_words(row)), html::figure(range_words(row.speed.decode)),
         text(evidence_words(row)), text(best_words(entry)),
         text(entry.note + (entry.measured
                                ? std::string(entry.note.empty() ? "" : "; ") + "measured here"
                                : std::string()))});
  }
  if (rows.empty()) {
    return {};
  }
  const std::string count = fmt::format("{} ({})", name, rows.size());
  return html::section(std::string(fit::tier_name(tier)), count,
                       html::table(fmt::format("{} at the smallest published format of at least "
                                               "four bits; intervals in brackets",
                                               name),
                                   {{"Model", false},
                                    {"Parameters", true},
                                    {"Format", false},
                                    {"Verdict", false},
                                    {"Runtime", false},
                                    {"Fullest node", true},
                                    {"Longest context", true},
                                    {"Tokens/s", true},
                                    {"Evidence", false},
                                    {"Most bits that are comfortable", false},
                                    {"Note", false}},
                                   rows));
}

}  // namespace

std::string survey_html(const Survey& survey, std::string_view command, std::string_view next) {
  const std::string title =
      fmt::format("{} models on {}", survey.entries.size(), printable(survey.cluster.spec));
  std::vector<html::Fact> facts;
  Markup sections;
  for (const auto& [tier, name] : tiers) {
    facts.push_back({std::string(name), text(std::to_string(count_of(survey, tier))), {}});
    sections += tier_section(survey, tier, name);
  }
  const runtime::Workload& workload = survey.workload;
  plan::Request request;
  request.cluster = survey.cluster;
  request.workload = workload;
  request.catalog_version = survey.catalog_version;
  const Markup main =
      html::patterns() + element("h1", title) +
      element("p", {{"class", "lead"}},
              text(fmt::format("At {} tokens and {} sequence{}, {} of {} models are comfortable, "
                               "{} borderline and {} not practical.",
                               format_tokens(workload.context), workload.sequences,
                               workload.sequences == 1 ? "" : "s",
                               count_of(survey, fit::Tier::comfortable), survey.entries.size(),
                               count_of(survey, fit::Tier::borderline),
                               count_of(survey, fit::Tier::not_practical)))) +
      html::facts(facts) + sections +
      html::section("next", "What to do next",
                    html::paragraph("The whole plan of one of them, with what to type:") +
                        html::command(next)) +
      assumptions_section(request, nullptr) +
      html::section("command", "How this page was made", html::command(command));
  return html::page(title, main);
}

}  // namespace macfit::report
