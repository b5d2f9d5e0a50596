#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace macfit::run {

/// A program in a process group of its own: what the terminal sends to macfit does not reach it.
/// It is not ended with this object: what serves through the night outlives a runner that dies.
class Process {
 public:
  /// Starts `words` (found on PATH) in `folder`; what it says is appended to `log`. Throws Error.
  Process(const std::vector<std::string>& words, const std::string& folder, const std::string& log);

  /// Its exit code, or 128 and the signal; none while it runs.
  [[nodiscard]] std::optional<int> ended();
  /// The same, after waiting at most so long.
  [[nodiscard]] std::optional<int> ended_within(double seconds);
  /// To the whole group.
  void send(int signal) const;

 private:
  pid_t pid_ = -1;
  std::optional<int> code_;
};

/// The last lines of a log, at most `bytes` of it; empty where there is none.
[[nodiscard]] std::string tail_of(const std::string& path, std::size_t bytes = 2000);

}  // namespace macfit::run
