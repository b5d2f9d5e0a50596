#include "targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  macfit::fuzz::safetensors_index(data, size);
  return 0;
}
