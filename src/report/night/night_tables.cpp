#include <fmt/format.h>

#include "macfit/core/quantity.hpp"
#include "macfit/report/night/night_report.hpp"
#include "macfit/report/table/csv.hpp"
#include "night_words.hpp"

namespace macfit::report {
namespace {

std::string plain_number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

}  // namespace

std::string night_csv(const study::NightResult& result) {
  std::string text =
      "placement,split,runtime,format,tier,may_win,replicas,completions,completions_low,"
      "completions_high,evidence,median,p10,p90,mean,finish_probability,finish_seconds,"
      "makespan_seconds,equal_split_makespan_seconds,tokens_read,tokens_written,most_watt_hours,"
      "faults_per_day,mean_faults,mean_lost_jobs,mean_down_seconds,nights,seed,sequences\n";
  for (const study::NightPlacement& placement : result.placements) {
    const study::NightOutcome& outcome = placement.outcome;
    text += fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
        csv_field(placement.name), plan::split_name(placement.split), placement.runtime->name(),
        csv_field(placement.format), fit::tier_name(placement.tier),
        placement.may_win ? "true" : "false", placement.workers.size(), placement.completions,
        placement.low, placement.high, evidence_name(placement.evidence), outcome.median,
        outcome.p10, outcome.p90, outcome.mean, plain_number(outcome.finished),
        plain_number(placement.finish), plain_number(placement.makespan),
        plain_number(placement.equal_makespan), placement.tokens_read, placement.tokens_written,
        plain_number(placement.most_watt_hours), placement.faults_per_day, outcome.mean_faults,
        outcome.mean_lost, outcome.mean_down, outcome.nights, result.question.rules.seed,
        result.question.plan.workload.sequences);
  }
  return text;
}

std::string night_markdown(const study::NightResult& result) {
  const study::NightQuestion& question = result.question;
  std::string text =
      fmt::format("**{}**\n\n{} on {}; {}.\n\n", markdown_field(night_answer(result)),
                  markdown_field(question.plan.model.id),
                  markdown_field(question.plan.cluster.spec), markdown_field(jobs_words(question)));
  text +=
      "| placement | median | p10 | p90 | all done | by speed | energy | a fault every |\n"
      "| --- | ---: | ---: | ---: | ---: | --- | --- | --- |\n";
  for (const study::NightPlacement& placement : result.placements) {
    const study::NightOutcome& outcome = placement.outcome;
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {} to {} ({}) | {} | {} |\n", markdown_field(placement.name),
        format_whole(outcome.median), format_whole(outcome.p10), format_whole(outcome.p90),
        outcome.finished ? format_percent(*outcome.finished) : "–", format_whole(placement.low),
        format_whole(placement.high), evidence_name(placement.evidence), energy_words(placement),
        fault_gap(placement));
  }
  if (const std::string words = sequences_words(result); !words.empty()) {
    text += "\n" + markdown_field(words) + "\n\n| at a time | done without faults | by | tier |\n" +
            "| ---: | ---: | --- | --- |\n";
    for (const study::NightChoice& choice : result.choices) {
      text += fmt::format("| {} | {} | {} | {} |\n", choice.sequences,
                          markdown_field(choice_words(result, choice)), markdown_field(choice.name),
                          markdown_field(choice_tier(choice)));
    }
  }
  text += "\n" + markdown_field(rules_words(question)) + ".\n\n";
  for (const std::string& line : fault_lines(question)) {
    text += "- " + markdown_field(line) + "\n";
  }
  for (const study::NightAbsent& absent : result.absent) {
    text += "- not counted: " + markdown_field(absent.name) + ", " + markdown_field(absent.reason) +
            "\n";
  }
  return text;
}

}  // namespace macfit::report
