#pragma once

// Catch2 as the system has it (v2 on Debian 12, v3 on Homebrew), and what most tests need.
// Precompiled.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// Ends the test case, saying why: for what needs something that may be absent.
#define MACFIT_SKIP(reason) \
  do {                      \
    WARN(reason);           \
    return;                 \
  } while (false)

namespace macfit::test {

#if __has_include(<catch2/catch_all.hpp>)
using Catch::Approx;
#else
using Catch::Detail::Approx;
#endif

/// A matcher: the string holds `text` (its name differs between Catch2 v2 and v3).
inline auto contains(const std::string& text) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(text);
#else
  return Catch::Matchers::Contains(text);
#endif
}

/// A file of the source tree, such as "tests/report/golden/plan.txt".
inline std::filesystem::path source_path(std::string_view relative) {
  return std::filesystem::path(MACFIT_SOURCE_DIR) / relative;
}

/// A file of the data beside the checkout; none where that data is absent.
inline std::optional<std::filesystem::path> shared_data(std::string_view name) {
  auto path = std::filesystem::path(MACFIT_SHARED_DATA) / name;
  if (!std::filesystem::exists(path)) {
    return std::nullopt;
  }
  return path;
}

/// The whole of a file; fails the test when it cannot be read.
inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    FAIL("cannot read " << path.string());
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

}  // namespace macfit::test
