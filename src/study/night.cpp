// A list of jobs and a night for it: which placement of each split completes the most by morning.

#include "macfit/study/night.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/speeds.hpp"
#include "night_rates.hpp"

namespace macfit::study {
namespace {

std::string name_of(const plan::Placement& placement) {
  switch (placement.split) {
    case plan::SplitKind::independent:
      return placement.replicas == 1 ? "one worker" : count_word(placement.replicas) + " workers";
    case plan::SplitKind::pipeline:
      return placement.replicas == 1 ? "pipeline" : count_word(placement.replicas) + " pipelines";
    case plan::SplitKind::tensor:
      break;
  }
  return placement.replicas == 1 ? "tensor" : count_word(placement.replicas) + " tensor shards";
}

/// One worker with its rates, as the three speeds see it.
struct Timed {
  NightWorker worker;
  Rates rates;
  bool rdma = false;
};

enum class Pace : std::uint8_t { expected, slow, fast };

const std::vector<double>& seconds_of(const Timed& timed, Pace pace) {
  return pace == Pace::slow   ? timed.rates.slow
         : pace == Pace::fast ? timed.rates.fast
                              : timed.rates.seconds;
}

/// Classes in the order in which a worker takes them: the shortest first, as that gives the most
/// completions should the morning come too early.
std::vector<std::size_t> order_of(const std::vector<double>& seconds) {
  std::vector<std::size_t> order(seconds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return seconds[a] < seconds[b]; });
  return order;
}

double mean_seconds(const JobList& jobs, const std::vector<double>& seconds) {
  double sum = 0.0;
  for (std::size_t c = 0; c < seconds.size(); ++c) {
    sum += static_cast<double>(jobs.classes[c].count) * seconds[c];
  }
  return sum / static_cast<double>(jobs.jobs());
}

std::vector<Worker> to_workers(const NightQuestion& question, const std::vector<Timed>& timed,
                               Pace pace) {
  std::vector<Worker> workers;
  workers.reserve(timed.size());
  for (const Timed& one : timed) {
    Worker worker;
    worker.nodes = one.worker.nodes.size();
    worker.rdma = one.rdma;
    worker.at_once = question.plan.workload.sequences;
    worker.load_seconds = one.worker.load_seconds;
    const std::vector<double>& seconds = seconds_of(one, pace);
    if (question.jobs.endless) {
      worker.list = {{mean_seconds(question.jobs, seconds), 0}};
    } else {
      for (const std::size_t c : order_of(seconds)) {
        if (one.worker.share.counts[c] > 0) {
          worker.list.push_back({seconds[c], one.worker.share.counts[c]});
        }
      }
    }
    workers.push_back(std::move(worker));
  }
  return workers;
}

void divide(const NightQuestion& question, NightPlacement& placement, std::vector<Timed>& timed) {
  if (question.jobs.endless) {
    return;
  }
  std::vector<std::vector<double>> seconds;
  seconds.reserve(timed.size());
  for (const Timed& one : timed) {
    seconds.push_back(one.rates.seconds);
  }
  Division division = divide_longest_first(question.jobs, seconds);
  Division equal = divide_equally(question.jobs, seconds);
  placement.equal_makespan = equal.makespan();
  if (equal.makespan() < division.makespan()) {
    std::swap(division, equal);  // the rule of thumb can lose; the list is split the better way
  }
  placement.makespan = division.makespan();
  for (std::size_t w = 0; w < timed.size(); ++w) {
    timed[w].worker.share = std::move(division.workers[w]);
  }
}

/// Tokens of what a quiet night completes.
void count_tokens(const NightQuestion& question, const std::vector<Timed>& timed,
                  NightPlacement& placement) {
  for (const Timed& one : timed) {
    std::int64_t left = one.worker.completed;
    if (question.jobs.endless) {
      placement.tokens_read += static_cast<double>(left) * question.jobs.mean_prompt();
      placement.tokens_written += static_cast<double>(left) * question.jobs.mean_output();
      continue;
    }
    for (const std::size_t c : order_of(one.rates.seconds)) {
      const auto done = static_cast<double>(std::min(left, one.worker.share.counts[c]));
      placement.tokens_read += done * question.jobs.classes[c].prompt;
      placement.tokens_written += done * question.jobs.classes[c].output;
      left -= std::min(left, one.worker.share.counts[c]);
    }
  }
}

std::optional<double> most_watt_hours(const NightQuestion& question,
                                      const std::vector<Timed>& timed) {
  double joules = 0.0;
  for (const Timed& one : timed) {
    for (const std::size_t node : one.worker.nodes) {
      const auto& power = question.plan.cluster.nodes[node].power;
      if (!power) {
        return std::nullopt;
      }
      joules += one.worker.busy_seconds * power->most +
                (question.hours.seconds - one.worker.busy_seconds) * power->idle;
    }
  }
  return joules / 3600.0;
}

/// Everything that follows from the workers' rates.
NightPlacement play(const NightQuestion& question, const plan::Placement& from,
                    std::vector<Timed> timed) {
  NightPlacement placement;
  placement.name = name_of(from);
  placement.split = from.split;
  placement.runtime = from.runtime;
  placement.format = from.format;
  placement.tier = from.standing.tier;
  placement.raised = from.standing.raised();
  placement.may_win = from.standing.may_win;
  divide(question, placement, timed);
  const auto quiet = [&](Pace pace) {
    return quiet_night(to_workers(question, timed, pace), question.hours.seconds);
  };
  const QuietNight expected = quiet(Pace::expected);
  placement.completions = expected.completions;
  placement.finish = question.jobs.endless ? std::nullopt : expected.finish;
  placement.low = quiet(Pace::slow).completions;
  placement.high = quiet(Pace::fast).completions;
  placement.evidence = Evidence::exact;
  for (std::size_t w = 0; w < timed.size(); ++w) {
    timed[w].worker.completed = expected.completed[w];
    timed[w].worker.busy_seconds = expected.busy[w];
    placement.evidence = weaker(placement.evidence, timed[w].rates.evidence);
  }
  count_tokens(question, timed, placement);
  placement.most_watt_hours = most_watt_hours(question, timed);
  const std::vector<Worker> workers = to_workers(question, timed, Pace::expected);
  for (const Worker& worker : workers) {
    placement.faults_per_day += faults_per_day(worker, question.rules.faults);
  }
  placement.outcome = simulate_nights(workers, question.rules);
  for (Timed& one : timed) {
    placement.workers.push_back(std::move(one.worker));
  }
  return placement;
}

/// The workers of a placement with their rates; empty where those are not known.
std::vector<Timed> time_workers(const NightQuestion& question, const plan::Placement& placement,
                                const plan::Scenario& scenario, std::string& why) {
  std::vector<Timed> timed;
  for (std::size_t replica = 0; replica < placement.replicas; ++replica) {
    Timed one;
    Bytes heaviest{};
    fit::Split layers;
    for (const plan::NodeBudget& budget : placement.nodes) {
      if (budget.replica == replica) {
        one.worker.nodes.push_back(budget.node);
        if (placement.split == plan::SplitKind::pipeline) {
          layers.push_back(budget.layer_count);
        }
        heaviest = std::max(heaviest, budget.parts.weights);
      }
    }
    one.rdma = one.worker.nodes.size() > 1 &&
               plan::transport_of(scenario, one.worker.nodes) == hardware::Transport::rdma;
    one.worker.load_seconds = heaviest.as_double() / question.load_rate;
    one.rates = rates_of(scenario, one.worker.nodes, placement.split, layers, question.jobs,
                         question.plan.workload.sequences);
    if (!one.rates.why_unknown.empty()) {
      why = one.rates.why_unknown;
      return {};
    }
    one.worker.decode = one.rates.decode;
    one.worker.prefill = one.rates.prefill;
    one.worker.job_seconds = mean_seconds(question.jobs, one.rates.seconds);
    timed.push_back(std::move(one));
  }
  return timed;
}

/// Why a placement is not counted on; empty where it is.
std::string unfit(const NightQuestion& question, const plan::Placement& placement) {
  if (!placement.standing.supported) {
    return placement.problems.empty() ? "not supported" : placement.problems.front().text;
  }
  if (placement.nodes.empty() || !placement.standing.loads()) {
    return "does not load";
  }
  if (!placement.standing.fits()) {
    return fmt::format("holds jobs of up to {} tokens; the context asked for is {}",
                       format_whole(placement.max_context),
                       format_whole(question.plan.workload.context.count()));
  }
  return {};
}

/// Workers on unlike machines are of unlike speed: which is the fastest.
std::size_t fastest(const std::vector<Timed>& timed) {
  std::size_t best = 0;
  for (std::size_t w = 1; w < timed.size(); ++w) {
    if (timed[w].worker.job_seconds < timed[best].worker.job_seconds) {
      best = w;
    }
  }
  return best;
}

bool better(const NightPlacement& a, const NightPlacement& b) {
  if (a.outcome.median != b.outcome.median) {
    return a.outcome.median > b.outcome.median;
  }
  return a.outcome.mean > b.outcome.mean;
}

/// One that may win goes before one that is shown for its numbers only.
bool goes_before(const NightPlacement& a, const NightPlacement& b) {
  return a.may_win != b.may_win ? a.may_win : better(a, b);
}

using RuntimeScenarios = std::map<const runtime::Runtime*, plan::Scenario>;

/// The best placement of one split.
struct BestOfSplit {
  std::optional<NightPlacement> placement;
  std::optional<NightPlacement> alone;  ///< the fastest of its workers, where there are several
  std::string why;                      ///< the first that is not counted on is not
};

BestOfSplit best_of(const NightQuestion& question, const plan::Plan& plan,
                    const RuntimeScenarios& scenarios, plan::SplitKind split) {
  BestOfSplit best;
  for (const plan::Placement& placement : plan.placements) {
    if (placement.split != split) {
      continue;
    }
    std::string reason = unfit(question, placement);
    std::vector<Timed> timed;
    if (reason.empty()) {
      timed = time_workers(question, placement, scenarios.at(placement.runtime), reason);
    }
    if (timed.empty()) {
      best.why = best.why.empty() ? reason : best.why;
      continue;
    }
    const Timed first = timed[fastest(timed)];
    const std::size_t workers = timed.size();
    NightPlacement played = play(question, placement, std::move(timed));
    if (best.placement && !goes_before(played, *best.placement)) {
      continue;
    }
    best.placement = std::move(played);
    best.alone.reset();
    if (split == plan::SplitKind::independent && workers > 1) {
      plan::Placement one = placement;
      one.replicas = 1;
      best.alone = play(question, one, {first});
      best.alone->alone = true;
    }
  }
  return best;
}

const char* kind_name(plan::SplitKind split) {
  switch (split) {
    case plan::SplitKind::independent:
      return "workers";
    case plan::SplitKind::pipeline:
      return "pipeline";
    case plan::SplitKind::tensor:
      break;
  }
  return "tensor";
}

/// Which placement completes the most; nothing where none may win.
std::optional<std::size_t> winner_of(const std::vector<NightPlacement>& placements) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < placements.size(); ++i) {
    if (placements[i].may_win && (!best || better(placements[i], placements[*best]))) {
      best = i;
    }
  }
  return best;
}

double parse_clock(std::string_view text) {
  const std::vector<std::string_view> parts = split(trim(text), ':');
  if (parts.size() != 2) {
    throw Error("expected a time of day such as 22:00, found \"" + printable(text) + "\"");
  }
  const std::int64_t hour = parse_whole(parts[0], "the hour", 0, 24);
  const std::int64_t minute = parse_whole(parts[1], "the minute", 0, hour == 24 ? 0 : 59);
  return static_cast<double>(hour * 60 + minute) * 60.0;
}

/// The night at the plan's own sequences.
NightResult night_of(NightQuestion question) {
  const plan::Plan plan = plan::make_plan(question.plan);
  RuntimeScenarios scenarios;
  for (const runtime::Runtime* rules : question.plan.runtimes) {
    plan::Scenario& scenario =
        scenarios.emplace(rules, plan::make_scenario(question.plan, *rules)).first->second;
    plan::add_work(scenario, question.plan);
  }

  NightResult result;
  for (const plan::SplitKind split :
       {plan::SplitKind::independent, plan::SplitKind::pipeline, plan::SplitKind::tensor}) {
    BestOfSplit best = best_of(question, plan, scenarios, split);
    if (best.placement) {
      result.placements.push_back(std::move(*best.placement));
      if (best.alone) {
        result.placements.push_back(std::move(*best.alone));
      }
    } else if (!best.why.empty()) {
      result.absent.push_back({kind_name(split), best.why});
    }
  }
  result.best = winner_of(result.placements);
  result.question = std::move(question);
  return result;
}

NightChoice choice_of(const NightResult& result) {
  NightChoice choice;
  choice.sequences = result.question.plan.workload.sequences;
  if (result.best) {
    const NightPlacement& best = result.placements[*result.best];
    choice.completions = best.completions;
    choice.makespan = best.makespan;
    choice.name = best.name;
    choice.tier = best.tier;
    choice.raised = best.raised;
  }
  return choice;
}

/// Jobs that each of the best placement's workers gets; endless lists: any number.
std::int64_t jobs_each(const NightResult& result) {
  if (result.question.jobs.endless || !result.best) {
    return std::numeric_limits<std::int64_t>::max();
  }
  const auto workers = static_cast<std::int64_t>(result.placements[*result.best].workers.size());
  return (result.question.jobs.jobs() + workers - 1) / workers;
}

/// Plays a few nights at 1, 2, 4 … 32 sequences a worker.
std::vector<NightChoice> try_sequences(const NightQuestion& question) {
  constexpr std::int64_t most = 32;
  constexpr std::int64_t few_nights = 100;
  NightQuestion trial = question;
  trial.rules.nights = std::min(trial.rules.nights, few_nights);
  std::vector<NightChoice> choices;
  for (std::int64_t sequences = 1; sequences <= most; sequences *= 2) {
    trial.plan.workload.sequences = sequences;
    const NightResult result = night_of(trial);
    if (sequences > 1 && sequences > jobs_each(result)) {
      break;  // more at a time than there are jobs
    }
    choices.push_back(choice_of(result));
  }
  return choices;
}

}  // namespace

Hours parse_hours(std::string_view text) {
  constexpr double day = 86'400.0;
  Hours hours;
  const std::string_view trimmed = trim(text);
  if (const std::size_t dash = trimmed.find('-');
      trimmed.find(':') != std::string_view::npos && dash != std::string_view::npos) {
    const double from = parse_clock(trimmed.substr(0, dash));
    const double until = parse_clock(trimmed.substr(dash + 1));
    hours.seconds = until > from ? until - from : until - from + day;
    hours.until = std::string(trim(trimmed.substr(dash + 1)));
    return hours;
  }
  const bool plain = !trimmed.empty() && trimmed.find_first_not_of("0123456789.") == trimmed.npos;
  hours.seconds = parse_duration(plain ? std::string(trimmed) + "h" : std::string(trimmed),
                                 "hours such as 9, 8.5h or 22:00-07:00");
  constexpr double most = 31.0 * day;
  if (hours.seconds < 1.0 || hours.seconds > most) {
    throw Error("a night is between a second and 31 days long, found \"" + printable(text) + "\"");
  }
  return hours;
}

double NightChoice::times_better(const NightChoice& other) const {
  if (makespan && other.makespan) {
    return *other.makespan / *makespan;
  }
  return static_cast<double>(completions.value_or(0)) /
         static_cast<double>(std::max<std::int64_t>(other.completions.value_or(0), 1));
}

bool comfortable(const NightChoice& choice) noexcept {
  return choice.completions && choice.tier == fit::Tier::comfortable && !choice.raised;
}

NightResult night(NightQuestion question) {
  // Fewer at a time hold less memory and answer sooner: a fiftieth more done is not worth that.
  constexpr double worth_it = 1.02;
  question.rules.seconds = question.hours.seconds;
  runtime::Workload& workload = question.plan.workload;
  workload.context = std::max(workload.context, Tokens(question.jobs.longest()));
  if (!question.choose_sequences) {
    NightResult result = night_of(std::move(question));
    result.choices = {choice_of(result)};
    return result;
  }
  std::vector<NightChoice> choices = try_sequences(question);
  std::size_t taken = 0;
  for (std::size_t i = 1; i < choices.size(); ++i) {
    if (comfortable(choices[i]) && choices[i].times_better(choices[taken]) > worth_it) {
      taken = i;
    }
  }
  workload.sequences = choices[taken].sequences;
  NightResult result = night_of(std::move(question));
  choices[taken] = choice_of(result);
  result.choices = std::move(choices);
  return result;
}

}  // namespace macfit::study
