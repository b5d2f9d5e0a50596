#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/hub/reference.hpp"

namespace macfit::hub {

// Models that other programs have downloaded, as they lie on disk. Read only; links are followed
// no further than they need be, and no tree is walked without bounds.

enum class StoreKind : std::uint8_t { hugging_face, lm_studio, ollama, llama_cpp, folders };
/// "Hugging Face cache".
[[nodiscard]] std::string_view store_name(StoreKind kind) noexcept;

struct Store {
  StoreKind kind = StoreKind::folders;
  std::filesystem::path root;
  std::string name;  ///< "EXO's folder"; for most kinds store_name()
};

/// Where the stores of this user lie, by their programs' own rules: HF_HUB_CACHE, HF_HOME,
/// XDG_CACHE_HOME, OLLAMA_MODELS, LLAMA_CACHE, EXO_HOME, EXO_MODELS_DIR and their defaults below
/// HOME, and the folders of MACFIT_MODEL_DIRS (separated by colons: org/repo or models straight in
/// them). Those that are there, in the order they are asked.
[[nodiscard]] std::vector<Store> known_stores(
    const std::function<std::string(const char*)>& environment, bool mac);

struct LocalModel {
  std::string name;               ///< "mlx-community/Qwen3-8B-4bit", "llama3.3:70b"
  std::string quant;              ///< of a GGUF file, where its name says one: "Q4_K_M"
  std::string store;              ///< Store::name
  std::string revision;           ///< a commit, in the Hugging Face cache
  std::vector<std::string> refs;  ///< branches and tags there that stand for it
  std::filesystem::path path;     ///< what read_model takes: a folder or a GGUF file
  Bytes size;                     ///< of its weight files
  bool gguf = false;
  std::string missing;  ///< why it is not whole; empty: it is

  [[nodiscard]] bool complete() const { return missing.empty(); }
};

/// Every model of a store, by name.
[[nodiscard]] std::vector<LocalModel> list_models(const Store& store);

/// The model in the first store that has it whole; else one that is not whole; nothing where none
/// has it. Throws Error where a repository's files hold several quantizations and none is said,
/// unless Q4_K_M is among them, which is then taken.
[[nodiscard]] std::optional<LocalModel> find_model(const std::vector<Store>& stores,
                                                   const Reference& reference);
/// The same for a name such as Ollama's "llama3.3:70b" ("llama3.3" is "llama3.3:latest").
[[nodiscard]] std::optional<LocalModel> find_model(const std::vector<Store>& stores,
                                                   std::string_view name);

/// Which of several quantizations is meant: the one said, the only one, or Q4_K_M. Throws Error
/// naming those there are. `where` is for its words.
[[nodiscard]] std::size_t choose_quant(const std::vector<std::string>& quants,
                                       std::string_view asked, const std::string& where);

}  // namespace macfit::hub
