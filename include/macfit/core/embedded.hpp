#pragma once

#include <cstddef>
#include <string_view>

/// The catalogs in `models/`, `hardware/` and `runtimes/`, compiled in. The build generates the
/// definitions.
namespace macfit::embedded {

struct File {
  std::string_view name;  ///< "llama-3.1-70b.json"
  std::string_view text;
};

extern const File model_files[];
extern const std::size_t model_file_count;
extern const File hardware_files[];
extern const std::size_t hardware_file_count;
extern const File runtime_files[];
extern const std::size_t runtime_file_count;

/// Another one for every other state of the catalogs: the first 12 digits of a SHA-256 over the
/// files.
extern const std::string_view version;

}  // namespace macfit::embedded
