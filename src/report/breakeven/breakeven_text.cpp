// A break-even in a terminal: bars of sizes, and what they get done.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "breakeven_words.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/breakeven/breakeven_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

class BreakevenText {
 public:
  BreakevenText(const study::BreakevenResult& result, const Style& style)
      : result_(result), style_(style), width_(std::clamp<std::size_t>(style.width, 40, 120)) {}

  std::string write() {
    text_ = paint(style_, Paint::bold, printable(result_.question.cluster.spec)) + ": " +
            model_words() + "\n\n" + wrap(breakeven_answer(result_), width_, 0) + '\n';
    if (!result_.turns.empty()) {
      turns();
      bars();
    }
    if (!result_.runs.empty()) {
      runs();
    }
    crossings();
    return encode(style_, text_);
  }

 private:
  void title(std::string_view text) { text_ += '\n' + paint(style_, Paint::bold, text) + '\n'; }
  void bullet(std::string_view text) { text_ += "  • " + wrap(text, width_, 4) + '\n'; }

  [[nodiscard]] std::string model_words() const {
    const study::BreakevenQuestion& question = result_.question;
    if (question.model) {
      return printable(question.model->id);
    }
    return question.active_share > 0.0
               ? "mixtures with " + format_percent(question.active_share) + " active"
               : "dense models";
  }

  void turns() {
    title("Largest models (in brackets: comfortable)");
    const bool unlike = std::any_of(result_.turns.begin(), result_.turns.end(),
                                    [](const auto& t) { return t.one_worker != t.workers; });
    std::vector<Table::Column> columns = {{"format", false, false},
                                          {"context", true, false},
                                          {every_node_words(result_.question), true, false}};
    if (unlike) {
      columns.push_back({"some node", true, false});
    }
    columns.push_back({"fits", true, false});
    columns.push_back({"loads", true, true});
    Table table(columns);
    const auto both = [](const std::optional<std::int64_t>& most,
                         const std::optional<std::int64_t>& comfortable) {
      return most ? size_words(most) + " (" + size_words(comfortable) + ")" : std::string("–");
    };
    for (const study::Turn& turn : result_.turns) {
      std::vector<std::string> cells = {turn.format, format_tokens(turn.context),
                                        both(turn.workers, turn.comfortable_workers)};
      if (unlike) {
        cells.push_back(size_words(turn.one_worker));
      }
      cells.push_back(both(turn.fits, turn.comfortable));
      cells.push_back(size_words(turn.loads));
      table.add(std::move(cells));
    }
    text_ += table.text(style_);
  }

  /// One bar a turn, over sizes from nothing to the largest that loads anywhere.
  void bars() {
    std::int64_t most = 0;
    for (const study::Turn& turn : result_.turns) {
      most = std::max({most, turn.loads.value_or(0), turn.fits.value_or(0)});
    }
    if (most == 0) {
      return;
    }
    std::size_t label = 0;
    for (const study::Turn& turn : result_.turns) {
      label = std::max(label, columns(turn.format) + 1 + format_tokens(turn.context).size());
    }
    const std::size_t room =
        width_ > label + 14 ? std::min<std::size_t>(width_ - label - 6, 72) : 8;
    text_ += '\n';
    for (const study::Turn& turn : result_.turns) {
      const auto cells = [&](const std::optional<std::int64_t>& size) {
        return static_cast<std::size_t>(
            std::llround(static_cast<double>(size.value_or(0)) / static_cast<double>(most) *
                         static_cast<double>(room)));
      };
      const std::size_t workers = cells(turn.workers);
      const std::size_t some = std::max(cells(turn.one_worker), workers);
      const std::size_t fits = std::max(cells(turn.fits), some);
      const std::size_t loads = std::max(cells(turn.loads), fits);
      const std::string name = turn.format + " " + format_tokens(turn.context);
      text_ += "  " + name + std::string(label - columns(name) + 2, ' ');
      const auto segment = [&](std::size_t count, std::string_view glyph, Paint color) {
        std::string bar;
        for (std::size_t i = 0; i < count; ++i) {
          bar += glyph;
        }
        text_ += paint(style_, color, bar);
      };
      segment(workers, "█", Paint::weights);
      segment(some - workers, "▓", Paint::cache);
      segment(fits - some, "▒", Paint::activations);
      segment(loads - fits, "░", Paint::overhead);
      text_ += '\n';
    }
    text_ += "  " +
             wrap("█ " + every_node_words(result_.question) +
                      ", ▓ some node alone, ▒ only sharded, ░ only with the raised limit or a "
                      "shorter context; up to " +
                      size_words(most),
                  width_, 2) +
             '\n';
  }

  void runs() {
    for (const Tokens context : result_.question.contexts) {
      title(fmt::format("What they get done at {} ({} tokens in, {} out)", format_tokens(context),
                        format_whole(std::llround(result_.question.job.prompt)),
                        format_whole(std::llround(result_.question.job.generated))));
      Table table({{"model", false, false},
                   {"format", false, false},
                   {"verdict", false, false},
                   {"a night", true, false},
                   {"tok/s", true, true},
                   {"", false, true},
                   {"an hour", true, true},
                   {"evidence", false, true}});
      for (const study::Run& run : result_.runs) {
        if (run.context != context) {
          continue;
        }
        table.add({printable(run.model, 60), run.format, verdict_words(run),
                   run.per_night ? format_whole(*run.per_night) : "–",
                   run.decode ? format_rate(run.decode->value) : "–", run.why,
                   run.per_hour ? format_rate(run.per_hour->value) : "–",
                   run.per_hour ? std::string(evidence_name(run.per_hour->evidence)) : ""});
      }
      text_ += table.text(style_);
    }
  }

  void crossings() {
    if (result_.question.model) {
      return;
    }
    title("Tensor over RDMA, one stream");
    if (result_.crossings.empty()) {
      bullet("Not compared: " + result_.no_crossings + ".");
      return;
    }
    const auto from = [](const std::optional<std::int64_t>& size,
                         const study::Crossing& crossing) -> std::string {
      if (!size) {
        return "never";
      }
      return *size <= crossing.samples.front().parameters ? "any size" : "from " + size_words(size);
    };
    Table table({{"format", false, false},
                 {"context", true, false},
                 {"beats a pipeline", false, false},
                 {"beats one node", false, false},
                 {"at", true, true},
                 {"tensor", true, true},
                 {"pipeline", true, true},
                 {"evidence", false, true}});
    for (const study::Crossing& crossing : result_.crossings) {
      const study::Crossing::Sample& last = crossing.samples.back();
      table.add({crossing.format, format_tokens(crossing.context),
                 from(crossing.beats_pipeline, crossing), from(crossing.beats_one_node, crossing),
                 size_words(last.parameters), format_rate(last.tensor), format_rate(last.pipeline),
                 std::string(evidence_name(last.evidence))});
    }
    text_ += table.text(style_);
  }

  const study::BreakevenResult& result_;
  const Style& style_;
  std::size_t width_;
  std::string text_;
};

}  // namespace

std::string breakeven_text(const study::BreakevenResult& result, const Style& style) {
  return BreakevenText(result, style).write();
}

}  // namespace macfit::report
