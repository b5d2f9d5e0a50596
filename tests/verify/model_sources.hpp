#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"
#include "macfit/model/model.hpp"
#include "verify.hpp"

namespace macfit::verify {

/// An architecture and where it was found.
struct Found {
  model::Architecture architecture;
  std::string config;                   ///< text of the config.json, or empty
  std::optional<model::Model> catalog;  ///< the catalog's model, where it came from there
  std::string from;                     ///< "configs/org--Name.json", "catalog llama-3.1-8b"
  Evidence evidence = Evidence::exact;  ///< of the shapes
};

/// "org--Name" for "org/Name": how files beside published figures spell a repository.
[[nodiscard]] std::string file_name_of(std::string_view repository);
/// The other way round.
[[nodiscard]] std::string repository_of(std::string_view file_name);

/// By config files alone; none where there is none of that name. Throws Error where the config
/// can't be read.
[[nodiscard]] std::optional<Found> find_config(const Sources& sources, const std::string& name);
/// By the catalog alone, under the name as it is and as a repository.
[[nodiscard]] std::optional<Found> find_catalog(const Sources& sources, const std::string& name);
/// The config, else the catalog.
[[nodiscard]] std::optional<Found> find_model(const Sources& sources, const std::string& name);
/// The same; throws Error where there is neither.
[[nodiscard]] Found get_model(const Sources& sources, const std::string& name);

/// The catalog's model that a loose name such as "gemma3-27b", "qwen3_next" or
/// "deepseek_v3/kimi_k2" starts like, or whose family it is; none where nothing is.
[[nodiscard]] std::optional<model::Model> find_loosely(const Sources& sources,
                                                       std::string_view name);

/// A repository's name without what conversions add to it: "Qwen3-8B" for "x/Qwen3-8B-MLX-4bit".
[[nodiscard]] std::string base_name(std::string_view repository);

}  // namespace macfit::verify
