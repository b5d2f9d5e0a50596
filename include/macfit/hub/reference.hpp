#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace macfit::hub {

/// A model as a hub names it: "org/repo", "org/repo@revision", "org/repo-GGUF:Q4_K_M",
/// "hf.co/org/repo", "https://huggingface.co/org/repo/tree/main/folder".
struct Reference {
  std::string organization;
  std::string repository;
  std::string revision;  ///< branch, tag or commit; empty: main
  std::string quant;     ///< "Q4_K_M"; empty: not said
  std::string path;      ///< a file or folder in the repository; empty: its top
  bool operator==(const Reference&) const = default;

  /// "org/repo".
  [[nodiscard]] std::string name() const { return organization + "/" + repository; }
};

/// Nothing for what is not named so: a bare name, a path. Throws Error for an address of a hub that
/// names no repository.
[[nodiscard]] std::optional<Reference> parse_reference(std::string_view text);

/// The quantization that a GGUF file's path names: "Q4_K_M", "UD-Q4_K_XL", "BF16", "MXFP4"; empty
/// where it names none. In upper case.
[[nodiscard]] std::string quant_of(std::string_view path);

/// "model" of "model-00002-of-00003.gguf": what the parts of one file share; the whole path
/// otherwise.
[[nodiscard]] std::string_view split_base(std::string_view path) noexcept;
/// 3 of "model-00002-of-00003.gguf"; 0 where it is no part.
[[nodiscard]] int split_parts(std::string_view path) noexcept;

}  // namespace macfit::hub
