#include <fmt/format.h>

#include "breakeven_words.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/breakeven/breakeven_formats.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

std::string sizes(const std::optional<std::int64_t>& most) { return most ? size_words(most) : "–"; }

std::string turns(const study::BreakevenResult& result) {
  Table table({{"format"},
               {"context", Table::number},
               {every_node_words(result.question), Table::number},
               {"comfortably", Table::number},
               {"some node alone", Table::number},
               {"fits at all", Table::number},
               {"comfortably", Table::number},
               {"loads at all", Table::number}});
  for (const study::Turn& turn : result.turns) {
    table.add({turn.format, format_tokens(turn.context), sizes(turn.workers),
               sizes(turn.comfortable_workers), sizes(turn.one_worker), sizes(turn.fits),
               sizes(turn.comfortable), sizes(turn.loads)});
  }
  return "\n## Largest models\n\n" + table.markdown();
}

std::string runs(const study::BreakevenResult& result) {
  Table table({{"model"},
               {"format"},
               {"context", Table::number},
               {"verdict"},
               {"a night", Table::number},
               {"an hour", Table::number},
               {"tok/s", Table::number},
               {"evidence"},
               {"why"}});
  for (const study::Run& run : result.runs) {
    table.add({run.model, run.format, format_tokens(run.context), verdict_words(run),
               run.per_night ? format_whole(*run.per_night) : "–",
               run.per_hour ? format_rate(run.per_hour->value) : "–",
               run.decode ? format_rate(run.decode->value) : "–",
               run.per_hour ? std::string(evidence_name(run.per_hour->evidence)) : "", run.why});
  }
  return "\n## What they get done\n\n" + table.markdown();
}

std::string crossings(const study::BreakevenResult& result) {
  Table table({{"format"},
               {"context", Table::number},
               {"beats a pipeline from", Table::number},
               {"beats one node from", Table::number},
               {"evidence"}});
  for (const study::Crossing& crossing : result.crossings) {
    const auto from = [](const std::optional<std::int64_t>& size) {
      return size ? size_words(size) : std::string("never");
    };
    table.add({crossing.format, format_tokens(crossing.context), from(crossing.beats_pipeline),
               from(crossing.beats_one_node),
               std::string(evidence_name(crossing.samples.back().evidence))});
  }
  return "\n## Tensor over RDMA, one stream\n\n" + table.markdown();
}

}  // namespace

std::string breakeven_markdown(const study::BreakevenResult& result, const Context&) {
  std::string text = "# ";
  markdown_text(text, "Break-even on " + result.question.cluster.spec);
  text += "\n\n**";
  markdown_text(text, breakeven_answer(result));
  text += "**\n";
  if (!result.turns.empty()) {
    text += turns(result);
  }
  text += runs(result);
  if (!result.crossings.empty()) {
    text += crossings(result);
  }
  return text;
}

}  // namespace macfit::report
