#include "breakeven_words.hpp"

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"

namespace macfit::report {
namespace {

const study::Run* find_run(const study::BreakevenResult& result, std::string_view why,
                           Tokens context, std::size_t after = 0) {
  for (std::size_t i = after; i < result.runs.size(); ++i) {
    if (result.runs[i].why == why && result.runs[i].context == context) {
      return &result.runs[i];
    }
  }
  return nullptr;
}

/// "193B at q4 on two workers", "350.8b at q8 in a pipeline".
std::string placed_words(const study::Run& run) {
  const std::string verdict = verdict_words(run);
  switch (run.decision.split) {
    case plan::SplitKind::independent:
      return "on " + verdict;
    case plan::SplitKind::pipeline:
      return (run.decision.replicas.size() == 1 ? "in a " : "in ") + verdict;
    case plan::SplitKind::tensor:
      break;
  }
  return "by " + verdict;
}

std::string done_words(const study::Run& run) {
  return run.per_night ? format_whole(*run.per_night) + " completions" : "speed not known";
}

}  // namespace

std::string size_words(const std::optional<std::int64_t>& parameters) {
  if (!parameters) {
    return "–";
  }
  const double billions = static_cast<double>(*parameters) / 1e9;
  return fmt::format("{:.{}f}B", billions, billions < 100.0 ? 1 : 0);
}

std::string every_node_words(const study::BreakevenQuestion& question) {
  const std::size_t nodes = question.cluster.nodes.size();
  return nodes == 1 ? "one worker" : count_word(nodes) + " workers";
}

std::string verdict_words(const study::Run& run) {
  const plan::Decision& decision = run.decision;
  if (!decision.found()) {
    return "won't fit";
  }
  std::string words;
  switch (decision.split) {
    case plan::SplitKind::independent:
      words = decision.replicas.size() == 1 ? "one worker"
                                            : count_word(decision.replicas.size()) + " workers";
      break;
    case plan::SplitKind::pipeline:
      words = decision.replicas.size() == 1 ? "pipeline"
                                            : count_word(decision.replicas.size()) + " pipelines";
      break;
    case plan::SplitKind::tensor:
      words = decision.replicas.size() == 1
                  ? "tensor"
                  : count_word(decision.replicas.size()) + " tensor shards";
      break;
  }
  if (decision.raised) {
    words += ", raised limit";
  }
  if (!decision.fits) {
    words += ", shorter context";
  }
  return words;
}

std::string breakeven_answer(const study::BreakevenResult& result) {
  const study::BreakevenQuestion& question = result.question;
  if (question.model) {
    std::string text;
    for (const study::Run& run : result.runs) {
      text += fmt::format("{}{} at {}: {}{}", text.empty() ? "" : "; ", run.asked,
                          format_tokens(run.context), verdict_words(run),
                          !run.decision.found() ? "" : ", " + done_words(run) + " a night");
    }
    return text + ".";
  }
  const study::Turn& turn = result.turns.front();
  const std::string many = every_node_words(question);
  std::string text;
  if (!turn.fits) {
    return fmt::format("At {} and {} tokens not even {} fits.", turn.format,
                       format_tokens(turn.context), size_words(study::size_step));
  }
  text = turn.workers ? fmt::format("At {} and {} tokens {} up to {}", turn.format,
                                    format_tokens(turn.context), many, size_words(turn.workers))
                      : fmt::format("At {} and {} tokens never {}", turn.format,
                                    format_tokens(turn.context), many);
  if (turn.one_worker && turn.one_worker != turn.workers) {
    text += ", one node alone up to " + size_words(turn.one_worker);
  }
  text += turn.fits != turn.one_worker
              ? ", a shard up to " + size_words(turn.fits) + ", and nothing beyond."
              : ", and nothing beyond.";
  const study::Run* workers = find_run(result, "most for every node", turn.context);
  if (workers == nullptr) {
    return text;
  }
  const study::Run* finer = find_run(result, "the same, finer", turn.context);
  const study::Run* bigger = find_run(result, "a little bigger", turn.context);
  if (finer != nullptr && finer->decision.found()) {
    text += fmt::format(" {} at {} {}: {} a night; the same at {} {}: {}.", workers->model,
                        workers->asked, placed_words(*workers), done_words(*workers), finer->asked,
                        placed_words(*finer), done_words(*finer));
  } else if (bigger != nullptr && bigger->per_night) {
    text += fmt::format(" {} at {} {}: {} a night; {} {}: {}.", workers->model, workers->asked,
                        placed_words(*workers), done_words(*workers), bigger->model,
                        placed_words(*bigger), done_words(*bigger));
  }
  return text;
}

}  // namespace macfit::report
