#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/plan/speeds.hpp"

namespace macfit::plan {

/// What everybody who puts a plan into words needs at hand.
class WordsBase {
 public:
  WordsBase(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision)
      : plan_(plan), scenarios_(scenarios), decision_(decision), request_(plan.request) {}

 protected:
  void because(std::string code, std::string text) {
    plan_.verdict.reasons.push_back({std::move(code), std::move(text)});
  }
  void note(std::string text) { plan_.notes.push_back(std::move(text)); }

  [[nodiscard]] const Placement& winner() const {
    return plan_.placements[plan_.verdict.placement.value_or(0)];
  }
  [[nodiscard]] std::string node_name(std::size_t node) const {
    return printable(request_.cluster.nodes[node].name, 64);
  }
  [[nodiscard]] std::string context() const { return format_tokens(request_.workload.context); }
  [[nodiscard]] const Placement* find(SplitKind split) const {
    for (const Placement& placement : plan_.placements) {
      if (placement.split == split && placement.runtime == runtime_of_verdict()) {
        return &placement;
      }
    }
    return nullptr;
  }
  [[nodiscard]] const runtime::Runtime* runtime_of_verdict() const {
    return plan_.verdict.placement ? winner().runtime : scenarios_.front().runtime;
  }
  [[nodiscard]] std::string model_in_format(const Placement& placement) const {
    return fmt::format("{} ({})", printable(request_.model.id), printable(placement.format));
  }

  /// "18.2 tokens/s (14.7 to 22.0, community)".
  [[nodiscard]] static std::string rate(const speed::Estimate& figure) {
    return fmt::format("{} tokens/s ({} to {}, {})", format_rate(figure.value),
                       format_rate(figure.low), format_rate(figure.high),
                       evidence_name(figure.evidence));
  }

  [[nodiscard]] const Scenario& scenario_of(const Placement& placement) const {
    return *std::find_if(scenarios_.begin(), scenarios_.end(),
                         [&](const Scenario& s) { return s.runtime == placement.runtime; });
  }
  [[nodiscard]] static Group first_group(const Placement& placement) {
    Group group;
    for (const NodeBudget& budget : placement.nodes) {
      if (budget.replica == 0) {
        group.push_back(budget.node);
      }
    }
    return group;
  }
  [[nodiscard]] bool over_tcp(const Placement& placement) const {
    return transport_of(scenario_of(placement), first_group(placement)) == hardware::Transport::tcp;
  }

  Plan& plan_;
  const std::vector<Scenario>& scenarios_;
  const Decision& decision_;
  const Request& request_;
};

/// What the splits that did not win would take, and why they did not.
void write_splits(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision);

/// What is worth knowing besides: about the model, the machines, the winner's problems.
void write_notes(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision);

}  // namespace macfit::plan
