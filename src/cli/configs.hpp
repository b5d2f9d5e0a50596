#pragma once

#include <functional>
#include <optional>
#include <string>

namespace macfit::cli {

/// Published configs of a folder by name: "org--Name" is the file org--Name.json. Throws Error
/// where there is no such folder.
using Configs = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Configs configs_in(const std::string& folder);

}  // namespace macfit::cli
