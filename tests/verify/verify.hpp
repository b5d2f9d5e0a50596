#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "macfit/calibrate/validation.hpp"
#include "macfit/model/catalog.hpp"

// The maintainers' harness: what publishers and runtimes state of bytes, beside what the library
// computes.

namespace macfit::verify {

/// Where an architecture is looked for that a row does not state itself.
struct Sources {
  /// The text of a config.json by the name that the file gives the model ("org--Name"), or none.
  std::function<std::optional<std::string>(const std::string& name)> config;
  model::Catalog catalog;
};

/// Compares what a file of published figures states with what macfit computes. The file's kind is
/// told by its content: parameter counts, checkpoint sizes, figures of mlx-lm's classes, of
/// llama.cpp's allocator, worked figures of MLX's rules (docs/validation.md). Throws Error where it
/// is not JSON or holds nothing of the kind.
[[nodiscard]] calibrate::Validation compare_published(std::string_view json_text,
                                                      const Sources& sources);

}  // namespace macfit::verify
