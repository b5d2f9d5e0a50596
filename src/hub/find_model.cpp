// Which of the models in the stores is meant by a name.
#include <algorithm>
#include <set>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hub/stores.hpp"

namespace macfit::hub {
namespace {

bool has_word(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Only Hugging Face's cache says which commit it holds: what others hold stands for main.
bool is_at(const LocalModel& model, const std::string& revision) {
  constexpr std::size_t shortest_commit = 7;
  return revision.empty() || has_word(model.refs, revision) ||
         (model.revision.empty() && revision == "main") ||
         (revision.size() >= shortest_commit && model.revision.rfind(revision, 0) == 0);
}

/// llama.cpp's file is org_repo_file.gguf even where no manifest says what org and repo are.
bool is_of(const LocalModel& model, const Reference& reference) {
  if (!is_at(model, reference.revision)) {
    return false;
  }
  if (same_name(model.name, reference.name())) {
    return true;
  }
  // Ollama: hf.co/org/repo:tag.
  const std::string ollama = "hf.co/" + reference.name() + ":";
  if (model.gguf && lower(model.name).rfind(lower(ollama), 0) == 0) {
    return reference.quant.empty() || same_name(model.name.substr(ollama.size()), reference.quant);
  }
  const std::string start = reference.organization + "_" + reference.repository + "_";
  return model.gguf && lower(model.name).rfind(lower(start), 0) == 0;
}

/// The one meant of a store's candidates; those that are not whole come last.
std::optional<LocalModel> chosen(std::vector<LocalModel> candidates, const Reference& reference) {
  if (!reference.path.empty()) {
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                    [&](const LocalModel& model) {
                                      const std::string path = model.path.generic_string();
                                      return path.find("/" + reference.path) == std::string::npos;
                                    }),
                     candidates.end());
  }
  std::stable_partition(candidates.begin(), candidates.end(),
                        [](const LocalModel& model) { return model.complete(); });
  if (candidates.empty()) {
    return std::nullopt;
  }
  if (reference.quant.empty() && !candidates.front().gguf) {
    return candidates.front();
  }
  std::vector<std::string> quants;
  std::vector<LocalModel> files;
  std::set<std::string> seen;
  for (LocalModel& model : candidates) {
    if (model.gguf && seen.insert(model.quant).second) {
      quants.push_back(model.quant);
      files.push_back(std::move(model));
    }
  }
  const bool has = std::any_of(quants.begin(), quants.end(), [&](const std::string& quant) {
    return same_name(quant, reference.quant);
  });
  if (files.empty() || (!reference.quant.empty() && !has)) {
    return std::nullopt;  // another store, or the hub, may have it
  }
  return files[choose_quant(quants, reference.quant,
                            reference.name() + " in the " + files.front().store)];
}

/// So that no error is endless.
std::string some_of(const std::vector<std::string>& quants) {
  constexpr std::size_t most = 40;
  if (quants.size() <= most) {
    return join_words(quants);
  }
  const std::vector<std::string> first(quants.begin(), quants.begin() + most);
  return join_words(first) + " and " + std::to_string(quants.size() - most) + " more";
}

}  // namespace

std::size_t choose_quant(const std::vector<std::string>& quants, std::string_view asked,
                         const std::string& where) {
  const auto find = [&](std::string_view quant) {
    return static_cast<std::size_t>(
        std::find_if(quants.begin(), quants.end(),
                     [&](const std::string& one) { return same_name(one, quant); }) -
        quants.begin());
  };
  if (!asked.empty()) {
    std::size_t found = find(asked);
    if (found == quants.size()) {
      found = find("UD-" + std::string(asked));  // as llama.cpp takes Unsloth's
    }
    if (found == quants.size()) {
      throw unknown_name("quantization", asked, quants, {}, where + " has " + some_of(quants));
    }
    return found;
  }
  if (quants.size() == 1) {
    return 0;
  }
  // What llama.cpp takes where nothing is said.
  const std::size_t usual = find("Q4_K_M");
  if (usual == quants.size()) {
    throw Error(where + " has several quantizations: " + some_of(quants), {},
                "name one behind a colon, such as :" + quants.front());
  }
  return usual;
}

std::optional<LocalModel> find_model(const std::vector<Store>& stores, const Reference& reference) {
  std::optional<LocalModel> incomplete;
  for (const Store& store : stores) {
    std::vector<LocalModel> models = list_models(store);
    models.erase(std::remove_if(models.begin(), models.end(),
                                [&](const LocalModel& model) { return !is_of(model, reference); }),
                 models.end());
    std::optional<LocalModel> found = chosen(std::move(models), reference);
    if (found && found->complete()) {
      return found;
    }
    if (found && !incomplete) {
      incomplete = std::move(found);
    }
  }
  return incomplete;
}

std::optional<LocalModel> find_model(const std::vector<Store>& stores, std::string_view name) {
  std::optional<LocalModel> incomplete;
  const std::string tagged = std::string(name) + ":latest";
  for (const Store& store : stores) {
    for (LocalModel& model : list_models(store)) {
      const bool same = same_name(model.name, name) ||
                        (store.kind == StoreKind::ollama && same_name(model.name, tagged));
      if (same && model.complete()) {
        return std::move(model);
      }
      if (same && !incomplete) {
        incomplete = std::move(model);
      }
    }
  }
  return incomplete;
}

}  // namespace macfit::hub
