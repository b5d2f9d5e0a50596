#pragma once

#include <memory>

#include "macfit/runtime/facts.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

// The rules that a runtime's file may name; catalog.cpp has the table.

[[nodiscard]] std::unique_ptr<const Runtime> make_mlx_lm(std::shared_ptr<const Facts> facts);
[[nodiscard]] std::unique_ptr<const Runtime> make_exo(std::shared_ptr<const Facts> facts);
[[nodiscard]] std::unique_ptr<const Runtime> make_llama_cpp(std::shared_ptr<const Facts> facts);

}  // namespace macfit::runtime
