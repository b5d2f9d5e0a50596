#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/model/architecture.hpp"
#include "macfit/read/gguf_file.hpp"
#include "macfit/read/safetensors.hpp"

namespace macfit::read {

/// What the tensors of one layer tell of it. Sizes in elements; 0: there is no such part.
struct LayerWidths {
  std::int64_t heads = 0;   ///< of queries; 0: not known
  std::int64_t head = 0;    ///< width of one; 0: not known
  std::int64_t key = 0;     ///< of all heads together
  std::int64_t value = 0;   ///< likewise
  std::int64_t latent = 0;  ///< cached for all heads, the part with positions included
  std::int64_t dense = 0;
  std::int64_t experts = 0;
  std::int64_t expert = 0;  ///< width of one
  std::int64_t per_token = 0;
  std::int64_t state_bytes = 0;  ///< for each sequence
  std::int64_t window = 0;       ///< 0: the whole context
  bool keeps_unknown = false;    ///< a recurrent part whose state nothing tells
};

/// A model known by widths: enough for caches, not for weights in another format.
struct ModelWidths {
  std::string type;
  std::int64_t hidden = 0;
  std::int64_t vocabulary = 0;
  std::int64_t context = 0;
  bool tied = false;
  std::vector<LayerWidths> layers;
};

/// An architecture of these widths; none where they contradict each other or tell no layer. Its
/// cache is not known where a layer keeps something unknown.
[[nodiscard]] std::optional<model::Architecture> by_widths(const ModelWidths& widths);

/// Of a GGUF file whose architecture no rule tells of. Its type is "gguf:" and llama.cpp's name.
[[nodiscard]] std::optional<model::Architecture> gguf_by_widths(const GgufHeader& header);

/// Of safetensors whose config no reader understands, or that have none.
[[nodiscard]] std::optional<model::Architecture> safetensors_by_widths(
    const std::vector<SafetensorsTensor>& tensors, std::string type);

}  // namespace macfit::read
