#pragma once

#include <cstdint>
#include <limits>

namespace macfit::fit {

/// Demand over effective memory; infinite where a node has none.
inline double utilization(std::int64_t demand, std::int64_t effective) {
  return effective > 0 ? static_cast<double>(demand) / static_cast<double>(effective)
                       : std::numeric_limits<double>::infinity();
}

}  // namespace macfit::fit
