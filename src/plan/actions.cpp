// What to do: first what the plan takes for granted, then what would serve better, free things
// before bought ones. Every remedy is planned again before it is offered.

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "words.hpp"

namespace macfit::plan {
namespace {

/// How well a decision serves what was asked for.
struct Standard {
  bool found = false;
  bool fits = false;
  fit::Tier tier = fit::Tier::not_practical;
  std::size_t replicas = 0;
};

class Remedies {
 public:
  explicit Remedies(const Plan& plan)
      : plan_(plan),
        request_(plan.request),
        now_{plan.verdict.placement.has_value(), plan.verdict.fits, plan.verdict.tier,
             plan.verdict.workers} {}

  std::vector<Action> find() {
    required();
    over_tcp();
    const bool well = now_.fits && now_.tier == fit::Tier::comfortable;
    if (plan_.verdict.kind == Verdict::Kind::unknown) {
      return std::move(actions_);  // what lacks is knowledge, not memory
    }
    if (!well) {
      another_split();
      other_runtime();
      same_cache_types();
      smaller_reserve();
      fewer_sequences();
      smaller_step();
    }
    raised_limit();
    if (!well) {
      quantized_cache();
      smaller_format();
      rdma();
      alternatives();
    } else {
      actions_.push_back({"launch", "", command_of(request_, "launch"), now_.tier,
                          "writes the files and commands that run it"});
    }
    return std::move(actions_);
  }

 private:
  /// What the verdict itself takes for granted.
  void required() {
    if (!plan_.verdict.placement) {
      return;
    }
    const Placement& placement = plan_.placements[*plan_.verdict.placement];
    if (placement.standing.raised()) {
      std::vector<std::size_t> nodes;
      for (const NodeBudget& budget : placement.nodes) {
        nodes.push_back(budget.node);
      }
      raise(nodes, placement.standing.tier, {});
    }
    if (!now_.fits && placement.standing.loads() && placement.max_context > 0) {
      Request capped = request_;
      const std::int64_t longest = request_.model.architecture.context;
      const bool above = longest > 0 && request_.workload.context.count() > longest;
      const std::int64_t most =
          above ? std::min(longest, placement.max_context) : placement.max_context;
      const std::int64_t tokens = most >= 1024 ? most / 1024 * 1024 : most;
      set_flag(capped, "--context", format_tokens(Tokens(tokens)));
      actions_.push_back({"cap-context", "", command_of(capped), placement.standing.tier,
                          fmt::format("fits up to {} tokens", format_whole(most))});
    }
  }

  /// A sysctl line for each node whose limit can go up.
  void raise(std::vector<std::size_t> nodes, fit::Tier tier, const std::string& reached) {
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    for (const std::size_t index : nodes) {
      const hardware::Node& node = request_.cluster.nodes[index];
      if (node.raised_limit <= node.gpu_limit.bytes) {
        continue;
      }
      const std::int64_t megabytes = node.raised_limit.count() / mib;
      actions_.push_back(
          {"raise-gpu-limit", node.name,
           fmt::format("sudo sysctl iogpu.wired_limit_mb={}", megabytes), tier,
           fmt::format("lets the GPU use {} of {} until the next reboot{}",
                       format_gib(Bytes(megabytes * mib)), format_gib(node.ram), reached)});
    }
  }

  [[nodiscard]] bool improves(const Decision& again) const {
    if (!again.found() || (now_.fits && !again.fits)) {
      return false;
    }
    return !now_.found || (again.fits && !now_.fits) || again.tier > now_.tier ||
           (again.tier == now_.tier && again.replicas.size() > now_.replicas);
  }

  [[nodiscard]] static std::string described(const Decision& again) {
    return fmt::format("{}, {}{}{}", verdict_name(kind_of(again.split), again.replicas.size()),
                       fit::tier_name(again.tier), again.raised ? " with the GPU limit raised" : "",
                       again.fits ? "" : ", at a shorter context only");
  }

  /// Plans a changed request again and keeps it if it serves better. True where it does.
  bool consider(const std::string& kind, const Request& changed, const std::string& effect) {
    const Decision again = decide(make_scenarios(changed), changed.workload, terms_of(changed));
    if (!improves(again)) {
      return false;
    }
    actions_.push_back({kind, "", command_of(changed), again.tier,
                        fmt::format("{}: {}", effect, described(again))});
    return true;
  }

  /// A split that the rules pass over, or that --split left out.
  void another_split() {
    for (const SplitKind split : {SplitKind::pipeline, SplitKind::tensor}) {
      if (request_.cluster.nodes.size() > 1 && !request_.only &&
          plan_.verdict.kind != kind_of(split)) {
        Request changed = request_;
        changed.only = split;
        set_flag(changed, "--split", std::string(split_name(split)));
        if (split == SplitKind::tensor && now_.found) {
          continue;  // over RDMA it has had its turn, over TCP it is no cure
        }
        consider("another-split", changed, fmt::format("as a {}", split_name(split)));
      }
    }
    if (request_.only) {
      Request changed = request_;
      changed.only.reset();
      set_flag(changed, "--split", "auto");
      consider("another-split", changed, "without --split");
    }
  }

  /// What the nodes do with their GPU limits raised, where the plan does without.
  void raised_limit() {
    if (plan_.verdict.placement && plan_.placements[*plan_.verdict.placement].standing.raised()) {
      return;
    }
    std::vector<Scenario> scenarios = make_scenarios(request_);
    for (Scenario& scenario : scenarios) {
      scenario.standard = scenario.raised;
    }
    Decision again = decide(scenarios, request_.workload, terms_of(request_));
    again.tier = std::min(again.tier, fit::Tier::borderline);
    const bool more = again.found() && again.fits >= now_.fits &&
                      (again.replicas.size() > now_.replicas || (again.fits && !now_.fits));
    if (!more) {
      return;
    }
    std::vector<std::size_t> nodes;
    for (const Replica& replica : again.replicas) {
      nodes.insert(nodes.end(), replica.nodes.begin(), replica.nodes.end());
    }
    raise(nodes, again.tier, ": " + described(again));
  }

  /// RDMA that every pair of nodes could talk by.
  void rdma() {
    const auto& links = request_.cluster.links;
    const bool able = !links.empty() && std::all_of(links.begin(), links.end(), [](const auto& l) {
      return l.rdma && l.type.transport == hardware::Transport::tcp;
    });
    if (!able || now_.found) {
      return;
    }
    Request changed = request_;
    for (hardware::Link& link : changed.cluster.links) {
      link.type = *link.rdma;
    }
    settle(changed);
    set_flag(changed, "--link", links.front().rdma->id);
    consider("use-rdma", changed, "by RDMA");
  }

  /// RDMA that was asked for and that something rules out.
  void over_tcp() {
    if (!plan_.verdict.placement) {
      return;
    }
    const Placement& placement = plan_.placements[*plan_.verdict.placement];
    for (const NodeBudget& budget : placement.nodes) {
      const hardware::Link* link =
          request_.cluster.link_between(placement.nodes.front().node, budget.node);
      if (placement.split == SplitKind::independent || link == nullptr ||
          link->type.transport == hardware::Transport::tcp) {
        continue;
      }
      for (const Reason& problem : placement.problems) {
        if (problem.code != "tb4-in-ring" && problem.code != "jaccl-needs-macos-26.2" &&
            problem.code != "mesh-without-ports") {
          continue;
        }
        Request changed = request_;
        set_flag(changed, "--link", link->tcp.id);
        actions_.push_back({problem.code, "", command_of(changed), placement.standing.tier,
                            "RDMA is ruled out on these cables; plan with what they carry"});
        return;
      }
    }
  }

  void same_cache_types() {
    const auto values = request_.workload.kv_values;
    if (!values || *values == request_.workload.kv) {
      return;
    }
    Request changed = request_;
    changed.workload.kv_values.reset();
    const std::string name(runtime::kv_format_name(changed.workload.kv));
    set_flag(changed, "--kv", name);
    consider("same-cache-types", changed, "with keys and values both in " + name);
  }

  /// What the cluster reserve stands for does not grow with a Mac: on large ones more ran than 10 %
  /// allow (docs/fit.md), so where a shard lacks no more than that, it is said.
  void smaller_reserve() {
    constexpr std::int64_t gb = 1'000'000'000;
    constexpr std::int64_t enough = 12 * gb;
    const auto& nodes = request_.cluster.nodes;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const hardware::Node& node : nodes) {
      least = std::min(least, node.effective_whole().count());
    }
    if (nodes.size() < 2 || (now_.found && now_.fits) || least <= enough) {
      return;
    }
    const std::int64_t percent = (enough * 100 + least - 1) / least;
    Request changed = request_;
    changed.cluster.cluster_reserve = static_cast<double>(percent) / 100.0;
    if (changed.cluster.cluster_reserve >= request_.cluster.cluster_reserve) {
      return;
    }
    settle(changed);
    set_flag(changed, "--cluster-reserve", fmt::format("{}%", percent));
    consider("smaller-cluster-reserve", changed,
             fmt::format("with {} GB of each node kept back, which was enough on large Macs",
                         enough / gb));
  }

  void fewer_sequences() {
    const std::int64_t now = request_.workload.sequences;
    const std::size_t before = actions_.size();
    for (std::int64_t count = now / 2; count >= 1 && actions_.size() == before; count /= 2) {
      Request changed = request_;
      changed.workload.sequences = count;
      set_flag(changed, "--sequences", std::to_string(count));
      consider("fewer-sequences", changed,
               fmt::format("with {} sequence{} at a time", count, count == 1 ? "" : "s"));
    }
  }

  void smaller_step() {
    const std::size_t before = actions_.size();
    for (const std::int64_t step : {1024, 512}) {
      if (step < request_.workload.prefill_step && actions_.size() == before) {
        Request changed = request_;
        changed.workload.prefill_step = step;
        set_flag(changed, "--prefill-step", std::to_string(step));
        consider("smaller-prefill-step", changed,
                 fmt::format("reading prompts {} at a time", step));
      }
    }
  }

  void quantized_cache() {
    if (request_.workload.kv != runtime::KvFormat::bf16) {
      return;
    }
    const std::size_t before = actions_.size();
    for (const runtime::KvFormat kv : {runtime::KvFormat::q8, runtime::KvFormat::q4}) {
      if (actions_.size() == before) {
        Request changed = request_;
        changed.workload.kv = kv;
        const std::string name(runtime::kv_format_name(kv));
        set_flag(changed, "--kv", name);
        consider("quantized-cache", changed, "with a " + name + " cache");
      }
    }
  }

  void smaller_format() {
    std::vector<model::Recipe> formats;
    for (const model::PublishedFormat& format : request_.model.formats) {
      if (format.recipe.kind != model::Recipe::Kind::gguf) {
        formats.push_back(format.recipe);
      }
    }
    if (request_.model.nominal) {
      for (const char* name : {"q8", "q6", "q5", "q4", "q3"}) {
        formats.push_back(model::parse_recipe(name));
      }
    }
    std::stable_sort(formats.begin(), formats.end(),
                     [](const model::Recipe& a, const model::Recipe& b) {
                       return model::nominal_bits(a) > model::nominal_bits(b);
                     });
    const double now = model::nominal_bits(request_.recipe);
    const std::size_t before = actions_.size();
    for (const model::Recipe& recipe : formats) {
      if (model::nominal_bits(recipe) < now && actions_.size() == before && !by_size()) {
        Request changed = request_;
        changed.recipe = recipe;
        set_flag(changed, "--quant", recipe.name);
        consider("smaller-format", changed, "in " + recipe.name);
      }
    }
  }

  /// A model named by its bytes has no other format of the same parameters.
  [[nodiscard]] bool by_size() const {
    return request_.model.nominal && request_.model.id.find("gb") != std::string::npos;
  }

  void other_runtime() {
    for (const runtime::Runtime* other : request_.known_runtimes.all()) {
      if (std::none_of(request_.runtimes.begin(), request_.runtimes.end(),
                       [&](const auto* asked) { return asked->name() == other->name(); })) {
        Request changed = request_;
        changed.runtimes = {other};
        set_flag(changed, "--runtime", other->spelled());
        consider("other-runtime", changed, fmt::format("under {}", other->title()));
      }
    }
  }

  void alternatives() {
    std::vector<std::string> done;
    for (const Alternative& alternative : request_.alternatives) {
      if (std::find(done.begin(), done.end(), alternative.kind) != done.end() ||
          !request_.layers.empty()) {
        continue;
      }
      // Several Macs more are for what does not load with one more.
      if (alternative.kind == "more-nodes" && (now_.found || !done.empty())) {
        continue;
      }
      Request changed = request_;
      changed.cluster = alternative.cluster;
      settle(changed);
      set_flag(changed, "--nodes", alternative.spec);
      if (consider(alternative.kind, changed, "with " + alternative.label)) {
        done.push_back(alternative.kind);
      }
    }
  }

  const Plan& plan_;
  const Request& request_;
  Standard now_;
  std::vector<Action> actions_;
};

}  // namespace

std::string command_of(const Request& request, std::string_view command) {
  std::string line = fmt::format("macfit {}", command);
  for (const auto& [flag, value] : request.flags) {
    line += " " + flag;
    if (!value.empty()) {
      line += " " + shell_word(value);
    }
  }
  return line;
}

void set_flag(Request& request, const std::string& flag, const std::string& value) {
  for (auto& [name, old] : request.flags) {
    if (name == flag) {
      old = value;
      return;
    }
  }
  request.flags.emplace_back(flag, value);
}

std::string Plan::next_command() const {
  if (!verdict.placement) {
    return actions.empty() ? std::string() : actions.front().command;
  }
  if (verdict.fits) {
    return command_of(request, "launch");
  }
  Request capped = request;
  const std::int64_t most = cap_of(*this);
  set_flag(capped, "--context", format_tokens(Tokens(most >= 1024 ? most / 1024 * 1024 : most)));
  return command_of(capped, "launch");
}

std::vector<Action> find_actions(const Plan& plan) { return Remedies(plan).find(); }

}  // namespace macfit::plan
