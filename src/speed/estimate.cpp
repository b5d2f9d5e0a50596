#include <array>
#include <numeric>

#include "stage.hpp"

namespace macfit::speed {
namespace {

/// Longest context and most sequences side by side that published figures reach.
constexpr double longest_measured = 262144.0;
constexpr double most_measured = 16.0;
/// Intervals grow where a figure is carried beyond what was measured, and shrink by own results.
constexpr double beyond_measured = 1.5;
constexpr double same_configuration = 0.5;
constexpr double same_machine = 0.75;

/// What own results say of a figure.
struct Correction {
  double factor = 1.0;
  double width = 1.0;
  std::optional<Evidence> evidence;
};

double damped(double sum, double rows) { return sum / (rows + 1.0); }

Correction correction(const Work& work, const Question& q, bool prefill,
                      const Calibration& calibration) {
  Correction result;
  if (calibration.anchors.empty()) {
    return result;
  }
  double near = 0.0;
  double near_count = 0.0;
  for (const Anchor& anchor : calibration.anchors) {
    const Chip& chip = q.chips[0];
    const bool machine = anchor.prefill == prefill && anchor.chip == chip.id &&
                         (anchor.cores == 0 || chip.cores == 0 || anchor.cores == chip.cores) &&
                         anchor.engine == engine_name(work.engine) &&
                         anchor.nodes == static_cast<int>(q.chips.size());
    if (!machine) {
      continue;
    }
    if (anchor.model == work.model && anchor.format == work.format) {
      const auto rows = static_cast<double>(anchor.rows);
      result.factor = std::exp(damped(anchor.log_ratio * rows, rows));
      result.width = same_configuration;
      result.evidence = Evidence::measured;
      return result;
    }
    near += anchor.log_ratio;
    near_count += 1.0;
  }
  if (near_count > 0.0) {
    result.factor = std::exp(damped(near, near_count));
    result.width = same_machine;
    result.evidence = Evidence::measured_near;
  }
  return result;
}

bool measured_chip(const Chip& chip) {
  const bool newest_ultra = chip.ultra && chip.generation == newest_generation;
  return chip.generation >= 1 && chip.generation <= newest_generation && !newest_ultra;
}

Evidence evidence_of(const Work& work, const Question& q, const Correction& own) {
  Evidence evidence = own.evidence.value_or(Evidence::community);
  if (!own.evidence) {
    for (const Chip& chip : q.chips) {
      evidence = measured_chip(chip) ? evidence : weaker(evidence, Evidence::extrapolated);
    }
    const bool guessed_link =
        q.link.kind == hardware::LinkKind::wifi ||
        (q.split == Split::tensor && q.link.transport == hardware::Transport::tcp);
    if (q.split != Split::whole && guessed_link) {
      evidence = Evidence::estimated;
    }
  }
  if (q.cached + q.prompt + q.generated > longest_measured || q.sequences > most_measured) {
    evidence = weaker(evidence, Evidence::extrapolated);
  }
  // Shapes read elsewhere don't make a speed less measured; a nominal model's are made up.
  return work.evidence == Evidence::estimated ? Evidence::estimated : evidence;
}

Estimate with_interval(double value, const Work& work, const Question& q, bool prefill,
                       const Calibration& calibration) {
  const bool nodes = q.split != Split::whole;
  const Figure figure = prefill ? (nodes ? Figure::prefill_nodes : Figure::prefill)
                                : (nodes ? Figure::decode_nodes : Figure::decode);
  const bool old = work.engine == Engine::llama_2024 && !nodes &&
                   calibration.residuals_2024[prefill ? 1 : 0].rows > 0;
  const Residuals& residuals = old ? calibration.residuals_2024[prefill ? 1 : 0]
                                   : calibration.residuals[static_cast<std::size_t>(figure)];
  const Correction own = correction(work, q, prefill, calibration);
  Estimate e;
  e.evidence = evidence_of(work, q, own);
  const bool weak = e.evidence == Evidence::extrapolated || e.evidence == Evidence::estimated;
  const double width = own.width * (weak ? beyond_measured : 1.0);
  e.value = value * own.factor;
  e.low = e.value * std::exp(width * std::min(residuals.low, 0.0));
  e.high = e.value * std::exp(width * std::max(residuals.high, 0.0));
  return e;
}

void keep_below(Estimate& e, double roof) {
  e.value = std::min(e.value, roof);
  e.low = std::min(e.low, roof);
  e.high = std::min(e.high, roof);
}

/// Widens a figure's interval to what it would be at either end of what reports leave open.
void hold_stated_ends(Estimate& e, double slow_over_value, double fast_over_value) {
  e.low = std::min(e.low, e.value * slow_over_value);
  e.high = std::max(e.high, e.value * fast_over_value);
}

/// Tokens a second of one of the sequences, over the generation.
Estimate decode_of(const Work& work, const Question& q, double seconds,
                   const Calibration& calibration) {
  Estimate decode = with_interval(1.0 / seconds, work, q, false, calibration);
  if (q.split != Split::whole || q.sequences > 1.0) {
    const auto at_end = [&](bool slow) {
      return seconds / decode_step(work, q, at_stated_end(calibration.values, slow)).total();
    };
    hold_stated_ends(decode, at_end(true), at_end(false));
  }
  // Own results may pull a figure up, never above what memory lets through.
  if (const auto roof = decode_roofline(work, q)) {
    keep_below(decode, *roof);
  }
  return decode;
}

void scale(Estimate& e, double factor) {
  e.value *= factor;
  e.low *= factor;
  e.high *= factor;
}

std::string_view check(const Work& work, const Question& q) {
  if (!work.known) {
    return work.why;
  }
  const bool shaped = q.split == Split::whole      ? q.chips.size() == 1
                      : q.split == Split::pipeline ? q.chips.size() == q.layers.size()
                                                   : !q.chips.empty();
  const auto layers = q.split == Split::pipeline
                          ? std::accumulate(q.layers.begin(), q.layers.end(), std::int64_t{0})
                          : static_cast<std::int64_t>(work.layers);
  if (!shaped || layers != static_cast<std::int64_t>(work.layers)) {
    return "the split does not cover the model";
  }
  if (q.split == Split::pipeline && *std::min_element(q.layers.begin(), q.layers.end()) < 1) {
    return "a stage has no layers";
  }
  for (const Chip& chip : q.chips) {
    if (chip.bandwidth <= 0.0) {
      return "the memory bandwidth of a node is not known";
    }
  }
  return {};
}

}  // namespace

Exchange exchange_of(const runtime::Workload& workload) {
  constexpr double most = 512.0;
  constexpr double part = 8.0;
  const double context = workload.context.as_double();
  const double generated = std::max(1.0, std::min(most, std::floor(context / part)));
  return {context - generated, generated};
}

Question short_exchange(const Question& question) {
  constexpr double generated = 128.0;
  if (question.cached + question.prompt + question.generated <= short_context) {
    return question;
  }
  Question quick = question;
  quick.cached = 0.0;
  quick.generated = std::min(generated, std::max(1.0, question.generated));
  quick.prompt = short_context - quick.generated;
  return quick;
}

std::optional<double> decode_rate(const Work& work, const Question& question,
                                  const Calibration& calibration) {
  if (!check(work, question).empty() || question.generated <= 0.0) {
    return std::nullopt;
  }
  const double seconds = decode_step(work, question, calibration.values).total();
  const double rate = correction(work, question, false, calibration).factor / seconds;
  const auto roof = decode_roofline(work, question);
  return std::min(rate, roof.value_or(rate)) * question.sequences;
}

Answer estimate(const Work& work, const Question& question, const Calibration& calibration) {
  Answer answer;
  answer.why_unknown = check(work, question);
  if (!answer.why_unknown.empty()) {
    return answer;
  }
  Question one = question;
  one.sequences = 1.0;
  if (question.generated > 0.0) {
    answer.parts = decode_step(work, question, calibration.values);
    Estimate decode = decode_of(work, question, answer.parts.total(), calibration);
    answer.decode = decode;
    scale(decode, question.sequences);
    answer.aggregate_decode = decode;
    const Question quick = short_exchange(question);
    decode =
        decode_of(work, quick, decode_step(work, quick, calibration.values).total(), calibration);
    answer.short_decode = decode;
    scale(decode, question.sequences);
    answer.short_aggregate = decode;
  }
  const bool arithmetic = std::all_of(question.chips.begin(), question.chips.end(),
                                      [](const Chip& chip) { return chip.flops > 0.0; });
  if (question.prompt >= 1.0 && !arithmetic) {
    answer.why_unknown = "the FLOP rate of a node is not known";
  } else if (question.prompt >= 1.0) {
    const double seconds = prefill_seconds(work, one, calibration.values);
    answer.prefill = with_interval(question.prompt / seconds, work, question, true, calibration);
    Question first = question;
    first.generated = 1.0;
    const double step = decode_step(work, first, calibration.values).total();
    const auto wait = [&](double rate) {
      return question.sequences * question.prompt / rate + step;
    };
    answer.time_to_first_token = Estimate{wait(answer.prefill->value), wait(answer.prefill->high),
                                          wait(answer.prefill->low), answer.prefill->evidence};
  }
  return answer;
}

}  // namespace macfit::speed
