#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace macfit::hub {

/// What an Ollama manifest says of its weights.
struct OllamaManifest {
  std::string digest;  ///< 64 hexadecimal digits; empty: it has no GGUF layer
  std::int64_t size = 0;
};

/// What can't be read as one gives an empty digest.
[[nodiscard]] OllamaManifest read_ollama_manifest(std::string_view text);

}  // namespace macfit::hub
