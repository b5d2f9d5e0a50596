// A night as JSON (macfit.night/1).

#include <nlohmann/json.hpp>

#include "../estimate_json.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/report/night/night_report.hpp"
#include "night_words.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

Json jobs_json(const study::JobList& jobs) {
  return {{"jobs", jobs.endless ? Json(nullptr) : Json(jobs.jobs())},
          {"endless", jobs.endless},
          {"mean_prompt_tokens", jobs.mean_prompt()},
          {"mean_output_tokens", jobs.mean_output()},
          {"longest_tokens", jobs.longest()}};
}

Json faults_json(const study::NightRules& rules) {
  Json list = Json::array();
  for (std::size_t i = 0; i < study::fault_count; ++i) {
    const study::FaultInfo& info = study::fault_info(static_cast<study::Fault>(i));
    const study::FaultRule& rule = rules.faults.at(i);
    list.push_back({{"name", info.name},
                    {"per_node_and_day", rule.per_day},
                    {"after_jobs", rule.after_jobs > 0 ? Json(rule.after_jobs) : Json(nullptr)},
                    {"repair_seconds", or_null(rule.repair_seconds)},
                    {"ends", info.rdma_only     ? "shards-over-rdma"
                             : info.shards_only ? "shards"
                                                : "all"},
                    {"evidence", rule.stated ? "stated" : "estimated"},
                    {"basis", rule.stated ? "" : info.basis}});
  }
  return list;
}

/// A worker's part of the list, by lines of the jobs file; nothing where all jobs are alike.
Json share_json(const study::NightQuestion& question, const study::NightWorker& worker) {
  Json parts = Json::array();
  for (std::size_t c = 0; c < worker.share.counts.size(); ++c) {
    const study::JobClass& jobs = question.jobs.classes[c];
    if (worker.share.counts[c] > 0 && !jobs.id.empty()) {
      parts.push_back({{"id", jobs.id}, {"count", worker.share.counts[c]}});
    }
  }
  return parts;
}

Json worker_json(const study::NightQuestion& question, const study::NightWorker& worker) {
  Json nodes = Json::array();
  for (const std::size_t node : worker.nodes) {
    nodes.push_back(question.plan.cluster.nodes[node].name);
  }
  Json result = {{"nodes", nodes},
                 {"decode_tokens_per_second", estimate_json(worker.decode)},
                 {"prefill_tokens_per_second", estimate_json(worker.prefill)},
                 {"seconds_per_job", worker.job_seconds},
                 {"load_seconds", worker.load_seconds},
                 {"busy_seconds", worker.busy_seconds},
                 {"completions", worker.completed}};
  if (!question.jobs.endless) {
    result["assigned_jobs"] = worker.share.jobs;
    result["assigned"] = share_json(question, worker);
  }
  return result;
}

Json outcome_json(const study::NightOutcome& outcome) {
  Json ended;
  for (std::size_t i = 0; i < study::fault_count; ++i) {
    ended[std::string(study::fault_name(static_cast<study::Fault>(i)))] = outcome.ended.at(i);
  }
  return {{"nights", outcome.nights},
          {"p10", outcome.p10},
          {"median", outcome.median},
          {"p90", outcome.p90},
          {"least", outcome.least},
          {"most", outcome.most},
          {"mean", outcome.mean},
          {"deviation", outcome.deviation},
          {"finish_probability", or_null(outcome.finished)},
          {"mean_finish_seconds", or_null(outcome.mean_finish)},
          {"undisturbed_share", outcome.undisturbed},
          {"mean_faults", outcome.mean_faults},
          {"mean_lost_jobs", outcome.mean_lost},
          {"mean_down_seconds", outcome.mean_down},
          {"ended_share", ended},
          {"histogram", outcome.histogram}};
}

Json placement_json(const study::NightQuestion& question, const study::NightPlacement& placement) {
  Json result;
  result["name"] = placement.name;
  result["split"] = plan::split_name(placement.split);
  result["runtime"] = placement.runtime->name();
  result["runtime_version"] = placement.runtime->release();
  result["format"] = placement.format;
  result["tier"] = fit::tier_name(placement.tier);
  result["gpu_limit_raised"] = placement.raised;
  result["may_win"] = placement.may_win;
  result["completions"] = {{"value", placement.completions},
                           {"low", placement.low},
                           {"high", placement.high},
                           {"evidence", evidence_name(placement.evidence)}};
  result["tokens_read"] = placement.tokens_read;
  result["tokens_written"] = placement.tokens_written;
  result["most_watt_hours"] = or_null(placement.most_watt_hours);
  result["finish_seconds"] = or_null(placement.finish);
  result["makespan_seconds"] = or_null(placement.makespan);
  result["equal_split_makespan_seconds"] = or_null(placement.equal_makespan);
  result["faults_per_day"] = placement.faults_per_day;
  result["workers"] = Json::array();
  for (const study::NightWorker& worker : placement.workers) {
    result["workers"].push_back(worker_json(question, worker));
  }
  result["simulated"] = outcome_json(placement.outcome);
  return result;
}

}  // namespace

std::string night_json(const study::NightResult& result) {
  const study::NightQuestion& question = result.question;
  Json json;
  json["schema"] = "macfit.night/1";
  json["model"] = question.plan.model.id;
  json["cluster"] = question.plan.cluster.spec;
  json["night"] = {
      {"seconds", question.hours.seconds},
      {"until", question.hours.until.empty() ? Json(nullptr) : Json(question.hours.until)}};
  json["jobs"] = jobs_json(question.jobs);
  json["rules"] = {{"restart", question.rules.restart},
                   {"checkpoint_jobs", or_null(question.rules.checkpoint)},
                   {"load_bytes_per_second", question.load_rate},
                   {"load_evidence", question.load_rate_stated ? "stated" : "estimated"},
                   {"seed", question.rules.seed},
                   {"faults", faults_json(question.rules)}};
  json["sequences"] = question.plan.workload.sequences;
  json["sequence_choices"] = Json::array();
  for (const study::NightChoice& choice : result.choices) {
    const bool holds = choice.completions.has_value();
    json["sequence_choices"].push_back({{"sequences", choice.sequences},
                                        {"completions", or_null(choice.completions)},
                                        {"makespan_seconds", or_null(choice.makespan)},
                                        {"placement", holds ? Json(choice.name) : Json(nullptr)},
                                        {"tier", fit::tier_name(choice.tier)},
                                        {"gpu_limit_raised", choice.raised}});
  }
  json["launch_command"] = result.best ? Json(launch_words(result)) : Json(nullptr);
  json["summary"] = night_answer(result);
  json["best"] = or_null(result.best);
  json["placements"] = Json::array();
  for (const study::NightPlacement& placement : result.placements) {
    json["placements"].push_back(placement_json(question, placement));
  }
  json["absent"] = Json::array();
  for (const study::NightAbsent& absent : result.absent) {
    json["absent"].push_back({{"name", absent.name}, {"reason", absent.reason}});
  }
  return dump_document(json);
}

}  // namespace macfit::report
