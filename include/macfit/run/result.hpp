#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "macfit/run/answer.hpp"

namespace macfit::run {

/// A job's one line in the results, as OpenAI's batches write it, and under "macfit" who did it.
struct Result {
  std::string id;
  bool good = false;
  int status = 0;       ///< of HTTP; 0 where there was no answer
  std::string body;     ///< the server's JSON on one line, or empty
  std::string code;     ///< of the error; empty where good
  std::string message;  ///< likewise
  std::string worker;
  std::int64_t attempts = 1;  ///< requests sent for it, this one with
  double seconds = 0.0;       ///< of the last of them
  std::optional<std::int64_t> prompt_tokens;
  std::optional<std::int64_t> completion_tokens;
};

/// The line without its end. The answer's JSON stands in it as the server sent it.
[[nodiscard]] std::string result_line(const Result& result);

/// Reads what result_line() wrote, the body left out. Throws Error for anything else.
[[nodiscard]] Result read_result(std::string_view line);

}  // namespace macfit::run
