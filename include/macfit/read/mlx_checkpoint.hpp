#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/model/architecture.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/model.hpp"
#include "macfit/model/weight_format.hpp"
#include "macfit/read/safetensors.hpp"

namespace macfit::read {

/// What a config.json says of how weights are stored.
struct CheckpointConfig {
  enum class Kind : std::uint8_t {
    plain,  ///< 16 bits
    mlx,    ///< "quantization", as mlx-lm and mlx-vlm write it
    int4,   ///< compressed-tensors, pack-quantized: mlx-lm adds a bias to every scale
    mxfp4,  ///< experts in mxfp4 (gpt-oss)
    fp8,    ///< with block scales
    nvfp4,  ///< modelopt
    other,  ///< known by name only
  };
  Kind kind = Kind::plain;
  std::string model_type;               ///< empty where the config has none
  std::string method;                   ///< "fp8", "modelopt"; empty for plain and mlx
  std::optional<model::Recipe> recipe;  ///< how the files store it
  std::optional<model::Recipe> loaded;  ///< how mlx-lm holds it, where it loads it
  /// MLX: what single modules get, by canonical path ("layers.3.mlp.gate"); none: unquantized.
  std::map<std::string, std::optional<model::WeightFormat>, std::less<>> overrides;
  std::string algorithm;         ///< modelopt's "NVFP4"
  std::string packing;           ///< compressed-tensors' "pack-quantized"
  double bits = 0;               ///< stated; 0: not. EXL states 4.25
  int group = 0;                 ///< likewise
  bool keeps_head = false;       ///< the head stays in 16 bits
  bool keeps_more = false;       ///< so do modules of the layers that no rule here tells
  bool exponent_blocks = false;  ///< fp8 with power-of-two scales over 32 x 32 blocks
  std::string unknown_setting;   ///< MLX: why its loader fails, in its words; empty: it does not
  bool towers = false;           ///< images or sound: then mlx-vlm made an MLX checkpoint
};

/// Throws Error with a JSON pointer on bits, groups and modes that MLX does not have.
[[nodiscard]] CheckpointConfig parse_checkpoint_config(std::string_view config_json);

/// Bytes by formula for an MLX config, its overrides applied. Throws Error for other kinds.
[[nodiscard]] model::WeightLayout mlx_layout(const model::Architecture& architecture,
                                             const CheckpointConfig& config);

/// A format that mlx-lm holds after loading, or the stored one and its words of refusal.
struct LoadedCheckpoint {
  model::Recipe recipe;
  std::string refusal;  ///< empty where it loads
};

/// For what other tools quantized: `config.method` is not empty.
[[nodiscard]] LoadedCheckpoint as_mlx_lm_loads(const CheckpointConfig& config,
                                               const model::Architecture& architecture);

/// The model that a config.json describes, and nothing else.
[[nodiscard]] model::Model config_model(std::string_view config_json, std::string_view id);

/// The model of safetensors headers, with the config.json beside them where there is one. Sizes
/// come from the headers; shapes from the config. A config of an unknown family leaves the sizes.
[[nodiscard]] model::Model checkpoint_model(const std::vector<SafetensorsTensor>& tensors,
                                            const std::optional<std::string>& config_json,
                                            std::string_view id);

}  // namespace macfit::read
