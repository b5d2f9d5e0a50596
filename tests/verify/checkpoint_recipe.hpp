#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "macfit/core/quantity.hpp"
#include "macfit/model/weight_format.hpp"
#include "model_sources.hpp"

namespace macfit::verify {

/// What a list of published checkpoints says of one of them.
struct PublishedFile {
  std::string repository;  ///< "mlx-community/MiniMax-M2.5-4bit", "Qwen3-30B-A3B GGUF"
  std::string quant;       ///< "4bit", "bf16", "Q4_K_M", "MXFP4-Q8", or empty
  std::string note;
};

/// Bytes that a checkpoint should have, and how it was told who made it.
struct CheckpointBytes {
  Bytes bytes;
  Bytes low;
  Bytes high;
  bool gguf = false;
  std::string reason;  ///< "mlx-vlm-4bit-g64: towers stay in 16 bits"
};

/// True for a file of llama.cpp's.
[[nodiscard]] bool is_gguf(const PublishedFile& file);

/// True where the file is the model as its maker published it, not a conversion: then the
/// repository's own config counts, not one of a model with as many parameters.
[[nodiscard]] bool is_native(const PublishedFile& file);

/// The model's checkpoint in this format. The tool that wrote it, and with it the exceptions from
/// the format, is told by the model's properties (towers, a native format), not by names. Throws
/// Error with the reason where no rule gives the size.
[[nodiscard]] CheckpointBytes checkpoint_bytes(const Found& found, const PublishedFile& file);

}  // namespace macfit::verify
