#pragma once

#include <string>

namespace macfit::hub {

/// What requests call themselves: "macfit/0.1.0 libcurl/7.88.1".
/// Throws Error where this machine has no libcurl, saying how to get it.
[[nodiscard]] std::string user_agent();

}  // namespace macfit::hub
