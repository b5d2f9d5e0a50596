#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "macfit/runtime/facts.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

/// What any process that runs a model holds besides it: Metal's own and the program's
/// (docs/fit.md).
inline constexpr std::int64_t process_bytes = std::int64_t{512} << 20;

[[nodiscard]] std::unique_ptr<const Runtime> make_mlx_lm(std::shared_ptr<const Facts> facts);
[[nodiscard]] std::unique_ptr<const Runtime> make_exo(std::shared_ptr<const Facts> facts);
[[nodiscard]] std::unique_ptr<const Runtime> make_llama_cpp(std::shared_ptr<const Facts> facts);

/// The rules that a file's "rules" may name: what a new runtime adds besides its file and theirs.
struct Rules {
  std::string_view name;
  std::unique_ptr<const Runtime> (*make)(std::shared_ptr<const Facts> facts);
};
inline constexpr Rules known_rules[] = {
    {"mlx-lm", make_mlx_lm}, {"exo", make_exo}, {"llama.cpp", make_llama_cpp}};

}  // namespace macfit::runtime
