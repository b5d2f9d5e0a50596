#pragma once

#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

[[nodiscard]] const Runtime& mlx_lm();
[[nodiscard]] const Runtime& exo();

}  // namespace macfit::runtime
