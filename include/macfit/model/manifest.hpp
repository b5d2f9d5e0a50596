#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/model.hpp"

namespace macfit::model {

// A manifest says what a model is in one JSON file ("macfit.manifest/1"): docs/models.md, schema in
// docs/schema/manifest.schema.json.

/// A file that a manifest names instead of giving shapes, relative to the manifest.
struct ManifestFile {
  enum class Kind : std::uint8_t { config, gguf, safetensors };
  Kind kind = Kind::config;
  std::string path;
  bool operator==(const ManifestFile&) const = default;
};

/// Reads the file that a manifest names; whoever knows the manifest's folder supplies it.
using ManifestResolver = std::function<Model(const ManifestFile&)>;

/// What a check in CI holds a plan against. The words of `nodes`, `verdict` and `tier` are those of
/// the rooms that know them: here they are kept as written.
struct Expectation {
  std::string nodes;  ///< "2x128"
  std::optional<Tokens> context;
  std::optional<std::int64_t> sequences;
  std::string quant;                 ///< empty: the manifest's default format
  std::string runtime;               ///< empty: all
  std::string kv;                    ///< empty: bf16
  std::string link;                  ///< empty: the cluster's best known
  std::string verdict;               ///< empty: any
  std::string tier;                  ///< this tier or better; empty: any
  std::optional<double> min_decode;  ///< tokens per second, single stream
  bool operator==(const Expectation&) const = default;
};

struct Manifest {
  Model model;  ///< Source::manifest
  std::optional<ManifestFile> file;
  std::vector<Expectation> expect;
};

/// Parses a manifest. Strict: throws Error with a JSON pointer on unknown keys (naming the
/// nearest), contradicting shapes, or a file named where there is no `resolve`.
[[nodiscard]] Manifest parse_manifest(std::string_view text, const ManifestResolver& resolve = {});

/// An error in a manifest and the kind it is of: "unknown-key", "missing-key", "wrong-value",
/// "shapes" (they contradict each other), "parameters" (stated and computed differ), "not-json".
struct ManifestProblem {
  std::string code;
  Error error;
};

/// What could be read of a manifest, and everything that is wrong with it. An architecture with a
/// problem has no layers.
struct ManifestReading {
  Manifest manifest;
  std::vector<std::string> format_pointers;  ///< where each of the model's formats stands
  std::vector<std::string> expect_pointers;
  std::vector<ManifestProblem> problems;
};

/// As parse_manifest(), going on after each error. Throws nothing that is wrong with the text.
[[nodiscard]] ManifestReading inspect_manifest(std::string_view text,
                                               const ManifestResolver& resolve = {});

/// The model alone.
[[nodiscard]] Model read_manifest(std::string_view text, const ManifestResolver& resolve = {});

/// The same model always gives the same text; read_manifest() gives the model back. What a manifest
/// can't hold (`source`, `stored`, `nominal`) is left out.
[[nodiscard]] std::string write_manifest(const Model& model);
[[nodiscard]] std::string write_manifest(const Manifest& manifest);

/// Layers as run-length text: "3*dense 58*moe", "8*(5*sliding full)". `layers` are indices into
/// `blocks`.
[[nodiscard]] std::string layers_text(const std::vector<Block>& blocks,
                                      const std::vector<std::uint16_t>& layers);

}  // namespace macfit::model
