#pragma once

#include <optional>
#include <string>

#include "macfit/study/breakeven.hpp"

namespace macfit::report {

/// "187B"; "–" where there is none.
[[nodiscard]] std::string size_words(const std::optional<std::int64_t>& parameters);
/// "two workers", "one worker".
[[nodiscard]] std::string every_node_words(const study::BreakevenQuestion& question);
/// "two workers", "pipeline", "won't fit", with what is not as asked.
[[nodiscard]] std::string verdict_words(const study::Run& run);
/// What turns where, and what it costs, in a few sentences.
[[nodiscard]] std::string breakeven_answer(const study::BreakevenResult& result);

}  // namespace macfit::report
