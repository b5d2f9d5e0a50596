// What each runtime can do, in a terminal.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/runtimes/runtimes_report.hpp"
#include "macfit/report/table/table.hpp"
#include "macfit/runtime/failure_modes.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::report {
namespace {

std::string yes_no(const Ability& ability) {
  if (ability.all()) {
    return "yes";
  }
  return ability.yes == 0 ? "no" : fmt::format("{} of {}", ability.yes, ability.asked);
}

/// "2 4 8", "2 4", "2 (1 of 3)", "no".
std::string ranks_words(const RuntimeMatrix& matrix, const Abilities& abilities) {
  std::string words;
  for (std::size_t i = 0; i < matrix.ranks.size(); ++i) {
    const Ability& ability = abilities.tensor[i];
    if (ability.yes > 0) {
      words += (words.empty() ? "" : " ") + std::to_string(matrix.ranks[i]);
      words += ability.all() ? "" : fmt::format(" ({} of {})", ability.yes, ability.asked);
    }
  }
  return words.empty() ? "no" : words;
}

class Writer {
 public:
  Writer(const RuntimeMatrix& matrix, const Style& style)
      : matrix_(matrix), style_(style), width_(std::clamp<std::size_t>(style.width, 40, 120)) {}

  std::string write() {
    for (std::size_t i = 0; i < matrix_.runtimes.size(); ++i) {
      abilities(i);
      refusals(i);
      if (matrix_.runtimes.size() == 1) {
        demands(*matrix_.runtimes[i]);
        failures(*matrix_.runtimes[i]);
      } else {
        names_of_failures(*matrix_.runtimes[i]);
      }
    }
    if (matrix_.runtimes.size() > 1) {
      text_ += "\nDemands, symptoms, causes and remedies: macfit runtimes show NAME\n";
    }
    return encode(style_, text_);
  }

 private:
  void title(std::string_view text) {
    text_ += (text_.empty() ? "" : "\n") + paint(style_, Paint::bold, text) + '\n';
  }
  void bullet(std::string_view text) { text_ += "  • " + wrap(text, width_, 4) + '\n'; }

  void abilities(std::size_t at) {
    title(fmt::format("{}: what it can do, by architecture", matrix_.runtimes[at]->title()));
    Table table({{"architecture", false, false},
                 {"models", true, true},
                 {"runs", false, false},
                 {"pipeline", false, false},
                 {"tensor over", false, false},
                 {"quantized cache", false, false}});
    for (const ArchitectureRow& row : matrix_.rows) {
      const Abilities& one = row.abilities[at];
      if (one.runs.yes == 0) {
        table.add({row.type, std::to_string(row.models.size()), "no", "", "", ""});
        continue;
      }
      table.add({row.type, std::to_string(row.models.size()), yes_no(one.runs),
                 yes_no(one.pipeline), ranks_words(matrix_, one), yes_no(one.quantized_kv)});
    }
    text_ += table.text(style_, 2);
  }

  void refusals(std::size_t at) {
    // One sentence a code; the architectures that it holds for after it.
    struct Refusal {
      std::string reason;
      std::vector<std::string> types;
    };
    std::map<std::string, Refusal> refusals;
    for (const ArchitectureRow& row : matrix_.rows) {
      const Abilities& one = row.abilities[at];
      std::vector<const Ability*> asked = {&one.runs, &one.pipeline, &one.quantized_kv};
      for (const Ability& ability : one.tensor) {
        asked.push_back(&ability);
      }
      for (const Ability* ability : asked) {
        if (ability->all()) {
          continue;
        }
        Refusal& refusal = refusals[ability->code];
        if (refusal.reason.empty()) {
          refusal.reason = ability->reason;
        }
        if (refusal.types.empty() || refusal.types.back() != row.type) {
          refusal.types.push_back(row.type);
        }
      }
    }
    if (refusals.empty()) {
      return;
    }
    text_ += "\n  Refused, in these words:\n";
    for (const auto& [code, refusal] : refusals) {
      bullet(fmt::format(
          "{}: {}{}", code, printable(refusal.reason, 400),
          refusal.types.size() > 1
              ? fmt::format(" ({} in all: {})", refusal.types.size(), join_words(refusal.types))
              : ""));
    }
  }

  void demands(const runtime::Runtime& asked) {
    title("What its transports demand");
    for (const runtime::Backend backend : asked.backends()) {
      text_ += "  " + std::string(runtime::backend_name(backend)) + '\n';
      for (const runtime::Demand& demand : runtime::demands_of(asked, backend)) {
        bullet(fmt::format("{} [{}]", demand.text, demand.source));
      }
    }
  }

  void failures(const runtime::Runtime& asked) {
    title("How it fails");
    for (const runtime::FailureMode& mode : runtime::failure_modes_of(asked)) {
      text_ += "  " + paint(style_, Paint::bold, mode.id) + '\n';
      const auto line = [&](std::string_view name, std::string_view words) {
        constexpr std::size_t margin = 13;
        text_ += "    " + std::string(name) + std::string(margin - 4 - name.size(), ' ') +
                 wrap(words, width_, margin) + '\n';
      };
      line("symptom", mode.symptom);
      line("cause", mode.cause);
      line("remedy", mode.remedy);
      line("source", mode.source);
    }
  }

  void names_of_failures(const runtime::Runtime& asked) {
    std::vector<std::string> names;
    for (const runtime::FailureMode& mode : runtime::failure_modes_of(asked)) {
      names.emplace_back(mode.id);
    }
    text_ += "\n  " + wrap("Known failure modes: " + join_words(names), width_, 4) + '\n';
  }

  const RuntimeMatrix& matrix_;
  const Style& style_;
  std::size_t width_;
  std::string text_;
};

}  // namespace

std::string runtimes_text(const RuntimeMatrix& matrix, const Style& style) {
  return Writer(matrix, style).write();
}

}  // namespace macfit::report
