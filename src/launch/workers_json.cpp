#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/plan/scenario.hpp"
#include "macfit/plan/speeds.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

using Json = nlohmann::ordered_json;

std::string joined_names(const Setup& setup, const Replica& replica) {
  std::string name;
  for (const std::size_t at : replica.ranks) {
    name += (name.empty() ? "" : "+") + setup.nodes[at].name;
  }
  return name;
}

/// The replica's own speeds at the planned workload: of unlike Macs each has others than the plan's
/// slowest. Null where they are not known.
Json forecast_of(const Setup& setup, const plan::Scenario& scenario, std::size_t index) {
  plan::Group group;
  fit::Split layers;
  for (const plan::NodeBudget& budget : setup.placement->nodes) {
    if (budget.replica == index) {
      group.push_back(budget.node);
      layers.push_back(budget.layer_count);
    }
  }
  const plan::SplitKind split =
      group.size() == 1 ? plan::SplitKind::independent : setup.placement->split;
  const runtime::Workload& workload = setup.plan->request.workload;
  const speed::Answer answer = plan::replica_speed(
      scenario, group, split, split == plan::SplitKind::pipeline ? layers : fit::Split{},
      speed::exchange_of(workload), static_cast<double>(workload.sequences));
  if (!answer.prefill || !answer.aggregate_decode) {
    return nullptr;
  }
  return {{"decode_tokens_per_second", answer.aggregate_decode->value},
          {"prefill_tokens_per_second", answer.prefill->value},
          {"evidence",
           evidence_name(weaker(answer.prefill->evidence, answer.aggregate_decode->evidence))}};
}

}  // namespace

std::string link_json(const Setup& setup) {
  const std::vector<hardware::Link>& links = setup.cluster().links;
  return setup.sharded() && !links.empty() ? dump_json(Json(links.front().type.id), -1) : "null";
}

void add_workers(const Setup& setup, std::vector<File>& files) {
  plan::Scenario scenario = plan::make_scenario(setup.plan->request, *setup.placement->runtime);
  plan::add_work(scenario, setup.plan->request);
  Json workers = Json::array();
  for (std::size_t r = 0; r < setup.replicas.size(); ++r) {
    Json row = Json::parse(spike_head(setup) + "}");
    row.erase("schema");
    row["machine"] = Json::parse(machine_json(setup, setup.replicas[r].ranks));
    row["nodes"] = setup.replicas[r].ranks.size();
    row["split"] = plan::split_name(setup.placement->split);
    row["link"] = Json::parse(link_json(setup));
    workers.push_back({{"name", joined_names(setup, setup.replicas[r])},
                       {"forecast", forecast_of(setup, scenario, r)},
                       {"measurement", std::move(row)}});
  }
  const std::string& served = setup.facts().served_model;
  const Json file{{"schema", "macfit.launch/1"},
                  {"served_model", served.empty() ? Json(nullptr) : Json(served)},
                  {"start_returns", setup.launched_by("exo")},
                  {"workers", std::move(workers)}};
  files.push_back({"workers.json", 0644, dump_json(file, 2) + "\n"});
}

}  // namespace macfit::launch
