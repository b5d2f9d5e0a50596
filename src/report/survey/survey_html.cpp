#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "../plan/plan_html.hpp"
#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/report/page/html_report.hpp"
#include "survey_groups.hpp"

namespace macfit::report {
namespace {

using html::element;
using html::Markup;
using html::text;

std::int64_t count_of(const Survey& survey, SurveyGroup group) {
  return std::count_if(survey.entries.begin(), survey.entries.end(),
                       [&](const auto& entry) { return group_of(entry) == group; });
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

Markup group_section(const Survey& survey, const SurveyGroupInfo& info) {
  const std::string_view name = info.title;
  std::vector<std::vector<Markup>> rows;
  for (const study::SurveyEntry& entry : survey.entries) {
    const study::SweepRow& row = entry.smallest.row;
    if (group_of(entry) != info.group) {
      continue;
    }
    rows.push_back(
        {text(printable(entry.model)),
         text(entry.parameters > 0 ? format_parameters(entry.parameters) : "–"),
         html::whole(entry.smallest.recipe.name) + text(entry.published ? "" : " (not published)"),
         row.placed  ? html::whole(way_of(row))
         : row.known ? text(plan::verdict_name(row.kind, row.workers))
                     : text("not planned"),
         text(row.placed ? row.runtime->name() : "–"),
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
  return html::section(std::string(info.id), count,
                       html::table(fmt::format("{} at the smallest published format of at least "
                                               "four bits; intervals in brackets",
                                               name),
                                   {{"Model", false},
                                    {"Parameters", true},
                                    {"Format", false},
                                    {"Runs as", false},
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
  for (const SurveyGroupInfo& info : survey_groups) {
    const std::int64_t count = count_of(survey, info.group);
    if (count > 0 || info.group <= SurveyGroup::not_practical) {
      const std::string_view name = info.title.substr(0, info.title.find(':'));
      facts.push_back({std::string(name), text(std::to_string(count)), {}});
    }
    sections += group_section(survey, info);
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
                               count_of(survey, SurveyGroup::comfortable), survey.entries.size(),
                               count_of(survey, SurveyGroup::borderline),
                               count_of(survey, SurveyGroup::not_practical)))) +
      html::facts(facts) + sections +
      html::section("next", "What to do next",
                    html::paragraph("The whole plan of one of them, with what to type:") +
                        html::command(next)) +
      assumptions_section(request, nullptr) +
      html::section("command", "How this page was made", html::command(command));
  return html::page(title, main);
}

}  // namespace macfit::report
