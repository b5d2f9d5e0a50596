#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"

namespace macfit::cli {

/// A word that some output prints, and what it means.
struct Explanation {
  std::string name;
  std::string meaning;
};

/// Terms, reasons, problem codes, actions, checks, columns and keys, in the order they are listed.
[[nodiscard]] std::vector<Explanation> explanations();

/// What a word of any output means: the above, weight and cache formats, runtimes, and the names of
/// the catalogs. Case, blanks, hyphens and underscores don't matter.
[[nodiscard]] std::optional<Explanation> explain(std::string_view word, const Catalogs& catalogs);

}  // namespace macfit::cli
