#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "setup.hpp"

namespace macfit::launch {

/// "hostfile.json", or "hostfile-2.json" where there are several replicas.
[[nodiscard]] std::string numbered(const Setup& setup, std::string_view stem, std::size_t replica,
                                   std::string_view end);
/// "47,45".
[[nodiscard]] std::string comma_list(const std::vector<std::int64_t>& values);

/// What mlx_lm.server is told beside the model; its port stands there as the word PORT.
[[nodiscard]] std::string mlx_flags(const Setup& setup, bool sharded);
/// Those of them that not every release has.
[[nodiscard]] std::string mlx_flags_to_check(const Setup& setup);
/// What llama-server is told beside the model and the split; likewise.
[[nodiscard]] std::string llama_flags(const Setup& setup);
/// "--tensor-split 31,32" or "-sm tensor".
[[nodiscard]] std::string llama_split(const Setup& setup, const Replica& replica);

}  // namespace macfit::launch
