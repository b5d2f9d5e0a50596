#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/runtimes/runtimes_report.hpp"
#include "macfit/runtime/failure_modes.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

Json ability_json(const Ability& ability) {
  Json result{{"supported", ability.all()}, {"models", ability.yes}, {"asked", ability.asked}};
  if (!ability.all()) {
    result["code"] = ability.code;
    result["reason"] = ability.reason;
  }
  return result;
}

}  // namespace

std::string runtimes_json(const RuntimeMatrix& matrix) {
  Json result;
  result["schema"] = "macfit.runtimes/1";
  result["tool"] = {{"name", "macfit"}, {"version", tool_version()}};
  result["runtimes"] = Json::array();
  for (std::size_t i = 0; i < matrix.runtimes.size(); ++i) {
    const runtime::Runtime& one = *matrix.runtimes[i];
    Json entry;
    entry["name"] = one.name();
    entry["release"] = one.release();
    entry["architectures"] = Json::array();
    for (const ArchitectureRow& row : matrix.rows) {
      const Abilities& abilities = row.abilities[i];
      Json type{{"type", row.type}, {"models", row.models}, {"runs", ability_json(abilities.runs)}};
      type["pipeline"] = ability_json(abilities.pipeline);
      type["tensor"] = Json::array();
      for (std::size_t n = 0; n < matrix.ranks.size(); ++n) {
        Json tensor{{"nodes", matrix.ranks[n]}};
        tensor.update(ability_json(abilities.tensor[n]));
        type["tensor"].push_back(std::move(tensor));
      }
      type["quantized_kv"] = ability_json(abilities.quantized_kv);
      entry["architectures"].push_back(std::move(type));
    }
    entry["backends"] = Json::array();
    for (const runtime::Backend backend : one.backends()) {
      Json demands = Json::array();
      for (const runtime::Demand& demand : runtime::demands_of(one, backend)) {
        demands.push_back({{"text", demand.text}, {"source", demand.source}});
      }
      entry["backends"].push_back(
          {{"name", runtime::backend_name(backend)}, {"demands", std::move(demands)}});
    }
    entry["failure_modes"] = Json::array();
    for (const runtime::FailureMode& mode : runtime::failure_modes_of(one)) {
      entry["failure_modes"].push_back({{"id", mode.id},
                                        {"symptom", mode.symptom},
                                        {"cause", mode.cause},
                                        {"remedy", mode.remedy},
                                        {"source", mode.source}});
    }
    result["runtimes"].push_back(std::move(entry));
  }
  return dump_document(result);
}

}  // namespace macfit::report
