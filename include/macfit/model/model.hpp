#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/architecture.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::model {

enum class Source : std::uint8_t { catalog, manifest, hf_config, safetensors, gguf, nominal };
/// "hf-config".
[[nodiscard]] std::string_view source_name(Source source) noexcept;

/// A weight format that somebody publishes for the model.
struct PublishedFormat {
  Recipe recipe;
  std::optional<Bytes> bytes;  ///< checkpoint size as published, towers included
  Evidence evidence = Evidence::estimated;
  std::string source;      ///< where the size was read
  std::string repository;  ///< "mlx-community/MiniMax-M2.5-4bit", or empty
  bool operator==(const PublishedFormat&) const = default;
};

/// A published figure to hold the shapes against.
struct PublishedCount {
  std::int64_t parameters = 0;
  std::string source;
  std::string note;  ///< the named rule that explains a difference, or empty
  bool operator==(const PublishedCount&) const = default;
};

/// What "230b-q4" stands for.
struct Nominal {
  bool dense = true;
  std::int64_t parameters = 0;
  std::int64_t active_parameters = 0;
  double expert_share = 0;           ///< of the active parameters, in routed experts
  std::optional<Bytes> weights;      ///< "215gb": stated size under the default recipe
  std::vector<std::string> nearest;  ///< ids of the catalog's nearest models
  bool operator==(const Nominal&) const = default;
};

/// A model as every room sees it.
struct Model {
  std::string id;  ///< "llama-3.1-70b"
  Source source = Source::catalog;
  std::string repository;            ///< "meta-llama/Meta-Llama-3.1-70B"
  std::vector<std::string> aliases;  ///< repository names and other spellings
  std::string architecture_source;   ///< where the shapes were read
  Evidence evidence = Evidence::exact;
  Architecture architecture;             ///< no layers where only stored weights are known
  std::vector<PublishedFormat> formats;  ///< smallest first
  std::optional<PublishedCount> published_count;
  std::optional<Recipe> default_recipe;  ///< what a plan takes without --quant
  std::optional<WeightLayout> stored;    ///< exact bytes from headers, if read from files
  std::optional<Nominal> nominal;
  std::string refusal;  ///< what mlx-lm says of the checkpoint as stored; empty where it loads
  std::vector<std::string> notes;  ///< traps worth telling
  bool operator==(const Model&) const = default;
};

/// Parameters of a model however it is known; zeros where only stored weights are. A nominal
/// model's shapes alone don't make its size.
[[nodiscard]] ParameterCount parameters_of(const Model& model);

/// Weights of a model under a recipe; a nominal model's by its size alone, a stored model's from
/// its headers where the recipe is the stored one.
[[nodiscard]] WeightLayout weights_of(const Model& model, const Recipe& recipe);

}  // namespace macfit::model
