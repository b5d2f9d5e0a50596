// Sentences about a night that its text, table and page share.

#include "night_words.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"

namespace macfit::report {
namespace {

std::string on_words(const study::NightPlacement& placement) {
  const bool one_shard =
      placement.workers.size() == 1 && placement.split != plan::SplitKind::independent;
  if (placement.alone) {
    return "one of them alone";
  }
  return one_shard ? "the " + placement.name + (placement.name == "tensor" ? " shard" : "")
                   : placement.name;
}

}  // namespace

std::string span_words(double seconds) {
  constexpr double minute = 60.0;
  constexpr double hour = 3600.0;
  constexpr double day = 86'400.0;
  if (seconds < 100.0) {
    return fmt::format("{:.{}f} s", seconds,
                       seconds < 10.0 && seconds != std::floor(seconds) ? 1 : 0);
  }
  if (seconds < 100.0 * minute) {
    const double minutes = seconds / minute;
    return fmt::format("{:.{}f} min", minutes,
                       minutes < 10.0 && std::abs(minutes - std::round(minutes)) > 0.05 ? 1 : 0);
  }
  if (seconds < 2.0 * day) {
    const double hours = seconds / hour;
    return fmt::format("{:.{}f} h", hours, std::abs(hours - std::round(hours)) > 0.05 ? 1 : 0);
  }
  const double days = seconds / day;
  return fmt::format("{:.{}f} days", days,
                     days < 10.0 && std::abs(days - std::round(days)) > 0.05 ? 1 : 0);
}

std::string night_answer(const study::NightResult& result) {
  const std::string when = result.question.hours.until.empty()
                               ? "In " + span_words(result.question.hours.seconds)
                               : "By " + result.question.hours.until;
  if (result.placements.empty()) {
    return when + ": nothing, as no placement holds such jobs.";
  }
  const std::int64_t jobs = result.question.jobs.endless ? -1 : result.question.jobs.jobs();
  std::string all;
  std::string some;
  for (const study::NightPlacement& placement : result.placements) {
    const std::string where = on_words(placement);
    if (placement.outcome.median == jobs && placement.finish) {
      all +=
          fmt::format("{} {} on {}", all.empty() ? "" : ",", span_words(*placement.finish), where);
    } else {
      some += fmt::format(
          "{} {}{} on {}", some.empty() ? "" : ",", format_whole(placement.outcome.median),
          some.empty()
              ? (jobs > 0 ? " of " + format_whole(jobs) + " jobs" : std::string(" completions"))
              : std::string(),
          where);
    }
  }
  if (all.empty()) {
    return when + ":" + some + ".";
  }
  return fmt::format("{}: all {} jobs, within{}{}.", when, format_whole(jobs), all,
                     some.empty() ? "" : "; but" + some);
}

std::string sequences_words(const study::NightResult& result) {
  if (result.choices.size() < 2 || !result.choices.front().completions) {
    return {};
  }
  const study::NightChoice& one = result.choices.front();
  const std::int64_t taken = result.question.plan.workload.sequences;
  const auto chosen =
      std::find_if(result.choices.begin(), result.choices.end(),
                   [&](const study::NightChoice& choice) { return choice.sequences == taken; });
  if (taken == 1 || chosen == result.choices.end()) {
    const study::NightChoice& two = result.choices[1];
    return fmt::format("One sequence at a time on each worker: two {}.",
                       !two.completions           ? "would not fit"
                       : study::comfortable(two)  ? "would get no more done"
                       : !study::comfortable(one) ? "would fit, but one is not comfortable already"
                                                  : "would not be comfortable");
  }
  const bool list = chosen->makespan && one.makespan;
  return fmt::format(
      "{} sequences at a time on each worker, which fits comfortably; one at a time would {}, "
      "{:.1f} "
      "times {} (--sequences 1).",
      taken,
      list ? "take " + span_words(*one.makespan) + " for the list"
           : "get " + format_whole(*one.completions) + " done",
      chosen->times_better(one), list ? "as long" : "fewer");
}

std::string choice_words(const study::NightResult& result, const study::NightChoice& choice) {
  if (!choice.completions) {
    return "–";
  }
  return result.question.jobs.endless || !choice.makespan
             ? format_whole(*choice.completions)
             : fmt::format("{}, the list in {}", format_whole(*choice.completions),
                           span_words(*choice.makespan));
}

std::string choice_tier(const study::NightChoice& choice) {
  return !choice.completions
             ? "does not fit"
             : std::string(fit::tier_name(choice.tier)) + (choice.raised ? ", raised limit" : "");
}

std::string launch_words(const study::NightResult& result) {
  plan::Request request = result.question.plan;
  plan::set_flag(request, "--context", std::to_string(request.workload.context.count()));
  if (request.workload.sequences > 1) {
    plan::set_flag(request, "--sequences", std::to_string(request.workload.sequences));
  }
  return plan::command_of(request, "launch");
}

std::string jobs_words(const study::NightQuestion& question) {
  const study::JobList& jobs = question.jobs;
  const bool one = jobs.classes.size() == 1;
  const auto tokens = [](double value) {
    return format_whole(static_cast<std::int64_t>(std::llround(value)));
  };
  return fmt::format(
      "{}, {} {} tokens in and {} out",
      jobs.endless ? "as many jobs as the night takes"
                   : format_whole(jobs.jobs()) + (jobs.jobs() == 1 ? " job" : " jobs"),
      one ? "each" : "on average", tokens(jobs.mean_prompt()), tokens(jobs.mean_output()));
}

std::string rules_words(const study::NightQuestion& question) {
  const study::NightRules& rules = question.rules;
  const std::string checkpoint = !rules.checkpoint ? "no checkpoints"
                                 : *rules.checkpoint == 1
                                     ? "every finished job is safe"
                                     : "safe every " + format_whole(*rules.checkpoint) + " jobs";
  const std::string restart =
      rules.restart
          ? fmt::format("restarts by itself, loading at {:.3g} GB/s{}", question.load_rate / 1e9,
                        question.load_rate_stated ? "" : " (estimated)")
          : "no restarts";
  return fmt::format("{}; {}; {} nights, seed {}", checkpoint, restart, format_whole(rules.nights),
                     rules.seed);
}

std::vector<std::string> fault_lines(const study::NightQuestion& question) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < study::fault_count; ++i) {
    const study::FaultInfo& info = study::fault_info(static_cast<study::Fault>(i));
    const study::FaultRule& rule = question.rules.faults.at(i);
    if (rule.never()) {
      continue;
    }
    const std::string often =
        rule.after_jobs > 0 ? "after " + format_whole(rule.after_jobs) + " jobs"
                            : fmt::format("once in {} a node", span_words(86'400.0 / rule.per_day));
    const std::string back = !question.rules.restart || !rule.repair_seconds
                                 ? "stays so till morning"
                                 : "back after " + span_words(*rule.repair_seconds);
    lines.push_back(fmt::format("{}: {}, {} ({}{})", info.name, often, back,
                                rule.stated ? "stated" : "estimated",
                                info.rdma_only     ? "; shards over RDMA"
                                : info.shards_only ? "; shards only"
                                                   : ""));
  }
  return lines;
}

std::string split_words(const study::NightResult& result, const study::NightPlacement& placement) {
  if (placement.workers.size() < 2 || !placement.makespan || !placement.equal_makespan) {
    return {};
  }
  std::vector<std::string> parts;
  parts.reserve(placement.workers.size());
  for (const study::NightWorker& worker : placement.workers) {
    std::string nodes;
    for (const std::size_t node : worker.nodes) {
      nodes += (nodes.empty() ? "" : "+") + result.question.plan.cluster.nodes[node].name;
    }
    parts.push_back(format_whole(worker.share.jobs) + " to " + printable(nodes, 200));
  }
  std::string text =
      "Split the list " + join_words(parts) + ": all done in " + span_words(*placement.makespan);
  if (*placement.equal_makespan > *placement.makespan * 1.005) {
    text += "; equal shares take " + span_words(*placement.equal_makespan);
  }
  return text + ".";
}

std::string finish_words(const study::NightPlacement& placement) {
  if (!placement.makespan) {
    return {};
  }
  return placement.finish ? "The list is done in " + span_words(*placement.finish) + "."
                          : "The list is not done by morning: it takes " +
                                span_words(*placement.makespan) + " in all.";
}

std::string fault_gap(const study::NightPlacement& placement) {
  return placement.faults_per_day > 0.0 ? span_words(86'400.0 / placement.faults_per_day) : "–";
}

std::string energy_words(const study::NightPlacement& placement) {
  return placement.most_watt_hours
             ? fmt::format("at most {:.2g} kWh", *placement.most_watt_hours / 1000.0)
             : "energy not known";
}

}  // namespace macfit::report
