// The verdict in a sentence, its reasons and the plan's notes. Figures come from decide and place.

#include "words.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "shown.hpp"
#include "words_base.hpp"

namespace macfit::plan {
namespace {

std::string upper_first(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

class VerdictWords : private WordsBase {
 public:
  using WordsBase::WordsBase;

  void write() {
    model_ends();
    switch (plan_.verdict.kind) {
      case Verdict::Kind::independent:
        workers();
        break;
      case Verdict::Kind::pipeline:
      case Verdict::Kind::tensor:
        shard();
        break;
      case Verdict::Kind::wont_fit:
        wont_fit();
        break;
      case Verdict::Kind::unsupported:
        unsupported();
        break;
      case Verdict::Kind::unknown:
        unknown();
        break;
    }
    if (plan_.verdict.placement) {
      why_not_faster();
    }
  }

 private:
  /// "129.4 GB of weights, 132.9 GB in all, against the 115.4 GB (107.5 GiB) that macOS lets ..."
  void one_node_too_small() {
    const Placement* whole = find(SplitKind::independent);
    if (whole == nullptr || whole->nodes.empty() || whole->standing.fits()) {
      return;
    }
    const NodeBudget& largest = *std::max_element(
        whole->nodes.begin(), whole->nodes.end(),
        [](const NodeBudget& a, const NodeBudget& b) { return a.effective < b.effective; });
    const hardware::Node& node = request_.cluster.nodes[largest.node];
    const Bytes effective = node.effective_whole(false);
    because("one-node-too-small",
            fmt::format(
                "It does not fit on one node: it needs {} at {} tokens, {} of that weights, and "
                "{} may use {} ({} of its {}).",
                format_gb(largest.parts.demand()), context(), format_gb(largest.parts.weights),
                node_name(largest.node), format_gb(effective), format_gib(effective),
                format_gib(node.ram)));
  }

  /// A context that no hardware brings.
  void model_ends() {
    const std::int64_t longest = request_.model.architecture.context;
    if (longest > 0 && request_.workload.context.count() > longest) {
      because(
          "context-above-longest",
          fmt::format("The model ends at {} tokens: it is judged there, and the {} tokens asked "
                      "for never fit.",
                      format_tokens(Tokens(longest)), context()));
    }
  }

  void idle_nodes(const Placement& placement) {
    const Scenario& scenario = scenarios_[decision_.scenario];
    for (const std::size_t node : placement.idle) {
      const hardware::Node& idle = request_.cluster.nodes[node];
      if (!idle.mac && scenario.runtime->needs_macs()) {
        because("idle-node", fmt::format("{} stays idle: {} runs on Macs only.", node_name(node),
                                         scenario.runtime->title()));
        continue;
      }
      if (placement.split != SplitKind::independent) {
        const auto& cut = scenario.tensor[request_.cluster.nodes.size()];
        const bool uneven = placement.split == SplitKind::tensor && !cut.ok;
        because("idle-node",
                uneven ? fmt::format("{} stays idle: {}.", node_name(node), cut.reason)
                       : fmt::format("{} stays idle: no placement with it has a better tier, more "
                                     "replicas or over 10 % more speed.",
                                     node_name(node)));
        continue;
      }
      const Bytes effective = idle.effective_whole(decision_.raised);
      if (needed_whole(scenario) <= effective) {
        because("idle-node",
                fmt::format("{} stays idle: {} replica{} asked for.", node_name(node),
                            request_.replicas, request_.replicas == 1 ? " is" : "s are"));
        continue;
      }
      because(
          "idle-node",
          fmt::format("{} gets no worker: the model needs {} there and it may use {} ({} short).",
                      node_name(node), format_gb(needed_whole(scenario)), format_gb(effective),
                      format_gb(needed_whole(scenario) - effective)));
    }
    idle_together(placement);
  }

  [[nodiscard]] Bytes needed_whole(const Scenario& scenario) const {
    const fit::Demand demand =
        demand_of(scenario, request_.workload, judged_context(scenario.profile, request_.workload),
                  SplitKind::independent, 1, hardware::Transport::tcp);
    return Bytes(demand.stage(0, demand.layers()));
  }

  /// Beside workers, idle nodes that could hold one more replica together.
  void idle_together(const Placement& placement) {
    if (placement.split != SplitKind::independent || placement.idle.size() < 2 ||
        request_.replicas > 0 || request_.goal == Goal::answer) {
      return;
    }
    Request rest = request_;
    rest.cluster.nodes.clear();
    rest.cluster.links.clear();
    rest.layers.clear();
    const std::vector<std::size_t>& idle = placement.idle;
    for (const std::size_t node : idle) {
      rest.cluster.nodes.push_back(request_.cluster.nodes[node]);
    }
    for (std::size_t i = 0; i < idle.size(); ++i) {
      for (std::size_t j = i + 1; j < idle.size(); ++j) {
        if (const auto* link = request_.cluster.link_between(idle[i], idle[j])) {
          rest.cluster.links.push_back(*link);
          rest.cluster.links.back().first = i;
          rest.cluster.links.back().second = j;
        }
      }
    }
    const Decision together =
        decide(make_scenarios(rest), request_.workload, {SplitKind::pipeline, Goal::jobs, 0});
    if (!together.found() || !together.fits) {
      return;
    }
    std::vector<std::string> names;
    for (const std::size_t node : together.replicas.front().nodes) {
      names.push_back(node_name(idle[node]));
    }
    because("idle-together",
            fmt::format("{} together could hold one more replica as a pipeline ({}).",
                        join_words(names), fit::tier_name(together.tier)));
  }

  void limits(const Placement& placement) {
    if (placement.standing.raised()) {
      because("raised-limit",
              fmt::format("At the default GPU limit {} not {}; with the limit raised as below it "
                          "does. What needs a raised limit is never better than borderline.",
                          plan_.verdict.fits ? context() + " tokens do" : "it does",
                          plan_.verdict.fits ? "fit so" : "load"));
    }
    if (!plan_.verdict.fits && placement.standing.loads()) {
      because("cap-context",
              fmt::format("It loads, but {} tokens do not fit: cap the context at {} tokens.",
                          context(), format_whole(cap_of(plan_))));
    } else if (plan_.verdict.tier == fit::Tier::borderline && !placement.standing.raised() &&
               !decision_.last_resort) {
      const NodeBudget& fullest = *std::max_element(
          placement.nodes.begin(), placement.nodes.end(),
          [](const NodeBudget& a, const NodeBudget& b) { return a.utilization < b.utilization; });
      because("little-room",
              fmt::format("{} would be {} full; above 85 % a long night is at risk. {}",
                          node_name(fullest.node), format_percent(fullest.utilization),
                          placement.comfortable_context > 0
                              ? fmt::format("Up to {} tokens it would be comfortable.",
                                            format_whole(placement.comfortable_context))
                              : "No context length would make it comfortable."));
    }
  }

  void workers() {
    const Placement& placement = winner();
    const std::size_t count = placement.replicas;
    const std::size_t nodes = request_.cluster.nodes.size();
    if (count == 1) {
      plan_.verdict.summary = fmt::format(
          "{} fits whole on {}: run it there{}.", model_in_format(placement),
          node_name(placement.nodes.front().node), nodes > 1 ? ", on that node alone" : "");
    } else {
      plan_.verdict.summary =
          fmt::format("{} fits whole on each of {} nodes: run {} independent workers, one a node.",
                      model_in_format(placement), count_word(count), count_word(count));
      because("workers-throughput",
              fmt::format("{} workers do about {} the jobs of one (aggregate throughput), and one "
                          "that fails does not stop the rest. A single answer comes no faster than "
                          "on one node.",
                          count == 2 ? "Two" : fmt::format("These {}", count_word(count)),
                          count == 2 ? "twice" : fmt::format("{} times", count_word(count))));
    }
    if (plan_.verdict.tier == fit::Tier::borderline) {
      roomier_shard(placement);
    }
    speeds(placement);
    if (count == 1 && nodes > 1) {
      shard_beside();
    }
    limits(placement);
    idle_nodes(placement);
    if (nodes > 1 && plan_.verdict.tier != fit::Tier::comfortable) {
      const Placement* shard = find(SplitKind::pipeline);
      if (shard != nullptr && shard->standing.supported && shard->standing.loads() &&
          shard->max_context > placement.max_context) {
        because("shard-for-longer",
                fmt::format("A pipeline over the nodes is needed beyond {} tokens; it would carry "
                            "up to {}.",
                            format_whole(placement.max_context), format_whole(shard->max_context)));
      }
    }
  }

  /// Workers go before a shard of a better tier; whoever wants its room is told how to have it.
  void roomier_shard(const Placement& placement) {
    for (const Placement& other : plan_.placements) {
      if (other.split != SplitKind::independent && other.standing.may_win &&
          other.standing.tier == fit::Tier::comfortable && other.standing.fits()) {
        because("roomier-shard",
                fmt::format("A {} is comfortable where {} borderline: its fullest node would be {} "
                            "full. Choose it with --split {}.",
                            split_name(other.split),
                            placement.replicas == 1 ? "this worker is" : "these workers are",
                            format_percent(other.utilization), split_name(other.split)));
        return;
      }
    }
  }

  /// What one shard over several nodes would do beside the lone worker.
  void shard_beside() {
    const Placement* shard = find(SplitKind::pipeline);
    if (shard != nullptr && shard->standing.supported && shard->standing.loads() &&
        shard->speed.decode) {
      because("shard-beside",
              fmt::format("A pipeline over {} nodes would run at about {}.",
                          count_word(shard->nodes.size()), rate(*shard->speed.decode)));
    }
  }

  /// Of placements within 10 % of each other a faster one may lose; which rule made it so.
  void why_not_faster() {
    const Placement& mine = winner();
    if (!mine.speed.aggregate) {
      return;
    }
    const Placement* faster = nullptr;
    for (const Placement& other : plan_.placements) {
      const bool rival =
          &other != &mine && other.standing.may_win && other.speed.aggregate &&
          other.standing.tier == mine.standing.tier && other.replicas == mine.replicas &&
          other.standing.fits() == mine.standing.fits() &&
          other.standing.raised() == mine.standing.raised() &&
          (other.split == SplitKind::independent) == (mine.split == SplitKind::independent);
      if (rival && other.speed.aggregate->value > mine.speed.aggregate->value * 1.005 &&
          (faster == nullptr || other.speed.aggregate->value > faster->speed.aggregate->value)) {
        faster = &other;
      }
    }
    if (faster == nullptr) {
      return;
    }
    const auto used = [](const Placement& one) { return one.nodes.size(); };
    const bool by_hand = mine.how.empty() && !faster->how.empty();
    const std::string_view rule = by_hand                      ? "needs no split passed by hand"
                                  : used(mine) < used(*faster) ? "uses fewer nodes"
                                  : mine.utilization < faster->utilization - 1e-9
                                      ? "leaves more room"
                                      : "comes first in the order of preference";
    because("within-ten-percent",
            fmt::format("{} as a {} would do {} tokens/s in total, less than 10 % more; of so near "
                        "ones {} is taken, which {}.",
                        faster->runtime->title(), split_word(*faster),
                        format_rate(faster->speed.aggregate->value), mine.runtime->title(), rule));
  }

  [[nodiscard]] static std::string split_word(const Placement& placement) {
    return placement.split == SplitKind::independent ? "worker on each node"
           : placement.split == SplitKind::pipeline  ? "pipeline"
                                                     : "tensor split";
  }

  void speeds(const Placement& placement) {
    const Speed& speed = placement.speed;
    if (!speed.decode) {
      because("speed-unknown", fmt::format("No speed is given: {}.", speed.why_unknown));
      return;
    }
    // What is the same to a hundredth is one figure.
    const bool same = !speed.short_decode || speed.short_decode->value < speed.decode->value * 1.01;
    std::string text = fmt::format("About {} per request", rate(*speed.decode));
    if (!same) {
      text += fmt::format(" at the end of the full context, {} on a short prompt",
                          format_rate(speed.short_decode->value));
    }
    if (speed.time_to_first_token) {
      text += fmt::format("; {} to the first token with a full context",
                          format_duration(speed.time_to_first_token->value));
    }
    if (speed.aggregate && speed.aggregate->value > speed.decode->value * 1.001) {
      text += fmt::format("; {} tokens/s in total", format_rate(speed.aggregate->value));
      if (!same && speed.short_aggregate) {
        text += fmt::format(", {} on short prompts", format_rate(speed.short_aggregate->value));
      }
    }
    because("speed", text + ".");
    if (placement.split == SplitKind::independent && placement.replicas > 1) {
      one_stream_by_tensor(placement);
    }
  }

  /// Workers do more in all; only tensor over RDMA speeds one stream, and by less than the nodes.
  void one_stream_by_tensor(const Placement& placement) {
    const Scenario& scenario = scenarios_[decision_.scenario];
    Group group;
    for (const NodeBudget& budget : placement.nodes) {
      group.push_back(budget.node);
    }
    while (group.size() > 2 && !scenario.tensor[group.size()].ok) {
      group.pop_back();
    }
    const speed::Link link = link_within(scenario, group, hardware::Transport::rdma);
    if (!scenario.tensor[group.size()].ok || link.transport != hardware::Transport::rdma) {
      return;
    }
    const auto sequences = static_cast<double>(request_.workload.sequences);
    const speed::Answer cut = replica_speed_over(scenario, link, group, SplitKind::tensor, {},
                                                 speed::exchange_of(request_.workload), sequences);
    if (!cut.decode || !placement.speed.aggregate) {
      return;
    }
    because("one-stream",
            fmt::format("Cut over {} nodes by RDMA (--split tensor --link tb5-rdma) one answer "
                        "would come at about {}, {:.1f}× as fast, but {} tokens/s would be the "
                        "total; the workers do {}.",
                        count_word(group.size()), rate(*cut.decode),
                        cut.decode->value / placement.speed.decode->value,
                        format_rate(cut.aggregate_decode->value),
                        format_rate(placement.speed.aggregate->value)));
  }

  void tensor_against_pipeline(const Placement& placement) {
    const Placement* pipeline = find(SplitKind::pipeline);
    if (over_tcp(placement) || pipeline == nullptr || !pipeline->speed.decode ||
        !placement.speed.decode) {
      return;
    }
    because("tensor-faster",
            fmt::format("Over RDMA every node works on every token: one answer comes {:.1f} times "
                        "as fast as through the pipeline, which would do about {} tokens/s.",
                        placement.speed.decode->value / pipeline->speed.decode->value,
                        format_rate(pipeline->speed.decode->value)));
  }

  /// The layers of each replica: {"47/45"}, or {"36/36/36", "54/54"} where they differ.
  [[nodiscard]] static std::vector<std::string> layer_counts(const Placement& placement) {
    std::vector<std::string> counts(placement.replicas);
    for (const NodeBudget& budget : placement.nodes) {
      std::string& text = counts[budget.replica];
      text += (text.empty() ? "" : "/") + std::to_string(budget.layer_count);
    }
    std::vector<std::string> different;
    for (std::string& text : counts) {
      if (std::find(different.begin(), different.end(), text) == different.end()) {
        different.push_back(std::move(text));
      }
    }
    return different;
  }

  void shard() {
    const Placement& placement = winner();
    const bool pipeline = placement.split == SplitKind::pipeline;
    const std::size_t nodes = placement.nodes.size();
    const std::size_t smallest = nodes / placement.replicas;
    const std::size_t fewest = decision_.fewest;
    const std::vector<std::string> counts = layer_counts(placement);
    const std::string how = !pipeline ? "a tensor split, every layer cut evenly"
                            : counts.size() == 1
                                ? fmt::format("a pipeline of {} layers", counts.front())
                                : fmt::format("pipelines of {} layers", join_words(counts));
    const bool spare = fewest > 1 && fewest < smallest;
    const std::string needs =
        fmt::format("{} needs {}{} nodes together", model_in_format(placement),
                    spare ? "at least " : "", count_word(spare ? fewest : smallest));
    const Placement* whole = find(SplitKind::independent);
    if (whole != nullptr && whole->standing.fits() && whole->standing.supported) {
      plan_.verdict.summary = fmt::format(
          "{} fits whole on one node; as asked it runs as {} over {} nodes{}.",
          model_in_format(placement), how, count_word(smallest),
          placement.replicas > 1 ? fmt::format(", in {} replicas", count_word(placement.replicas))
                                 : "");
    } else if (placement.replicas == 1) {
      plan_.verdict.summary =
          spare ? fmt::format("{}: run it over {}, as {}.", needs, count_word(nodes), how)
                : fmt::format("{}: run it as {}.", needs, how);
    } else {
      plan_.verdict.summary = fmt::format("{}: run {} replicas ({}), each over its own nodes.",
                                          needs, count_word(placement.replicas), how);
      because("replicas-throughput",
              fmt::format("{} replicas do about {} the jobs of one; a single answer comes no "
                          "faster.",
                          placement.replicas == 2 ? "Two" : "These",
                          placement.replicas == 2
                              ? "twice"
                              : fmt::format("{} times", count_word(placement.replicas))));
    }
    one_node_too_small();
    const NodeBudget& fullest = *std::max_element(
        placement.nodes.begin(), placement.nodes.end(),
        [](const NodeBudget& a, const NodeBudget& b) { return a.utilization < b.utilization; });
    because("binding-node",
            fmt::format(
                "Split, {} is the fullest: {} of weights, {} in all, {} of the {} it may use "
                "(a cluster reserve of {} is kept free).",
                node_name(fullest.node), format_gb(fullest.parts.weights),
                format_gb(fullest.parts.demand()), format_percent(fullest.utilization),
                format_gb(fullest.effective), format_percent(request_.cluster.cluster_reserve)));
    if (pipeline) {
      because(
          "shard-capacity",
          "A shard buys capacity, not speed: the nodes work one after the other on every token, "
          "so a single answer is no faster than on one node that could hold it all.");
    } else {
      tensor_against_pipeline(placement);
    }
    speeds(placement);
    limits(placement);
    idle_nodes(placement);
    if (spare && placement.replicas == 1) {
      note(fmt::format("{} nodes are enough for this tier.", upper_first(count_word(fewest))));
    }
    if (!placement.how.empty()) {
      note(fmt::format("To get this split: {}.", placement.how));
    }
  }

  void wont_fit() {
    const auto shortfall = find_shortfall(plan_, scenarios_);
    const std::string what = fmt::format("{} ({})", printable(request_.model.id),
                                         printable(scenarios_.front().profile.format));
    if (!shortfall) {
      plan_.verdict.summary = fmt::format("{} can't run on this cluster as asked.", what);
      return;
    }
    const Placement& nearest = plan_.placements[shortfall->placement];
    plan_.verdict.nearest = shortfall->placement;
    const std::int64_t tokens = load_context(scenarios_.front().profile);
    plan_.verdict.summary = fmt::format(
        "{} does not fit: as {}, {} is short by {} at {} tokens, even with the GPU limit raised.",
        what,
        nearest.split == SplitKind::independent
            ? "a whole model on one node"
            : fmt::format("a {} split", split_name(nearest.split)),
        node_name(shortfall->node), format_gb(shortfall->short_by), format_whole(tokens));
    const hardware::Node& node = request_.cluster.nodes[shortfall->node];
    because("short-of-memory",
            fmt::format("{} would need {} and may use {} of its {} ({} bytes short); the nodes' "
                        "memories do not add up to one pool.",
                        node_name(shortfall->node), format_gb(shortfall->demand),
                        format_gb(shortfall->effective), format_gib(node.ram),
                        format_whole(shortfall->short_by.count())));
    one_node_too_small();
  }

  /// Memory would do, but nothing that was asked for runs it so.
  void unsupported() {
    const std::string who = request_.runtimes.size() == 1
                                ? std::string(scenarios_.front().runtime->title()) + " can't"
                                : "no runtime asked for can";
    plan_.verdict.summary =
        fmt::format("{} would fit in memory, but {} run it so on these nodes.", asked_words(), who);
    memory_would_do();
  }

  /// Memory would do, and whether anything runs it is not known.
  void support_unknown() {
    plan_.verdict.summary = fmt::format(
        "{} would fit in memory; whether it runs is not known to macfit.", asked_words());
    memory_would_do();
    if (request_.model.architecture.type.empty()) {
      because("what-to-supply", "The config.json that belongs to the weights names the type.");
    }
  }

  [[nodiscard]] std::string asked_words() const {
    return fmt::format("{} ({})", printable(request_.model.id),
                       printable(scenarios_.front().profile.format));
  }

  /// The best of what memory alone allows.
  void memory_would_do() {
    const Placement* best = nullptr;
    for (std::size_t i = 0; i < plan_.placements.size(); ++i) {
      const Placement& placement = plan_.placements[i];
      if (placement.standing.loads() &&
          (best == nullptr || placement.standing.tier > best->standing.tier)) {
        best = &placement;
        plan_.verdict.nearest = i;
      }
    }
    if (best != nullptr) {
      const NodeBudget& fullest = best->nodes[best->fullest];
      because("memory-would-do",
              fmt::format("{}, {} would be {} full: {} of the {} it may use.",
                          best->split == SplitKind::independent
                              ? "Whole on one node"
                              : fmt::format("As a {} split", split_name(best->split)),
                          node_name(fullest.node), format_percent(fullest.utilization),
                          format_gb(fullest.parts.demand()), format_gb(fullest.effective)));
    }
  }

  /// Something that a demand needs is not known; what is known is shown.
  void unknown() {
    if (std::any_of(plan_.placements.begin(), plan_.placements.end(),
                    [](const Placement& placement) { return placement.standing.loads(); })) {
      support_unknown();
      return;
    }
    const std::string id = printable(request_.model.id);
    plan_.verdict.summary =
        fmt::format("Whether {} fits is not known: macfit does not know all its shapes.", id);
    for (std::size_t i = 0; i < plan_.placements.size(); ++i) {
      const Placement& placement = plan_.placements[i];
      if (placement.weight_bytes > Bytes(0)) {
        plan_.verdict.nearest = i;
        because("weights-alone",
                fmt::format("Its weights alone take {} ({} bytes, {}): a lower bound of what it "
                            "needs.",
                            format_gb(placement.weight_bytes),
                            format_whole(placement.weight_bytes.count()),
                            evidence_name(placement.weight_evidence)));
        break;
      }
    }
    const std::int64_t parameters = model::parameters_of(request_.model).total;
    because("what-to-supply",
            fmt::format("A config.json of a type that macfit reads tells the shapes; by size alone "
                        "plan with --model {}.",
                        parameters > 0 ? fmt::format("{}b-q4", std::max<std::int64_t>(
                                                                   1, parameters / 1'000'000'000))
                                       : "such as 230b-q4 or 128gb"));
  }
};

}  // namespace

void put_into_words(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision) {
  VerdictWords(plan, scenarios, decision).write();
  write_splits(plan, scenarios, decision);
  write_notes(plan, scenarios, decision);
}

}  // namespace macfit::plan
