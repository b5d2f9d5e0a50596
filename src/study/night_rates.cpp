#include "night_rates.hpp"

#include <algorithm>
#include <limits>

namespace macfit::study {
namespace {

/// The slowest link between nodes of a group, for small messages first.
speed::Link slowest_link(const hardware::Cluster& cluster, const std::vector<std::size_t>& nodes) {
  std::optional<speed::Link> slowest;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t k = i + 1; k < nodes.size(); ++k) {
      const hardware::Link* link = cluster.link_between(nodes[i], nodes[k]);
      if (link == nullptr) {
        continue;
      }
      const speed::Link one = speed::link_of(link->type);
      if (!slowest || one.latency > slowest->latency) {
        slowest = one;
      }
    }
  }
  return slowest.value_or(speed::Link{});
}

}  // namespace

RateSource::RateSource(const plan::Request& request) : request_(request) {
  for (const runtime::Id id : request.runtimes) {
    const runtime::Runtime& rules = runtime::get(id);
    works_.push_back(speed::prepare(request.model, rules.recipe(request.model, request.recipe),
                                    speed::engine_of(id), request.workload.kv));
  }
}

bool RateSource::rdma(const std::vector<std::size_t>& nodes) const {
  return nodes.size() > 1 &&
         slowest_link(request_.cluster, nodes).transport == hardware::Transport::rdma;
}

Rates RateSource::rates(const plan::Placement& placement, const std::vector<std::size_t>& nodes,
                        const std::vector<std::int64_t>& layers, const JobList& jobs) const {
  const auto at = std::find(request_.runtimes.begin(), request_.runtimes.end(), placement.runtime);
  const speed::Work& work = works_[static_cast<std::size_t>(at - request_.runtimes.begin())];
  std::vector<speed::Chip> chips;
  for (const std::size_t node : nodes) {
    chips.push_back(speed::chip_of(request_.cluster.nodes[node]));
  }
  speed::Question question;
  question.split = nodes.size() == 1                            ? speed::Split::whole
                   : placement.split == plan::SplitKind::tensor ? speed::Split::tensor
                                                                : speed::Split::pipeline;
  question.chips = chips;
  question.layers = layers;
  question.link = slowest_link(request_.cluster, nodes);
  question.sequences = static_cast<double>(request_.workload.sequences);
  Rates rates;
  const auto ask = [&](double prompt, double output) {
    question.prompt = prompt;
    question.generated = output;
    return speed::estimate(work, question, speed::Calibration::embedded());
  };
  const speed::Answer mean = ask(jobs.mean_prompt(), jobs.mean_output());
  rates.decode = mean.decode;
  rates.prefill = mean.prefill;
  for (const JobClass& part : jobs.classes) {
    const speed::Answer answer = ask(part.prompt, part.output);
    if (!answer.prefill || !answer.aggregate_decode) {
      rates.why_unknown = std::string(answer.why_unknown);
      return rates;
    }
    // Prompts one after the other, then all sequences side by side.
    const auto seconds = [&](double read, double write) {
      return part.prompt / read + part.output / write;
    };
    rates.seconds.push_back(seconds(answer.prefill->value, answer.aggregate_decode->value));
    rates.slow.push_back(seconds(answer.prefill->low, answer.aggregate_decode->low));
    rates.fast.push_back(seconds(answer.prefill->high, answer.aggregate_decode->high));
    rates.evidence = weaker(rates.evidence, answer.prefill->evidence);
    rates.evidence = weaker(rates.evidence, answer.aggregate_decode->evidence);
  }
  return rates;
}

}  // namespace macfit::study
