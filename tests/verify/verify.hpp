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

/// The text of a config.json by the name that a file gives the model ("org--Name"), or none.
using ConfigSource = std::function<std::optional<std::string>(const std::string& name)>;

/// Configs that lie with a file of figures: beside it, in a folder configs_X where the file's name
/// ends in _X, in configs/; the first that has the name.
[[nodiscard]] ConfigSource configs_beside(const std::string& file);

/// Where an architecture is looked for that a row does not state itself.
struct Sources {
  ConfigSource config;
  model::Catalog catalog;
  /// The release whose figures a file states of mlx-lm, as the file says; this one where it does
  /// not.
  std::string mlx_lm = "d78bf58e";
};

/// Compares what a file of published figures states with what macfit computes. The file's kind is
/// told by its content: parameter counts, checkpoint sizes, figures of mlx-lm's classes and
/// of what it makes of checkpoints that other tools quantized, figures of llama.cpp's allocator,
/// worked figures of MLX's rules (docs/validation.md). Throws Error where it is not JSON or holds
/// nothing of the kind.
[[nodiscard]] calibrate::Validation compare_published(std::string_view json_text,
                                                      const Sources& sources);

}  // namespace macfit::verify
