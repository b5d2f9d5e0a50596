#pragma once

#include <string>

#include "options.hpp"

namespace macfit::cli {

/// What a command says beside its data, on standard error.
class Log {
 public:
  explicit Log(const Common& common);
  /// With --verbose.
  void detail(const std::string& text) const;
  /// Unless --quiet.
  void warn(const std::string& text) const;
};

}  // namespace macfit::cli
