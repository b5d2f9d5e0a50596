// Where the architecture of a published figure is found: a config beside the file, or the catalog.

#include "model_sources.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/hf_config.hpp"

namespace macfit::verify {
namespace {

/// Letters and digits alone, in lower case: spellings differ in the rest.
std::string squeezed(std::string_view text) {
  std::string result;
  for (const char c : lower(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      result += c;
    }
  }
  return result;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  if (const std::size_t at = result.find(from); at != std::string::npos) {
    result.replace(at, from.size(), to);
  }
  return result;
}

/// "4bit", "8bits", "bf16", "gs32", "mxfp4", "q8": a word that a converter put there.
bool names_a_format(std::string_view word) {
  static constexpr std::array<std::string_view, 17> known = {
      "mlx",   "gguf", "bf16",  "fp16",   "f16",  "fp32", "fp8",  "mxfp4", "mxfp8",
      "nvfp4", "dwq",  "quant", "custom", "int4", "int8", "bits", "bit"};
  const std::string text = lower(word);
  if (std::find(known.begin(), known.end(), text) != known.end()) {
    return true;
  }
  const auto digits_after = [&](std::size_t start) {
    return text.size() > start &&
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(start), text.end(),
                       [](char c) { return c >= '0' && c <= '9'; });
  };
  if ((text.starts_with("gs") && digits_after(2)) || (text.starts_with("q") && digits_after(1))) {
    return true;
  }
  const std::size_t bit = text.find("bit");
  return bit != std::string::npos && bit > 0 &&
         (text.size() == bit + 3 || text.ends_with("bits")) &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bit),
                     [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string file_name_of(std::string_view repository) { return replaced(repository, "/", "--"); }

std::string repository_of(std::string_view file_name) { return replaced(file_name, "--", "/"); }

std::optional<Found> find_config(const Sources& sources, const std::string& name) {
  const std::string file = file_name_of(name);
  if (file.empty() || !sources.config) {
    return std::nullopt;
  }
  std::optional<std::string> text = sources.config(file);
  if (!text) {
    return std::nullopt;
  }
  Found found;
  found.from = "configs/" + file + ".json";
  try {
    read::ConfigReading reading = read::read_config(*text);
    found.architecture = std::move(reading.architecture);
    found.evidence = reading.evidence;
  } catch (const Error& error) {
    throw error.in_file(found.from);
  }
  found.config = *std::move(text);
  return found;
}

std::optional<Found> find_catalog(const Sources& sources, const std::string& name) {
  const std::string repository = repository_of(name);
  auto model = sources.catalog.find(repository);
  if (!model && repository != name) {
    model = sources.catalog.find(name);
  }
  if (!model || model->architecture.layers.empty()) {
    return std::nullopt;
  }
  Found found;
  found.architecture = model->architecture;
  found.from = "catalog " + model->id;
  found.catalog = std::move(model);
  return found;
}

std::optional<Found> find_model(const Sources& sources, const std::string& name) {
  if (auto found = find_config(sources, name)) {
    return found;
  }
  return find_catalog(sources, name);
}

Found get_model(const Sources& sources, const std::string& name) {
  if (auto found = find_model(sources, name)) {
    return *std::move(found);
  }
  throw Error("architecture not known: there is no configs/" + printable(file_name_of(name)) +
              ".json, and the catalog has no such model");
}

std::optional<model::Model> find_loosely(const Sources& sources, std::string_view name) {
  for (const std::string_view part : split(name, '/')) {
    if (auto model = sources.catalog.find(part)) {
      return model;
    }
  }
  const std::vector<std::string> ids = sources.catalog.ids();
  for (const std::string_view part : split(name, '/')) {
    std::string wanted = squeezed(part);
    if (wanted.starts_with("dsv")) {
      wanted.replace(0, 2, "deepseek");
    }
    if (wanted.empty()) {
      continue;
    }
    const std::string* longer = nullptr;
    for (const std::string& id : ids) {
      const std::string known = squeezed(id);
      if (known == wanted) {
        return sources.catalog.find(id);
      }
      if (longer == nullptr && known.starts_with(wanted)) {
        longer = &id;
      }
    }
    if (longer != nullptr) {
      return sources.catalog.find(*longer);
    }
    for (const model::Model& model : sources.catalog.all()) {
      if (squeezed(model.architecture.type) == wanted) {
        return model;
      }
    }
  }
  return std::nullopt;
}

std::string base_name(std::string_view repository) {
  std::string_view text = repository;
  if (const std::size_t slash = text.rfind('/'); slash != std::string_view::npos) {
    text.remove_prefix(slash + 1);
  }
  // "Name GGUF (maker)" and "Name-MLX-4bit".
  text = trim(text.substr(0, text.find(" (")));
  while (true) {
    const std::size_t at = text.find_last_of("- ");
    if (at == std::string_view::npos || !names_a_format(text.substr(at + 1))) {
      return std::string(text);
    }
    text = trim(text.substr(0, at));
  }
}

}  // namespace macfit::verify
