// Every word that macfit prints can be looked up: one list from the glossary, the checks, the
// sweep's columns and what other answers have besides.

#include "explanations.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/model/weight_format.hpp"
#include "macfit/plan/glossary.hpp"
#include "macfit/study/check.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::cli {
namespace {

/// Columns and keys of answers other than a sweep's rows, and words that stand in them.
constexpr std::pair<std::string_view, std::string_view> printed[] = {
    {"cluster", "The nodes as they were asked for."},
    {"machine", "A Mac of the catalog by its name: macfit hardware list."},
    {"chip", "The chip of a node, such as m4-max."},
    {"ram_bytes", "The memory a Mac was sold with."},
    {"gpu_limit_bytes", "What Metal lets one process wire, by default or as stated."},
    {"gpu_limit_evidence", "Where the GPU limit is known from: see evidence."},
    {"raised_limit_bytes", "The GPU limit that iogpu.wired_limit_mb could sensibly be set to."},
    {"reserve_bytes", "Memory kept free for the person at a machine (--reserve)."},
    {"occupied_bytes", "Memory of models that live on a node already (--beside)."},
    {"cluster_reserve", "The share of each node kept back for what no formula models, in a shard."},
    {"beside",
     "Models that live on the nodes already (--beside); their memory is taken off first."},
    {"gb_per_s", "Bandwidth of a link, each way, in 10^9 bytes a second."},
    {"latency_us", "How long a small message takes one way, in microseconds."},
    {"transport", "By TCP or by RDMA."},
    {"headline", "The answer in one line: yes or no, memory, speed."},
    {"next_command", "What to type next."},
    {"placements", "Every runtime, split and layout that was weighed."},
    {"measure", "Commands that measure a placement's speed."},
    {"full", "With the asked context filled."},
    {"short", "On a prompt and answer of 512 tokens together."},
    {"short_decode_tokens_per_second", "Decode speed of one stream on a short prompt."},
    {"short_aggregate_decode_tokens_per_second",
     "The same of all sequences of all replicas together."},
    {"links", "Cables and networks between the nodes, with bandwidth and latency."},
    {"workload", "Context, sequences, cache format and prefill step that were asked for."},
    {"context_tokens", "Prompt plus output of one sequence, in tokens."},
    {"kv_format", "The format of the KV cache: bf16, q8 or q4, or a llama.cpp type."},
    {"weight_evidence", "How the weights' bytes are known: see evidence."},
    {"parameters", "Weights of the text model that a runtime loads, tied ones once."},
    {"active_parameters",
     "Parameters that one token passes through; fewer in a mixture of experts."},
    {"layers", "Transformer blocks, or those that a node holds."},
    {"first_layer", "The first of the layers that a node holds, from 0."},
    {"kv_bytes_per_token", "Bytes that one more token adds to one sequence's cache, at bf16."},
    {"source", "Where a model's shapes come from: the catalog, a manifest, a file or a size."},
    {"layout", "How a pipeline's layers are shared out: default, best or given."},
    {"default", "Of a layout: the runtime's own split. Of a GPU limit: macOS's own."},
    {"best", "A split passed by hand: best tier, then fastest, then least full."},
    {"given", "The split that --layers gives."},
    {"raised", "Needs the GPU limit raised by sysctl, after every reboot."},
    {"stated", "The GPU limit that --wired-limit or a cluster file states."},
    {"chosen", "True of the placement that the verdict recommends."},
    {"supported", "The runtime can do this with this model on these nodes."},
    {"may_win", "The placement is one that the verdict may recommend."},
    {"replicas", "Copies of the model that answer side by side."},
    {"workers", "Replicas of the verdict."},
    {"node", "One Mac of the cluster."},
    {"idle", "Nodes that the placement does not use."},
    {"kv_cache_bytes", "Keys, values and recurrent state of all sequences at the asked context."},
    {"activation_bytes", "What a forward pass needs beside weights and cache, at its peak."},
    {"communication_bytes", "Buffers of the transport between nodes."},
    {"runtime_bytes", "What the runtime and Metal take besides."},
    {"load_peak_bytes", "The most that a node holds while it loads its part."},
    {"host_bytes", "Memory outside the GPU's that a node needs."},
    {"download_bytes", "What has to lie on a node's disk."},
    {"node_utilization", "Demand over effective memory, of this node."},
    {"node_max_context", "Tokens that this node can hold."},
    {"max_context_tokens", "Tokens that every node used can hold."},
    {"comfortable_context_tokens", "Tokens up to which the placement is comfortable."},
    {"collectives_per_token", "How often ranks wait for each other, for each token."},
    {"how", "What to type for a layout that the runtime does not choose by itself."},
    {"why_unknown", "What is missing for a speed."},
    {"problems", "Codes of what stands against a placement; each can be explained."},
    {"reasons", "Codes of why the verdict is as it is; each can be explained."},
    {"actions", "What would help, each planned again before it is offered."},
    {"notes", "What is assumed, guessed or worth knowing."},
    {"value", "Of an estimate: the figure; low and high are an 80 % interval around it."},
    {"low", "The lower end of an 80 % interval."},
    {"high", "The upper end of an 80 % interval."},
    {"bits", "Bits a weight, on average, scales included."},
    {"published", "Somebody publishes the model in a format that the runtimes load."},
    {"below_production", "Formats under 4 bits: quality suffers."},
    {"best_format", "The format of most bits that is comfortable."},
    {"best_utilization", "The same with the best format."},
    {"best_max_context", "The longest context with the best format."},
    {"best_decode_tokens_per_second", "Decode speed with the best format."},
    {"measured", "An own measurement of the model on such a chip is known."},
    {"note", "What to know or to do."},
    {"completions", "Jobs done in a night without faults."},
    {"completions_low", "The same with the low end of the speeds."},
    {"completions_high", "The same with the high end."},
    {"median", "Half of the simulated nights complete more, half fewer."},
    {"p10", "Nine of ten simulated nights complete more."},
    {"p90", "One of ten simulated nights completes more."},
    {"mean", "Completions of all simulated nights, on average."},
    {"finish_probability", "The share of simulated nights in which the whole list is done."},
    {"finish_seconds", "When the list is done, in the nights in which it is."},
    {"makespan_seconds", "How long the list takes without faults."},
    {"equal_split_makespan_seconds", "The same with the list split evenly, not by speed."},
    {"tokens_read", "Prompt tokens of a night."},
    {"tokens_written", "Generated tokens of a night."},
    {"most_watt_hours", "Energy at the vendor's highest draw: real use is less."},
    {"faults_per_day", "Faults that the simulation draws, on average."},
    {"mean_faults", "Faults of a night, on average."},
    {"mean_lost_jobs", "Jobs done twice because of faults, on average."},
    {"mean_down_seconds", "Seconds of a night without work, on average."},
    {"nights", "How many nights were simulated."},
    {"seed",
     "The number that the simulation's chance starts from: the same seed, the same nights."},
    {"record", "What kind of row this is."},
    {"what", "What the row is about."},
    {"change", "The difference between both sides."},
    {"tokens_per_second", "Decode speed of one stream."},
    {"completions_per_hour", "Jobs an hour of all replicas."},
    {"completions_per_hour_low", "The same with the low end of the speeds."},
    {"completions_per_hour_high", "The same with the high end."},
    {"completions_per_night", "Jobs of a night without faults."},
    {"effect", "Which way a change against a baseline goes: worse, better, other, added, removed."},
    {"decode", "Generating tokens, one after the other; bound by memory bandwidth."},
    {"prefill", "Reading the prompt; bound by arithmetic."},
    {"aggregate", "Of all sequences of all replicas together."},
    {"tcp",
     "Nodes talk through the operating system's network: hundreds of microseconds a message."},
    {"rdma",
     "Nodes write into each other's memory over Thunderbolt 5: a few microseconds a message."},
    {"ring", "Each node is cabled to two neighbors."},
    {"mesh", "Each node is cabled to every other."},
    {"bf16", "16 bits a number: weights or caches that are not quantized."},
    {"q8", "8 bit: of weights each runtime's usual format, of a cache its quantized one."},
    {"q4", "4 bit: of weights each runtime's usual format, of a cache its quantized one."},
};

/// "KV_cache bytes" as "kv-cache-bytes".
std::string key_of(std::string_view word) {
  std::string key = lower(trim(word));
  std::replace_if(
      key.begin(), key.end(), [](char c) { return c == ' ' || c == '_'; }, '-');
  return key;
}

std::optional<Explanation> of_format(const std::string& word) {
  const std::optional<model::Recipe> recipe = model::find_recipe(word);
  if (!recipe) {
    return std::nullopt;
  }
  return Explanation{recipe->name,
                     fmt::format("A weight format: {:.2f} bits a weight on average, scales "
                                 "included. What each tensor gets is in docs/models.md.",
                                 model::nominal_bits(*recipe))};
}

std::optional<Explanation> of_catalogs(const std::string& word, const Catalogs& catalogs) {
  for (const runtime::Runtime* known : catalogs.runtimes.all()) {
    if (same_name(known->name(), word)) {
      return Explanation{
          known->name(),
          fmt::format("A runtime; the newest release known is {}. What it can do and "
                      "how it fails: macfit runtimes show {}.",
                      known->release(), known->name())};
    }
  }
  if (const auto model = catalogs.models.find(word)) {
    return Explanation{model->id, "A model of the catalog: macfit models show " + model->id + "."};
  }
  if (const hardware::Machine* machine = catalogs.hardware.find_machine(word)) {
    return Explanation{machine->id,
                       "A Mac of the catalog: macfit hardware show " + machine->id + "."};
  }
  if (const hardware::Chip* chip = catalogs.hardware.find_chip(word)) {
    return Explanation{chip->id, chip->name + ", a chip of the catalog: macfit hardware list."};
  }
  if (const hardware::LinkType* link = catalogs.hardware.find_link(word)) {
    return Explanation{link->id, "A link between nodes: macfit hardware list."};
  }
  return std::nullopt;
}

}  // namespace

std::vector<Explanation> explanations() {
  std::vector<Explanation> all;
  for (const plan::Entry& entry : plan::glossary()) {
    all.push_back({std::string(entry.name), std::string(entry.meaning)});
  }
  for (const study::CheckRule& rule : study::check_rules()) {
    all.push_back({std::string(rule.code), std::string(rule.meaning)});
  }
  const auto add = [&](std::string_view name, std::string meaning) {
    if (std::none_of(all.begin(), all.end(),
                     [&](const auto& one) { return key_of(one.name) == key_of(name); })) {
      all.push_back({std::string(name), std::move(meaning)});
    }
  };
  for (const auto& [name, meaning] : printed) {
    add(name, std::string(meaning));
  }
  for (const study::Column& column : study::sweep_columns()) {
    add(column.name, "A sweep's column: " + std::string(column.meaning) + ".");
  }
  return all;
}

std::optional<Explanation> explain(std::string_view word, const Catalogs& catalogs) {
  if (const auto entry = plan::find_entry(word)) {
    return Explanation{std::string(entry->name), std::string(entry->meaning)};
  }
  const std::string key = key_of(word);
  for (Explanation& one : explanations()) {
    if (key_of(one.name) == key) {
      return std::move(one);
    }
  }
  const std::string text(trim(word));
  if (auto format = of_format(text)) {
    return format;
  }
  return of_catalogs(text, catalogs);
}

}  // namespace macfit::cli
