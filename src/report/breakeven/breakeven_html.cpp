// A break-even as a page to share.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "../plan/plan_html.hpp"
#include "breakeven_words.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/report/page/html_report.hpp"

namespace macfit::report {
namespace {

using html::Anchor;
using html::element;
using html::Markup;
using html::text;

std::string model_words(const study::BreakevenQuestion& question) {
  if (question.model) {
    return printable(question.model->id);
  }
  return question.active_share > 0.0
             ? "mixtures with " + format_percent(question.active_share) + " active"
             : "dense models";
}

Markup bar(const study::BreakevenResult& result, const study::Turn& turn, double most) {
  const std::string many = every_node_words(result.question);
  html::Drawing drawing(
      fmt::format("Sizes at {} and {} tokens", turn.format, format_tokens(turn.context)),
      fmt::format("{} up to {}, some node alone up to {}, it fits up to {}, it loads up to {}.",
                  many, size_words(turn.workers), size_words(turn.one_worker),
                  size_words(turn.fits), size_words(turn.loads)),
      28);
  double from = 0.0;
  for (const auto& [size, kind] :
       {std::pair{turn.workers, "weights"}, std::pair{turn.one_worker, "cache"},
        std::pair{turn.fits, "activations"}, std::pair{turn.loads, "overhead"}}) {
    const double until = static_cast<double>(size.value_or(0)) / most;
    if (until > from) {
      drawing.rect(from, until - from, 3.0, 22.0, kind);
      from = until;
    }
  }
  return drawing.done();
}

Markup sizes_section(const study::BreakevenResult& result) {
  if (result.turns.empty()) {
    return {};
  }
  double most = 0.0;
  for (const study::Turn& turn : result.turns) {
    most = std::max(most,
                    static_cast<double>(std::max(turn.loads.value_or(0), turn.fits.value_or(0))));
  }
  Markup items;
  std::vector<std::vector<Markup>> rows;
  for (const study::Turn& turn : result.turns) {
    const std::string name = fmt::format("{}, {} tokens", turn.format, format_tokens(turn.context));
    if (most > 0.0) {
      items += element("li", element("span", name) + bar(result, turn, most));
    }
    rows.push_back({text(name), text(size_words(turn.workers)),
                    text(size_words(turn.comfortable_workers)), text(size_words(turn.one_worker)),
                    text(size_words(turn.fits)), text(size_words(turn.comfortable)),
                    text(size_words(turn.loads))});
  }
  Markup inside;
  if (!items.empty()) {
    const std::string many = every_node_words(result.question);
    inside += element("ul", {{"class", "plain"}}, items) +
              html::legend({{"weights", many},
                            {"cache", "some node alone"},
                            {"activations", "only sharded"},
                            {"overhead", "only with the raised limit or a shorter context"}}) +
              element("p", {{"class", "soft"}},
                      text(fmt::format("All bars from 0 to {} parameters.",
                                       size_words(static_cast<std::int64_t>(most)))));
  }
  inside += html::table("Largest models, in parameters",
                        {{"Format and context", false},
                         {"Every node a worker", true},
                         {"comfortably", true},
                         {"Some node alone", true},
                         {"Fits", true},
                         {"comfortably", true},
                         {"Loads", true}},
                        rows);
  return html::section("sizes", "Up to which size what does", inside);
}

Markup runs_section(const study::BreakevenResult& result) {
  std::vector<std::vector<Markup>> rows;
  for (const study::Run& run : result.runs) {
    rows.push_back({text(fmt::format("{} {}", run.model, run.format)),
                    text(format_tokens(run.context)), text(verdict_words(run)),
                    html::badge(run.decision.tier), html::figure(range_words(run.decode)),
                    html::figure(range_words(run.per_hour)),
                    text(run.per_night ? format_whole(*run.per_night) : "–"),
                    text(run.per_hour ? evidence_name(run.per_hour->evidence)
                                      : std::string_view(run.why_unknown)),
                    text(run.why)});
  }
  if (rows.empty()) {
    return {};
  }
  const speed::Exchange& job = result.question.job;
  return html::section(
      "runs", "What they get done",
      html::paragraph(fmt::format("Jobs of {} tokens in and {} out; a night of {} without faults.",
                                  format_whole(std::llround(job.prompt)),
                                  format_whole(std::llround(job.generated)),
                                  format_duration(result.question.night_seconds))) +
          html::table("Completions; intervals in brackets",
                      {{"Model", false},
                       {"Context", true},
                       {"Verdict", false},
                       {"Tier", false},
                       {"Tokens/s", true},
                       {"An hour", true},
                       {"A night", true},
                       {"Evidence", false},
                       {"Why this one", false}},
                      rows));
}

/// Tokens a second of one stream over sizes: tensor, pipeline, one node.
Markup crossing_drawing(const study::Crossing& crossing) {
  constexpr int height = 230;
  constexpr double base = 196.0;
  double top = 0.0;
  for (const study::Crossing::Sample& sample : crossing.samples) {
    top = std::max({top, sample.tensor, sample.pipeline, sample.one_node});
  }
  const auto low = static_cast<double>(crossing.samples.front().parameters);
  const auto high = static_cast<double>(crossing.samples.back().parameters);
  if (!(top > 0.0) || !(low > 0.0) || !(high > low)) {
    return {};
  }
  top *= 1.1;
  const auto x_of = [&](std::int64_t size) {
    return std::clamp(std::log(static_cast<double>(size) / low) / std::log(high / low), 0.0, 1.0);
  };
  const auto y_of = [&](double rate) { return base - rate / top * (base - 10.0); };
  html::Drawing drawing(
      fmt::format("One stream at {} and {} tokens", crossing.format,
                  format_tokens(crossing.context)),
      fmt::format("Tokens a second from {} to {} parameters: tensor over RDMA solid, a pipeline "
                  "dashed, one node dotted.",
                  size_words(crossing.samples.front().parameters),
                  size_words(crossing.samples.back().parameters)),
      height);
  const double step = html::tick_step(top, 4);
  for (double tick = 0.0; tick < top; tick += step) {
    drawing.line(0.0, y_of(tick), 1.0, y_of(tick), tick > 0.0 ? "grid" : "axis");
    if (tick > 0.0) {
      drawing.label(1.0, y_of(tick) - 3.0, Anchor::end, fmt::format("{:g} tokens/s", tick),
                    "quiet");
    }
  }
  for (const auto& [member, kind] : {std::pair{&study::Crossing::Sample::one_node, "third"},
                                     std::pair{&study::Crossing::Sample::pipeline, "second"},
                                     std::pair{&study::Crossing::Sample::tensor, "demand"}}) {
    std::vector<std::pair<double, double>> points;
    for (const study::Crossing::Sample& sample : crossing.samples) {
      points.emplace_back(x_of(sample.parameters), y_of(sample.*member));
    }
    drawing.curve(points, kind);
  }
  drawing.label(0.0, base + 17.0, Anchor::start, size_words(crossing.samples.front().parameters),
                "quiet");
  drawing.label(1.0, base + 17.0, Anchor::end,
                size_words(crossing.samples.back().parameters) + " parameters, by factors",
                "quiet");
  return drawing.done();
}

Markup crossings_section(const study::BreakevenResult& result) {
  if (result.question.model) {
    return {};
  }
  if (result.crossings.empty()) {
    return html::section("tensor", "Tensor over RDMA, one stream",
                         html::paragraph("Not compared: " + result.no_crossings + "."));
  }
  const auto from = [](const std::optional<std::int64_t>& size,
                       const study::Crossing& crossing) -> std::string {
    if (!size) {
      return "never";
    }
    return *size <= crossing.samples.front().parameters ? "any size" : "from " + size_words(size);
  };
  Markup inside;
  std::vector<std::vector<Markup>> rows;
  for (const study::Crossing& crossing : result.crossings) {
    const std::string name =
        fmt::format("{}, {} tokens", crossing.format, format_tokens(crossing.context));
    if (crossing.samples.empty()) {
      continue;
    }
    inside += element("h3", name) + crossing_drawing(crossing);
    const study::Crossing::Sample& last = crossing.samples.back();
    rows.push_back({text(name), text(crossing.runtime->name()),
                    text(from(crossing.beats_pipeline, crossing)),
                    text(from(crossing.beats_one_node, crossing)),
                    text(size_words(last.parameters)), text(format_rate(last.tensor)),
                    text(format_rate(last.pipeline)), text(evidence_name(last.evidence))});
  }
  inside +=
      element("p", {{"class", "soft"}},
              text("Solid: tensor over RDMA; dashed: a pipeline over the same cables; dotted: "
                   "one node, as if it held the model."));
  inside += html::table("Where tensor over RDMA pays",
                        {{"Format and context", false},
                         {"Runtime", false},
                         {"Beats a pipeline", false},
                         {"Beats one node", false},
                         {"At", true},
                         {"Tensor, tokens/s", true},
                         {"Pipeline, tokens/s", true},
                         {"Evidence", false}},
                        rows);
  return html::section("tensor", "Tensor over RDMA, one stream", inside);
}

}  // namespace

std::string breakeven_html(const study::BreakevenResult& result, std::string_view command) {
  const std::string title =
      fmt::format("{}: where {} turn into a shard, {}", printable(result.question.cluster.spec),
                  every_node_words(result.question), model_words(result.question));
  plan::Request request;
  request.cluster = result.question.cluster;
  request.workload = result.question.workload;
  request.workload.context = result.question.contexts.front();
  request.calibration = result.question.calibration;
  const Markup main =
      html::patterns() + element("h1", title) +
      element("p", {{"class", "lead"}}, text(breakeven_answer(result))) + sizes_section(result) +
      runs_section(result) + crossings_section(result) +
      assumptions_section(
          request, nullptr,
          html::list({text("Sizes are of nominal models, whose layers are interpolated from the "
                           "catalog: estimated."),
                      text("Default or stated GPU limits unless a line says raised.")})) +
      html::section("command", "How this page was made", html::command(command));
  return html::page(title, main);
}

}  // namespace macfit::report
