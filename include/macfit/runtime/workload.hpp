#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "macfit/core/quantity.hpp"

namespace macfit::runtime {

/// How cached keys and values are stored. `q8` and `q4` mean the runtime's own: MLX group 64 for
/// mlx-lm, q8_0 and q4_0 for llama.cpp, whose further types have their own names.
enum class KvFormat : std::uint8_t { bf16, f32, q8, q5_1, q5_0, q4_1, q4, iq4_nl };

/// "bf16".
[[nodiscard]] std::string_view kv_format_name(KvFormat format) noexcept;
/// Accepts those names and llama.cpp's (f16, q8_0, q4_0). Throws Error naming the known ones.
[[nodiscard]] KvFormat parse_kv_format(std::string_view name);

/// What a replica is asked to do.
struct Workload {
  Tokens context{8192};  ///< prompt plus output per sequence, all of it as prompt for the peak
  std::int64_t sequences = 1;  ///< at the same time, per replica
  KvFormat kv = KvFormat::bf16;
  std::optional<KvFormat> kv_values;  ///< of the values, where they differ from the keys'
  std::int64_t prefill_step = 2048;   ///< tokens of prompt per forward pass
};

}  // namespace macfit::runtime
