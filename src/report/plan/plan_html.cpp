// A plan as a page to share: its frame, verdict and actions.

#include "plan_html.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/report/page/html_report.hpp"

namespace macfit::report {
namespace {

using html::element;
using html::Markup;
using html::text;

Markup reason_list(const std::vector<plan::Reason>& reasons) {
  std::vector<Markup> items;
  items.reserve(reasons.size());
  for (const plan::Reason& reason : reasons) {
    items.push_back(text(reason.text));
  }
  return html::list(items);
}

Markup heading(const plan::Plan& plan) {
  const plan::Request& request = plan.request;
  const plan::Verdict& verdict = plan.verdict;
  const std::string kind = plan::verdict_name(verdict.kind, verdict.workers);
  const std::string tier = plan::tier_words(verdict, plan::cap_of(plan));
  Markup result = element(
      "h1", fmt::format("{} on {}", printable(request.model.id), printable(request.cluster.spec)));
  result += element("p", html::badge(verdict.tier, kind + (tier.empty() ? "" : ", ") + tier));
  result += element("p", {{"class", "lead"}}, text(verdict.headline));
  return result;
}

/// The figures that a person asks for first.
Markup key_figures(const plan::Plan& plan, const plan::Placement* shown) {
  std::vector<html::Fact> facts;
  const runtime::Workload& workload = plan.request.workload;
  if (shown != nullptr && !shown->nodes.empty()) {
    const plan::NodeBudget& fullest = fullest_node(*shown);
    facts.push_back(
        {"Longest context", text(format_whole(shown->max_context)),
         shown->comfortable_context > 0
             ? fmt::format("comfortable up to {}", format_whole(shown->comfortable_context))
             : std::string("comfortable at none")});
    if (shown->speed.decode) {
      facts.push_back({"One answer", text(format_rate(shown->speed.decode->value) + " tokens/s"),
                       fmt::format("at the end of the context; {} to {}, {}",
                                   format_rate(shown->speed.decode->low),
                                   format_rate(shown->speed.decode->high),
                                   evidence_name(shown->speed.decode->evidence))});
    }
    if (shown->speed.short_decode) {
      facts.push_back(
          {"On a short prompt", text(format_rate(shown->speed.short_decode->value) + " tokens/s"),
           fmt::format("one answer; {} to {}", format_rate(shown->speed.short_decode->low),
                       format_rate(shown->speed.short_decode->high))});
    }
    if (shown->speed.time_to_first_token) {
      const speed::Estimate& wait = *shown->speed.time_to_first_token;
      facts.push_back({"First token of a full prompt", text(format_duration(wait.value)),
                       fmt::format("{} to {}, {}", format_duration(wait.low),
                                   format_duration(wait.high), evidence_name(wait.evidence))});
    }
    facts.push_back(
        {"Node that binds", text(printable(plan.request.cluster.nodes[fullest.node].name, 64)),
         fmt::format("{} of {}, {}", format_gb(fullest.parts.demand()),
                     format_gb(fullest.effective), format_percent(fullest.utilization))});
    facts.push_back({"Weights", text(format_gb(shown->weight_bytes)),
                     fmt::format("{}, {}", printable(shown->format, 64),
                                 evidence_name(shown->weight_evidence))});
    facts.push_back({"Placement", text(placement_words(*shown)),
                     plan.verdict.placement ? "" : "the nearest miss"});
  }
  facts.push_back(
      {"Asked for", text(format_tokens(workload.context) + " tokens"),
       fmt::format("{} sequence{}, {} cache", workload.sequences,
                   workload.sequences == 1 ? "" : "s", runtime::kv_format_name(workload.kv))});
  return html::facts(facts);
}

Markup next_section(const plan::Plan& plan, const plan::Placement* shown) {
  Markup inside;
  for (const plan::Action& action : plan.actions) {
    const std::string where = action.node.empty() ? "" : "On " + printable(action.node, 64) + ": ";
    inside += html::paragraph(where + action.effect) + html::command(action.command);
  }
  if (plan.verdict.placement && shown != nullptr) {
    if (!shown->how.empty()) {
      inside += html::paragraph("To get this layout:") + html::command(shown->how);
    }
    if (!plan.request.model.nominal) {
      plan::Request chosen = plan.request;
      chosen.flags.erase(std::remove_if(chosen.flags.begin(), chosen.flags.end(),
                                        [](const auto& flag) { return flag.first == "--runtime"; }),
                         chosen.flags.end());
      chosen.flags.emplace_back("--runtime", shown->runtime->name());
      inside += html::paragraph("Write the files and commands that run it:") +
                html::command(plan::command_of(chosen, "launch") + " --output run");
    }
  }
  if (plan.request.model.nominal && !plan.request.nearest.empty()) {
    plan::Request real = plan.request;
    for (auto& [flag, value] : real.flags) {
      if (flag == "--model") {
        value = real.nearest.front().id;
      }
    }
    inside += html::paragraph("Plan the nearest real model, whose layers and cache are known:") +
              html::command(plan::command_of(real, "plan"));
  }
  return inside.empty() ? Markup() : html::section("next", "What to do next", inside);
}

Markup notes_section(const plan::Plan& plan, const plan::Placement* shown) {
  std::vector<Markup> items;
  for (const std::string& note : plan.notes) {
    items.push_back(text(note));
  }
  if (shown != nullptr) {
    for (const plan::Reason& problem : shown->problems) {
      items.push_back(element("code", problem.code) + text(": " + problem.text));
    }
  }
  return items.empty() ? Markup() : html::section("notes", "Notes", html::list(items));
}

Markup against_section(const study::Side& mine, const study::Side& other) {
  std::vector<std::vector<Markup>> rows;
  const auto row = [&](const char* name, const auto& words) {
    rows.push_back({text(name), text(words(mine)), text(words(other))});
  };
  row("Verdict", [](const study::Side& s) { return s.verdict; });
  row("Tier", [](const study::Side& s) { return s.tier.empty() ? "–" : s.tier; });
  row("Runtime", [](const study::Side& s) {
    return s.runtime.empty() ? "–" : fmt::format("{}, {}", s.runtime, s.format);
  });
  row("Fullest node",
      [](const study::Side& s) { return s.utilization ? format_percent(*s.utilization) : "–"; });
  row("Longest context",
      [](const study::Side& s) { return s.max_context ? format_whole(*s.max_context) : "–"; });
  row("Tokens/s, one answer", [](const study::Side& s) { return range_words(s.speed.decode); });
  row("Tokens/s, all answers", [](const study::Side& s) { return range_words(s.speed.aggregate); });
  row("Jobs an hour", [](const study::Side& s) { return range_words(s.jobs_per_hour); });
  row("List price", [](const study::Side& s) {
    return s.price
               ? fmt::format("${} ({})", format_whole(std::llround(s.price->usd)), s.price->dates)
               : std::string("not known");
  });
  return html::section("against", "Against " + printable(other.spec, 64),
                       html::table("Two clusters, figure by figure; intervals in brackets",
                                   {{"Figure", false},
                                    {printable(mine.spec, 64), false},
                                    {printable(other.spec, 64), false}},
                                   rows));
}

Markup plan_inside(const plan::Plan& plan, const Markup& against) {
  const plan::Placement* shown = shown_placement(plan);
  Markup main = html::patterns() + heading(plan) + key_figures(plan, shown);
  if (!plan.verdict.reasons.empty()) {
    main += html::section("why", "Why", reason_list(plan.verdict.reasons));
  }
  main += next_section(plan, shown);
  if (shown != nullptr && !shown->nodes.empty()) {
    main +=
        memory_section(plan, *shown) + layers_section(plan, *shown) + context_section(plan, *shown);
  }
  main += speed_section(plan) + against + assumptions_section(plan.request, shown) +
          notes_section(plan, shown);
  return main;
}

/// `flags` are those beside the request's.
std::string plan_page(const plan::Plan& plan, const Markup& against, std::string_view flags) {
  Markup main = plan_inside(plan, against);
  main += html::section("command", "How this page was made",
                        html::command(fmt::format("{}{} --format html",
                                                  plan::command_of(plan.request, "plan"), flags)));
  const std::string tier = plan::tier_words(plan.verdict, plan::cap_of(plan));
  return html::page(fmt::format("{} on {}: {}{}{}", printable(plan.request.model.id),
                                printable(plan.request.cluster.spec),
                                plan::verdict_name(plan.verdict.kind, plan.verdict.workers),
                                tier.empty() ? "" : ", ", tier),
                    main);
}

}  // namespace

const plan::Placement* shown_placement(const plan::Plan& plan) {
  if (plan.verdict.placement) {
    return &plan.placements[*plan.verdict.placement];
  }
  return plan.verdict.nearest ? &plan.placements[*plan.verdict.nearest] : nullptr;
}

const plan::NodeBudget& fullest_node(const plan::Placement& placement) {
  return *std::max_element(placement.nodes.begin(), placement.nodes.end(),
                           [](const plan::NodeBudget& a, const plan::NodeBudget& b) {
                             return a.utilization < b.utilization;
                           });
}

std::string placement_words(const plan::Placement& placement) {
  std::string words =
      fmt::format("{}, {}", placement.runtime->name(), plan::split_name(placement.split));
  if (placement.split == plan::SplitKind::pipeline) {
    words += fmt::format(" ({})", plan::layout_name(placement.layout));
  }
  return placement.replicas > 1 && placement.standing.loads()
             ? fmt::format("{}, {}×", words, placement.replicas)
             : words;
}

std::string range_words(const std::optional<speed::Estimate>& figure) {
  return figure ? fmt::format("{} ({}–{})", format_rate(figure->value), format_rate(figure->low),
                              format_rate(figure->high))
                : "–";
}

std::string plan_html(const plan::Plan& plan) { return plan_page(plan, {}, {}); }

std::string plan_fragment(const plan::Plan& plan) { return plan_inside(plan, {}).html(); }

std::string against_fragment(const study::Side& mine, const study::Side& other) {
  return against_section(mine, other).html();
}

std::string against_html(const plan::Plan& plan, const study::Side& mine, const study::Side& other,
                         std::string_view spec) {
  return plan_page(plan, against_section(mine, other), " --against " + shell_word(spec));
}

}  // namespace macfit::report
