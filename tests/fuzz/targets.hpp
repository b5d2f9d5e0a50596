#pragma once

// What the fuzz targets do with their bytes; a test replays the corpora through the same functions.
// A function of that name is a target: tests/CMakeLists.txt lists them.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace macfit::fuzz {

void batch(const std::uint8_t* data, std::size_t size);
void calibration(const std::uint8_t* data, std::size_t size);
void check(const std::uint8_t* data, std::size_t size);
void check_baseline(const std::uint8_t* data, std::size_t size);
void cluster_file(const std::uint8_t* data, std::size_t size);
void compare(const std::uint8_t* data, std::size_t size);
void gguf(const std::uint8_t* data, std::size_t size);
void gguf_shape(const std::uint8_t* data, std::size_t size);
void hardware_catalog(const std::uint8_t* data, std::size_t size);
void hf_config(const std::uint8_t* data, std::size_t size);
void jobs(const std::uint8_t* data, std::size_t size);
void manifest(const std::uint8_t* data, std::size_t size);
void measurements(const std::uint8_t* data, std::size_t size);
void mlx_config(const std::uint8_t* data, std::size_t size);
void names(const std::uint8_t* data, std::size_t size);
void nodes(const std::uint8_t* data, std::size_t size);
void quantities(const std::uint8_t* data, std::size_t size);
void safetensors(const std::uint8_t* data, std::size_t size);
void safetensors_index(const std::uint8_t* data, std::size_t size);
void sweep_spec(const std::uint8_t* data, std::size_t size);

struct Target {
  std::string_view name;  ///< of the corpus
  void (*run)(const std::uint8_t* data, std::size_t size);
};
inline constexpr Target targets[] = {
    {"batch", batch},
    {"calibration", calibration},
    {"check", check},
    {"check_baseline", check_baseline},
    {"cluster_file", cluster_file},
    {"compare", compare},
    {"gguf", gguf},
    {"gguf_shape", gguf_shape},
    {"hardware_catalog", hardware_catalog},
    {"hf_config", hf_config},
    {"jobs", jobs},
    {"manifest", manifest},
    {"measurements", measurements},
    {"mlx_config", mlx_config},
    {"names", names},
    {"nodes", nodes},
    {"quantities", quantities},
    {"safetensors", safetensors},
    {"safetensors_index", safetensors_index},
    {"sweep_spec", sweep_spec},
};

}  // namespace macfit::fuzz
