#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "macfit/model/manifest.hpp"
#include "macfit/model/model.hpp"
#include "macfit/read/byte_source.hpp"

namespace macfit::read {

/// The model at a path, told by what is there, not by its name: a GGUF file (one of several is
/// enough), a safetensors file, an index, a config.json, a manifest, or a folder that holds such
/// files. Reads headers only. Throws Error naming the file and what was expected.
[[nodiscard]] model::Model read_model(const std::filesystem::path& path);

/// The same of files at hand, those of one model: a GGUF file or all its parts, safetensors files
/// with the config.json of their folder or without it, a config.json, or a manifest.
[[nodiscard]] model::Model read_model(const std::vector<std::shared_ptr<const ByteSource>>& files);

/// Reads what the manifest at `path` names, from the manifest's folder; another manifest it can't
/// name.
[[nodiscard]] model::ManifestResolver files_beside(const std::filesystem::path& path);

}  // namespace macfit::read
