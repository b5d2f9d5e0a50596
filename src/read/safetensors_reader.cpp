#include <algorithm>
#include <functional>
#include <system_error>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/safetensors.hpp"

namespace macfit::read {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_index = 100'000'000;
constexpr std::string_view index_ending = ".safetensors.index.json";

void append(std::vector<SafetensorsTensor>& to, std::vector<SafetensorsTensor> tensors) {
  to.insert(to.end(), std::make_move_iterator(tensors.begin()),
            std::make_move_iterator(tensors.end()));
}

std::vector<SafetensorsTensor> read_index(const fs::path& path) {
  const FileSource source(path);
  if (source.size() > longest_index) {
    throw Error("the index is larger than 100 MB", Place{source.name(), {}, {}});
  }
  SafetensorsIndex index;
  try {
    index = parse_safetensors_index(source.read(0, static_cast<std::size_t>(source.size())));
  } catch (const Error& error) {
    throw error.in_file(source.name());
  }
  std::vector<SafetensorsTensor> tensors;
  for (const auto& [file, names] : index.files) {
    const FileSource shard(path.parent_path() / file);
    SafetensorsHeader header = read_safetensors_header(shard);
    std::vector<std::string_view> held;
    for (const SafetensorsTensor& t : header.tensors) {
      held.push_back(t.name);
    }
    std::sort(held.begin(), held.end());
    for (const std::string& name : names) {
      if (!std::binary_search(held.begin(), held.end(), std::string_view(name))) {
        throw Error("the index expects the tensor " + printable(name) + " here, which is missing",
                    Place{shard.name(), {}, {}});
      }
    }
    append(tensors, std::move(header.tensors));
  }
  return tensors;
}

}  // namespace

std::optional<int> safetensors_bits(std::string_view dtype) {
  struct Dtype {
    std::string_view name;
    int bits;
  };
  static constexpr Dtype dtypes[] = {
      {"BOOL", 8},    {"U8", 8},          {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8},
      {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},
      {"F16", 16},    {"BF16", 16},       {"I32", 32},        {"U32", 32},    {"F32", 32},
      {"I64", 64},    {"U64", 64},        {"F64", 64},        {"C64", 64},    {"F4", 4},
      {"F6_E2M3", 6}, {"F6_E3M2", 6},
  };
  for (const Dtype& known : dtypes) {
    if (known.name == dtype) {
      return known.bits;
    }
  }
  return std::nullopt;
}

bool looks_like_safetensors(const ByteSource& source) {
  if (source.size() < 10) {
    return false;
  }
  const std::string start = source.read(0, 9);
  // 100 MB fits in 27 bits: the upper half of the length is zero.
  return start[8] == '{' && start.substr(4, 4) == std::string_view("\0\0\0\0", 4);
}

std::vector<std::string> loaded_safetensors(std::vector<std::string> files) {
  const auto is_named = [](const std::string& file) {
    return file.compare(file.rfind('/') + 1, 5, "model") == 0;
  };
  if (std::any_of(files.begin(), files.end(), is_named)) {
    files.erase(std::remove_if(files.begin(), files.end(), std::not_fn(is_named)), files.end());
  }
  return files;
}

std::vector<SafetensorsTensor> read_safetensors(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) {
    if (path.filename().string().ends_with(index_ending)) {
      return read_index(path);
    }
    return read_safetensors_header(FileSource(path)).tensors;
  }
  std::vector<std::string> files;
  std::vector<fs::path> indexes;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, code)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(index_ending)) {
      indexes.push_back(entry.path());
    } else if (name.ends_with(".safetensors")) {
      files.push_back(name);
    }
  }
  if (code) {
    throw Error("the folder can't be read: " + code.message(), Place{path.string(), {}, {}});
  }
  std::sort(files.begin(), files.end());
  std::sort(indexes.begin(), indexes.end());
  const fs::path usual = path / "model.safetensors.index.json";
  if (std::find(indexes.begin(), indexes.end(), usual) != indexes.end()) {
    return read_index(usual);
  }
  if (indexes.size() == 1) {
    return read_index(indexes.front());
  }
  std::vector<SafetensorsTensor> tensors;
  for (const std::string& file : loaded_safetensors(files)) {
    append(tensors, read_safetensors_header(FileSource(path / file)).tensors);
  }
  if (tensors.empty()) {
    throw Error(files.empty() ? "the folder holds no safetensors files"
                              : "the safetensors files here hold no tensors",
                Place{path.string(), {}, {}});
  }
  return tensors;
}

StoredWeights safetensors_stored(const std::vector<SafetensorsTensor>& tensors,
                                 const model::Architecture& architecture, std::string format) {
  StoredCollector collector(architecture);
  std::map<std::string_view, Bytes> by_dtype;
  for (const SafetensorsTensor& t : tensors) {
    collector.add(stored_name(t.name), t.bytes());
    by_dtype[t.dtype] += t.bytes();
  }
  if (format.empty() && !by_dtype.empty()) {
    const auto most =
        std::max_element(by_dtype.begin(), by_dtype.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    format = most->first.starts_with("F8") ? "fp8" : lower(most->first);
  }
  return std::move(collector).finish(std::move(format));
}

}  // namespace macfit::read
