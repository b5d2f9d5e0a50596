#include "macfit/plan/measure.hpp"

#include <cmath>
#include <utility>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/runtime/facts.hpp"

namespace macfit::plan {
namespace {

std::string whole(double value) { return std::to_string(std::llround(value)); }

std::string filled(std::string text,
                   const std::vector<std::pair<std::string_view, std::string>>& values) {
  for (const auto& [name, value] : values) {
    std::size_t at = 0;
    while ((at = text.find(name, at)) != std::string::npos) {
      text.replace(at, name.size(), value);
      at += value.size();
    }
  }
  return text;
}

}  // namespace

std::string repository_of(const model::Model& model, const Placement& placement) {
  for (const model::PublishedFormat& format : model.formats) {
    if (same_name(format.recipe.name, placement.format) && !format.repository.empty()) {
      return format.repository;
    }
  }
  // Of a model that was read from a repository's files, those files are what it runs.
  if (model.stored && same_name(model.stored->format, placement.format)) {
    return model.repository;
  }
  const bool whole_bits = placement.format == "bf16" || placement.format == "f16";
  return whole_bits && placement.runtime->facts().launch.launcher != "llama.cpp" ? model.repository
                                                                                 : std::string();
}

Measurement measurement_of(const Request& request, const Placement& placement) {
  Measurement result;
  const runtime::LaunchFacts& launch = placement.runtime->facts().launch;
  const auto sequences = request.workload.sequences;
  const std::string& command = sequences > 1 ? launch.batch_benchmark : launch.benchmark;
  if (command.empty() || placement.split != SplitKind::independent) {
    return result;
  }
  const std::string repository = repository_of(request.model, placement);
  const auto command_for = [&](double prompt, double generated) {
    return filled(command,
                  {{"{model}", repository.empty() ? "MODEL" : shell_word(repository)},
                   {"{file}", "MODEL.gguf"},
                   {"{prompt}", whole(prompt)},
                   {"{generated}", whole(generated)},
                   {"{context}", whole((prompt + generated) * static_cast<double>(sequences))},
                   {"{sequences}", std::to_string(sequences)}});
  };
  const speed::Exchange exchange = speed::exchange_of(request.workload);
  result.full = command_for(exchange.prompt, exchange.generated);
  if (exchange.prompt + exchange.generated > speed::short_context) {
    speed::Question question;
    question.prompt = exchange.prompt;
    question.generated = exchange.generated;
    const speed::Question brief = speed::short_exchange(question);
    result.brief = command_for(brief.prompt, brief.generated);
  }
  return result;
}

}  // namespace macfit::plan
