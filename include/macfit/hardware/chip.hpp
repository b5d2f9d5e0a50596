#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/hardware/figure.hpp"

namespace macfit::hardware {

enum class Thunderbolt : std::uint8_t { none, usb4, tb3, tb4, tb5, unknown };
/// "thunderbolt-5"; "none", "unknown".
[[nodiscard]] std::string_view thunderbolt_name(Thunderbolt thunderbolt) noexcept;

/// One GPU core count of a chip with the memory sizes it is sold with. The same core count appears
/// twice where the bandwidth depends on the memory size (M6).
struct ChipBin {
  int gpu_cores = 0;       ///< 0: not known (neighbours)
  bool confirmed = true;   ///< false: the core count is not read in a good source
  std::vector<Bytes> ram;  ///< ascending
  std::optional<Figure<Bandwidth>> bandwidth;  ///< the vendor's figure
  std::optional<Figure<Bandwidth>> stream;     ///< a STREAM run on the GPU
};

struct Chip {
  std::string id;             ///< "m4-max"
  std::string name;           ///< "M4 Max"
  int generation = 0;         ///< 1 for M1 … 6 for M6; 0 for chips that are not Apple's
  std::vector<ChipBin> bins;  ///< fewest GPU cores first
  std::string memory_source;  ///< where the memory sizes were read
  std::optional<Figure<double>> tflops;  ///< of the bin with the most cores; precision not stated
  std::optional<Figure<double>> fp16_tflops;  ///< where somebody printed one
  /// Prefill against the generation before, as the vendor measured it (M5 over M4).
  std::optional<Figure<double>> prefill_gain;
  Ability neural_accelerators = Ability::unknown;  ///< matrix units in each GPU core
  Thunderbolt thunderbolt = Thunderbolt::unknown;
  std::string thunderbolt_source;
  Ability rdma = Ability::unknown;  ///< RDMA over Thunderbolt, given macOS 26.2
  std::string rdma_source;
  std::optional<Figure<Bytes>>
      gpu_visible;  ///< not a Mac: what its GPU can use, at its largest RAM
  std::string note;

  [[nodiscard]] bool apple() const noexcept { return generation > 0; }
  /// Every memory size over all bins, ascending.
  [[nodiscard]] std::vector<Bytes> ram_sizes() const;
  /// The bin with that many cores and that RAM; `gpu_cores` 0 takes the one with the most cores.
  /// Null where no bin has that RAM.
  [[nodiscard]] const ChipBin* find_bin(int gpu_cores, Bytes ram) const noexcept;
  /// `tflops` scaled by GPU cores, then estimated; empty where not known.
  [[nodiscard]] std::optional<Figure<double>> tflops_of(int gpu_cores) const;
};

}  // namespace macfit::hardware
