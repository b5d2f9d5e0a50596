#include "macfit/hardware/chip.hpp"

#include <algorithm>

namespace macfit::hardware {

std::string_view thunderbolt_name(Thunderbolt thunderbolt) noexcept {
  switch (thunderbolt) {
    case Thunderbolt::none:
      return "none";
    case Thunderbolt::usb4:
      return "usb4";
    case Thunderbolt::tb3:
      return "thunderbolt-3";
    case Thunderbolt::tb4:
      return "thunderbolt-4";
    case Thunderbolt::tb5:
      return "thunderbolt-5";
    case Thunderbolt::unknown:
      break;
  }
  return "unknown";
}

std::vector<Bytes> Chip::ram_sizes() const {
  std::vector<Bytes> sizes;
  for (const ChipBin& bin : bins) {
    sizes.insert(sizes.end(), bin.ram.begin(), bin.ram.end());
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

const ChipBin* Chip::find_bin(int gpu_cores, Bytes ram) const noexcept {
  const ChipBin* found = nullptr;
  for (const ChipBin& bin : bins) {
    const bool holds = std::find(bin.ram.begin(), bin.ram.end(), ram) != bin.ram.end();
    if (holds && (gpu_cores == 0 || bin.gpu_cores == gpu_cores)) {
      found = &bin;  // bins ascend by cores: the last one that matches has the most
    }
  }
  return found;
}

std::optional<Figure<double>> Chip::tflops_of(int gpu_cores) const {
  if (!tflops || bins.empty()) {
    return std::nullopt;
  }
  const int most = bins.back().gpu_cores;
  if (gpu_cores == most) {
    return tflops;
  }
  if (gpu_cores <= 0 || most <= 0) {
    return std::nullopt;
  }
  const double share = static_cast<double>(gpu_cores) / most;
  Figure<double> scaled = *tflops;
  scaled.value *= share;
  scaled.low *= share;
  scaled.high *= share;
  scaled.evidence = Evidence::estimated;
  scaled.source +=
      "; scaled from " + std::to_string(most) + " to " + std::to_string(gpu_cores) + " GPU cores";
  return scaled;
}

}  // namespace macfit::hardware
