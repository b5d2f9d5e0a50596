#include "night_rates.hpp"

#include "macfit/plan/speeds.hpp"

namespace macfit::study {

Rates rates_of(const plan::Scenario& scenario, const plan::Group& group, plan::SplitKind split,
               const fit::Split& layers, const JobList& jobs, std::int64_t sequences) {
  Rates rates;
  const bool several = group.size() > 1;
  const speed::Link link =
      several ? plan::link_within(scenario, group, plan::transport_of(scenario, group))
              : speed::Link{};
  const auto ask = [&](double prompt, double output) {
    return plan::replica_speed_over(scenario, link, group,
                                    several ? split : plan::SplitKind::independent, layers,
                                    {prompt, output}, static_cast<double>(sequences));
  };
  const speed::Answer mean = ask(jobs.mean_prompt(), jobs.mean_output());
  rates.decode = mean.decode;
  rates.prefill = mean.prefill;
  for (const JobClass& part : jobs.classes) {
    const speed::Answer answer = ask(part.prompt, part.output);
    if (!answer.prefill || !answer.aggregate_decode) {
      rates.why_unknown = std::string(answer.why_unknown);
      if (rates.why_unknown.empty()) {
        rates.why_unknown = "its speed is not known";
      }
      return rates;
    }
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
