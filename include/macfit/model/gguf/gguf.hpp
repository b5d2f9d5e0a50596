#pragma once

// llama.cpp's view of a model: GGML's types, a file's tensors, mixtures of types, caches.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/model/architecture.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::model {

// What llama.cpp's converter and quantizer make of a model, tensor by tensor, and what its caches
// allocate. Read from llama.cpp v0.5.0 (ggml 0.25.1); rules and sources: docs/models.md.

/// How ggml stores a tensor; the values are ggml's own.
enum class GgmlType : std::uint8_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q8_1 = 9,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  q8_k = 15,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  nvfp4 = 40,
  q1_0 = 41,
  q2_0 = 42,
};

struct GgmlTypeInfo {
  GgmlType type = GgmlType::f32;
  std::string_view name;  ///< as ggml prints it: "q4_K"
  int block = 1;          ///< elements of a row stored together
  int block_bytes = 4;
};

[[nodiscard]] const std::vector<GgmlTypeInfo>& ggml_types();
[[nodiscard]] const GgmlTypeInfo& ggml_type_info(GgmlType type);
[[nodiscard]] std::optional<GgmlType> ggml_type_from_id(std::uint32_t id) noexcept;
/// Case-insensitive: "q4_K", "Q4_K".
[[nodiscard]] std::optional<GgmlType> find_ggml_type(std::string_view name) noexcept;

/// Sizes with the fastest one first, as GGUF writes them; absent ones are 1.
using GgmlShape = std::array<std::int64_t, 4>;

/// Bytes of `elements` in one row. Throws Error where the block does not divide them.
[[nodiscard]] Bytes ggml_row_bytes(GgmlType type, std::int64_t elements);
/// Throws Error where the block does not divide ne[0], a size is not positive, or on overflow.
[[nodiscard]] Bytes ggml_tensor_bytes(GgmlType type, const GgmlShape& ne);

/// One tensor of a GGUF file.
struct GgufTensor {
  enum class Keep : std::uint8_t {
    quantized,  ///< gets what the mixture says
    f32,        ///< stays 32-bit in every mixture
    source,     ///< stays as the converter wrote it: 16 bits
  };
  std::string name;  ///< "blk.3.attn_q.weight"
  GgmlShape ne{1, 1, 1, 1};
  Keep keep = Keep::quantized;
  TensorClass tensor_class = TensorClass::other;
  int layer = -1;      ///< -1: outside the layers
  bool mtp = false;    ///< in the file, not loaded
  bool split = false;  ///< cut by --split-mode tensor; the others are held whole by every device

  [[nodiscard]] std::int64_t elements() const;
};

/// llama.cpp's name for the architecture ("qwen3moe"), or nothing with `why` filled in.
[[nodiscard]] std::optional<std::string> find_gguf_architecture(const Architecture& architecture,
                                                                std::string* why = nullptr);
/// llama.cpp is known to have none for this type; without a name, false only says that none is
/// known here.
[[nodiscard]] bool llama_lacks(const Architecture& architecture);
/// The same as find_gguf_architecture(); throws Error with the reason.
[[nodiscard]] std::string gguf_architecture(const Architecture& architecture);

/// What the file depends on beside the mixture's name.
struct GgufOptions {
  bool imatrix = false;     ///< quantized with an importance matrix
  std::optional<bool> mtp;  ///< MTP layers in the file; none: as the converter does it
};

/// Every tensor that the converter writes, in the order in which the quantizer counts them (globals
/// first, then layer by layer, by name). Throws Error where llama.cpp does not know the
/// architecture.
[[nodiscard]] std::vector<GgufTensor> gguf_tensors(const Architecture& architecture,
                                                   const GgufOptions& options = {});

/// Every mixture (ftype) by name: "F16", "Q4_K_M", ..., smallest bits first.
[[nodiscard]] std::vector<std::string> gguf_mixture_names();
/// The canonical name, or nothing; case-insensitive.
[[nodiscard]] std::optional<std::string> find_gguf_mixture(std::string_view name);
/// Bits per weight on a plain dense model (Llama 3.1 8B; MXFP4_MOE on gpt-oss 120B), for sorting
/// and for nominal models.
[[nodiscard]] double gguf_mixture_bits(std::string_view name);

/// The type of each of `tensors`, which must be those of gguf_tensors() for this architecture.
[[nodiscard]] std::vector<GgmlType> gguf_types(const Architecture& architecture,
                                               const std::vector<GgufTensor>& tensors,
                                               std::string_view mixture,
                                               const GgufOptions& options = {});

/// What llama.cpp puts where, beyond bytes per layer.
struct GgufWeights {
  struct TypeTotal {
    std::int64_t tensors = 0;
    Bytes bytes;
  };
  std::string architecture;     ///< "qwen3moe"
  WeightLayout layout;          ///< what is loaded: MTP layers left out, tied tensors once
  Bytes file_bytes;             ///< sum of tensor bytes in the file, MTP layers included
  Bytes host_bytes;             ///< token embeddings: always in the client's host memory
  Bytes tied_duplicate;         ///< copy of a tied embedding on the last device
  Bytes per_device;             ///< rope_freqs: one copy on every device
  Bytes mtp_bytes;              ///< in the file, skipped at load
  std::int64_t mtp_layers = 0;  ///< they count when layers are shared out over devices
  std::int64_t parameters = 0;  ///< elements in the file, as llama.cpp prints them
  std::map<GgmlType, TypeTotal> by_type;
};

/// Throws Error where llama.cpp does not know the architecture or the recipe is not one of its own.
[[nodiscard]] GgufWeights gguf_weights(const Architecture& architecture, const Recipe& recipe,
                                       const GgufOptions& options = {});
[[nodiscard]] WeightLayout gguf_weight_layout(const Architecture& architecture,
                                              const Recipe& recipe);

/// What a context of llama.cpp is created with.
struct LlamaCacheOptions {
  Tokens context{4096};  ///< n_ctx: of all sequences together
  std::int64_t parallel = 1;
  bool unified = false;  ///< one stream of n_ctx cells; else one stream a sequence
  GgmlType key_type = GgmlType::f16;
  GgmlType value_type = GgmlType::f16;
  std::int64_t ubatch = 512;
  bool swa_full = false;
  bool flash_attention = true;
};

/// What llama.cpp allocates for keys, values and recurrent states.
struct LlamaCache {
  std::int64_t streams = 1;
  std::int64_t cells = 0;          ///< per stream, layers that see everything
  std::int64_t sliding_cells = 0;  ///< per stream, sliding layers; 0: there are none
  std::vector<Bytes> layers;       ///< first layer to last, MTP layers not among them
  Bytes keys;
  Bytes values;
  Bytes recurrent;
  Evidence evidence = Evidence::exact;

  [[nodiscard]] Bytes total() const { return keys + values + recurrent; }
};

/// Throws Error where llama.cpp refuses: quantized values without flash attention, types that
/// differ with MLA, a block that does not divide a head.
[[nodiscard]] LlamaCache llama_cache(const Architecture& architecture,
                                     const LlamaCacheOptions& options);

}  // namespace macfit::model
