#include <fmt/format.h>

#include "macfit/report/plan/plan_formats.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

using Cells = std::vector<std::string>;

Table empty_table() {
  return Table({{"cluster"},
                {"model"},
                {"placement", Table::number},
                {"chosen"},
                {"split"},
                {"runtime"},
                {"runtime_version"},
                {"layout"},
                {"format"},
                {"replicas", Table::number},
                {"supported"},
                {"loads"},
                {"fits"},
                {"tier"},
                {"gpu_limit"},
                {"utilization", Table::number},
                {"max_context", Table::number},
                {"comfortable_context", Table::number},
                {"decode_tokens_per_second", Table::number},
                {"aggregate_decode_tokens_per_second", Table::number},
                {"prefill_tokens_per_second", Table::number},
                {"time_to_first_token_seconds", Table::number},
                {"speed_evidence"},
                {"node"},
                {"replica", Table::number},
                {"first_layer", Table::number},
                {"layers", Table::number},
                {"weight_bytes", Table::number},
                {"kv_cache_bytes", Table::number},
                {"activation_bytes", Table::number},
                {"communication_bytes", Table::number},
                {"runtime_bytes", Table::number},
                {"demand_bytes", Table::number},
                {"effective_bytes", Table::number},
                {"headroom_bytes", Table::number},
                {"node_utilization", Table::number},
                {"node_max_context", Table::number}});
}

std::string flag(bool value) { return value ? "true" : "false"; }

std::string figure(const std::optional<speed::Estimate>& value) {
  return value ? fmt::format("{:.4f}", value->value) : std::string();
}

std::string bytes(Bytes value) { return std::to_string(value.count()); }

/// What all rows of a placement begin with.
Cells placement_cells(const plan::Plan& plan, std::size_t index) {
  const plan::Placement& placement = plan.placements[index];
  const bool budgeted = !placement.nodes.empty();
  const auto known = [&](const std::string& text) { return budgeted ? text : std::string(); };
  return {plan.request.cluster.spec,
          plan.request.model.id,
          std::to_string(index),
          flag(plan.verdict.placement == index),
          std::string(plan::split_name(placement.split)),
          std::string(placement.runtime->name()),
          placement.runtime->release(),
          std::string(plan::layout_name(placement.layout)),
          placement.format,
          std::to_string(placement.replicas),
          flag(placement.standing.supported),
          flag(placement.standing.loads()),
          flag(placement.standing.fits()),
          std::string(fit::tier_name(placement.standing.tier)),
          std::string(plan::limit_name(placement.standing.limit)),
          known(fmt::format("{:.4f}", placement.utilization)),
          known(std::to_string(placement.max_context)),
          known(std::to_string(placement.comfortable_context)),
          figure(placement.speed.decode),
          figure(placement.speed.aggregate),
          figure(placement.speed.prefill),
          figure(placement.speed.time_to_first_token),
          placement.speed.decode ? std::string(evidence_name(placement.speed.decode->evidence))
                                 : std::string()};
}

Cells node_cells(const plan::Plan& plan, const plan::NodeBudget& budget) {
  return {plan.request.cluster.nodes[budget.node].name,
          std::to_string(budget.replica),
          std::to_string(budget.first_layer),
          std::to_string(budget.layer_count),
          bytes(budget.parts.weights),
          bytes(budget.parts.kv_cache),
          bytes(budget.parts.activations),
          bytes(budget.parts.communication),
          bytes(budget.parts.runtime),
          bytes(budget.parts.demand()),
          bytes(budget.effective),
          bytes(budget.headroom),
          fmt::format("{:.4f}", budget.utilization),
          std::to_string(budget.max_context)};
}

void add_rows(Table& table, const plan::Plan& plan) {
  constexpr std::size_t node_columns = 14;
  for (std::size_t i = 0; i < plan.placements.size(); ++i) {
    const Cells shared = placement_cells(plan, i);
    const auto add = [&](const Cells& own) {
      Cells cells = shared;
      cells.insert(cells.end(), own.begin(), own.end());
      table.add(std::move(cells));
    };
    for (const plan::NodeBudget& budget : plan.placements[i].nodes) {
      add(node_cells(plan, budget));
    }
    if (plan.placements[i].nodes.empty()) {
      add(Cells(node_columns));
    }
  }
}

}  // namespace

std::string plan_csv(const PlanAnswer& answer, const Context&) {
  Table table = empty_table();
  add_rows(table, answer.plan);
  if (answer.beside) {
    add_rows(table, answer.beside->plan);
  }
  return table.csv();
}

}  // namespace macfit::report
