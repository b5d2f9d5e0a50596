#pragma once

#include <optional>
#include <string>
#include <vector>

#include "configs.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/model.hpp"

namespace macfit::cli {

/// False where --offline, MACFIT_OFFLINE or HF_HUB_OFFLINE say so.
[[nodiscard]] bool may_be_online(bool offline_flag);

/// A model that the catalog does not have: from a store of another program, then, where `network`
/// allows it and the name is "org/repo" or a hub's address, from the hub. What is fetched, and
/// where it was found, goes to standard error and into the model's notes. Nothing where the name
/// is no hub's and no store has it. Throws Error where it can't be read, or may not be fetched.
[[nodiscard]] std::optional<model::Model> model_beyond_catalog(const std::string& name,
                                                               bool network);

/// Published config.json files by "org--Name", from the hub. Throws Error where one can't be read.
[[nodiscard]] Configs configs_on_hub(bool network);

/// A model in a store, as `models list --local` shows it.
struct StoredModel {
  std::string name;
  std::string store;
  std::string quant;
  std::string path;
  Bytes size;
  bool gguf = false;
  std::string missing;  ///< empty: whole
};
[[nodiscard]] std::vector<StoredModel> models_in_stores();

}  // namespace macfit::cli
