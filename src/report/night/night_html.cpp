// A night as a page to share.

#include <algorithm>

#include <fmt/format.h>

#include "../plan/plan_html.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/report/page/html_report.hpp"
#include "night_words.hpp"

namespace macfit::report {
namespace {

using html::Anchor;
using html::element;
using html::Markup;
using html::text;

std::string nodes_words(const study::NightResult& result, const study::NightWorker& worker) {
  std::vector<std::string> names;
  for (const std::size_t node : worker.nodes) {
    names.push_back(printable(result.question.plan.cluster.nodes[node].name, 64));
  }
  return join_words(names);
}

Markup key_figures(const study::NightResult& result) {
  std::vector<html::Fact> facts;
  if (result.best) {
    const study::NightPlacement& best = result.placements[*result.best];
    const study::NightOutcome& outcome = best.outcome;
    facts.push_back({"Most by morning", text(best.name),
                     fmt::format("{}, {}", best.runtime->name(), best.format)});
    facts.push_back(
        {"Completions", text(format_whole(outcome.median)), "half the nights give more"});
    facts.push_back({"Nine of ten nights", text("≥ " + format_whole(outcome.p10)),
                     fmt::format("the worst of {}: {}", format_whole(outcome.nights),
                                 format_whole(outcome.least))});
    if (!result.question.jobs.endless) {
      facts.push_back(
          {"All done", text(format_percent(outcome.finished.value_or(0.0))), "of the nights"});
    }
    facts.push_back({"Without faults", text(format_whole(best.completions)),
                     fmt::format("{} to {} by the speeds' interval, {}", format_whole(best.low),
                                 format_whole(best.high), evidence_name(best.evidence))});
    facts.push_back({"A fault every", text(fault_gap(best)),
                     format_percent(outcome.undisturbed) + " of nights have none"});
  }
  return html::facts(facts);
}

/// What each placement gives by morning, on one scale: the choice is between them.
Markup bars(const study::NightResult& result, double top) {
  constexpr double row = 46.0;
  constexpr double bar = 14.0;
  const auto x_of = [&](std::int64_t completions) {
    return std::clamp(static_cast<double>(completions) / top, 0.0, 1.0);
  };
  std::string words;
  for (const study::NightPlacement& one : result.placements) {
    words +=
        fmt::format("{}{}: {}, one night in ten under {}, {} to {} by the speeds",
                    words.empty() ? "" : "; ", one.name, format_whole(one.outcome.median),
                    format_whole(one.outcome.p10), format_whole(one.low), format_whole(one.high));
  }
  html::Drawing drawing("Completions by morning, by placement", words + ".",
                        static_cast<int>(row * static_cast<double>(result.placements.size())));
  double y = 0.0;
  for (std::size_t i = 0; i < result.placements.size(); ++i, y += row) {
    const study::NightPlacement& one = result.placements[i];
    const bool best = result.best && *result.best == i;
    const double middle = y + 22.0 + bar / 2.0;
    drawing.label(0.0, y + 15.0, html::Anchor::start,
                  fmt::format("{}: {}{}", one.name, format_whole(one.outcome.median),
                              best ? ", most by morning" : ""),
                  best ? "" : "quiet");
    drawing.rect(0.0, x_of(one.outcome.median), y + 22.0, bar, best ? "even" : "odd");
    drawing.line(x_of(one.low), middle, x_of(one.high), middle, "limit");
    drawing.line(x_of(one.outcome.p10), y + 19.0, x_of(one.outcome.p10), y + 25.0 + bar, "comfort");
  }
  return drawing.done();
}

Markup distributions(const study::NightResult& result) {
  double top = 1.0;
  for (const study::NightPlacement& placement : result.placements) {
    top = std::max(top, static_cast<double>(std::max(placement.outcome.most, placement.high)));
  }
  Markup inside = html::paragraph(
      fmt::format("Bars: the median of {} nights with faults drawn by chance. Line: what the "
                  "interval of the speeds allows without faults. Dotted: one night in ten gives "
                  "fewer.",
                  format_whole(result.question.rules.nights)));
  inside += bars(result, top);
  std::vector<std::vector<Markup>> rows;
  for (std::size_t i = 0; i < result.placements.size(); ++i) {
    const study::NightPlacement& placement = result.placements[i];
    const study::NightOutcome& outcome = placement.outcome;
    const bool best = result.best && *result.best == i;
    rows.push_back(
        {element("span", {{"class", best ? "chosen" : ""}},
                 text((best ? "→ " : "") + placement.name)),
         html::badge(placement.tier), text(format_whole(outcome.median)),
         text(fmt::format("{}–{}", format_whole(outcome.p10), format_whole(outcome.p90))),
         text(fmt::format("{}–{}", format_whole(outcome.least), format_whole(outcome.most))),
         text(outcome.finished ? format_percent(*outcome.finished) : "–"),
         text(fmt::format("{} ({}–{})", format_whole(placement.completions),
                          format_whole(placement.low), format_whole(placement.high))),
         text(std::string(evidence_name(placement.evidence)))});
  }
  inside += html::table("Completions by morning",
                        {{"Placement", false},
                         {"Tier", false},
                         {"Median", true},
                         {"p10–p90", true},
                         {"Worst–best", true},
                         {"All done", true},
                         {"Without faults (by speed)", true},
                         {"Evidence", false}},
                        rows);
  return html::section("distribution", "Completions by morning", inside);
}

Markup choices(const study::NightResult& result) {
  if (result.choices.size() < 2) {
    return {};
  }
  std::vector<std::vector<Markup>> rows;
  for (const study::NightChoice& choice : result.choices) {
    const bool taken = choice.sequences == result.question.plan.workload.sequences;
    rows.push_back({element("span", {{"class", taken ? "chosen" : ""}},
                            text((taken ? "→ " : "") + std::to_string(choice.sequences))),
                    html::figure(choice_words(result, choice)), text(choice.name),
                    html::badge(choice.tier, choice_tier(choice))});
  }
  Markup inside =
      html::paragraph(sequences_words(result)) +
      html::table(
          "Sequences at a time on each worker",
          {{"At a time", false}, {"Done without faults", true}, {"By", false}, {"Tier", false}},
          rows);
  if (result.best) {
    inside += html::paragraph("To run it:") + html::command(launch_words(result));
  }
  return html::section("sequences", "How many at a time", inside);
}

Markup placements(const study::NightResult& result) {
  Markup inside;
  std::vector<std::vector<Markup>> rows;
  for (const study::NightPlacement& placement : result.placements) {
    for (const study::NightWorker& worker : placement.workers) {
      rows.push_back(
          {text(placement.name), text(nodes_words(result, worker)),
           text(fmt::format("{}, {}", placement.runtime->name(), placement.format)),
           html::figure(span_words(worker.job_seconds)), html::figure(range_words(worker.decode)),
           html::figure(range_words(worker.prefill)), html::figure(span_words(worker.load_seconds)),
           text(format_whole(worker.completed))});
    }
    if (placement.alone) {
      continue;
    }
    std::vector<Markup> items = {text(fmt::format(
        "{:.3g} million tokens read, {:.3g} million written without faults; {}.",
        placement.tokens_read / 1e6, placement.tokens_written / 1e6, energy_words(placement)))};
    if (const std::string words = split_words(result, placement); !words.empty()) {
      items.push_back(text(words));
    } else if (placement.makespan) {
      items.push_back(text(finish_words(placement)));
    }
    if (!placement.may_win) {
      items.push_back(text("For its numbers only: no plan would choose it."));
    }
    if (placement.raised) {
      items.push_back(text("Needs the raised GPU limit, which a reboot takes back."));
    }
    inside += element("h3", placement.name) + html::list(items);
  }
  return html::section("workers", "What each worker does",
                       html::table("Workers; tokens a second with their interval in brackets",
                                   {{"Placement", false},
                                    {"Nodes", false},
                                    {"Runtime and format", false},
                                    {"A job", true},
                                    {"Decode, tokens/s a stream", true},
                                    {"Prompt, tokens/s", true},
                                    {"To load again", true},
                                    {"Completions without faults", true}},
                                   rows) +
                           inside);
}

Markup assumptions(const study::NightResult& result) {
  const study::NightQuestion& question = result.question;
  std::vector<Markup> items = {
      text("Jobs: " + jobs_words(question) + "."), text(rules_words(question) + "."),
      text(fmt::format("A model loads again at {} a second ({}).",
                       format_gb(Bytes(static_cast<std::int64_t>(question.load_rate))),
                       question.load_rate_stated ? "stated" : "estimated"))};
  std::vector<std::vector<Markup>> rows;
  const std::vector<std::string> lines = fault_lines(question);
  for (std::size_t i = 0; i < study::fault_count; ++i) {
    const study::FaultInfo& info = study::fault_info(static_cast<study::Fault>(i));
    const study::FaultRule& rule = question.rules.faults.at(i);
    const auto line = std::find_if(lines.begin(), lines.end(), [&](const std::string& candidate) {
      return candidate.rfind(info.name, 0) == 0;
    });
    rows.push_back({text(info.name), text(info.meaning),
                    text(line != lines.end() ? *line : std::string("never")),
                    text(rule.stated ? "stated" : "estimated"),
                    html::source(rule.stated ? "--fault" : info.basis)});
  }
  return assumptions_section(question.plan, nullptr,
                             html::list(items) + element("div", {{"class", "words"}},
                                                         html::table("What may fail, per node",
                                                                     {{"Fault", false},
                                                                      {"Meaning", false},
                                                                      {"Taken as", false},
                                                                      {"Evidence", false},
                                                                      {"Source", false}},
                                                                     rows)));
}

Markup absent(const study::NightResult& result) {
  std::vector<Markup> items;
  for (const study::NightAbsent& missing : result.absent) {
    items.push_back(text(fmt::format("{}: {}", missing.name, missing.reason)));
  }
  return items.empty() ? Markup() : html::section("absent", "Not counted", html::list(items));
}

std::string title_of(const study::NightQuestion& question) {
  return fmt::format("{} on {}, a night of {}", printable(question.plan.model.id),
                     printable(question.plan.cluster.spec), span_words(question.hours.seconds));
}

Markup night_inside(const study::NightResult& result) {
  Markup main = html::patterns() + element("h1", title_of(result.question)) +
                element("p", {{"class", "lead"}}, text(night_answer(result))) + key_figures(result);
  if (!result.placements.empty()) {
    main += distributions(result) + choices(result) + placements(result) + assumptions(result);
  }
  return main + absent(result);
}

}  // namespace

std::string night_html(const study::NightResult& result, std::string_view command) {
  return html::page(title_of(result.question),
                    night_inside(result) +
                        html::section("command", "How this page was made", html::command(command)));
}

std::string night_fragment(const study::NightResult& result) { return night_inside(result).html(); }

}  // namespace macfit::report
