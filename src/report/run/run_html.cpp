#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html.hpp"
#include "macfit/report/run/run_report.hpp"
#include "run_words.hpp"

namespace macfit::report {
namespace {

using html::element;
using html::Markup;
using html::text;

Markup key_figures(const run::Report& report) {
  std::vector<html::Fact> facts;
  if (!report.soak) {
    facts.push_back({"Done", text(format_whole(report.jobs - report.left())),
                     "of " + format_whole(report.jobs)});
  }
  facts.push_back({"Completions", text(format_whole(report.completions)), "of this run"});
  facts.push_back({"Set aside", text(format_whole(report.failures)), "with an error"});
  if (const auto rate = run::measured_per_hour(report)) {
    const auto planned = run::predicted_per_hour(report);
    facts.push_back({"An hour", text(fmt::format("{:.1f}", *rate)),
                     planned ? fmt::format("the plan: {:.1f}", *planned) : "no plan known"});
  }
  facts.push_back({"Restarts", text(format_whole(report.restarts)),
                   fmt::format("{} retries", format_whole(report.retries))});
  return html::facts(facts);
}

Markup workers(const run::Report& report) {
  std::vector<std::vector<Markup>> rows;
  for (const run::WorkerReport& worker : report.workers) {
    rows.push_back({text(printable(worker.name)), text(format_whole(worker.completions)),
                    text(format_whole(worker.prompt_tokens)),
                    text(format_whole(worker.completion_tokens)), html::figure(pace(worker)),
                    html::figure(forecast_words(worker)), text(format_whole(worker.at_once)),
                    text(format_whole(worker.deaths))});
  }
  return html::section("workers", "Workers",
                       html::table("What each worker did",
                                   {{"Worker", false},
                                    {"Completions", true},
                                    {"Tokens read", true},
                                    {"Tokens written", true},
                                    {"Written, tokens/s", true},
                                    {"Plan, tokens/s", false},
                                    {"At once", true},
                                    {"Deaths", true}},
                                   rows));
}

Markup failures(const run::Report& report) {
  if (report.failed.empty()) {
    return {};
  }
  std::vector<std::vector<Markup>> rows;
  for (const run::Failure& failure : report.failed) {
    rows.push_back({text(printable(failure.id)), text(printable(failure.code)),
                    text(printable(failure.message))});
  }
  return html::section(
      "failures", "Set aside",
      html::table("Jobs without an answer; at most twenty are listed",
                  {{"Job", false}, {"Code", false}, {"What happened", false}}, rows));
}

}  // namespace

std::string run_html(const run::Report& report, std::string_view command) {
  const std::string title = report.soak ? "A soak" : "A night's jobs";
  Markup main = element("h1", title) + element("p", {{"class", "lead"}}, text(run_answer(report))) +
                key_figures(report);
  for (const std::string& words : {rate_words(report), work_words(report), next_words(report)}) {
    main += words.empty() ? Markup() : html::paragraph(words);
  }
  main += workers(report) + failures(report) +
          html::section("command", "How this page was made", html::command(command));
  return html::page(title, main);
}

}  // namespace macfit::report
