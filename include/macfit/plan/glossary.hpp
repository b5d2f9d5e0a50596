#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace macfit::plan {

/// A word of macfit's vocabulary, or a code that a reason, problem or action carries.
struct Entry {
  std::string_view name;
  std::string_view meaning;
};

/// Every entry, sorted by name.
[[nodiscard]] const std::vector<Entry>& glossary();

/// Case-insensitive, blanks count as hyphens. A tier, an evidence and a verdict are explained by the
/// entry that lists or defines them. Nothing where the name is not known.
[[nodiscard]] std::optional<Entry> find_entry(std::string_view name);

}  // namespace macfit::plan
