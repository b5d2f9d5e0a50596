#include "words.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "expand.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/speeds.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::plan {
namespace {

class Words {
 public:
  Words(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision)
      : plan_(plan), scenarios_(scenarios), decision_(decision), request_(plan.request) {}

  void write() {
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
    }
    splits();
    notes();
  }

 private:
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
  [[nodiscard]] runtime::Id runtime_of_verdict() const {
    return plan_.verdict.placement ? winner().runtime : scenarios_.front().runtime->id();
  }
  [[nodiscard]] std::string model_in_format(const Placement& placement) const {
    return fmt::format("{} ({})", printable(request_.model.id), printable(placement.format));
  }

  /// "129.4 GB of weights, 132.9 GB in all, against the 115.4 GB (107.5 GiB) that macOS lets ..."
  void one_node_too_small() {
    const Placement* whole = find(SplitKind::independent);
    if (whole == nullptr || whole->nodes.empty() || whole->fits) {
      return;
    }
    const NodeBudget& largest = *std::max_element(
        whole->nodes.begin(), whole->nodes.end(),
        [](const NodeBudget& a, const NodeBudget& b) { return a.effective < b.effective; });
    const hardware::Node& node = request_.cluster.nodes[largest.node];
    const Bytes effective = node.effective_whole(false);
    because("one-node-too-small",
            fmt::format("No node holds it alone: it needs {} at {} tokens ({} of it weights), and "
                        "{} may use {} ({} of its {}).",
                        format_gb(largest.parts.demand()), context(),
                        format_gb(largest.parts.weights), node_name(largest.node),
                        format_gb(effective), format_gib(effective), format_gib(node.ram)));
  }

  void idle_nodes(const Placement& placement) {
    for (const std::size_t node : placement.idle) {
      const hardware::Node& idle = request_.cluster.nodes[node];
      const auto& cut = scenarios_[decision_.scenario].tensor[request_.cluster.nodes.size()];
      if (placement.split == SplitKind::tensor && !cut.ok) {
        because("idle-node", fmt::format("{} stays idle: {}.", node_name(node), cut.reason));
        continue;
      }
      if (placement.split != SplitKind::independent) {
        because("idle-node", fmt::format("{} stays idle: with it in the split the plan would be "
                                         "tighter, not better.",
                                         node_name(node)));
        continue;
      }
      if (!idle.mac && scenarios_[decision_.scenario].runtime->needs_macs()) {
        because("idle-node",
                fmt::format("{} gets no worker: {} runs on Macs only.", node_name(node),
                            scenarios_[decision_.scenario].runtime->name()));
        continue;
      }
      const fit::Demand demand =
          demand_of(scenarios_[decision_.scenario], request_.workload,
                    request_.workload.context.count(), SplitKind::independent, 1);
      const Bytes needed(demand.stage(0, demand.layers()));
      const Bytes effective = idle.effective_whole(decision_.raised);
      because(
          "idle-node",
          fmt::format("{} gets no worker: the model needs {} there and it may use {} ({} short).",
                      node_name(node), format_gb(needed), format_gb(effective),
                      format_gb(needed - effective)));
    }
  }

  void limits(const Placement& placement) {
    if (placement.limit == Limit::raised) {
      because("raised-limit",
              "At the default GPU limit it does not load; with the limit raised as below it does. "
              "What needs a raised limit is never better than borderline.");
    }
    if (!placement.fits && placement.loads) {
      because("cap-context",
              fmt::format("It loads, but {} tokens do not fit: cap the context at {} tokens.",
                          context(), format_whole(placement.max_context)));
    } else if (plan_.verdict.tier == fit::Tier::borderline && placement.limit != Limit::raised) {
      const NodeBudget& fullest = *std::max_element(
          placement.nodes.begin(), placement.nodes.end(),
          [](const NodeBudget& a, const NodeBudget& b) { return a.utilization < b.utilization; });
      because("little-room",
              fmt::format("{} would be {} full; above 85 % a long night is at risk. {}",
                          node_name(fullest.node), format_percent(fullest.utilization),
                          placement.comfortable_context > 0
                              ? fmt::format("Up to {} tokens it would be comfortable.",
                                            format_whole(placement.comfortable_context))
                              : "It is so at any context."));
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
    speeds(placement);
    limits(placement);
    idle_nodes(placement);
    if (nodes > 1 && plan_.verdict.tier != fit::Tier::comfortable) {
      const Placement* shard = find(SplitKind::pipeline);
      if (shard != nullptr && shard->supported && shard->loads &&
          shard->max_context > placement.max_context) {
        because("shard-for-longer",
                fmt::format("A pipeline over the nodes is needed beyond {} tokens; it would carry "
                            "up to {}.",
                            format_whole(placement.max_context), format_whole(shard->max_context)));
      }
    }
  }

  /// "18.2 tokens/s (14.7 to 22.0, community)".
  [[nodiscard]] static std::string rate(const speed::Estimate& figure) {
    return fmt::format("{} tokens/s ({} to {}, {})", format_rate(figure.value),
                       format_rate(figure.low), format_rate(figure.high),
                       evidence_name(figure.evidence));
  }

  void speeds(const Placement& placement) {
    const Speed& speed = placement.speed;
    if (!speed.decode) {
      because("speed-unknown", fmt::format("No speed is given: {}.", speed.why_unknown));
      return;
    }
    std::string text = fmt::format("One answer comes at about {}", rate(*speed.decode));
    if (speed.time_to_first_token) {
      text += fmt::format(", the first token of a prompt that fills the context after {}",
                          format_duration(speed.time_to_first_token->value));
    }
    if (speed.aggregate && speed.aggregate->value > speed.decode->value * 1.001) {
      text += fmt::format("; all together {} tokens/s", format_rate(speed.aggregate->value));
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
                        "would come at about {}, {:.1f} times as fast, but {} tokens/s would be "
                        "all; the workers together do {}.",
                        count_word(group.size()), rate(*cut.decode),
                        cut.decode->value / placement.speed.decode->value,
                        format_rate(cut.aggregate_decode->value),
                        format_rate(placement.speed.aggregate->value)));
  }

  void tensor_against_pipeline(const Placement& placement) {
    const Placement* pipeline = find(SplitKind::pipeline);
    if (pipeline == nullptr || !pipeline->speed.decode || !placement.speed.decode) {
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
    const std::size_t fewest = decision_.grouping.fewest;
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
    if (whole != nullptr && whole->fits && whole->supported) {
      plan_.verdict.summary = fmt::format(
          "{} fits whole on one node; as asked it runs as {} over {} nodes{}.",
          model_in_format(placement), how, count_word(nodes),
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
      note(fmt::format("{} nodes would do at this tier.", count_word(fewest)));
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

  /// What the splits that did not win would take, and why they did not.
  void splits() {
    if (request_.cluster.nodes.size() < 2) {
      return;
    }
    const bool wont_fit = plan_.verdict.kind == Verdict::Kind::wont_fit;
    std::vector<std::string> said;
    for (const Placement& placement : plan_.placements) {
      for (const Reason& problem : placement.problems) {
        const bool wanted = wont_fit || placement.runtime == runtime_of_verdict();
        if (placement.supported || !wanted ||
            std::find(said.begin(), said.end(), problem.text) != said.end()) {
          continue;
        }
        said.push_back(problem.text);
        because(problem.code, problem.text + carried_by(placement));
      }
    }
    for (const Placement& placement : plan_.placements) {
      if (placement.split == SplitKind::tensor && placement.supported &&
          placement.runtime == runtime_of_verdict() && !placement.nodes.empty()) {
        tensor(placement);
        break;
      }
    }
    if (request_.only) {
      better_split();
    }
  }

  void tensor(const Placement& placement) {
    Group group;
    for (const NodeBudget& budget : placement.nodes) {
      if (budget.replica == 0) {
        group.push_back(budget.node);
      }
    }
    const auto scenario =
        std::find_if(scenarios_.begin(), scenarios_.end(),
                     [&](const Scenario& s) { return s.runtime->id() == placement.runtime; });
    const hardware::Transport transport = transport_of(*scenario, group);
    const bool tcp = transport == hardware::Transport::tcp;
    const speed::Link link = link_within(*scenario, group, transport);
    std::string cost;
    if (link.latency > 0.0) {
      cost = fmt::format(" At about {:.0f} µs one way that is {:.0f} ms a token before any work.",
                         link.latency * 1e6,
                         link.latency * 1e3 * static_cast<double>(placement.collectives_per_token));
    }
    if (tcp) {
      because("tensor-latency",
              fmt::format("A tensor split is never recommended over TCP: it is latency-bound, with "
                          "{} collectives a token that each wait for the link.{}{}",
                          placement.collectives_per_token,
                          placement.speed.decode ? fmt::format(" It would run at about {}.",
                                                               rate(*placement.speed.decode))
                                                 : cost,
                          placement.loads && plan_.verdict.kind == Verdict::Kind::wont_fit
                              ? " Over RDMA (--link tb5-rdma --split tensor) it would carry this "
                                "model."
                              : ""));
    } else if (plan_.verdict.kind != Verdict::Kind::tensor) {
      note(placement.speed.decode
               ? fmt::format("Cut by tensor over RDMA it would run at about {}.",
                             rate(*placement.speed.decode))
               : fmt::format("A tensor split over RDMA is possible ({} collectives a token); its "
                             "speed is not known, so it wins only with --split tensor.",
                             placement.collectives_per_token));
    }
  }

  /// " EXO has a pipeline split for it." where another runtime would do.
  [[nodiscard]] std::string carried_by(const Placement& placement) const {
    if (placement.split == SplitKind::independent) {
      return {};
    }
    std::vector<std::string> able;
    for (const runtime::Id id : runtime::all()) {
      const runtime::Runtime& other = runtime::get(id);
      if (id == placement.runtime || !other.runs(request_.model).ok) {
        continue;
      }
      const std::size_t nodes = request_.cluster.nodes.size();
      const bool can = placement.split == SplitKind::pipeline
                           ? other.pipeline(request_.model, nodes).ok
                           : other.tensor(request_.model, request_.recipe, nodes).ok;
      if (can) {
        able.emplace_back(other.name());
      }
    }
    if (able.empty()) {
      return ".";
    }
    return fmt::format("; {} {} a {} split for it.", join_words(able),
                       able.size() == 1 ? "has" : "have", split_name(placement.split));
  }

  void better_split() {
    Decision free = decide(scenarios_, request_.workload, std::nullopt);
    if (!free.wont_fit && free.split != *request_.only &&
        (plan_.verdict.kind == Verdict::Kind::wont_fit || free.tier > plan_.verdict.tier ||
         free.split == SplitKind::independent)) {
      because("better-split",
              fmt::format("Without --split {} the answer is {}, {}.", split_name(*request_.only),
                          verdict_name(static_cast<Verdict::Kind>(free.split), free.replicas),
                          fit::tier_name(free.tier)));
    }
  }

  void notes() {
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
        if (placement.supported &&
            std::find(plan_.notes.begin(), plan_.notes.end(), problem.text + ".") ==
                plan_.notes.end() &&
            (plan_.verdict.placement ? &placement == &winner() : problem.code != "drops-layers")) {
          note(problem.text + ".");
        }
      }
    }
    if (request_.workload.sequences > 1) {
      note(fmt::format("{} sequences share each replica: every one has its own cache.",
                       request_.workload.sequences));
    }
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
          fmt::format("{} can pipeline {}{}", scenario.runtime->name(),
                      can.empty() ? "none of them" : join_words(can),
                      cannot.empty() || can.empty() ? "" : ", not " + join_words(cannot, "or")));
    }
    note(fmt::format(
        "Every split counts as supported for a nominal model. Of the nearest real ones, "
        "{}.",
        join_words(parts)));
  }

  Plan& plan_;
  const std::vector<Scenario>& scenarios_;
  const Decision& decision_;
  const Request& request_;
};

}  // namespace

std::optional<Shortfall> find_shortfall(const Plan& plan, const std::vector<Scenario>& scenarios) {
  std::optional<Shortfall> nearest;
  const auto scenario_of = [&](runtime::Id id) -> const Scenario& {
    return *std::find_if(scenarios.begin(), scenarios.end(),
                         [&](const Scenario& s) { return s.runtime->id() == id; });
  };
  for (std::size_t i = 0; i < plan.placements.size(); ++i) {
    const Placement& placement = plan.placements[i];
    if (!placement.may_win || placement.nodes.empty()) {
      continue;
    }
    const Scenario& scenario = scenario_of(placement.runtime);
    const std::int64_t context = load_context(scenario.profile);
    const bool shard = placement.split != SplitKind::independent;
    const std::size_t nodes =
        shard ? placement.nodes.size() / std::max<std::size_t>(1, placement.replicas) : 1;
    const fit::Demand demand =
        demand_of(scenario, plan.request.workload, context, placement.split, nodes);
    std::vector<std::int64_t> effective;
    for (const NodeBudget& budget : placement.nodes) {
      const Scenario::Capacity& capacity = scenario.capacity(true);
      effective.push_back(shard ? capacity.part[budget.node] : capacity.whole[budget.node]);
    }
    fit::Split split;
    if (placement.split == SplitKind::pipeline && scenario.takes_split && scenario.given.empty()) {
      split = fit::best_split(demand, effective);
    }
    std::optional<Shortfall> mine;
    std::size_t first = 0;
    for (std::size_t n = 0; n < placement.nodes.size(); ++n) {
      const NodeBudget& budget = placement.nodes[n];
      const std::size_t begin =
          split.empty() ? static_cast<std::size_t>(budget.first_layer) : first;
      const auto count = static_cast<std::size_t>(split.empty() ? budget.layer_count : split[n]);
      first += count;
      const Bytes needed(demand.stage(begin, count));
      const Bytes short_by = needed - Bytes(effective[n]);
      // A shard fails by its worst node; whole models by the one that comes nearest.
      if (!mine || (shard ? short_by > mine->short_by : short_by < mine->short_by)) {
        mine = Shortfall{i, budget.node, needed, Bytes(effective[n]), short_by};
      }
    }
    if (mine && (!nearest || mine->short_by < nearest->short_by)) {
      nearest = mine;
    }
  }
  return nearest;
}

void put_into_words(Plan& plan, const std::vector<Scenario>& scenarios, const Decision& decision) {
  Words(plan, scenarios, decision).write();
}

}  // namespace macfit::plan
