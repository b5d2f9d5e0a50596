#include "macfit/speed/chip.hpp"

namespace macfit::speed {
namespace {

/// Apple's next chips keep what the M5 brought.
bool has_matrix_units(hardware::Ability ability, int generation) {
  return ability == hardware::Ability::yes ||
         (ability == hardware::Ability::unknown && generation > 5);
}

}  // namespace

Chip chip_of(const hardware::Node& node) {
  Chip chip;
  chip.id = node.chip;
  chip.cores = node.gpu_cores;
  chip.generation = node.chip_generation;
  chip.ultra = node.chip.ends_with("-ultra");
  chip.matrix = has_matrix_units(node.neural_accelerators, node.chip_generation);
  chip.bandwidth = node.bandwidth ? node.bandwidth->value.value() : 0.0;
  chip.flops = node.tflops ? node.tflops->value * 1e12 : 0.0;
  return chip;
}

Chip chip_of(const hardware::Chip& from, int gpu_cores, Bytes ram) {
  Chip chip;
  chip.id = from.id;
  chip.generation = from.generation;
  chip.ultra = from.id.ends_with("-ultra");
  chip.matrix = has_matrix_units(from.neural_accelerators, from.generation);
  const hardware::ChipBin* bin = nullptr;
  for (const hardware::ChipBin& candidate : from.bins) {
    const bool cores = gpu_cores == 0 || candidate.gpu_cores == gpu_cores;
    const bool fits = ram == Bytes(0) || from.find_bin(candidate.gpu_cores, ram) == &candidate;
    if (cores && (fits || bin == nullptr)) {
      bin = &candidate;
    }
  }
  if (bin == nullptr && !from.bins.empty()) {
    bin = &from.bins.back();
  }
  if (bin != nullptr) {
    chip.cores = gpu_cores > 0 ? gpu_cores : bin->gpu_cores;
    chip.bandwidth = bin->bandwidth ? bin->bandwidth->value.value() : 0.0;
  }
  if (const auto tflops = from.tflops_of(chip.cores)) {
    chip.flops = tflops->value * 1e12;
  }
  return chip;
}

Link link_of(const hardware::LinkType& type) {
  Link link;
  link.kind = type.kind;
  link.transport = type.transport;
  link.bandwidth = type.bandwidth ? type.bandwidth->value.value() : 0.0;
  link.latency = type.latency ? type.latency->value.value() : 0.0;
  if (type.latency_is_round_trip) {
    link.latency /= 2.0;
  }
  return link;
}

}  // namespace macfit::speed
