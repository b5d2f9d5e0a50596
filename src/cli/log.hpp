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

/// What a person should know of how an answer came about: as Log::warn, where there is no Log at
/// hand.
void tell(const std::string& text);

}  // namespace macfit::cli
