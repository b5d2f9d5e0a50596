#include "ollama_json.hpp"

#include <nlohmann/json.hpp>

namespace macfit::hub {

OllamaManifest read_ollama_manifest(std::string_view text) {
  const auto root = nlohmann::json::parse(text, nullptr, false);
  const auto layers = root.is_object() ? root.find("layers") : root.end();
  if (!root.is_object() || layers == root.end() || !layers->is_array()) {
    return {};
  }
  for (const auto& layer : *layers) {
    if (!layer.is_object() || !layer.contains("mediaType") || !layer.contains("digest") ||
        layer["mediaType"] != "application/vnd.ollama.image.model" ||
        !layer["digest"].is_string()) {
      continue;
    }
    const std::string digest = layer["digest"].get<std::string>();
    constexpr std::string_view method = "sha256:";
    constexpr std::size_t digits = 64;
    if (digest.rfind(method, 0) != 0 || digest.size() != method.size() + digits ||
        digest.find_first_not_of("0123456789abcdef", method.size()) != std::string::npos) {
      continue;
    }
    const bool sized = layer.contains("size") && layer["size"].is_number_integer();
    return {digest.substr(method.size()), sized ? layer["size"].get<std::int64_t>() : 0};
  }
  return {};
}

}  // namespace macfit::hub
