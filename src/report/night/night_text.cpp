// A night in a terminal: what is done by morning, with what risk.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/night/night_report.hpp"
#include "macfit/report/table/table.hpp"
#include "night_words.hpp"

namespace macfit::report {
namespace {

/// Nights by completions, fewest first; any night at all shows.
std::string sparkline(const std::vector<std::int64_t>& nights, const Style& style) {
  constexpr std::array<std::string_view, 9> blocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 9> ascii = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
  const std::int64_t most = *std::max_element(nights.begin(), nights.end());
  std::string line;
  for (const std::int64_t count : nights) {
    const double share = static_cast<double>(count) / static_cast<double>(most);
    const auto level = static_cast<std::size_t>(std::ceil(share * 8.0));
    line += style.unicode ? blocks.at(level) : ascii.at(level);
  }
  return line;
}

std::string brief_rate(const std::optional<speed::Estimate>& estimate) {
  constexpr double three_digits = 99.95;
  if (!estimate) {
    return "–";
  }
  return estimate->value < three_digits
             ? fmt::format("{:.1f}", estimate->value)
             : format_whole(static_cast<std::int64_t>(std::llround(estimate->value)));
}

class NightText {
 public:
  NightText(const study::NightResult& result, const Style& style)
      : result_(result), style_(style), width_(std::clamp<std::size_t>(style.width, 40, 120)) {}

  std::string write() {
    const study::NightQuestion& question = result_.question;
    text_ = paint(style_, Paint::bold,
                  fmt::format("{} on {}", printable(question.plan.model.id),
                              printable(question.plan.cluster.spec))) +
            fmt::format(", a night of {}\n\n", span_words(question.hours.seconds));
    text_ += wrap(night_answer(result_), width_, 0) + '\n';
    text_ += wrap("Jobs: " + jobs_words(question) + ".", width_, 0) + '\n';
    if (const std::string words = sequences_words(result_); !words.empty()) {
      text_ += wrap(words, width_, 0) + '\n';
    }
    if (!result_.placements.empty()) {
      table();
      choices();
      for (const study::NightPlacement& placement : result_.placements) {
        details(placement);
      }
      faults();
    }
    absent();
    return encode(style_, text_);
  }

 private:
  void title(std::string_view text) { text_ += '\n' + paint(style_, Paint::bold, text) + '\n'; }
  void bullet(std::string_view text) { text_ += "  • " + wrap(text, width_, 4) + '\n'; }

  void table() {
    title("Completions by morning");
    const bool list = !result_.question.jobs.endless;
    std::vector<Table::Column> columns = {
        {"placement", false, false}, {"median", true, false}, {"p10–p90", true, false}};
    if (list) {
      columns.push_back({"all done", true, false});
    }
    columns.push_back({"distribution", false, true});
    columns.push_back({"by speed", true, true});
    Table table(columns);
    for (const study::NightPlacement& placement : result_.placements) {
      const study::NightOutcome& outcome = placement.outcome;
      std::vector<std::string> cells = {
          placement.name, format_whole(outcome.median),
          format_whole(outcome.p10) + "–" + format_whole(outcome.p90)};
      if (list) {
        cells.push_back(format_percent(outcome.finished.value_or(0.0)));
      }
      cells.push_back(sparkline(outcome.histogram, style_));
      cells.push_back(format_whole(placement.low) + "–" + format_whole(placement.high));
      table.add(std::move(cells));
    }
    text_ += table.text(style_);
  }

  void choices() {
    if (result_.choices.size() < 2) {
      return;
    }
    title("Sequences at a time on each worker");
    Table table({{"", false, false},
                 {"at a time", true, false},
                 {"done without faults", true, false},
                 {"by", false, true},
                 {"tier", false, false}});
    for (const study::NightChoice& choice : result_.choices) {
      const bool taken = choice.sequences == result_.question.plan.workload.sequences;
      table.add({taken ? "→" : "", std::to_string(choice.sequences), choice_words(result_, choice),
                 choice.name, choice_tier(choice)});
    }
    text_ += table.text(style_);
    if (result_.best) {
      text_ += "  To run it:\n      " +
               paint(style_, Paint::bold, printable(launch_words(result_), 2000)) + '\n';
    }
  }

  void details(const study::NightPlacement& placement) {
    if (placement.alone) {
      return;
    }
    title(fmt::format("{} ({}, {})", placement.name, placement.runtime->name(), placement.format));
    workers(placement);
    const auto tokens = [](double value) { return fmt::format("{:.3g} million", value / 1e6); };
    bullet(fmt::format("Without faults {} completions: {} tokens read, {} written; {}.",
                       format_whole(placement.completions), tokens(placement.tokens_read),
                       tokens(placement.tokens_written), energy_words(placement)));
    const study::NightOutcome& outcome = placement.outcome;
    bullet(fmt::format("A fault every {}; {} of nights have none; the worst of {} gave {}.",
                       fault_gap(placement), format_percent(outcome.undisturbed),
                       format_whole(outcome.nights), format_whole(outcome.least)));
    if (const std::string words = split_words(result_, placement); !words.empty()) {
      bullet(words);
    } else if (placement.makespan) {
      bullet(finish_words(placement));
    }
    if (!placement.may_win) {
      bullet("For its numbers only: no plan would choose it.");
    }
    if (placement.raised) {
      bullet("Needs the raised GPU limit, which a reboot takes back.");
    }
  }

  /// A line for each worker, or one for all where they are alike.
  void workers(const study::NightPlacement& placement) {
    const auto& all = placement.workers;
    const bool alike = std::all_of(all.begin(), all.end(), [&](const study::NightWorker& worker) {
      return worker.job_seconds == all.front().job_seconds;
    });
    std::vector<std::string> names;
    names.reserve(all.size());
    for (const study::NightWorker& worker : all) {
      std::string nodes;
      for (const std::size_t node : worker.nodes) {
        nodes += (nodes.empty() ? "" : "+") + result_.question.plan.cluster.nodes[node].name;
      }
      names.push_back(printable(nodes, 200));
    }
    for (std::size_t w = 0; w < (alike ? 1 : all.size()); ++w) {
      bullet(fmt::format("{}: {} a job{}; {} tok/s decode{}, {} prefill ({})",
                         alike ? join_words(names) : names[w], span_words(all[w].job_seconds),
                         alike && all.size() > 1 ? " each" : "", brief_rate(all[w].decode),
                         result_.question.plan.workload.sequences > 1 ? " a stream" : "",
                         brief_rate(all[w].prefill), evidence_name(placement.evidence)));
    }
  }

  void faults() {
    title("Faults");
    text_ += "  " + wrap(rules_words(result_.question) + ".", width_, 2) + '\n';
    for (const std::string& line : fault_lines(result_.question)) {
      bullet(line);
    }
  }

  void absent() {
    if (result_.absent.empty()) {
      return;
    }
    title("Not counted");
    for (const study::NightAbsent& absent : result_.absent) {
      bullet(absent.name + ": " + printable(absent.reason, 400));
    }
  }

  const study::NightResult& result_;
  const Style& style_;
  std::size_t width_;
  std::string text_;
};

}  // namespace

std::string night_text(const study::NightResult& result, const Style& style) {
  return NightText(result, style).write();
}

}  // namespace macfit::report
