#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/model/architecture.hpp"
#include "macfit/read/byte_source.hpp"
#include "macfit/read/stored_layout.hpp"

namespace macfit::read {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;                ///< "BF16"
  std::vector<std::int64_t> shape;  ///< empty: one number
  std::uint64_t begin = 0;          ///< from the start of the data
  std::uint64_t end = 0;

  [[nodiscard]] Bytes bytes() const { return Bytes(static_cast<std::int64_t>(end - begin)); }
};

struct SafetensorsHeader {
  std::vector<SafetensorsTensor> tensors;  ///< by place in the file
  std::uint64_t data_offset = 0;
  bool has_data = false;  ///< false: the file ends with its header
};

/// The format's own limit of a header.
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;

/// True for a length that can be a header's, with '{' after it.
[[nodiscard]] bool looks_like_safetensors(const ByteSource& source);

/// Throws Error with a byte offset or a JSON pointer on what the format forbids: a header beyond
/// 100 MB, a tensor named twice, an unknown dtype, bytes that a shape does not give, overlaps,
/// holes.
[[nodiscard]] SafetensorsHeader read_safetensors_header(const ByteSource& source);

/// Bits of one element; nothing where the dtype is not known.
[[nodiscard]] std::optional<int> safetensors_bits(std::string_view dtype);

/// model.safetensors.index.json.
struct SafetensorsIndex {
  std::map<std::string, std::vector<std::string>> files;  ///< file name -> its tensors, sorted
  std::optional<Bytes> total_size;
};
[[nodiscard]] SafetensorsIndex parse_safetensors_index(std::string_view json_text);

/// Of a folder's safetensors files, by path or name, those that a runtime loads: those called
/// model* where there are any, as mlx-lm does. Files of another layout (Mistral's "consolidated")
/// stand beside them in some repositories.
[[nodiscard]] std::vector<std::string> loaded_safetensors(std::vector<std::string> files);

/// All tensors of a checkpoint: one file, the files of an index, or those of a folder that
/// are loaded. Throws Error
/// where a file of the index is missing or holds other tensors than the index says.
[[nodiscard]] std::vector<SafetensorsTensor> read_safetensors(const std::filesystem::path& path);

/// Exact bytes per layer as the files have them. `format` is what the config says, else the dtype
/// that most bytes have.
[[nodiscard]] StoredWeights safetensors_stored(const std::vector<SafetensorsTensor>& tensors,
                                               const model::Architecture& architecture,
                                               std::string format = {});

}  // namespace macfit::read
