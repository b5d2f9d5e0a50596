#include "macfit/plan/glossary.hpp"

#include <algorithm>
#include <string>

#include "macfit/core/evidence.hpp"
#include "macfit/core/text.hpp"
#include "macfit/fit/tier.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::plan {
namespace {

std::vector<Entry> make_glossary() {
  std::vector<Entry> entries = {
      // Vocabulary
      {"model",
       "An architecture (layers with their shapes) and a weight format; its bytes are known "
       "tensor by tensor."},
      {"nominal",
       "A model known by size and format alone, such as 230b-q4 or 215gb. Its shape is "
       "interpolated from the catalog, so its figures are estimated."},
      {"gpu-limit",
       "What Metal lets one process wire on a Mac (recommendedMaxWorkingSetSize): a "
       "share of RAM that macOS chooses, or what iogpu.wired_limit_mb says."},
      {"raised-limit",
       "What the GPU limit could sensibly be set to: RAM less 5 GiB or 5 %, whichever "
       "is more. It is lost at every reboot, so a plan that needs it is never better "
       "than borderline."},
      {"demand",
       "Bytes that a node needs at its peak: weights, cache, activations, communication "
       "buffers and the runtime's base."},
      {"effective-memory",
       "What a plan may count on: min(GPU limit, RAM − node reserve), and for a "
       "part of a sharded model 10 % less (the cluster reserve)."},
      {"utilization", "Demand over effective memory, of the fullest node."},
      {"loads",
       "The demand at 4,096 tokens a sequence (or the model's longest context, if shorter) "
       "is within effective memory on every node used."},
      {"fits", "The demand at the asked context is within effective memory on every node used."},
      {"tier",
       "comfortable: at most 85 % full at the asked context. borderline: loads, but is not "
       "comfortable or needs the raised limit. not-practical: does not load."},
      {"independent",
       "The whole model on each node that holds it: every node works for itself. "
       "Several nodes do several times the jobs; one answer comes no faster."},
      {"pipeline",
       "The layers cut into contiguous runs, one a node. It buys capacity, not speed: the "
       "nodes work one after the other on every token."},
      {"tensor",
       "Every layer cut over all nodes. Each layer waits for the link several times a "
       "token, so it wants RDMA; over TCP it is taken only with --split tensor or where nothing "
       "else loads."},
      {"verdict",
       "What a plan recommends: single-worker, two-independent-workers (and so on), "
       "pipeline-shard, tensor-shard (two-pipeline-shards, … side by side). Without a placement: "
       "won't-fit, unsupported or unknown."},
      {"won't-fit",
       "Said of memory alone: under no placement, whoever would run it, does the model load."},
      {"unsupported",
       "Memory would do, but no runtime asked for, in the release taken, runs this architecture, "
       "format or split on these nodes. The budgets that memory allows are shown all the same."},
      {"unknown",
       "macfit does not know the shapes that a demand needs. What is known, such as the weights, "
       "is shown as a lower bound."},
      {"goal",
       "jobs: the most answers, all at once (the default). answer: the fastest single answer, one "
       "stream over as many nodes as help."},
      {"placement",
       "One way to lay the model on the nodes: a runtime, a split, its replicas, every node's "
       "budget."},
      {"replica", "One whole copy of the model, on a node of its own or split over several."},
      {"headroom", "Effective memory less demand, of a node; negative where it does not fit."},
      {"evidence",
       "Where a number comes from, best first: exact, measured, measured-near, community, "
       "vendor, extrapolated, estimated."},
      {"one-pool",
       "There is none: two Macs can cooperate, they can't merge their memory. No sum of "
       "nodes' memories is compared with a model's size."},
      // Reasons
      {"roomier-shard",
       "Two or more workers go before one shard of a better tier, because they do more jobs; this "
       "says how to choose the shard."},
      {"shard-beside", "What one shard over several nodes would do beside a lone worker."},
      {"within-ten-percent",
       "Of placements within 10 % of the fastest the runtime's stock behavior goes first, then "
       "fewer nodes, then more room, then mlx-lm, EXO, llama.cpp."},
      {"idle-together", "Idle nodes that could hold one more replica together."},
      {"memory-would-do", "How full the nodes would be if a runtime could run it so."},
      {"weights-alone",
       "The weights' bytes, a lower bound of what a model of unknown shapes needs."},
      {"what-to-supply", "What would let macfit plan a model that it does not know."},
      {"one-node-too-small", "No node of the cluster holds the whole model at the asked context."},
      {"workers-throughput", "Independent workers multiply the jobs done, not the speed of one."},
      {"replicas-throughput", "Several shards side by side multiply the jobs done."},
      {"shard-capacity",
       "A shard is worth it because the model fits no single node; it is not faster."},
      {"shard-for-longer",
       "Workers win while the model fits a node; beyond the context named it does "
       "not, and a shard is needed."},
      {"binding-node", "The fullest node of the placement: it decides the tier."},
      {"idle-node", "A node that the plan does not use, and why."},
      {"little-room", "It fits with less than 15 % to spare."},
      {"cap-context",
       "It loads, but not at the asked context: keep the context below the one named."},
      {"short-of-memory",
       "Even the best placement lacks memory on the node named, by the bytes "
       "named, at 4,096 tokens and with the GPU limit raised."},
      {"tensor-latency",
       "A tensor split waits for the link several times in every layer of every token. Over TCP "
       "what that costs rests on two reports far apart, so it is not taken unasked."},
      {"speed", "Tokens a second by the speed model, with an 80 % interval and what it rests on."},
      {"speed-unknown", "Something that the speed model needs is not known; no figure is made up."},
      {"one-stream",
       "What a tensor split over RDMA would do for a single answer, beside what workers do for "
       "all."},
      {"tensor-faster",
       "Over RDMA all nodes work on every token, which beats a pipeline's taking turns."},
      {"better-split", "--split left out a placement that would do better."},
      // Problems
      {"no-pipeline", "The runtime has no code to split this architecture by layers."},
      {"no-tensor", "The runtime has no code to cut this architecture's layers."},
      {"not-divisible",
       "Heads, KV heads, widths or the format's groups do not divide by the number "
       "of nodes."},
      {"too-many-ranks", "No runtime cuts a layer over so many nodes."},
      {"shapes-unknown",
       "Only the weights' sizes are known, not their shapes, so they can't be cut on "
       "paper."},
      {"support-unknown", "Whether the runtime runs this model is not known to macfit."},
      {"architecture-unknown", "The runtime has no class for this architecture."},
      {"cache-unknown",
       "The rule of this architecture's cache is not published, so its demand can't "
       "be computed."},
      {"accepted-but-overflows",
       "The runtime looks at the sum of free memory alone and would start "
       "what then runs out of memory on a node."},
      {"fit-margin",
       "llama.cpp leaves 1 GiB of every device free and cuts the context to do so, "
       "unless -c is given."},
      {"format-unknown", "The runtime loads no weights of that format."},
      {"checkpoint-refused",
       "The runtime does not load the checkpoint as it is stored, in its own words; a format named "
       "with --quant is made from the original."},
      {"kv-types-differ",
       "Keys and values in different formats, which no runtime's GPU path takes."},
      {"kv-block", "A quantized cache stores blocks that do not divide the model's heads."},
      {"drops-layers",
       "mlx-lm up to 0.32.0 loses layers where their number does not divide by the "
       "nodes (mlx-lm#1816 mends it)."},
      {"invalid-combination",
       "The values of this row of a sweep or batch can't go together; its problem says why."},
      {"context-above-longest", "The asked context is longer than the model was made for."},
      {"kv-flag-missing", "This release's server has no option for a quantized cache."},
      {"kv-format-unknown", "The runtime has no cache of that format."},
      {"kv-quantized-latent", "A compressed latent cache can't be quantized by the runtime."},
      {"kv-quantized-sinks", "Attention sinks refuse a quantized cache."},
      {"kv-quantized-rotating", "A rotating cache of sliding-window layers can't be quantized."},
      // Actions
      {"raise-gpu-limit",
       "Set iogpu.wired_limit_mb by sysctl, on the node named, after every "
       "reboot."},
      {"another-split", "Ask for a split that the rules pass over, or drop --split."},
      {"use-rdma", "Join the nodes by RDMA, where their ports and macOS can."},
      {"launch", "Write the files and commands that run the plan."},
      {"smaller-cluster-reserve",
       "Keep back less of each node for what no formula models: on Macs of 192 GB and more, 10 % "
       "is "
       "more than was seen to be needed."},
      {"fewer-sequences", "Ask for fewer sequences at a time per replica."},
      {"smaller-prefill-step",
       "Read prompts in smaller steps: fewer activations at once, slower "
       "prompts."},
      {"quantized-cache", "Keep keys and values at 8 or 4 bit."},
      {"same-cache-types", "Give keys and values the same cache format."},
      {"smaller-format", "Take a smaller weight format of the same model."},
      {"other-runtime", "Another runtime can split what this one can't."},
      {"one-more-node", "Add a node to the cluster."},
      {"more-nodes", "Add several nodes to the cluster: one more is not enough."},
      {"bigger-machine", "A single machine with more memory."},
  };
  for (const hardware::ProblemCode& problem : hardware::cluster_problem_codes()) {
    entries.push_back({problem.code, problem.meaning});
  }
  for (const auto& problem : runtime::topology_problem_codes()) {
    entries.push_back({problem.code, problem.meaning});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

/// The entry that explains a word which has none of its own: a tier, an evidence, a verdict.
std::string_view listed_in(std::string_view word) {
  const auto ends = [&](std::string_view end) {
    return word.size() >= end.size() && word.substr(word.size() - end.size()) == end;
  };
  if (evidence_from_name(word)) {
    return "evidence";
  }
  for (const fit::Tier tier :
       {fit::Tier::comfortable, fit::Tier::borderline, fit::Tier::not_practical}) {
    if (word == fit::tier_name(tier)) {
      return "tier";
    }
  }
  if (ends("single-worker") || ends("-independent-workers")) {
    return "independent";
  }
  for (const std::string_view split : {"pipeline", "tensor"}) {
    const std::string shard = std::string(split) + "-shard";
    if (ends(shard) || ends(shard + "s")) {
      return split;
    }
  }
  return {};
}

}  // namespace

const std::vector<Entry>& glossary() {
  static const std::vector<Entry> entries = make_glossary();
  return entries;
}

std::optional<Entry> find_entry(std::string_view name) {
  std::string word = lower(trim(name));
  std::replace(word.begin(), word.end(), ' ', '-');
  const std::string_view list = listed_in(word);
  for (const Entry& entry : glossary()) {
    if (entry.name == word || entry.name == list) {
      return entry;
    }
  }
  return std::nullopt;
}

}  // namespace macfit::plan
