#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/size/size_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json row_json(const study::SweepRow& row) {
  return {{"verdict", plan::verdict_name(row.kind, row.workers)},
          {"tier", fit::tier_name(row.tier)},
          {"runtime", row.runtime->name()},
          {"runtime_version", row.runtime->release()},
          {"split", plan::split_name(row.split)},
          {"format", row.format},
          {"gpu_limit", row.raised ? "raised" : "default"},
          {"utilization", row.utilization}};
}

}  // namespace

std::string size_json(const SizeAnswer& answer) {
  Json result;
  result["schema"] = "macfit.size/1";
  result["tool"] = {{"name", "macfit"}, {"version", tool_version()}};
  result["question"] = answer.kind == SizeAnswer::Kind::contexts ? "longest-context"
                       : answer.kind == SizeAnswer::Kind::models ? "largest-model"
                                                                 : "clusters";
  result["model"] = text_or_null(answer.model);
  result["format"] = text_or_null(answer.format);
  result["cluster"] = text_or_null(answer.cluster);
  result["workload"] = {{"context_tokens", answer.workload.context.count()},
                        {"sequences", answer.workload.sequences},
                        {"prefill_step", answer.workload.prefill_step}};
  result["tier"] = answer.tier ? Json(fit::tier_name(*answer.tier)) : Json(nullptr);
  result["contexts"] = Json::array();
  for (const study::LongestContext& one : answer.contexts) {
    const bool raised = one.limit == plan::Limit::raised;
    result["contexts"].push_back(
        {{"kv_format", runtime::kv_format_name(one.kv)},
         {"runtime", one.runtime->name()},
         {"runtime_version", one.runtime->release()},
         {"split", plan::split_name(one.split)},
         {"layout", plan::layout_name(one.layout)},
         {"format", one.format},
         {"replicas", one.replicas},
         {"gpu_limit", plan::limit_name(one.limit)},
         {"max_context_tokens", one.max_context},
         {"comfortable_context_tokens", raised ? Json(nullptr) : Json(one.comfortable_context)}});
  }
  result["nominal"] = Json::array();
  for (const auto& [tier, parameters] : answer.nominal) {
    result["nominal"].push_back({{"tier", fit::tier_name(tier)},
                                 {"parameters", parameters > 0 ? Json(parameters) : Json(nullptr)},
                                 {"evidence", "estimated"}});
  }
  result["models"] = Json::array();
  for (const study::SurveyEntry& entry : answer.models) {
    Json one = {{"id", entry.model}, {"parameters", entry.parameters}};
    one.update(row_json(entry.smallest.row));
    result["models"].push_back(std::move(one));
  }
  result["clusters"] = Json::array();
  for (const study::ClusterFound& found : answer.clusters) {
    Json one = {{"nodes", found.spec},
                {"price_usd", found.price ? Json(*found.price) : Json(nullptr)},
                {"ram_bytes", found.row.ram_bytes}};
    one.update(row_json(found.row));
    result["clusters"].push_back(std::move(one));
  }
  result["left_out"] = answer.left_out;
  return dump_document(result);
}

}  // namespace macfit::report
