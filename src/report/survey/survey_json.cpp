#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/survey/survey_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

Json estimate(const std::optional<speed::Estimate>& figure) {
  if (!figure) {
    return nullptr;
  }
  return {{"value", figure->value},
          {"low", figure->low},
          {"high", figure->high},
          {"evidence", evidence_name(figure->evidence)}};
}

Json choice_json(const study::SurveyChoice& choice) {
  const study::SweepRow& row = choice.row;
  const auto placed = [&](Json value) { return row.placed ? std::move(value) : Json(nullptr); };
  return {{"format", choice.recipe.name},
          {"bits", choice.bits},
          {"verdict", row.known ? Json(plan::verdict_name(row.kind, row.workers)) : Json(nullptr)},
          {"tier", row.has_tier() ? Json(fit::tier_name(row.tier)) : Json(nullptr)},
          {"runtime", row.placed ? Json(row.runtime->name()) : Json(nullptr)},
          {"runtime_version", row.placed ? Json(row.runtime->release()) : Json(nullptr)},
          {"runtime_format", placed(row.format)},
          {"split", placed(plan::split_name(row.split))},
          {"replicas", placed(row.workers)},
          {"nodes_used", placed(row.nodes_used)},
          {"gpu_limit", placed(row.raised ? "raised" : "default")},
          {"fits", row.fits},
          {"weight_bytes", placed(row.weight_bytes)},
          {"utilization", placed(row.utilization)},
          {"demand_bytes", placed(row.demand)},
          {"effective_bytes", placed(row.effective)},
          {"headroom_bytes", placed(row.effective - row.demand)},
          {"max_context_tokens", placed(row.max_context)},
          {"comfortable_context_tokens", placed(row.comfortable_context)},
          {"decode_tokens_per_second", estimate(row.speed.decode)},
          {"aggregate_decode_tokens_per_second", estimate(row.speed.aggregate)},
          {"short_decode_tokens_per_second", estimate(row.speed.short_decode)},
          {"prefill_tokens_per_second", estimate(row.speed.prefill)},
          {"time_to_first_token_seconds", estimate(row.speed.time_to_first_token)},
          {"reason", row.reason.empty() ? Json(nullptr) : Json(row.reason)}};
}

}  // namespace

std::string survey_json(const Survey& survey) {
  Json result;
  result["schema"] = "macfit.survey/1";
  result["tool"] = {
      {"name", "macfit"}, {"version", tool_version()}, {"catalog", survey.catalog_version}};
  result["cluster"] = survey.cluster.spec;
  result["workload"] = {{"context_tokens", survey.workload.context.count()},
                        {"sequences", survey.workload.sequences},
                        {"kv_format", runtime::kv_format_name(survey.workload.kv)},
                        {"prefill_step", survey.workload.prefill_step}};
  result["models"] = Json::array();
  for (const study::SurveyEntry& entry : survey.entries) {
    result["models"].push_back(
        {{"id", entry.model},
         {"parameters", entry.parameters > 0 ? Json(entry.parameters) : Json(nullptr)},
         {"active_parameters",
          entry.active_parameters > 0 ? Json(entry.active_parameters) : Json(nullptr)},
         {"context_tokens",
          entry.longest_context > 0 ? Json(entry.longest_context) : Json(nullptr)},
         {"tier", entry.smallest.row.has_tier() ? Json(fit::tier_name(entry.smallest.row.tier))
                                                : Json(nullptr)},
         {"published", entry.published},
         {"below_production", entry.below_production},
         {"measured", entry.measured},
         {"smallest", choice_json(entry.smallest)},
         {"best", entry.best ? choice_json(*entry.best) : Json(nullptr)},
         {"note", entry.note}});
  }
  return dump_document(result);
}

}  // namespace macfit::report
