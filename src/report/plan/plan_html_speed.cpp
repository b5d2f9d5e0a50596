// Speeds with their intervals, for a plan's page.

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/plan/measure.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "plan_html.hpp"

namespace macfit::report {
namespace {

using html::Anchor;
using html::element;
using html::Markup;
using html::text;

std::string with_evidence(const std::optional<speed::Estimate>& figure) {
  return figure ? fmt::format("{}, {}", range_words(figure), evidence_name(figure->evidence)) : "–";
}

std::string wait_words(const std::optional<speed::Estimate>& figure) {
  return figure ? fmt::format("{} ({}–{})", format_duration(figure->value),
                              format_duration(figure->low), format_duration(figure->high))
                : "–";
}

/// Value and interval on a scale from 0 to `top`.
Markup whisker(std::string_view name, const speed::Estimate& figure, double top, bool all) {
  constexpr double y = 12.0;
  const auto share = [&](double value) { return std::clamp(value / top, 0.0, 1.0); };
  html::Drawing drawing(fmt::format("{}: {} tokens/s", name, format_rate(figure.value)),
                        fmt::format("Interval {} to {}, {}.", format_rate(figure.low),
                                    format_rate(figure.high), evidence_name(figure.evidence)),
                        24);
  drawing.line(0.0, y, 1.0, y, "stem");
  drawing.line(share(figure.low), y, share(figure.high), y, "range");
  for (const double end : {figure.low, figure.high}) {
    drawing.line(share(end), y - 6, share(end), y + 6, "range");
  }
  drawing.dot(share(figure.value), y, 5.0, all ? "hollow" : "");
  return drawing.done();
}

Markup scale(double top) {
  html::Drawing drawing("Scale", "Tokens a second, from 0.", 22);
  const double step = html::tick_step(top, 5);
  for (double tick = 0.0; tick <= top; tick += step) {
    const double x = tick / top;
    drawing.line(x, 0.0, x, 4.0, "axis");
    drawing.label(x, 17.0,
                  x < 0.03   ? Anchor::start
                  : x > 0.95 ? Anchor::end
                             : Anchor::middle,
                  fmt::format("{:g}", tick), "quiet");
  }
  return drawing.done();
}

Markup whiskers(const plan::Plan& plan) {
  double top = 0.0;
  for (const plan::Placement& placement : plan.placements) {
    for (const auto& figure : {placement.speed.decode, placement.speed.aggregate}) {
      top = std::max(top, figure ? figure->high : 0.0);
    }
  }
  if (!(top > 0.0)) {
    return {};
  }
  top *= 1.02;
  Markup items;
  for (std::size_t i = 0; i < plan.placements.size(); ++i) {
    const plan::Placement& placement = plan.placements[i];
    if (!placement.speed.decode) {
      continue;
    }
    const bool chosen = plan.verdict.placement && *plan.verdict.placement == i;
    std::string name = placement_words(placement);
    if (!placement.standing.supported) {
      name += ", not supported";
    } else if (!placement.standing.may_win) {
      name += ", not advised";
    }
    const speed::Estimate& one = *placement.speed.decode;
    Markup item = element("span", {{"class", chosen ? "chosen" : ""}},
                          text(fmt::format("{}{}: {} tokens/s", chosen ? "→ " : "", name,
                                           range_words(placement.speed.decode)))) +
                  whisker(name, one, top, false);
    if (const auto& all = placement.speed.aggregate; all && !(all->value <= one.value * 1.001)) {
      item += element("span", fmt::format("all answers at once: {} tokens/s", range_words(all))) +
              whisker(name + ", all answers at once", *all, top, true);
    }
    items += element("li", item);
  }
  return element("ul", {{"class", "plain"}}, items + element("li", scale(top)));
}

std::string remark(const plan::Placement& placement) {
  std::vector<std::string> codes;
  for (const plan::Reason& problem : placement.problems) {
    codes.push_back(problem.code);
  }
  if (codes.empty() && !placement.standing.may_win && placement.standing.supported) {
    return placement.split == plan::SplitKind::tensor ? "not advised over TCP"
                                                      : "another layout is better";
  }
  std::string words;
  for (const std::string& code : codes) {
    words += (words.empty() ? "" : ", ") + code;
  }
  return words;
}

Markup placement_table(const plan::Plan& plan) {
  std::vector<std::vector<Markup>> rows;
  for (std::size_t i = 0; i < plan.placements.size(); ++i) {
    const plan::Placement& placement = plan.placements[i];
    const bool chosen = plan.verdict.placement && *plan.verdict.placement == i;
    const bool budgeted = !placement.nodes.empty();
    const auto figure = [&](const std::string& words) { return text(budgeted ? words : "–"); };
    rows.push_back(
        {element("span", {{"class", chosen ? "chosen" : ""}},
                 text((chosen ? "→ " : "") + placement_words(placement))),
         placement.standing.supported ? html::badge(placement.standing.tier)
                                      : html::badge(fit::Tier::not_practical, "not supported"),
         figure(format_percent(placement.utilization)), figure(format_whole(placement.max_context)),
         html::figure(with_evidence(placement.speed.decode)),
         html::figure(range_words(placement.speed.short_decode)),
         html::figure(range_words(placement.speed.aggregate)),
         html::figure(range_words(placement.speed.prefill)),
         html::figure(wait_words(placement.speed.time_to_first_token)),
         html::whole(placement.format),
         figure(std::string(plan::limit_name(placement.standing.limit))), text(remark(placement))});
  }
  return html::table("Every placement that was looked at; intervals in brackets",
                     {{"Runtime and split", false},
                      {"Tier", false},
                      {"Fullest node", true},
                      {"Longest context", true},
                      {"One answer, full context, tokens/s", true},
                      {"Short prompt, tokens/s", true},
                      {"All answers, tokens/s", true},
                      {"Prompt, tokens/s", true},
                      {"First token", true},
                      {"Format", false},
                      {"GPU limit", false},
                      {"Remarks", false}},
                     rows);
}

}  // namespace

Markup speed_section(const plan::Plan& plan) {
  const speed::Exchange exchange = speed::exchange_of(plan.request.workload);
  Markup inside;
  if (const Markup drawn = whiskers(plan); !drawn.empty()) {
    inside += html::paragraph(fmt::format(
        "For a prompt of {} tokens and {} generated, {} sequence{} a replica; a short prompt is "
        "one "
        "of 384 tokens with 128 generated. A line spans what "
        "four of five measurements fall in, the dot is the estimate; hollow dots are all answers "
        "at once.",
        format_whole(static_cast<std::int64_t>(exchange.prompt)),
        format_whole(static_cast<std::int64_t>(exchange.generated)),
        plan.request.workload.sequences, plan.request.workload.sequences == 1 ? "" : "s"));
    inside += drawn;
  } else {
    const plan::Placement* shown = shown_placement(plan);
    inside += html::paragraph(shown != nullptr && !shown->speed.why_unknown.empty()
                                  ? "No speeds: " + shown->speed.why_unknown + "."
                                  : "No speeds: no placement loads.");
  }
  inside += placement_table(plan);
  if (const plan::Placement* shown = shown_placement(plan); shown != nullptr) {
    const plan::Measurement measurement = plan::measurement_of(plan.request, *shown);
    if (!measurement.full.empty()) {
      inside += html::paragraph("To check the speeds on one of the Macs:") +
                html::command(measurement.full);
      inside += measurement.brief.empty() ? Markup() : html::command(measurement.brief);
    }
  }
  inside += element("p", {{"class", "soft"}}, text("What a remark means: macfit explain NAME."));
  return html::section("speed", "Speed and placements", inside);
}

}  // namespace macfit::report
