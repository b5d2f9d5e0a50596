#include "paths.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "macfit/core/text.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> hubs = {"hf.co/", "huggingface.co/",
                                                  "www.huggingface.co/", "hf-mirror.com/"};

bool is_hub_address(std::string_view value) {
  return value.find("://") != std::string_view::npos ||
         std::any_of(hubs.begin(), hubs.end(),
                     [&](std::string_view hub) { return value.rfind(hub, 0) == 0; });
}

/// "folder" or "file"; nullptr where nothing of that name is here.
const char* kind_here(const std::string& name) {
  std::error_code ignored;
  const fs::file_status status = fs::status(name, ignored);
  return !fs::exists(status) ? nullptr : fs::is_directory(status) ? "folder" : "file";
}

}  // namespace

bool is_path(std::string_view value) {
  if (is_hub_address(value)) {
    return false;
  }
  if (value == "." || value == "..") {
    return true;
  }
  for (const std::string_view start : {"/", "./", "../", "~"}) {
    if (value.rfind(start, 0) == 0) {
      return true;
    }
  }
  static constexpr std::array<std::string_view, 4> endings = {".json", ".jsonl", ".gguf",
                                                              ".safetensors"};
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
    return value.size() > ending.size() &&
           same_name(value.substr(value.size() - ending.size()), ending);
  });
}

std::string expand_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  const bool plain = path == "~" || path.rfind("~/", 0) == 0;
  return plain && home != nullptr && *home != '\0' ? home + path.substr(1) : path;
}

void refuse_name_and_path(const std::string& name) {
  if (name.find('/') == std::string::npos || is_hub_address(name)) {
    return;
  }
  if (const char* kind = kind_here(name)) {
    const std::string shown = printable(name);
    throw Error("\"" + shown + "\" is a model's name and a " + kind + " in the current directory",
                {}, "type ./" + shown + " for the " + kind + ", hf.co/" + shown + " for the name");
  }
}

Error suggest_path(const Error& error, const std::string& name) {
  const char* kind = name.empty() ? nullptr : kind_here(name);
  if (kind == nullptr) {
    return error;
  }
  const std::string shown = printable(name);
  return Error(
      error.message(), error.place(),
      "a " + std::string(kind) + " of that name is in the current directory: type ./" + shown);
}

}  // namespace macfit::cli
