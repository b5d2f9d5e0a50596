#include "ollama_json.hpp"

#include <nlohmann/json.hpp>

namespace macfit::hub {
namespace {

using Json = nlohmann::json;

/// A layer of a manifest that is the model itself, not its template, license or projector.
bool is_model_layer(const Json& layer) {
  return layer.is_object() && layer.contains("mediaType") && layer.contains("digest") &&
         layer["mediaType"] == "application/vnd.ollama.image.model";
}

/// The digits of "sha256:..."; empty where the digest is none of that kind: it becomes a file name.
std::string sha256_of(const Json& digest) {
  constexpr std::string_view method = "sha256:";
  constexpr std::size_t digits = 64;
  const std::string text = digest.is_string() ? digest.get<std::string>() : std::string();
  const bool whole = text.rfind(method, 0) == 0 && text.size() == method.size() + digits &&
                     text.find_first_not_of("0123456789abcdef", method.size()) == std::string::npos;
  return whole ? text.substr(method.size()) : std::string();
}

}  // namespace

OllamaManifest read_ollama_manifest(std::string_view text) {
  const auto root = Json::parse(text, nullptr, false);
  const auto layers = root.is_object() ? root.find("layers") : root.end();
  if (!root.is_object() || layers == root.end() || !layers->is_array()) {
    return {};
  }
  for (const auto& layer : *layers) {
    if (!is_model_layer(layer)) {
      continue;
    }
    std::string digest = sha256_of(layer["digest"]);
    if (!digest.empty()) {
      const bool sized = layer.contains("size") && layer["size"].is_number_integer();
      return {std::move(digest), sized ? layer["size"].get<std::int64_t>() : 0};
    }
  }
  return {};
}

}  // namespace macfit::hub
