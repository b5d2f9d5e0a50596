#pragma once

#include <cstdint>
#include <memory>

#include "macfit/runtime/facts.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

/// What any process that runs a model holds besides it: Metal's own and the program's
/// (docs/fit.md).
inline constexpr std::int64_t process_bytes = std::int64_t{512} << 20;

// The rules that a runtime's file may name; catalog.cpp has the table.

[[nodiscard]] std::unique_ptr<const Runtime> make_mlx_lm(std::shared_ptr<const Facts> facts);
[[nodiscard]] std::unique_ptr<const Runtime> make_exo(std::shared_ptr<const Facts> facts);
[[nodiscard]] std::unique_ptr<const Runtime> make_llama_cpp(std::shared_ptr<const Facts> facts);

}  // namespace macfit::runtime
