#include <nlohmann/json.hpp>

#include "../estimate_json.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/report/compare/against_report.hpp"
#include "macfit/report/plan/plan_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

Json side_json(const study::Side& side) {
  Json result;
  result["spec"] = side.spec;
  result["verdict"] = side.verdict;
  result["tier"] = side.tier.empty() ? Json(nullptr) : Json(side.tier);
  result["utilization"] = side.utilization ? Json(*side.utilization) : Json(nullptr);
  result["max_context_tokens"] = side.max_context ? Json(*side.max_context) : Json(nullptr);
  result["decode_tokens_per_second"] = estimate_json(side.speed.decode);
  result["aggregate_decode_tokens_per_second"] = estimate_json(side.speed.aggregate);
  result["time_to_first_token_seconds"] = estimate_json(side.speed.time_to_first_token);
  result["jobs_per_hour"] = estimate_json(side.jobs_per_hour);
  result["price_usd"] = side.price ? Json(side.price->usd) : Json(nullptr);
  result["price_dates"] = side.price ? Json(side.price->dates) : Json(nullptr);
  return result;
}

}  // namespace

std::string against_json(const plan::Plan& mine, const plan::Plan& other,
                         const study::Side& my_side, const study::Side& other_side) {
  Json result = Json::parse(plan_json(mine));
  result["against"] = {{"sides", {side_json(my_side), side_json(other_side)}},
                       {"plan", Json::parse(plan_json(other))}};
  return dump_document(result);
}

}  // namespace macfit::report
