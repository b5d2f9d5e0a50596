#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/model/gguf/shape.hpp"
#include "macfit/model/model.hpp"
#include "macfit/read/byte_source.hpp"
#include "macfit/read/stored_layout.hpp"

namespace macfit::read {

struct GgufTensorInfo {
  std::string name;
  model::GgmlType type = model::GgmlType::f32;
  model::GgmlShape ne{1, 1, 1, 1};
  std::uint64_t offset = 0;  ///< from the start of the data
  Bytes bytes;
};

/// A metadata value; what is never needed (token lists) keeps its length alone.
using GgufValue = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                               std::vector<std::int64_t>>;

/// What a GGUF file says before its data.
struct GgufHeader {
  std::uint32_t version = 0;
  std::uint64_t alignment = 32;
  std::uint64_t data_offset = 0;
  bool has_data = false;  ///< false: the file ends with its header
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::map<std::string, std::uint64_t, std::less<>> lengths;  ///< of arrays
  std::vector<GgufTensorInfo> tensors;

  [[nodiscard]] std::optional<std::int64_t> number(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
};

[[nodiscard]] bool looks_like_gguf(const ByteSource& source);

/// Reads versions 2 and 3, little-endian. Memory is bounded by what the header really holds; throws
/// Error with a byte offset on anything that llama.cpp would refuse too.
[[nodiscard]] GgufHeader read_gguf_header(const ByteSource& source);

/// Opens one part of a model in several files, counted from 1.
using GgufPart =
    std::function<std::shared_ptr<const ByteSource>(std::int64_t index, std::int64_t count)>;

/// A model's whole header: of its first file, and of the others where that says it has some.
[[nodiscard]] GgufHeader read_gguf_parts(const ByteSource& first, const GgufPart& part);

/// The file, and its siblings where it is one of several ("-00001-of-00003.gguf").
[[nodiscard]] GgufHeader read_gguf_file(const std::filesystem::path& path);

/// The model's shapes in GGUF's words. Throws Error where a size is missing.
[[nodiscard]] model::GgufShape gguf_shape(const GgufHeader& header);

/// Exact bytes per layer, MTP layers and towers apart.
[[nodiscard]] StoredWeights gguf_stored(const GgufHeader& header,
                                        const model::Architecture& architecture);

/// The model in a file: shapes where the architecture is known, stored bytes always.
[[nodiscard]] model::Model gguf_model(const GgufHeader& header, std::string_view id);

}  // namespace macfit::read
