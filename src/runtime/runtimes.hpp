#pragma once

#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

[[nodiscard]] const Runtime& mlx_lm();
[[nodiscard]] const Runtime& exo();
[[nodiscard]] const Runtime& llama_cpp();

}  // namespace macfit::runtime
