#include "macfit/hardware/gpu_limit.hpp"

#include <algorithm>
#include <cmath>

#include "macfit/core/error.hpp"

namespace macfit::hardware {
namespace {

constexpr std::int64_t page = 16 * kib;
constexpr std::int64_t billion = 1'000'000'000;

/// floor(amount x part / whole) for 0 <= part <= whole < 2^31, without overflow on the way.
std::int64_t share_of(std::int64_t amount, std::int64_t part, std::int64_t whole) {
  return amount / whole * part + amount % whole * part / whole;
}

}  // namespace

GpuLimit gpu_limit(const GpuLimitRules& rules, Bytes ram, const Macos& macos) {
  if (ram.count() <= 0) {
    throw Error("a GPU limit needs a positive amount of RAM, found " + std::to_string(ram.count()) +
                " bytes");
  }
  const auto& rows = era_of(macos) == MacosEra::from_26 ? rules.from_26 : rules.up_to_15;
  if (rows.empty()) {
    throw Error("the catalog has no GPU limits for macOS " + macos.text());
  }
  const GpuLimitRow* row = rows.data();
  for (const GpuLimitRow& candidate : rows) {
    if (candidate.ram <= ram) {
      row = &candidate;
    }
  }
  const std::int64_t product = checked_mul(ram.count(), row->numerator);
  GpuLimit limit;
  limit.bytes = Bytes(std::min(ram.count(), round_up(ceil_div(product, row->denominator), page)));
  limit.source = row->source;
  limit.evidence = Evidence::measured;
  if (row->ram != ram || macos.major > row->newest_macos) {
    limit.evidence = Evidence::extrapolated;
    limit.source = "the fraction of RAM at " + format_gib(row->ram) + ": " + row->source;
  }
  return limit;
}

Bytes raised_gpu_limit(Bytes limit, Bytes ram) {
  const Bytes kept(std::max(5 * gib, ceil_div(ram.count(), 20)));
  return std::max(limit, ram - kept);
}

Bytes effective_memory_whole(Bytes limit, Bytes ram, Bytes reserve) {
  return std::max(Bytes(0), std::min(limit, ram - reserve));
}

Bytes effective_memory_part(Bytes limit, Bytes ram, Bytes reserve, double cluster_reserve) {
  if (!(cluster_reserve >= 0.0 && cluster_reserve < 1.0)) {
    throw Error("the cluster reserve is a fraction from 0 to below 1, found " +
                std::to_string(cluster_reserve));
  }
  const std::int64_t kept = std::llround(cluster_reserve * static_cast<double>(billion));
  const Bytes whole = effective_memory_whole(limit, ram, reserve);
  return Bytes(share_of(whole.count(), billion - kept, billion));
}

}  // namespace macfit::hardware
