#pragma once

// What the fuzz targets do with their bytes; a normal test replays the corpora through the same
// functions. Only Error may leave a reader.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "macfit/core/error.hpp"
#include "macfit/model/gguf.hpp"
#include "macfit/model/gguf_shape.hpp"
#include "macfit/model/io/byte_source.hpp"
#include "macfit/model/io/gguf_file.hpp"
#include "macfit/model/io/hf_config.hpp"
#include "macfit/model/io/mlx_checkpoint.hpp"
#include "macfit/model/io/safetensors.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/manifest.hpp"

namespace macfit::fuzz {

using namespace macfit::model;

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs one step; an Error is a fine end of it.
template <class Step>
void attempt(Step step) {
  try {
    step();
  } catch (const Error&) {
    return;
  }
}

/// Everything that planning asks of a model's shapes.
inline void use(const Architecture& architecture) {
  attempt([&] { (void)count_parameters(architecture); });
  attempt([&] { (void)cache_shapes(architecture); });
  attempt([&] {
    Recipe recipe;
    recipe.name = "Q4_K_M";
    recipe.kind = Recipe::Kind::gguf;
    (void)gguf_weights(architecture, recipe);
  });
  attempt([&] { (void)llama_cache(architecture, {}); });
  attempt([&] { (void)weight_layout(architecture, parse_recipe("4bit")).total(); });
}

inline void gguf(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const MemorySource source(text_of(data, size), "fuzz.gguf");
    const GgufHeader header = read_gguf_header(source);
    attempt([&] { use(gguf_model(header, "fuzz").architecture); });
  });
}

inline void safetensors(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const MemorySource source(text_of(data, size), "fuzz.safetensors");
    const SafetensorsHeader header = read_safetensors_header(source);
    attempt([&] { (void)checkpoint_model(header.tensors, std::nullopt, "fuzz"); });
  });
}

inline void safetensors_index(const std::uint8_t* data, std::size_t size) {
  attempt([&] { (void)parse_safetensors_index(text_of(data, size)); });
}

inline void hf_config(const std::uint8_t* data, std::size_t size) {
  attempt([&] { use(read_hf_config(text_of(data, size))); });
}

inline void mlx_config(const std::uint8_t* data, std::size_t size) {
  attempt([&] { (void)config_model(text_of(data, size), "fuzz"); });
  attempt([&] { (void)checkpoint_model({}, std::string(text_of(data, size)), "fuzz"); });
}

inline void gguf_shape(const std::uint8_t* data, std::size_t size) {
  attempt([&] { use(architecture_from_gguf_shape(text_of(data, size))); });
}

inline void manifest(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const Model model = read_manifest(text_of(data, size));
    use(model.architecture);
    (void)read_manifest(write_manifest(model));
  });
}

struct Target {
  std::string_view name;  ///< of the corpus
  void (*run)(const std::uint8_t* data, std::size_t size);
};
inline constexpr Target targets[] = {
    {"gguf", gguf},
    {"gguf_shape", gguf_shape},
    {"hf_config", hf_config},
    {"manifest", manifest},
    {"mlx_config", mlx_config},
    {"safetensors", safetensors},
    {"safetensors_index", safetensors_index},
};

}  // namespace macfit::fuzz
