#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "macfit/model/model.hpp"
#include "macfit/report/table/style.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::report {

/// How many models of an architecture type a runtime takes, and its words for the first it refuses.
struct Ability {
  std::size_t yes = 0;
  std::size_t asked = 0;
  std::string code;
  std::string reason;
  [[nodiscard]] bool all() const { return yes == asked; }
};

/// What one runtime can do with one architecture type.
struct Abilities {
  const runtime::Runtime* runtime = nullptr;
  Ability runs;
  Ability pipeline;             ///< over two nodes
  std::vector<Ability> tensor;  ///< over 2, 4 and 8 nodes, at 4 bit or as published
  Ability quantized_kv;         ///< q8
};

struct ArchitectureRow {
  std::string type;                  ///< "qwen3_moe"
  std::vector<std::string> models;   ///< ids
  std::vector<Abilities> abilities;  ///< in the order of RuntimeMatrix::runtimes
};

struct RuntimeMatrix {
  std::vector<const runtime::Runtime*> runtimes;
  std::vector<std::size_t> ranks = {2, 4, 8};
  std::vector<ArchitectureRow> rows;  ///< by type
};

/// Asks every one of the runtimes about every model.
[[nodiscard]] RuntimeMatrix make_matrix(const std::vector<model::Model>& models,
                                        std::vector<const runtime::Runtime*> runtimes);

/// The matrix, what is refused in which words, and the names of known failure modes. For one
/// runtime: its failure modes and what its transports demand in full.
[[nodiscard]] std::string runtimes_text(const RuntimeMatrix& matrix, const Style& style);
/// macfit.runtimes/1.
[[nodiscard]] std::string runtimes_json(const RuntimeMatrix& matrix);

}  // namespace macfit::report
