#pragma once

#include <optional>
#include <string>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/report/table/style.hpp"

namespace macfit::report {

/// How a model goes on the nodes that were asked about.
struct LocalFit {
  std::string verdict;  ///< "single-worker"; empty: it can't be planned, and `problem` says why
  std::string tier;
  std::string problem;
};

/// A model in a store of another program.
struct LocalModelRow {
  std::string name;
  std::string store;
  std::string quant;   ///< of a GGUF file; empty: not said
  std::string format;  ///< "GGUF" or "safetensors"
  std::string path;
  Bytes size;
  std::string missing;  ///< empty: whole
  std::optional<LocalFit> fit;
};

/// `nodes`: what the fit is on; empty: none was asked.
[[nodiscard]] std::string local_models_text(const std::vector<LocalModelRow>& models,
                                            const std::string& nodes, const Style& style);
/// macfit.local-models/1.
[[nodiscard]] std::string local_models_json(const std::vector<LocalModelRow>& models,
                                            const std::string& nodes);

}  // namespace macfit::report
