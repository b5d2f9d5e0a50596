#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "macfit/core/quantity.hpp"
#include "macfit/model/architecture.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::read {

/// What a tensor's name in a checkpoint says.
struct StoredName {
  enum class Part : std::uint8_t { text, mtp, tower };
  Part part = Part::text;
  std::int64_t layer = -1;  ///< -1: outside the layers
  std::string module;       ///< below the layer, or the whole path: "mlp.gate"
  std::string leaf;         ///< "weight", "scales", "bias"
  model::TensorClass tensor_class = model::TensorClass::other;
  bool replicated = false;  ///< held whole by every rank of a tensor split
};

/// Names as Hugging Face and MLX checkpoints write them. Throws Error on an absurd layer number.
[[nodiscard]] StoredName stored_name(std::string_view name);

/// Names as GGUF files write them.
[[nodiscard]] StoredName stored_gguf_name(std::string_view name);

/// Spellings of one module brought together: "block_sparse_moe.experts.3.w1" is
/// "mlp.switch_mlp.gate_proj", the name that block_tensors() gives it.
[[nodiscard]] std::string canonical_module(std::string_view module);

/// Bytes that file headers give, MTP layers and towers apart.
struct StoredWeights {
  model::WeightLayout layout;  ///< the text model, as a runtime loads it
  Bytes mtp;
  Bytes towers;  ///< vision, audio and their projectors
  Bytes file;    ///< all tensors
};

class StoredCollector {
 public:
  /// `layers`: of the text model where known, else 0: layers from there on are MTP layers.
  explicit StoredCollector(const model::Architecture& architecture);

  void add(const StoredName& name, Bytes bytes);
  [[nodiscard]] StoredWeights finish(std::string format) &&;

 private:
  const model::Architecture& architecture_;
  StoredWeights result_;
};

}  // namespace macfit::read
