#pragma once

#include <string>
#include <string_view>

#include "options.hpp"

namespace macfit::cli {

/// What `macfit plan --batch` was told beside the flags that every line may change.
struct BatchFlags {
  std::string file;  ///< "-": standard input
  std::string threads;
  std::string require;
  bool brief = false;
};

/// Answers JSON Lines of requests by JSON Lines of plans, in their order. `defaults` hold where a
/// line says nothing. 0; 1 where a plan is below what was required; 2 where a line was wrong.
[[nodiscard]] int run_batch(const BatchFlags& batch, const RequestFlags& defaults,
                            const Common& common, const Catalogs& catalogs);

/// Whole plans for lines held in memory, one after the other: what a fuzz target asks.
[[nodiscard]] std::string answer_lines(std::string_view lines, const Catalogs& catalogs);

}  // namespace macfit::cli
