#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/calibrate/calibrate.hpp"

namespace macfit::calibrate {

/// What mlx_lm.benchmark prints. Lines "# macfit key=value ..." say what it does not.
[[nodiscard]] std::vector<MeasuredRow> read_benchmark_text(std::string_view text,
                                                           const RowDefaults& defaults);

/// Digits (and one point) at the start of a text, with what follows.
struct LeadingNumber {
  double value = 0.0;
  std::string_view rest;
};
[[nodiscard]] std::optional<LeadingNumber> leading_number(std::string_view text);

/// Who published a row: the repository, the thread, or the text before details.
[[nodiscard]] std::string source_of(const MeasuredRow& row);

/// Whose kernels a runtime's name stands for; empty where it says nothing.
[[nodiscard]] std::optional<speed::Engine> engine_of(const MeasuredRow& row);

/// A model of the catalog by a name as people write it. Shapes are never made up from a size:
/// empty.
[[nodiscard]] std::optional<model::Model> find_model(std::string_view name,
                                                     const model::Catalog& catalog);

/// Weights by a format as people write it: a recipe, or flat bits.
struct FoundFormat {
  std::optional<model::Recipe> recipe;
  speed::Bits bits;
  std::string name;
  bool assumed = false;
};
[[nodiscard]] std::optional<FoundFormat> find_format(const MeasuredRow& row, speed::Engine engine,
                                                     const model::Model& model);

/// Tokens as `context` states them for a phase.
struct FoundTokens {
  double cached = 0.0;
  double prompt = 0.0;
  double generated = 0.0;
  bool assumed = false;
  double step = 0.0;  ///< tokens of prompt a pass; 0: the engine's own
};
/// Empty where a prompt's length is needed and not stated.
[[nodiscard]] std::optional<FoundTokens> find_tokens(const MeasuredRow& row, bool prefill);

}  // namespace macfit::calibrate
