#include "requests.hpp"

namespace macfit::cli {

std::optional<double> price_of(const hardware::Cluster& cluster, const Catalogs& catalogs) {
  double sum = 0.0;
  for (const hardware::Node& node : cluster.nodes) {
    const hardware::Machine* machine = catalogs.hardware.find_machine(node.machine);
    if (machine == nullptr || !machine->price) {
      return std::nullopt;
    }
    sum += machine->price->usd;
  }
  return sum;
}

study::Resolver make_resolver(const Catalogs& catalogs, const std::string& reserve,
                              const std::string& cluster_reserve) {
  study::Resolver resolver;
  resolver.model = [&catalogs](const std::string& name, const std::string& quant) {
    model::NamedModel found = resolve_model(name, quant, catalogs);
    return study::Resolver::Model{std::move(found.model), std::move(found.recipe)};
  };
  resolver.cluster = [&catalogs, reserve, cluster_reserve](
                         const std::string& nodes, const std::string& macos,
                         const std::string& wired_limit, const std::string& link) {
    const ClusterFlags flags{nodes, macos, wired_limit, reserve, cluster_reserve, link};
    hardware::Cluster cluster = resolve_cluster(flags, catalogs);
    const std::optional<double> price = price_of(cluster, catalogs);
    return study::Resolver::Cluster{std::move(cluster), price};
  };
  resolver.calibration = catalogs.calibration;
  return resolver;
}

}  // namespace macfit::cli
