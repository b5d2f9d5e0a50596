#pragma once

#include <string>

namespace macfit::runtime {

/// What a value of --runtime names: a runtime's own name, with a note where another program runs
/// it.
struct RuntimeReading {
  std::string name;
  std::string note;  ///< a sentence; mostly empty
};

/// "mlx" and "ollama" as the runtimes that they are; names that it does not know unchanged. Throws
/// Error for a program that has several.
[[nodiscard]] RuntimeReading read_runtime(const std::string& name);

}  // namespace macfit::runtime
