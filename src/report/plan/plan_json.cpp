// A plan as JSON (macfit.plan/1), the format that others read.

#include <nlohmann/json.hpp>

#include "../estimate_json.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/plan/measure.hpp"
#include "macfit/report/plan/plan_report.hpp"

#ifndef MACFIT_VERSION
#define MACFIT_VERSION "0.0.0"
#endif

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json hardware_figure(const std::optional<hardware::Figure<T>>& value, double scale) {
  if (!value) {
    return nullptr;
  }
  return {{"value", value->value.value() * scale},
          {"low", value->low.value() * scale},
          {"high", value->high.value() * scale},
          {"evidence", evidence_name(value->evidence)}};
}

Json reasons(const std::vector<plan::Reason>& reasons) {
  Json list = Json::array();
  for (const plan::Reason& reason : reasons) {
    list.push_back({{"code", reason.code}, {"text", reason.text}});
  }
  return list;
}

Json model_json(const plan::Plan& plan) {
  const model::Model& model = plan.request.model;
  Json result;
  result["id"] = model.id;
  result["source"] = model::source_name(model.source);
  if (!model.architecture.layers.empty()) {
    const model::ParameterCount count = model::parameters_of(model);
    result["parameters"] = count.total;
    result["active_parameters"] = count.active;
  } else {
    result["parameters"] = nullptr;
    result["active_parameters"] = nullptr;
  }
  result["layers"] = model.architecture.layers.empty() && model.stored
                         ? model.stored->layers.size()
                         : model.architecture.layers.size();
  const bool known = model.architecture.cache_known && !model.architecture.layers.empty();
  result["kv_bytes_per_token"] =
      known ? Json(model::kv_bytes_per_token(model.architecture).count()) : Json(nullptr);
  result["evidence"] = evidence_name(model.evidence);
  return result;
}

Json cluster_json(const hardware::Cluster& cluster) {
  Json result;
  result["spec"] = cluster.spec;
  result["macos"] = cluster.macos.text();
  result["ram_bytes"] = cluster.ram().count();
  result["effective_bytes"] = cluster.effective_sum().count();
  result["cluster_reserve"] = cluster.cluster_reserve;
  result["nodes"] = Json::array();
  for (const hardware::Node& node : cluster.nodes) {
    result["nodes"].push_back({{"name", node.name},
                               {"machine", node.machine},
                               {"chip", node.chip},
                               {"ram_bytes", node.ram.count()},
                               {"gpu_limit_bytes", node.gpu_limit.bytes.count()},
                               {"gpu_limit_evidence", evidence_name(node.gpu_limit.evidence)},
                               {"raised_limit_bytes", node.raised_limit.count()},
                               {"reserve_bytes", node.reserve.count()},
                               {"occupied_bytes", node.occupied.count()}});
  }
  result["links"] = Json::array();
  for (const hardware::Link& link : cluster.links) {
    result["links"].push_back(
        {{"between", {cluster.nodes[link.first].name, cluster.nodes[link.second].name}},
         {"kind", hardware::link_kind_name(link.type.kind)},
         {"transport", hardware::transport_name(link.type.transport)},
         {"gb_per_s", hardware_figure(link.type.bandwidth, 1e-9)},
         {"latency_us", hardware_figure(link.type.latency, 1e6)}});
  }
  return result;
}

Json node_json(const hardware::Cluster& cluster, const plan::NodeBudget& budget) {
  return {{"name", cluster.nodes[budget.node].name},
          {"replica", budget.replica},
          {"layers", {{"first", budget.first_layer}, {"count", budget.layer_count}}},
          {"weight_bytes", budget.parts.weights.count()},
          {"kv_cache_bytes", budget.parts.kv_cache.count()},
          {"activation_bytes", budget.parts.activations.count()},
          {"communication_bytes", budget.parts.communication.count()},
          {"runtime_bytes", budget.parts.runtime.count()},
          {"demand_bytes", budget.parts.demand().count()},
          {"effective_bytes", budget.effective.count()},
          {"headroom_bytes", budget.headroom.count()},
          {"utilization", budget.utilization},
          {"load_peak_bytes", budget.load_peak.count()},
          {"host_bytes", budget.host.count()},
          {"download_bytes", budget.download.count()},
          {"max_context_tokens", budget.max_context}};
}

Json neighbors_json(const plan::Request& request) {
  Json result = Json::array();
  for (const plan::Neighbor& neighbor : request.beside) {
    Json nodes = Json::array();
    for (const auto& [node, bytes] : neighbor.lives) {
      nodes.push_back(
          {{"name", request.cluster.nodes[node].name}, {"demand_bytes", bytes.count()}});
    }
    result.push_back({{"model", neighbor.model.id},
                      {"runtime", neighbor.runtime},
                      {"format", neighbor.format},
                      {"context_tokens", neighbor.workload.context.count()},
                      {"sequences", neighbor.workload.sequences},
                      {"nodes", std::move(nodes)}});
  }
  return result;
}

Json placement_json(const plan::Plan& plan, const plan::Placement& placement) {
  Json result;
  result["split"] = plan::split_name(placement.split);
  result["runtime"] = placement.runtime->name();
  result["runtime_version"] = placement.runtime->release();
  result["layout"] = plan::layout_name(placement.layout);
  result["format"] = placement.format;
  result["weight_bytes"] = placement.weight_bytes.count();
  result["weight_evidence"] = evidence_name(placement.weight_evidence);
  result["replicas"] = placement.replicas;
  result["supported"] = placement.standing.supported;
  result["may_win"] = placement.standing.may_win;
  const bool budgeted = !placement.nodes.empty();
  result["loads"] = placement.standing.loads();
  result["fits"] = placement.standing.fits();
  result["tier"] = fit::tier_name(placement.standing.tier);
  result["utilization"] = budgeted ? Json(placement.utilization) : Json(nullptr);
  result["gpu_limit"] = plan::limit_name(placement.standing.limit);
  result["max_context_tokens"] = budgeted ? Json(placement.max_context) : Json(nullptr);
  result["comfortable_context_tokens"] =
      budgeted ? Json(placement.comfortable_context) : Json(nullptr);
  result["collectives_per_token"] = placement.collectives_per_token;
  result["nodes"] = Json::array();
  for (const plan::NodeBudget& budget : placement.nodes) {
    result["nodes"].push_back(node_json(plan.request.cluster, budget));
  }
  result["idle"] = Json::array();
  for (const std::size_t node : placement.idle) {
    result["idle"].push_back(plan.request.cluster.nodes[node].name);
  }
  result["speed"] = {
      {"decode_tokens_per_second", estimate_json(placement.speed.decode)},
      {"aggregate_decode_tokens_per_second", estimate_json(placement.speed.aggregate)},
      {"short_decode_tokens_per_second", estimate_json(placement.speed.short_decode)},
      {"short_aggregate_decode_tokens_per_second", estimate_json(placement.speed.short_aggregate)},
      {"prefill_tokens_per_second", estimate_json(placement.speed.prefill)},
      {"time_to_first_token_seconds", estimate_json(placement.speed.time_to_first_token)},
      {"why_unknown",
       placement.speed.why_unknown.empty() ? Json(nullptr) : Json(placement.speed.why_unknown)}};
  const plan::Measurement measurement = plan::measurement_of(plan.request, placement);
  result["measure"] = {
      {"full", measurement.full.empty() ? Json(nullptr) : Json(measurement.full)},
      {"short", measurement.brief.empty() ? Json(nullptr) : Json(measurement.brief)}};
  result["how"] = placement.how.empty() ? Json(nullptr) : Json(placement.how);
  result["problems"] = reasons(placement.problems);
  return result;
}

}  // namespace

std::string tool_version() { return MACFIT_VERSION; }

std::string plan_json(const plan::Plan& plan, bool one_line) {
  const plan::Request& request = plan.request;
  Json result;
  result["schema"] = "macfit.plan/1";
  result["tool"] = {
      {"name", "macfit"}, {"version", tool_version()}, {"catalog", request.catalog_version}};
  result["model"] = model_json(plan);
  result["cluster"] = cluster_json(request.cluster);
  result["workload"] = {{"context_tokens", request.workload.context.count()},
                        {"sequences", request.workload.sequences},
                        {"kv_format", runtime::kv_format_name(request.workload.kv)},
                        {"prefill_step", request.workload.prefill_step}};
  if (!request.beside.empty()) {
    result["beside"] = neighbors_json(request);
  }
  result["verdict"] = {
      {"kind", plan::verdict_name(plan.verdict.kind, plan.verdict.workers)},
      {"tier", plan.verdict.has_tier() ? Json(fit::tier_name(plan.verdict.tier)) : Json(nullptr)},
      {"fits", plan.verdict.fits},
      {"workers", plan.verdict.workers},
      {"placement", plan.verdict.placement ? Json(*plan.verdict.placement) : Json(nullptr)},
      {"nearest", plan.verdict.nearest ? Json(*plan.verdict.nearest) : Json(nullptr)},
      {"headline", plan.verdict.headline},
      {"summary", plan.verdict.summary},
      {"next_command", plan.next_command().empty() ? Json(nullptr) : Json(plan.next_command())},
      {"reasons", reasons(plan.verdict.reasons)}};
  result["placements"] = Json::array();
  for (const plan::Placement& placement : plan.placements) {
    result["placements"].push_back(placement_json(plan, placement));
  }
  result["actions"] = Json::array();
  for (const plan::Action& action : plan.actions) {
    result["actions"].push_back({{"kind", action.kind},
                                 {"node", action.node.empty() ? Json(nullptr) : Json(action.node)},
                                 {"command", action.command},
                                 {"tier", fit::tier_name(action.tier)},
                                 {"effect", action.effect}});
  }
  result["notes"] = plan.notes;
  return dump_json(result, one_line ? -1 : 2) + (one_line ? "" : "\n");
}

}  // namespace macfit::report
