// The model at a path, told by what is there: one door for every kind of file and folder.

#include "macfit/read/read_model.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "config_node.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/read/byte_source.hpp"
#include "macfit/read/gguf_file.hpp"
#include "macfit/read/mlx_checkpoint.hpp"
#include "macfit/read/safetensors.hpp"

namespace macfit::read {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_json = std::uint64_t{64} << 20;

std::string read_text(const ByteSource& source) {
  if (source.size() > longest_json) {
    throw Error("neither GGUF nor safetensors, and too large for JSON (64 MiB)",
                Place{source.name(), {}, {}});
  }
  return source.read(0, static_cast<std::size_t>(source.size()));
}

std::optional<std::string> text_beside(const fs::path& folder, const char* name) {
  std::error_code code;
  if (!fs::exists(folder / name, code)) {
    return std::nullopt;
  }
  return read_text(FileSource(folder / name));
}

/// "model-00001-of-00003.gguf" -> "model"; a file that only says what it is takes its folder's
/// name.
std::string id_of(const fs::path& path) {
  std::string id = path.stem().string();
  if (const auto of = id.rfind("-of-"); of != std::string::npos && of > 6) {
    id.erase(of - 6);
  }
  for (const std::string_view plain : {"config", "model", "model.safetensors.index", "manifest"}) {
    if (id == plain) {
      std::error_code code;
      const fs::path folder = fs::absolute(path, code).parent_path();
      id = folder.filename().string();
    }
  }
  return id.empty() ? path.string() : id;
}

model::Model read_path(const fs::path& path, bool manifests);

model::Model read_json(const fs::path& path, const std::string& text, bool manifests) {
  const ConfigNode root = parse_config(text);
  if (const ConfigNode* schema = root.find("schema")) {
    if (schema->string() != "macfit.manifest/1") {
      throw schema->error("expected \"macfit.manifest/1\", found \"" +
                          printable(schema->string(), 60) + "\"");
    }
    if (!manifests) {
      throw root.error("a manifest can't name another manifest");
    }
    return model::read_manifest(text, files_beside(path));
  }
  if (root.find("weight_map") != nullptr) {
    return checkpoint_model(read_safetensors(path), text_beside(path.parent_path(), "config.json"),
                            id_of(path));
  }
  if (root.find("model_type") == nullptr && root.find("architectures") == nullptr) {
    throw root.error(
        "expected a manifest (\"schema\"), a config.json (\"model_type\") or a "
        "safetensors index (\"weight_map\")");
  }
  return config_model(text, id_of(path));
}

model::Model read_file(const fs::path& path, bool manifests) {
  const FileSource source(path);
  if (source.size() == 0) {
    throw Error("the file is empty", Place{source.name(), {}, 0});
  }
  if (looks_like_gguf(source)) {
    return gguf_model(read_gguf_file(path), id_of(path));
  }
  // A broken header still is one where the name says so: its reader tells what is wrong with it.
  if (looks_like_safetensors(source) || lower(path.extension().string()) == ".safetensors") {
    return checkpoint_model(read_safetensors(path), text_beside(path.parent_path(), "config.json"),
                            id_of(path));
  }
  const std::string start =
      source.read(0, static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), 64)));
  const std::string_view trimmed = trim(start);
  if (!trimmed.empty() && trimmed.front() != '{' && !trimmed.starts_with("\xEF\xBB\xBF")) {
    throw Error("not a model: expected GGUF, safetensors or JSON", Place{source.name(), {}, 0});
  }
  return read_json(path, read_text(source), manifests);
}

/// What of a folder's files can be a model.
struct FolderFiles {
  std::vector<fs::path> gguf;  ///< first parts, sorted; projectors for images left out
  bool safetensors = false;    ///< or an index of such files
  bool bare = true;            ///< none is there, whatever an index says
  bool config = false;
};

FolderFiles files_of(const fs::path& path) {
  FolderFiles files;
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, code)) {
    const std::string name = entry.path().filename().string();
    const bool later_part =
        name.find("-of-") != std::string::npos && name.find("-00001-of-") == std::string::npos;
    const bool tensors = name.ends_with(".safetensors");
    files.bare = files.bare && !tensors;
    files.safetensors = files.safetensors || tensors || name.ends_with(".safetensors.index.json");
    files.config = files.config || name == "config.json";
    if (name.ends_with(".gguf") && !later_part && !name.starts_with("mmproj")) {
      files.gguf.push_back(entry.path());
    }
  }
  if (code) {
    throw Error("the folder can't be read: " + code.message());
  }
  std::sort(files.gguf.begin(), files.gguf.end());
  return files;
}

/// The tensors of a folder's files; none where an index without its files stands beside a config,
/// which still gives sizes by formula.
std::vector<SafetensorsTensor> folder_tensors(const fs::path& path, const FolderFiles& files) {
  try {
    return read_safetensors(path);
  } catch (const Error&) {
    if (!files.config || !files.bare) {
      throw;
    }
    return {};
  }
}

const fs::path& only_gguf(const std::vector<fs::path>& gguf) {
  if (gguf.size() > 1) {
    constexpr std::size_t most_named = 5;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min(gguf.size(), most_named); ++i) {
      names.push_back(printable(gguf[i].filename().string(), 80));
    }
    throw Error("the folder holds several GGUF files: name one of them", {},
                join_words(names, "or"));
  }
  return gguf.front();
}

model::Model read_folder(const fs::path& path) {
  const FolderFiles files = files_of(path);
  const std::string id = id_of(path / "model.x");
  if (files.safetensors) {
    const std::vector<SafetensorsTensor> tensors = folder_tensors(path, files);
    if (!tensors.empty()) {
      return checkpoint_model(tensors, text_beside(path, "config.json"), id);
    }
  }
  if (!files.gguf.empty()) {
    const fs::path& file = only_gguf(files.gguf);
    return gguf_model(read_gguf_file(file), id_of(file));
  }
  if (files.config) {
    const fs::path file = path / "config.json";
    try {
      return config_model(read_text(FileSource(file)), id);
    } catch (const Error& error) {
      throw error.in_file(file.string());
    }
  }
  throw Error("the folder holds no model: no config.json, no safetensors, no GGUF file");
}

model::Model read_path(const fs::path& path, bool manifests) {
  try {
    std::error_code code;
    model::Model model =
        fs::is_directory(path, code) ? read_folder(path) : read_file(path, manifests);
    if (model.architecture_source.empty()) {
      model.architecture_source = path.string();
    }
    return model;
  } catch (const Error& error) {
    throw error.in_file(path.string());
  }
}

using Files = std::vector<std::shared_ptr<const ByteSource>>;

/// Files at hand by what they are, each kind in the order of names.
struct SortedFiles {
  Files gguf;
  Files safetensors;
  Files json;
};

SortedFiles sorted(Files files) {
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a->name() < b->name(); });
  SortedFiles result;
  for (const auto& file : files) {
    Files& kind = looks_like_gguf(*file)          ? result.gguf
                  : looks_like_safetensors(*file) ? result.safetensors
                                                  : result.json;
    kind.push_back(file);
  }
  return result;
}

std::optional<std::string> config_among(const Files& json) {
  for (const auto& file : json) {
    if (fs::path(file->name()).filename() == "config.json" || json.size() == 1) {
      return read_text(*file);
    }
  }
  return std::nullopt;
}

model::Model read_tensors(const SortedFiles& files) {
  std::vector<SafetensorsTensor> tensors;
  for (const auto& file : files.safetensors) {
    SafetensorsHeader header = read_safetensors_header(*file);
    tensors.insert(tensors.end(), std::make_move_iterator(header.tensors.begin()),
                   std::make_move_iterator(header.tensors.end()));
  }
  return checkpoint_model(tensors, config_among(files.json),
                          id_of(files.safetensors.front()->name()));
}

model::Model read_files(const SortedFiles& files) {
  if (!files.gguf.empty()) {
    const auto part = [&](std::int64_t index, std::int64_t count) {
      if (static_cast<std::int64_t>(files.gguf.size()) != count) {
        throw Error("the model is in " + std::to_string(count) + " files, of which " +
                        std::to_string(files.gguf.size()) + " are here",
                    Place{files.gguf.front()->name(), {}, {}});
      }
      return files.gguf[static_cast<std::size_t>(index - 1)];
    };
    return gguf_model(read_gguf_parts(*files.gguf.front(), part),
                      id_of(files.gguf.front()->name()));
  }
  if (!files.safetensors.empty()) {
    return read_tensors(files);
  }
  const auto& file = files.json.front();
  try {
    return read_json(file->name(), read_text(*file), true);
  } catch (const Error& error) {
    throw error.in_file(file->name());
  }
}

}  // namespace

model::Model read_model(const fs::path& path) { return read_path(path, true); }

model::Model read_model(const std::vector<std::shared_ptr<const ByteSource>>& files) {
  if (files.empty()) {
    throw Error("there is no file to read");
  }
  model::Model model = read_files(sorted(files));
  if (model.architecture_source.empty()) {
    model.architecture_source = files.front()->name();
  }
  return model;
}

model::ManifestResolver files_beside(const fs::path& path) {
  return [folder = path.parent_path()](const model::ManifestFile& file) {
    return read_path(folder / file.path, false);
  };
}

}  // namespace macfit::read
