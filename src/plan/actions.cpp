#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "words.hpp"

namespace macfit::plan {
namespace {

void set_flag(Request& request, const std::string& flag, const std::string& value) {
  for (auto& [name, old] : request.flags) {
    if (name == flag) {
      old = value;
      return;
    }
  }
  request.flags.emplace_back(flag, value);
}

class Remedies {
 public:
  explicit Remedies(const Plan& plan) : plan_(plan), request_(plan.request) {}

  std::vector<Action> find() {
    required();
    over_tcp();
    if (plan_.verdict.tier != fit::Tier::comfortable) {
      same_cache_types();
      fewer_sequences();
      smaller_step();
      quantized_cache();
      smaller_format();
      other_runtime();
      alternatives();
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
    if (placement.limit == Limit::raised) {
      std::vector<std::size_t> done;
      for (const NodeBudget& budget : placement.nodes) {
        if (std::find(done.begin(), done.end(), budget.node) != done.end()) {
          continue;
        }
        done.push_back(budget.node);
        const hardware::Node& node = request_.cluster.nodes[budget.node];
        if (node.raised_limit <= node.gpu_limit.bytes) {
          continue;
        }
        const std::int64_t megabytes = node.raised_limit.count() / mib;
        actions_.push_back({"raise-gpu-limit", node.name,
                            fmt::format("sudo sysctl iogpu.wired_limit_mb={}", megabytes),
                            placement.tier,
                            fmt::format("lets the GPU use {} of {} until the next reboot",
                                        format_gib(Bytes(megabytes * mib)), format_gib(node.ram))});
      }
    }
    if (!placement.fits && placement.loads && placement.max_context > 0) {
      Request capped = request_;
      const std::int64_t tokens = placement.max_context >= 1024
                                      ? placement.max_context / 1024 * 1024
                                      : placement.max_context;
      set_flag(capped, "--context", format_tokens(Tokens(tokens)));
      actions_.push_back(
          {"cap-context", "", command_of(capped), placement.tier,
           fmt::format("fits up to {} tokens", format_whole(placement.max_context))});
    }
  }

  /// Plans a changed request again and keeps it if it raises the tier.
  void consider(const std::string& kind, const Request& changed, const std::string& effect) {
    std::vector<Scenario> scenarios;
    for (const runtime::Id id : changed.runtimes) {
      scenarios.push_back(make_scenario(changed, id));
    }
    const Decision again = decide(scenarios, changed.workload, changed.only);
    if (again.wont_fit || again.tier <= plan_.verdict.tier) {
      return;
    }
    actions_.push_back(
        {kind, "", command_of(changed), again.tier,
         fmt::format("{}: {}, {}{}", effect,
                     verdict_name(static_cast<Verdict::Kind>(again.split), again.replicas),
                     fit::tier_name(again.tier),
                     again.raised ? " with the GPU limit raised" : "")});
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
        actions_.push_back({problem.code, "", command_of(changed), placement.tier,
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
    for (const runtime::Id id : runtime::all()) {
      if (std::find(request_.runtimes.begin(), request_.runtimes.end(), id) ==
          request_.runtimes.end()) {
        Request changed = request_;
        changed.runtimes = {id};
        set_flag(changed, "--runtime", std::string(runtime::id_name(id)));
        consider("other-runtime", changed, fmt::format("under {}", runtime::get(id).name()));
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
      Request changed = request_;
      changed.cluster = alternative.cluster;
      set_flag(changed, "--nodes", alternative.spec);
      const std::size_t before = actions_.size();
      consider(alternative.kind, changed, "with " + alternative.label);
      if (actions_.size() > before) {
        done.push_back(alternative.kind);
      }
    }
  }

  const Plan& plan_;
  const Request& request_;
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

std::vector<Action> find_actions(const Plan& plan) { return Remedies(plan).find(); }

}  // namespace macfit::plan
