// Which tool wrote a published checkpoint, and the bytes that it should have.

#include "checkpoint_recipe.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/read/mlx_checkpoint.hpp"

namespace macfit::verify {
namespace {

using model::Recipe;

bool holds(std::string_view text, std::string_view part) {
  return lower(text).find(part) != std::string::npos;
}

/// "4bits" is "4bit", "Q4_K-Medium" is "Q4_K_M".
std::string spelled(std::string_view quant) {
  std::string text = lower(trim(quant));
  if (text.ends_with("bits")) {
    text.pop_back();
  }
  return text;
}

/// Words of a quant that no published rule stands behind.
bool has_no_rule(std::string_view quant) {
  static constexpr std::array<std::string_view, 6> made_by_hand = {"ud-",    "dynamic", "custom",
                                                                   "medium", "dq",      "oq"};
  return std::any_of(made_by_hand.begin(), made_by_hand.end(),
                     [&](std::string_view word) { return holds(quant, word); });
}

/// The group size that the repository's name or the list's note adds: "…-8bit-gs32".
std::string with_group(const PublishedFile& file, std::string quant) {
  if (quant.find("-g") != std::string::npos || !quant.ends_with("bit")) {
    return quant;
  }
  const std::array<std::pair<std::string, std::string_view>, 2> places = {
      {{lower(file.repository), "-gs"}, {lower(file.note), "group size "}}};
  for (const auto& [text, word] : places) {
    const std::size_t at = text.rfind(word);
    if (at == std::string::npos) {
      continue;
    }
    const std::size_t start = at + word.size();
    const std::size_t end = std::min(text.find_first_not_of("0123456789", start), text.size());
    if (end > start) {
      return quant + "-gs" + text.substr(start, end - start);
    }
  }
  return quant;
}

/// A size that a repository states may be its tensors, its safetensors files or all it holds:
/// headers and tokenizers took 0.4 to 57 MB of those looked at (docs/validation.md).
constexpr std::int64_t most_beside_tensors = 64'000'000;

CheckpointBytes mlx_bytes(Bytes bytes, std::string reason) {
  CheckpointBytes result;
  result.bytes = bytes;
  result.low = bytes;
  result.high = bytes + Bytes(most_beside_tensors);
  result.reason = std::move(reason);
  return result;
}

CheckpointBytes gguf_bytes(const Found& found, const std::string& quant) {
  const std::optional<std::string> mixture = model::find_gguf_mixture(quant);
  if (!mixture) {
    throw Error(fmt::format("no rule for the format \"{}\" of a GGUF file", printable(quant)));
  }
  Recipe recipe;
  recipe.name = *mixture;
  recipe.kind = Recipe::Kind::gguf;
  const auto bytes = [&](bool imatrix) {
    model::GgufOptions options;
    options.imatrix = imatrix;
    return model::gguf_weights(found.architecture, recipe, options).file_bytes;
  };
  CheckpointBytes result;
  result.gguf = true;
  result.bytes = bytes(false);
  const Bytes other = bytes(true);
  result.low = std::min(result.bytes, other);
  result.high = std::max(result.bytes, other) + Bytes(most_beside_tensors);
  result.reason = "llama.cpp's " + *mixture;
  if (other != result.bytes) {
    result.reason +=
        " without an importance matrix (with one: " + format_whole(other.count()) + ")";
  }
  return result;
}

Bytes sized(const model::Architecture& architecture, const Recipe& recipe) {
  const auto bytes = model::checkpoint_bytes(architecture, recipe);
  if (!bytes) {
    throw Error("the file holds towers whose size is not known");
  }
  return *bytes;
}

/// The format that the model's own repository is published in, where it is not plain 16 bits.
std::optional<Recipe> native_recipe(const Found& found) {
  if (!found.config.empty()) {
    const read::CheckpointConfig config = read::parse_checkpoint_config(found.config);
    if (config.kind != read::CheckpointConfig::Kind::plain &&
        config.kind != read::CheckpointConfig::Kind::mlx) {
      return config.recipe;
    }
    return std::nullopt;
  }
  if (!found.catalog) {
    return std::nullopt;
  }
  for (const model::PublishedFormat& format : found.catalog->formats) {
    const bool own = same_name(format.repository, found.catalog->repository);
    if (own && format.recipe.name != "bf16" && format.recipe.name != "f16") {
      return format.recipe;
    }
  }
  return std::nullopt;
}

/// Does the name say that the weights were converted?
bool name_says_format(const PublishedFile& file) {
  const std::string last = file.repository.substr(file.repository.rfind('/') + 1);
  return base_name(last) != trim(last.substr(0, last.find(" (")));
}

bool has_towers(const model::Architecture& architecture) {
  return !architecture.extras.vision_parameters || *architecture.extras.vision_parameters > 0;
}

}  // namespace

bool is_gguf(const PublishedFile& file) {
  if (holds(file.repository, "gguf")) {
    return true;
  }
  const auto recipe = model::find_recipe(spelled(file.quant));
  return recipe && recipe->kind == Recipe::Kind::gguf;
}

bool is_native(const PublishedFile& file) {
  return !is_gguf(file) && !name_says_format(file) &&
         !file.repository.starts_with("mlx-community/");
}

CheckpointBytes checkpoint_bytes(const Found& found, const PublishedFile& file) {
  if (has_no_rule(file.quant) || holds(file.repository, "(ud")) {
    throw Error(fmt::format("\"{}\" is a mixture of its maker's own: no rule gives its size",
                            printable(file.quant.empty() ? file.repository : file.quant)));
  }
  std::string quant = spelled(file.quant);
  if (is_gguf(file)) {
    return gguf_bytes(found, quant);
  }
  const model::Architecture& architecture = found.architecture;
  const bool sixteen = quant == "bf16" || quant == "fp16" || quant == "f16";
  // A name without a format is a copy of what the maker published, whatever bits the list states.
  if (!sixteen && !name_says_format(file)) {
    if (const auto native = native_recipe(found)) {
      return mlx_bytes(sized(architecture, *native), native->name + ", as its maker published it");
    }
    if (quant.empty()) {
      quant = "bf16";
    }
  }
  quant = with_group(file, quant);
  const std::optional<Recipe> plain = model::find_recipe(quant);
  if (!plain || plain->kind == Recipe::Kind::nominal) {
    throw Error(fmt::format("no rule for the format \"{}\"", printable(file.quant)));
  }
  if (!has_towers(architecture)) {
    return mlx_bytes(sized(architecture, *plain), plain->name);
  }
  // mlx-lm drops towers, mlx-vlm keeps them: who converts a model with towers uses the latter.
  if (const auto vlm = model::find_recipe("mlx-vlm-" + quant)) {
    return mlx_bytes(sized(architecture, *vlm), vlm->name + ": made by mlx-vlm, towers in 16 bits");
  }
  return mlx_bytes(sized(architecture, *plain), plain->name + ": towers dropped");
}

}  // namespace macfit::verify
