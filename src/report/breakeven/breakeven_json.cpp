#include <nlohmann/json.hpp>

#include "../estimate_json.hpp"
#include "breakeven_words.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/report/breakeven/breakeven_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

Json run_json(const study::Run& run) {
  Json json = {{"why", run.why},
               {"model", run.model},
               {"parameters", or_null(run.parameters)},
               {"asked_format", run.asked},
               {"format", run.format},
               {"context_tokens", run.context.count()}};
  const plan::Decision& decision = run.decision;
  if (!decision.found()) {
    json["verdict"] = "won't-fit";
    json["runtime"] = nullptr;
    json["tier"] = fit::tier_name(fit::Tier::not_practical);
  } else {
    json["verdict"] = plan::split_name(decision.split);
    json["runtime"] = run.runtime != nullptr ? Json(run.runtime->name()) : Json(nullptr);
    json["runtime_version"] = run.runtime != nullptr ? Json(run.runtime->release()) : Json(nullptr);
    json["tier"] = fit::tier_name(decision.tier);
  }
  json["replicas"] = decision.replicas.size();
  json["fits"] = decision.fits;
  json["gpu_limit_raised"] = decision.raised;
  json["decode_tokens_per_second"] = estimate_json(run.decode);
  json["completions_per_hour"] = estimate_json(run.per_hour);
  json["completions_per_night"] = or_null(run.per_night);
  if (!run.why_unknown.empty()) {
    json["why_unknown"] = run.why_unknown;
  }
  return json;
}

Json crossing_json(const study::Crossing& crossing) {
  Json json = {{"format", crossing.format},
               {"context_tokens", crossing.context.count()},
               {"runtime", crossing.runtime->name()},
               {"runtime_version", crossing.runtime->release()},
               {"beats_pipeline_from", or_null(crossing.beats_pipeline)},
               {"beats_one_node_from", or_null(crossing.beats_one_node)}};
  json["samples"] = Json::array();
  for (const study::Crossing::Sample& sample : crossing.samples) {
    json["samples"].push_back({{"parameters", sample.parameters},
                               {"one_node_tokens_per_second", sample.one_node},
                               {"pipeline_tokens_per_second", sample.pipeline},
                               {"tensor_tokens_per_second", sample.tensor},
                               {"evidence", evidence_name(sample.evidence)}});
  }
  return json;
}

}  // namespace

std::string breakeven_json(const study::BreakevenResult& result) {
  const study::BreakevenQuestion& question = result.question;
  Json json;
  json["schema"] = "macfit.breakeven/1";
  json["cluster"] = question.cluster.spec;
  json["model"] = question.model ? Json(question.model->id) : Json(nullptr);
  json["active_share"] = question.active_share > 0.0 ? Json(question.active_share) : Json(nullptr);
  json["job"] = {{"prompt_tokens", question.job.prompt}, {"output_tokens", question.job.generated}};
  json["night_seconds"] = question.night_seconds;
  json["summary"] = breakeven_answer(result);
  json["turns"] = Json::array();
  for (const study::Turn& turn : result.turns) {
    json["turns"].push_back({{"format", turn.format},
                             {"context_tokens", turn.context.count()},
                             {"every_node", or_null(turn.workers)},
                             {"every_node_comfortable", or_null(turn.comfortable_workers)},
                             {"some_node", or_null(turn.one_worker)},
                             {"fits", or_null(turn.fits)},
                             {"fits_comfortable", or_null(turn.comfortable)},
                             {"loads", or_null(turn.loads)}});
  }
  json["runs"] = Json::array();
  for (const study::Run& run : result.runs) {
    json["runs"].push_back(run_json(run));
  }
  json["tensor_over_rdma"] = Json::array();
  for (const study::Crossing& crossing : result.crossings) {
    json["tensor_over_rdma"].push_back(crossing_json(crossing));
  }
  json["no_tensor_over_rdma"] =
      result.crossings.empty() ? Json(result.no_crossings) : Json(nullptr);
  return dump_document(json);
}

}  // namespace macfit::report
