#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"
#include "macfit/read/hf_config.hpp"

namespace macfit::test {

struct FamilyFact {
  std::string name;
  std::string config;
  std::int64_t parameters = 0;
  std::int64_t bytes_4bit = 0;    ///< 0: not known
  std::int64_t kv_per_token = 0;  ///< bf16, as mlx-lm keeps it
  std::int64_t kv_constant = 0;   ///< states and full windows
};
const std::vector<FamilyFact>& family_facts();

/// The config of a family fact.
inline const FamilyFact& family_fact(std::string_view name) {
  for (const FamilyFact& fact : family_facts()) {
    if (fact.name == name) {
      return fact;
    }
  }
  static const FamilyFact none;
  return none;
}

inline model::Architecture family(std::string_view name) {
  return read::read_hf_config(family_fact(name).config);
}

/// A text with one part replaced.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? std::string() : text.replace(at, from.size(), to);
}

}  // namespace macfit::test
