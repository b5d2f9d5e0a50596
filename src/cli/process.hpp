#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace macfit::cli {

struct ProcessOutcome {
  int code = 0;       ///< exit code; 128 + the signal that ended it; 127: not found
  std::string out;    ///< standard output
  std::string error;  ///< standard error
  bool timed_out = false;
  bool too_much = false;  ///< it printed more than `limit` bytes and was ended
};

/// Runs a program found on PATH with `input` on its standard input, and waits. No shell is between.
/// It is ended after `patience`, and where it prints more than `limit` bytes to either stream.
/// Throws Error where no process can be started at all.
[[nodiscard]] ProcessOutcome run_process(const std::vector<std::string>& words,
                                         std::string_view input, std::chrono::seconds patience,
                                         std::size_t limit = std::size_t{8} << 20U);

}  // namespace macfit::cli
