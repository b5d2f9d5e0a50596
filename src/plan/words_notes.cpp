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
    neighbors();
    without_effect();
    small_macs();
    finer_format();
    from_disk();
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
  /// A way outside what is planned here, where a source shows it: docs/fit.md.
  void from_disk() {
    if (plan_.verdict.kind != Verdict::Kind::wont_fit || request_.model.nominal) {
      return;
    }
    const model::ParameterCount count = model::parameters_of(request_.model);
    if (count.active > 0 && count.active < count.total / 2) {
      note(
          "Some programs read a mixture's experts from disk as they are needed, and run in less "
          "memory than macfit plans with, slowly: 1.45 tokens/s were reported of a 4-bit GLM-5.2 "
          "on 256 GB.");
    }
  }

  /// The finest published format that does as well, where none was asked for.
  void finer_format() {
    const bool asked = std::any_of(request_.flags.begin(), request_.flags.end(),
                                   [](const auto& flag) { return flag.first == "--quant"; });
    if (asked || request_.model.nominal || !plan_.verdict.placement || !plan_.verdict.fits) {
      return;
    }
    std::vector<model::Recipe> finer;
    for (const model::PublishedFormat& format : request_.model.formats) {
      if (model::nominal_bits(format.recipe) > model::nominal_bits(request_.recipe) &&
          winner().runtime->format(request_.model, format.recipe).ok) {
        finer.push_back(format.recipe);
      }
    }
    std::stable_sort(finer.begin(), finer.end(), [](const auto& a, const auto& b) {
      return model::nominal_bits(a) > model::nominal_bits(b);
    });
    for (const model::Recipe& recipe : finer) {
      Request changed = request_;
      changed.recipe = recipe;
      changed.runtimes = {winner().runtime};
      const Decision again = decide(make_scenarios(changed), changed.workload, terms_of(changed));
      if (again.found() && again.fits && again.tier >= plan_.verdict.tier &&
          again.replicas.size() >= plan_.verdict.workers && again.split == winner().split) {
        note(fmt::format("{} fits too, {} (--quant {}).", printable(recipe.name),
                         again.tier == fit::Tier::comfortable ? "comfortably" : "with little room",
                         printable(recipe.name)));
        return;
      }
    }
  }

  /// "" where all nodes are meant, else " on node-1 and node-3".
  [[nodiscard]] std::string on(const std::vector<std::string>& names) const {
    return names.size() == request_.cluster.nodes.size() ? "" : " on " + join_words(names);
  }

  /// A reserve or a limit that was asked for, and that another bound leaves nothing to do.
  void without_effect() {
    std::vector<std::string> reserves;
    std::vector<std::string> limits;
    for (const hardware::Node& node : request_.cluster.nodes) {
      const Bytes rest = node.ram - node.reserve;
      if (node.reserve > Bytes(0) && rest >= node.gpu_limit.bytes) {
        reserves.push_back(printable(node.name, 64));
      }
      if (node.gpu_limit.stated && node.gpu_limit.bytes > rest) {
        limits.push_back(printable(node.name, 64));
      }
    }
    if (!reserves.empty()) {
      note(fmt::format("The reserve changes nothing{}: the GPU limit leaves more than that free.",
                       on(reserves)));
    }
    if (!limits.empty()) {
      note(fmt::format("The wired limit changes nothing{}: RAM less the reserve is less.",
                       on(limits)));
    }
    const double usual = hardware::Cluster{}.cluster_reserve;
    if (request_.cluster.cluster_reserve != usual && plan_.verdict.placement &&
        winner().split == SplitKind::independent) {
      note(
          "The cluster reserve changes nothing: it is for parts of a sharded model, and each "
          "worker holds the whole.");
    }
  }

  /// Swap was seen on small Macs at loads that are comfortable for the GPU alone: docs/fit.md.
  void small_macs() {
    constexpr Bytes small{32 * gib};
    constexpr double seen = 0.75;
    if (!plan_.verdict.placement || winner().standing.tier != fit::Tier::comfortable) {
      return;
    }
    const auto& nodes = winner().nodes;
    if (std::any_of(nodes.begin(), nodes.end(), [&](const NodeBudget& budget) {
          return request_.cluster.nodes[budget.node].ram <= small && budget.utilization > seen;
        })) {
      note(
          "Macs of 16 and 32 GB were seen to swap at such a load, as macOS and other programs need "
          "memory too: quit those, or plan with --reserve 8GiB.");
    }
  }

  void neighbors() {
    for (const Neighbor& neighbor : request_.beside) {
      std::vector<std::string> homes;
      for (const auto& [node, bytes] : neighbor.lives) {
        homes.push_back(
            fmt::format("{} of {}", format_gb(bytes), request_.cluster.nodes[node].name));
      }
      note(
          fmt::format("{} ({}, {}, {}) lives there already and takes {}. Speeds hold while it "
                      "rests.",
                      printable(neighbor.model.id), printable(neighbor.format), neighbor.runtime,
                      format_tokens(neighbor.workload.context), join_words(homes)));
    }
  }

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
