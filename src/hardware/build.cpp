#include "build.hpp"

#include <utility>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "names.hpp"

namespace macfit::hardware {
namespace {

GpuLimit node_limit(const Node& node, const Chip& chip, const NodeSettings& settings,
                    const Catalog& catalog) {
  if (settings.wired_limit && settings.wired_limit->count() != 0) {
    const Bytes stated = *settings.wired_limit;
    if (stated.count() < 0 || stated > node.ram) {
      throw Error("the wired limit of " + format_gib(stated) + " is outside the " +
                  ram_text(node.ram) + " of " + printable(node.name, 64) + " (" +
                  node.machine_label + ")");
    }
    return settings.measured ? GpuLimit{stated, Evidence::measured, true, "as set on the Mac"}
                             : GpuLimit{stated, Evidence::exact, true, "stated"};
  }
  if (node.mac) {
    return catalog.gpu_limit(node.ram, *node.macos);
  }
  if (!chip.gpu_visible) {
    throw Error("what the GPU of " + node.machine_label + " can use is not known");
  }
  return {chip.gpu_visible->value, chip.gpu_visible->evidence, false, chip.gpu_visible->source};
}

}  // namespace

Node build_node(std::string name, const Machine& machine, const NodeSettings& settings,
                const Catalog& catalog) {
  const Chip& chip = catalog.chip(machine.chip);
  Node node;
  node.name = std::move(name);
  node.machine = machine.id;
  node.machine_label = machine.name;
  node.chip = chip.id;
  node.chip_name = chip.name;
  node.chip_generation = chip.generation;
  node.gpu_cores = machine.gpu_cores;
  node.mac = machine.mac;
  node.ram = machine.ram;
  if (const ChipBin* bin = chip.find_bin(machine.gpu_cores, machine.ram)) {
    node.gpu_cores = bin->gpu_cores;
    node.bandwidth = bin->bandwidth;
    node.stream = bin->stream;
  }
  node.tflops = chip.tflops_of(node.gpu_cores);
  node.neural_accelerators = chip.neural_accelerators;
  node.power = machine.power;
  node.thunderbolt = machine.thunderbolt;
  node.thunderbolt_ports = machine.thunderbolt_ports;
  node.rdma_ports = machine.rdma_ports;
  node.rdma = machine.rdma;
  node.ethernet = machine.ethernet;
  node.wifi = machine.wifi;
  node.qsfp = machine.qsfp;
  if (node.mac) {
    node.macos = settings.macos.value_or(Macos{});
  }
  node.reserve = settings.reserve.value_or(Bytes(0));
  if (node.reserve.count() < 0 || node.reserve >= node.ram) {
    throw Error("the reserve of " + format_gib(node.reserve) + " leaves nothing of the " +
                ram_text(node.ram) + " of " + printable(node.name, 64) + " (" + node.machine_label +
                ")");
  }
  node.gpu_limit = node_limit(node, chip, settings, catalog);
  node.raised_limit =
      node.mac ? raised_gpu_limit(node.gpu_limit.bytes, node.ram) : node.gpu_limit.bytes;
  return node;
}

void finish_cluster(Cluster& cluster, const ClusterOptions& options) {
  std::optional<Macos> oldest;
  for (const Node& node : cluster.nodes) {
    if (node.macos && (!oldest || !node.macos->at_least(oldest->major, oldest->minor))) {
      oldest = node.macos;
    }
  }
  cluster.macos = oldest.value_or(options.macos.value_or(Macos{}));
  if (options.cluster_reserve) {
    cluster.cluster_reserve = *options.cluster_reserve;
  }
  if (!(cluster.cluster_reserve >= 0.0 && cluster.cluster_reserve < 1.0)) {
    throw Error("the cluster reserve is a fraction from 0 to below 1, found " +
                std::to_string(cluster.cluster_reserve));
  }
}

}  // namespace macfit::hardware
