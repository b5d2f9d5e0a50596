#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "macfit/model/catalog.hpp"
#include "macfit/model/weight_format.hpp"

namespace macfit::model {

/// What a name says that is spelled as a hub, Ollama, LM Studio or a person spells it.
struct Spelling {
  std::string id;                ///< of the catalog's model
  std::optional<Recipe> recipe;  ///< none: the name states no format
  std::string note;              ///< which model it was read as, as a sentence
  std::string format_note;       ///< where `recipe` comes from, as a sentence; empty without one
};

/// Reads "mlx-community/Qwen3-8B-4bit-DWQ", "unsloth/Qwen3-8B-GGUF:Q6_K", "llama3.3:70b",
/// "Qwen3-235B-A22B-8bit", "Kimi K2" or a model's address on a hub. Words that say nothing of size
/// are dropped (instruct, chat, GGUF …); all others must be the model's own. Nothing where the
/// catalog holds no such model; Error where several are meant or the format is not known.
[[nodiscard]] std::optional<Spelling> read_spelling(std::string_view name, const Catalog& catalog);

}  // namespace macfit::model
