// Words on the splits that lost: what keeps a runtime from one, what would carry it, what a tensor
// split over TCP would cost, and what --split left out.

#include "macfit/runtime/topology.hpp"
#include "words_base.hpp"

namespace macfit::plan {
namespace {

class SplitWords : private WordsBase {
 public:
  using WordsBase::WordsBase;

  /// What the splits that did not win would take, and why they did not.
  void write() {
    if (request_.cluster.nodes.size() < 2) {
      return;
    }
    const bool wont_fit = !plan_.verdict.placement.has_value();
    std::vector<std::string> said;
    for (const Placement& placement : plan_.placements) {
      for (const Reason& problem : placement.problems) {
        const bool wanted = wont_fit || placement.runtime == runtime_of_verdict();
        if (placement.standing.supported || !wanted ||
            std::find(said.begin(), said.end(), problem.text) != said.end()) {
          continue;
        }
        said.push_back(problem.text);
        because(problem.code, problem.text + carried_by(placement));
      }
    }
    for (const Placement& placement : plan_.placements) {
      if (placement.split == SplitKind::tensor && placement.standing.supported &&
          placement.runtime == runtime_of_verdict() && !placement.nodes.empty()) {
        tensor(placement);
        break;
      }
    }
    if (request_.only) {
      better_split();
    }
  }

 private:
  void tensor(const Placement& placement) {
    const Group group = first_group(placement);
    const hardware::Transport transport = transport_of(scenario_of(placement), group);
    const bool tcp = over_tcp(placement);
    const speed::Link link = link_within(scenario_of(placement), group, transport);
    std::string cost;
    if (link.latency > 0.0) {
      cost = fmt::format(" At about {:.0f} µs one way that is {:.0f} ms a token before any work.",
                         link.latency * 1e6,
                         link.latency * 1e3 * static_cast<double>(placement.collectives_per_token));
    }
    if (tcp) {
      tensor_over_tcp(placement, cost);
    } else if (plan_.verdict.kind != Verdict::Kind::tensor) {
      note(placement.speed.decode
               ? fmt::format("Cut by tensor over RDMA it would run at about {}.",
                             rate(*placement.speed.decode))
               : fmt::format("A tensor split over RDMA is possible ({} collectives a token); its "
                             "speed is not known, so it wins only with --split tensor.",
                             placement.collectives_per_token));
    }
  }

  /// What macfit's figures say of a tensor split over TCP, and how little they rest on.
  void tensor_over_tcp(const Placement& placement, const std::string& cost) {
    const bool chosen = plan_.verdict.placement && &placement == &winner();
    std::string text = fmt::format(
        "Cut by tensor over TCP, every token waits for the link {} times ({} collectives a "
        "token).{}",
        placement.collectives_per_token, placement.collectives_per_token, cost);
    if (placement.speed.decode) {
      text += fmt::format(" It would run at about {}", rate(*placement.speed.decode));
      const bool faster = !chosen && plan_.verdict.placement && winner().speed.decode &&
                          placement.speed.decode->value > winner().speed.decode->value;
      text += faster ? ", more than what is recommended;" : ";";
      text +=
          " the link's cost rests on two reports far apart, and spike.sh of macfit launch "
          "measures it.";
    }
    if (chosen) {
      text += decision_.last_resort
                  ? " It is taken because nothing else loads; over RDMA it would be faster."
                  : " It is taken because --split tensor asks for it.";
    } else {
      text += " It is taken only with --split tensor, or where nothing else loads.";
    }
    because("tensor-latency", text);
  }

  /// "; EXO and llama.cpp do." where another runtime has the split that this one lacks.
  [[nodiscard]] std::string carried_by(const Placement& placement) const {
    if (placement.split == SplitKind::independent) {
      return ".";
    }
    std::vector<std::string> able;
    for (const runtime::Runtime* known : request_.known_runtimes.all()) {
      const runtime::Runtime& other = *known;
      if (other.name() == placement.runtime->name() || !other.runs(request_.model).ok) {
        continue;
      }
      const std::size_t nodes = request_.cluster.nodes.size();
      const bool can = placement.split == SplitKind::pipeline
                           ? other.pipeline(request_.model, nodes).ok
                           : other.tensor(request_.model, request_.recipe, nodes).ok;
      if (can) {
        able.emplace_back(other.title());
      }
    }
    if (able.empty()) {
      return ".";
    }
    return fmt::format("; {} {}.", join_words(able), able.size() == 1 ? "does" : "do");
  }

  void better_split() {
    Terms terms = terms_of(request_);
    terms.only.reset();
    const Decision free = decide(scenarios_, request_.workload, terms);
    if (free.found() && free.split != *request_.only &&
        (!plan_.verdict.placement || free.tier > plan_.verdict.tier ||
         free.split == SplitKind::independent)) {
      because("better-split",
              fmt::format("Without --split {} the answer is {}, {}.", split_name(*request_.only),
                          verdict_name(kind_of(free.split), free.replicas.size()),
                          fit::tier_name(free.tier)));
    }
  }
};

}  // namespace

void write_splits(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision) {
  SplitWords(plan, scenarios, decision).write();
}

}  // namespace macfit::plan
