#pragma once

#include <string>
#include <string_view>

#include "macfit/core/error.hpp"

namespace macfit::cli {

// What is a path and what is a name: by its spelling alone, so that no file or folder that happens
// to lie in the current directory changes what a name means.

/// True for what begins with "/", "./", "../" or "~", is "." or "..", or ends like a file that
/// macfit reads (.json, .jsonl, .gguf, .safetensors), addresses of a hub aside.
[[nodiscard]] bool is_path(std::string_view value);

/// "~" and "~/…" by HOME, where a shell left them as they are; other paths unchanged.
[[nodiscard]] std::string expand_home(const std::string& path);

/// Throws Error where a name such as "org/repo" is also a file or folder here: it asks which is
/// meant.
void refuse_name_and_path(const std::string& name);

/// The same error; where a file or folder of that name is here, it says how to name that.
[[nodiscard]] Error suggest_path(const Error& error, const std::string& name);

}  // namespace macfit::cli
