#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/hardware/figure.hpp"
#include "macfit/hardware/macos.hpp"

namespace macfit::hardware {

/// What Metal lets one process wire (recommendedMaxWorkingSetSize).
struct GpuLimit {
  Bytes bytes{};
  Evidence evidence = Evidence::estimated;
  bool stated = false;  ///< by the user: counts as the default
  std::string source;
};

/// One RAM size that the limit was read at, as a fraction of RAM.
struct GpuLimitRow {
  Bytes ram{};
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  int newest_macos = 26;  ///< newest major version that it was read at
  std::string source;
};

/// The measured sizes of both eras, ascending by RAM.
struct GpuLimitRules {
  std::vector<GpuLimitRow> up_to_15;
  std::vector<GpuLimitRow> from_26;
};

/// The default limit: fraction x RAM, rounded up to a 16 KiB page. A size between or beyond the
/// measured ones takes the fraction of the nearest smaller one (below all of them: of the smallest)
/// and is extrapolated, and so is a macOS newer than the one read. Never falls as RAM grows. Throws
/// Error unless RAM is positive.
[[nodiscard]] GpuLimit gpu_limit(const GpuLimitRules& rules, Bytes ram, const Macos& macos);

/// What iogpu.wired_limit_mb could sensibly be set to: max(limit, RAM - max(5 GiB, 5 % of RAM)).
[[nodiscard]] Bytes raised_gpu_limit(Bytes limit, Bytes ram);

/// For a model whole on one node: min(limit, RAM - reserve), not below 0.
[[nodiscard]] Bytes effective_memory_whole(Bytes limit, Bytes ram, Bytes reserve);

/// For a part of a sharded model: floor(effective_memory_whole x (1 - cluster_reserve)).
/// `cluster_reserve` in [0, 1), read to nine decimals; exact integer arithmetic after that.
[[nodiscard]] Bytes effective_memory_part(Bytes limit, Bytes ram, Bytes reserve,
                                          double cluster_reserve);

}  // namespace macfit::hardware
