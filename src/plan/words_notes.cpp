// A plan's notes: what is assumed, guessed or worth knowing beside the verdict and its reasons.

#include "macfit/runtime/topology.hpp"
#include "words_base.hpp"

namespace macfit::plan {
namespace {

class NoteWords : private WordsBase {
 public:
  using WordsBase::WordsBase;

  void write() {
    const model::Model& model = request_.model;
    if (model.nominal) {
      note(fmt::format(
          "\"{}\" is a nominal model (estimated): {} parameters at {}. {} Nearest real models: {}.",
          printable(model.id), format_parameters(model.nominal->parameters),
          printable(scenarios_.front().profile.format),
          model.nominal->dense ? "It is taken as dense: every weight is read for every token, the "
                                 "slow and safe side; "
                                 "append -aN for a mixture of experts."
                               : fmt::format("{} of them active per token.",
                                             format_parameters(model.nominal->active_parameters)),
          join_words(model.nominal->nearest)));
      nearest_splits();
    }
    for (const std::string& text : model.notes) {
      note(text);
    }
    for (const hardware::Problem& problem : request_.cluster.problems) {
      if (!said_of_cables(problem.code)) {
        note(problem.text);
      }
    }
    bool extrapolated = false;
    for (const hardware::Node& node : request_.cluster.nodes) {
      extrapolated = extrapolated || node.gpu_limit.evidence == Evidence::extrapolated;
    }
    if (extrapolated) {
      note(
          "A GPU limit here is extrapolated: nobody published it for this RAM size. Read yours and "
          "state it with --wired-limit.");
    }
    for (const Placement& placement : plan_.placements) {
      for (const Reason& problem : placement.problems) {
        if (placement.standing.supported && problem.code != "context-above-longest" &&
            std::find(plan_.notes.begin(), plan_.notes.end(), problem.text + ".") ==
                plan_.notes.end() &&
            (plan_.verdict.placement ? &placement == &winner() : problem.code != "drops-layers")) {
          note(problem.text + ".");
        }
      }
    }
    other_goal();
    if (!decision_.exact && decision_.found()) {
      note(
          "There are too many unlike nodes to try every grouping: groups that can't spare a node "
          "were compared.");
    }
    if (request_.workload.sequences > 1) {
      note(fmt::format("{} sequences share each replica: every one has its own cache.",
                       request_.workload.sequences));
    }
  }

 private:
  /// What the other goal would have chosen, where it differs.
  void other_goal() {
    if (request_.cluster.nodes.size() < 2 || !plan_.verdict.placement || request_.replicas > 0) {
      return;
    }
    Terms terms = terms_of(request_);
    terms.goal = request_.goal == Goal::jobs ? Goal::answer : Goal::jobs;
    const Decision other = decide(scenarios_, request_.workload, terms);
    const Placement& mine = winner();
    if (!other.found() || (other.split == mine.split && other.replicas.size() == mine.replicas)) {
      return;
    }
    note(fmt::format("With --goal {} the answer would be {}, {}.", goal_name(terms.goal),
                     verdict_name(kind_of(other.split), other.replicas.size()),
                     fit::tier_name(other.tier)));
  }

  /// True where the winner's own problems say of its cables what the cluster's would say again.
  [[nodiscard]] bool said_of_cables(const std::string& code) const {
    if (!plan_.verdict.placement || (code.rfind("rdma-", 0) != 0 && code != "thunderbolt-ports") ||
        code == "rdma-not-confirmed") {
      return false;
    }
    const auto& codes = runtime::topology_problem_codes();
    return std::any_of(winner().problems.begin(), winner().problems.end(), [&](const Reason& mine) {
      return std::any_of(codes.begin(), codes.end(),
                         [&](const auto& known) { return known.code == mine.code; });
    });
  }

  void nearest_splits() {
    if (request_.cluster.nodes.size() < 2 || request_.nearest.empty()) {
      return;
    }
    std::vector<std::string> parts;
    for (const Scenario& scenario : scenarios_) {
      std::vector<std::string> can;
      std::vector<std::string> cannot;
      for (const model::Model& near : request_.nearest) {
        const bool ok = scenario.runtime->runs(near).ok &&
                        scenario.runtime->pipeline(near, request_.cluster.nodes.size()).ok;
        (ok ? can : cannot).push_back(near.id);
      }
      parts.push_back(
          fmt::format("{} can pipeline {}{}", scenario.runtime->title(),
                      can.empty() ? "none of them" : join_words(can),
                      cannot.empty() || can.empty() ? "" : ", not " + join_words(cannot, "or")));
    }
    note(fmt::format(
        "Every split counts as supported for a nominal model. Of the nearest real ones, "
        "{}.",
        join_words(parts)));
  }
};

}  // namespace

void write_notes(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision) {
  NoteWords(plan, scenarios, decision).write();
}

}  // namespace macfit::plan
