// How Hugging Face, LM Studio, Ollama, llama.cpp and EXO lay models on disk. The trees are other
// programs': they may be broken, half downloaded, or full of links, and are only looked at.
#include "macfit/hub/stores.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <system_error>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/safetensors.hpp"
#include "ollama_json.hpp"

namespace macfit::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_entries = 100'000;  // of one store
constexpr std::size_t most_models = 10'000;
constexpr std::size_t largest_index_file = std::size_t{32} << 20U;

/// Looked at from one walk to the next, so that no tree is endless.
struct Budget {
  std::size_t entries = most_entries;
};

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

/// Names in a folder, sorted; none where it can't be read.
std::vector<std::string> names_in(const fs::path& folder, Budget& budget) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (budget.entries == 0) {
      break;
    }
    --budget.entries;
    names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string small_text(const fs::path& path, std::size_t limit) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > limit) {
    return {};
  }
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// How downloads that are under way, or were broken off, are called.
bool is_partial(std::string_view name) {
  for (const std::string_view end :
       {".incomplete", ".part", ".partial", ".downloadInProgress", ".download", ".tmp"}) {
    if (name.ends_with(end)) {
      return true;
    }
  }
  return starts_with(name, "downloading_") || name.find("-partial") != std::string_view::npos;
}

struct WeightFile {
  std::string path;        // below the model's folder
  std::int64_t size = -1;  // -1: it is not there, or no plain file
};

struct Folder {
  std::vector<WeightFile> weights;  // .gguf and .safetensors
  bool index = false;
  bool config = false;
  bool partial = false;
  bool outside = false;  // a link leads out of the fence
};

/// True where a path lies below `root` once every link is followed.
bool lies_in(const fs::path& path, const fs::path& root) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) {
    return true;  // it leads nowhere, which is told elsewhere
  }
  const fs::path base = fs::canonical(root, error);
  return !error &&
         std::mismatch(base.begin(), base.end(), real.begin(), real.end()).first == base.end();
}

/// `fence`: where links may lead; empty: anywhere.
void look_into(const fs::path& folder, const std::string& below, int depth, const fs::path& fence,
               Budget& budget, Folder& found) {
  constexpr int deepest = 3;
  for (const std::string& name : names_in(folder, budget)) {
    const fs::path path = folder / name;
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fence.empty() && fs::is_symlink(fs::symlink_status(path, error)) &&
        !lies_in(path, fence)) {
      found.outside = true;
      continue;
    }
    if (fs::is_directory(status)) {
      if (depth < deepest && !name.empty() && name.front() != '.') {
        look_into(path, below + name + "/", depth + 1, fence, budget, found);
      }
      continue;
    }
    found.partial = found.partial || is_partial(name);
    found.config = found.config || (name == "config.json" && below.empty());
    found.index = found.index || (name == "model.safetensors.index.json" && below.empty());
    if (!name.ends_with(".gguf") && !name.ends_with(".safetensors")) {
      continue;
    }
    WeightFile file{below + name, -1};
    if (fs::is_regular_file(status)) {
      const auto size = fs::file_size(path, error);
      file.size = error ? -1 : static_cast<std::int64_t>(size);
    }
    found.weights.push_back(std::move(file));
  }
}

Bytes sum_of(const std::vector<const WeightFile*>& files) {
  Bytes sum;
  for (const WeightFile* file : files) {
    sum += Bytes(std::max<std::int64_t>(file->size, 0));
  }
  return sum;
}

/// Why a set of files is not whole: parts that are not there, by their names or the index.
std::string lacking(const std::vector<const WeightFile*>& files, const Folder& folder,
                    const fs::path& path) {
  std::set<std::string> there;
  int parts = 0;
  for (const WeightFile* file : files) {
    if (file->size > 0) {
      there.insert(file->path);
    }
    parts = std::max(parts, split_parts(file->path));
  }
  std::size_t wanted = std::max<std::size_t>(static_cast<std::size_t>(parts), files.size());
  if (folder.index && !files.empty() && files.front()->path.ends_with(".safetensors")) {
    try {
      const read::SafetensorsIndex index = read::parse_safetensors_index(
          small_text(path / "model.safetensors.index.json", largest_index_file));
      wanted = std::max(wanted, index.files.size());
    } catch (const Error&) {
      return "its index can't be read";
    }
  }
  if (there.size() < wanted) {
    return std::to_string(wanted - there.size()) + " of " + std::to_string(wanted) +
           (wanted == 1 ? " file is" : " files are") + " not there" +
           (folder.partial ? ", a download is not finished" : "");
  }
  return {};
}

struct StorePlace {
  const Store& store;
  std::string name;
  std::string revision;
  fs::path path;
  std::vector<std::string> refs = {};
};

LocalModel model_at(const StorePlace& place) {
  LocalModel model;
  model.name = place.name;
  model.store = place.store.name;
  model.revision = place.revision;
  model.refs = place.refs;
  model.path = place.path;
  return model;
}

/// The safetensors that a runtime would load.
std::vector<const WeightFile*> loaded(const Folder& folder) {
  std::map<std::string, const WeightFile*> files;
  std::vector<std::string> names;
  for (const WeightFile& file : folder.weights) {
    if (file.path.ends_with(".safetensors") && file.path.find('/') == std::string::npos) {
      names.push_back(file.path);
      files[file.path] = &file;
    }
  }
  std::vector<const WeightFile*> found;
  for (const std::string& name : read::loaded_safetensors(std::move(names))) {
    found.push_back(files[name]);
  }
  return found;
}

/// The models of one folder: each GGUF file (or set of parts) is one, all safetensors are one.
void models_of(const StorePlace& place, const fs::path& fence, Budget& budget,
               std::vector<LocalModel>& out) {
  Folder folder;
  look_into(place.path, "", 0, fence, budget, folder);
  std::map<std::string, std::vector<const WeightFile*>> gguf;
  std::vector<const WeightFile*> safetensors = loaded(folder);
  for (const WeightFile& file : folder.weights) {
    const std::string_view base = fs::path(file.path).filename().string().rfind("mmproj", 0) == 0
                                      ? std::string_view()
                                      : split_base(file.path);
    if (file.path.ends_with(".gguf") && !base.empty()) {
      gguf[std::string(base)].push_back(&file);
    }
  }
  const std::string outside = folder.outside ? "a link leads out of its folder" : "";
  if (!safetensors.empty() || (gguf.empty() && (folder.config || folder.partial))) {
    LocalModel model = model_at(place);
    model.size = sum_of(safetensors);
    model.missing = safetensors.empty() ? folder.partial ? "a download is not finished"
                                                         : "its weights are not there"
                                        : lacking(safetensors, folder, place.path);
    if (model.missing.empty()) {
      model.missing = outside;
    }
    out.push_back(std::move(model));
  }
  for (const auto& [base, files] : gguf) {
    LocalModel model = model_at(place);
    model.gguf = true;
    model.quant = quant_of(base);
    model.path = place.path / files.front()->path;
    model.size = sum_of(files);
    model.missing = lacking(files, folder, place.path);
    out.push_back(std::move(model));
  }
}

/// "org/repo" of "models--org--repo".
std::string name_in_cache(std::string_view folder) {
  constexpr std::string_view start = "models--";
  if (!starts_with(folder, start)) {
    return {};
  }
  folder.remove_prefix(start.size());
  const auto cut = folder.find("--");
  return cut == std::string_view::npos
             ? std::string(folder)
             : std::string(folder.substr(0, cut)) + "/" + std::string(folder.substr(cut + 2));
}

/// Branches and tags ("main", "refs/pr/1") by the commit that each stands for.
void read_refs(const fs::path& folder, const std::string& below, int depth, Budget& budget,
               std::map<std::string, std::vector<std::string>>& refs) {
  constexpr int deepest = 3;
  constexpr std::size_t longest = 200;
  for (const std::string& name : names_in(folder, budget)) {
    const fs::path path = folder / name;
    std::error_code error;
    if (fs::is_directory(fs::symlink_status(path, error)) && depth < deepest) {
      read_refs(path, below + name + "/", depth + 1, budget, refs);
    } else {
      refs[std::string(trim(small_text(path, longest)))].push_back(below + name);
    }
  }
}

void list_hugging_face(const Store& store, Budget& budget, std::vector<LocalModel>& out) {
  for (const std::string& name : names_in(store.root, budget)) {
    const std::string model = name_in_cache(name);
    if (model.empty()) {
      continue;
    }
    const fs::path folder = store.root / name;
    std::map<std::string, std::vector<std::string>> refs;
    read_refs(folder / "refs", "", 0, budget, refs);
    bool any_partial = false;
    for (const std::string& blob : names_in(folder / "blobs", budget)) {
      any_partial = any_partial || is_partial(blob);
    }
    const std::size_t before = out.size();
    std::vector<std::string> snapshots = names_in(folder / "snapshots", budget);
    // What main stands for goes first.
    std::stable_partition(snapshots.begin(), snapshots.end(), [&](const std::string& commit) {
      const auto& names = refs[commit];
      return std::find(names.begin(), names.end(), "main") != names.end();
    });
    for (const std::string& commit : snapshots) {
      // Links lead from a snapshot to the blobs beside it. The model's folder itself may lie on
      // another disk.
      const fs::path snapshot = folder / "snapshots" / commit;
      if (lies_in(snapshot, folder)) {
        models_of({store, model, commit, snapshot, refs[commit]}, folder, budget, out);
      }
    }
    for (std::size_t at = before; at < out.size(); ++at) {
      if (!out[at].complete() && any_partial &&
          out[at].missing.find("not finished") == std::string::npos) {
        out[at].missing += ", a download is not finished";
      }
    }
    if (out.size() == before && any_partial) {
      LocalModel partial = model_at({store, model, {}, folder});
      partial.missing = "a download is not finished";
      out.push_back(std::move(partial));
    }
  }
}

/// Folders two deep, org/repo; one that holds weights itself is a model of its own name.
void list_folders(const Store& store, Budget& budget, std::vector<LocalModel>& out) {
  for (const std::string& name : names_in(store.root, budget)) {
    std::error_code error;
    const fs::path folder = store.root / name;
    if (name.front() == '.' || !fs::is_directory(folder, error)) {
      continue;
    }
    // EXO writes org--repo in one.
    if (const auto cut = name.find("--"); cut != std::string::npos) {
      models_of({store, name.substr(0, cut) + "/" + name.substr(cut + 2), "", folder}, {}, budget,
                out);
      continue;
    }
    bool is_model = fs::exists(folder / "config.json", error);
    std::vector<std::string> below = names_in(folder, budget);
    for (const std::string& file : below) {
      is_model = is_model || file.ends_with(".gguf") || file.ends_with(".safetensors");
    }
    if (is_model) {
      models_of({store, name, "", folder}, {}, budget, out);
      continue;
    }
    for (const std::string& repository : below) {
      if (repository.front() != '.' && fs::is_directory(folder / repository, error)) {
        models_of({store, name + "/" + repository, "", folder / repository}, {}, budget, out);
      }
    }
  }
}

std::string ollama_name(const std::string& host, const std::string& space, const std::string& model,
                        const std::string& tag) {
  if (host == "registry.ollama.ai") {
    return (space == "library" ? model : space + "/" + model) + ":" + tag;
  }
  return host + "/" + space + "/" + model + ":" + tag;
}

void add_ollama(const Store& store, const fs::path& manifest, const std::string& name,
                std::vector<LocalModel>& out) {
  const OllamaManifest read = read_ollama_manifest(small_text(manifest, std::size_t{1} << 20U));
  LocalModel model = model_at({store, name, "", {}});
  model.gguf = true;
  model.quant = quant_of(std::string_view(name).substr(name.rfind(':') + 1));
  model.size = Bytes(std::max<std::int64_t>(read.size, 0));
  if (read.digest.empty()) {
    model.path = manifest;
    model.missing = "its manifest names no GGUF file";
    out.push_back(std::move(model));
    return;
  }
  model.path = store.root / "blobs" / ("sha256-" + read.digest);
  std::error_code error;
  const bool there = fs::is_regular_file(model.path, error);
  const auto size = there ? fs::file_size(model.path, error) : 0;
  if (!there || error) {
    model.missing = "its weights are not there";
  } else if (read.size > 0 && size != static_cast<std::uintmax_t>(read.size)) {
    model.missing =
        "its file has " + std::to_string(size) + " bytes of " + std::to_string(read.size);
  }
  out.push_back(std::move(model));
}

void list_ollama(const Store& store, Budget& budget, std::vector<LocalModel>& out) {
  const fs::path top = store.root / "manifests";
  for (const std::string& host : names_in(top, budget)) {
    for (const std::string& space : names_in(top / host, budget)) {
      for (const std::string& model : names_in(top / host / space, budget)) {
        for (const std::string& tag : names_in(top / host / space / model, budget)) {
          add_ollama(store, top / host / space / model / tag, ollama_name(host, space, model, tag),
                     out);
        }
      }
    }
  }
}

/// Flat: org_repo_file.gguf, with manifest=org=repo=tag.json beside them.
void list_llama_cpp(const Store& store, Budget& budget, std::vector<LocalModel>& out) {
  Folder folder;
  std::map<std::string, std::string> repositories;  // by what their files' names start with
  for (const std::string& name : names_in(store.root, budget)) {
    const auto parts = split(name, '=');
    if (parts.size() == 4 && parts[0] == "manifest") {
      const std::string organization(parts[1]);
      const std::string repository(parts[2]);
      repositories[organization + "_" + repository + "_"] = organization + "/" + repository;
    }
    std::error_code error;
    const fs::path path = store.root / name;
    const bool partial = name.ends_with(".gguf.downloadInProgress");
    if ((name.ends_with(".gguf") || partial) && fs::is_regular_file(path, error)) {
      const auto size = static_cast<std::int64_t>(fs::file_size(path, error));
      const std::string whole = partial ? name.substr(0, name.rfind('.')) : name;
      folder.weights.push_back({whole, partial ? -1 : size});
      folder.partial = folder.partial || partial;
    }
  }
  std::map<std::string, std::vector<const WeightFile*>> sets;
  for (const WeightFile& file : folder.weights) {
    sets[std::string(split_base(file.path))].push_back(&file);
  }
  for (const auto& [base, files] : sets) {
    LocalModel model = model_at({store, std::string(base), "", store.root / files.front()->path});
    for (auto at = base.find('_'); at != std::string::npos; at = base.find('_', at + 1)) {
      if (const auto found = repositories.find(base.substr(0, at + 1));
          found != repositories.end()) {
        model.name = found->second;
      }
    }
    model.gguf = true;
    model.quant = quant_of(base);
    model.size = sum_of(files);
    model.missing = lacking(files, folder, store.root);
    out.push_back(std::move(model));
  }
}

}  // namespace

std::string_view store_name(StoreKind kind) noexcept {
  switch (kind) {
    case StoreKind::hugging_face:
      return "Hugging Face cache";
    case StoreKind::lm_studio:
      return "LM Studio folder";
    case StoreKind::ollama:
      return "Ollama store";
    case StoreKind::llama_cpp:
      return "llama.cpp cache";
    case StoreKind::folders:
      break;
  }
  return "folder";
}

std::vector<Store> known_stores(const std::function<std::string(const char*)>& environment,
                                bool mac) {
  const std::string home = environment("HOME");
  const auto either = [&](const char* variable, const std::string& otherwise) {
    const std::string value = environment(variable);
    return value.empty() ? otherwise : value;
  };
  const std::string caches = either("XDG_CACHE_HOME", home + "/.cache");
  std::vector<Store> stores;
  std::set<std::string> seen;
  const auto add = [&](StoreKind kind, const std::string& root, std::string name = {}) {
    std::error_code error;
    if (root.empty() || root.front() != '/' || !fs::is_directory(root, error) ||
        !seen.insert(fs::canonical(root, error).string()).second) {
      return;
    }
    stores.push_back({kind, root, name.empty() ? std::string(store_name(kind)) : std::move(name)});
  };
  const std::string hf_home = either("HF_HOME", caches + "/huggingface");
  add(StoreKind::hugging_face,
      either("HF_HUB_CACHE", either("HUGGINGFACE_HUB_CACHE", hf_home + "/hub")));
  if (!home.empty()) {
    const std::string pointer(trim(small_text(home + "/.lmstudio-home-pointer", 4096)));
    add(StoreKind::lm_studio, (pointer.empty() ? home + "/.lmstudio" : pointer) + "/models");
    add(StoreKind::lm_studio, home + "/.cache/lm-studio/models");
  }
  add(StoreKind::ollama, either("OLLAMA_MODELS", home + "/.ollama/models"));
  add(StoreKind::llama_cpp,
      either("LLAMA_CACHE", mac ? home + "/Library/Caches/llama.cpp" : caches + "/llama.cpp"));
  for (const char* variable : {"EXO_MODELS_DIR", "EXO_DEFAULT_MODELS_DIR", "EXO_MODELS_DIRS"}) {
    const std::string folders = environment(variable);
    for (const std::string_view folder : split(folders, ':')) {
      add(StoreKind::folders, std::string(folder), "EXO folder");
    }
  }
  if (const std::string exo = environment("EXO_HOME"); !exo.empty()) {
    add(StoreKind::folders, (exo.front() == '/' ? exo : home + "/" + exo) + "/models",
        "EXO folder");
  }
  add(StoreKind::folders, home + "/.exo/models", "EXO folder");
  add(StoreKind::folders, either("XDG_DATA_HOME", home + "/.local/share") + "/exo/models",
      "EXO folder");
  const std::string own = environment("MACFIT_MODEL_DIRS");
  for (const std::string_view folder : split(own, ':')) {
    add(StoreKind::folders, std::string(folder), std::string(folder));
  }
  return stores;
}

std::vector<LocalModel> list_models(const Store& store) {
  std::vector<LocalModel> models;
  Budget budget;
  switch (store.kind) {
    case StoreKind::hugging_face:
      list_hugging_face(store, budget, models);
      break;
    case StoreKind::ollama:
      list_ollama(store, budget, models);
      break;
    case StoreKind::llama_cpp:
      list_llama_cpp(store, budget, models);
      break;
    case StoreKind::lm_studio:
    case StoreKind::folders:
      list_folders(store, budget, models);
      break;
  }
  models.resize(std::min(models.size(), most_models));
  return models;
}

}  // namespace macfit::hub
