#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "macfit/hub/reference.hpp"
#include "macfit/hub/transfer.hpp"

namespace macfit::hub {

/// What of a repository is needed to plan it, beside a copy of it that holds no more.
struct Fetched {
  std::filesystem::path path;  ///< what read::read_model takes
  std::string commit;
  std::string file;  ///< the GGUF file (or its first part) that was taken; empty: safetensors
  int requests = 0;  ///< 0: all of it was in the cache
  std::int64_t bytes = 0;
};

struct RemoteSettings {
  std::filesystem::path cache;  ///< a folder of one's own; made where it is not there
  bool offline = false;         ///< the cache alone
};

/// Reads a model's config.json and the headers of its weight files from a hub, by ranges, never
/// the weights, into the cache: files that end with their headers. A commit that is there already
/// is not asked for again; what a branch stands for is asked once a day. Throws Error: no such
/// repository or file, gated, several quantizations and none said, a server that lies.
[[nodiscard]] Fetched fetch_headers(const Reference& reference, const TransferSettings& transfer,
                                    const RemoteSettings& settings);

/// The text of a repository's config.json, by the same ways; nothing where it has none.
[[nodiscard]] std::optional<std::string> fetch_config(const Reference& reference,
                                                      const TransferSettings& transfer,
                                                      const RemoteSettings& settings);

}  // namespace macfit::hub
