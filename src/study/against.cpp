#include "macfit/study/against.hpp"

#include <algorithm>

namespace macfit::study {
namespace {

/// Replicas in parallel; within one, `sequences` exchanges side by side.
std::optional<speed::Estimate> jobs_per_hour(const plan::Plan& plan,
                                             const plan::Placement& placement) {
  const plan::Speed& speed = placement.speed;
  if (!speed.time_to_first_token || !speed.decode || !speed.aggregate) {
    return std::nullopt;
  }
  const speed::Exchange exchange = speed::exchange_of(plan.request.workload);
  const auto at_once = static_cast<double>(plan.request.workload.sequences) *
                       static_cast<double>(placement.replicas);
  const auto rate = [&](double wait, double decode) {
    return 3600.0 * at_once / (wait + exchange.generated / decode);
  };
  return speed::Estimate{rate(speed.time_to_first_token->value, speed.decode->value),
                         rate(speed.time_to_first_token->high, speed.decode->low),
                         rate(speed.time_to_first_token->low, speed.decode->high),
                         weaker(speed.time_to_first_token->evidence, speed.decode->evidence)};
}

}  // namespace

std::optional<ClusterPrice> price_of(const hardware::Cluster& cluster,
                                     const hardware::Catalog& catalog) {
  ClusterPrice price;
  std::string oldest;
  std::string newest;
  for (const hardware::Node& node : cluster.nodes) {
    const hardware::Machine* machine = catalog.find_machine(node.machine);
    if (machine == nullptr || !machine->price) {
      return std::nullopt;
    }
    price.usd += machine->price->usd;
    const std::string& date = machine->price->date;
    oldest = oldest.empty() ? date : std::min(oldest, date);
    newest = std::max(newest, date);
  }
  price.dates = oldest == newest ? oldest : oldest + " to " + newest;
  return price;
}

Side side_of(const plan::Plan& plan, const hardware::Catalog& catalog) {
  Side side;
  side.spec = plan.request.cluster.spec;
  side.nodes = plan.request.cluster.nodes.size();
  side.verdict = plan::verdict_name(plan.verdict.kind, plan.verdict.workers);
  side.tier = plan.verdict.has_tier() ? std::string(fit::tier_name(plan.verdict.tier)) : "";
  side.price = price_of(plan.request.cluster, catalog);
  if (!plan.verdict.placement) {
    return side;
  }
  const plan::Placement& winner = plan.placements[*plan.verdict.placement];
  side.runtime = winner.runtime->name();
  side.format = winner.format;
  side.utilization = winner.utilization;
  side.max_context = winner.max_context;
  side.speed = winner.speed;
  side.jobs_per_hour = jobs_per_hour(plan, winner);
  return side;
}

}  // namespace macfit::study
