#pragma once

#include <memory>
#include <string>

#include "options.hpp"

namespace macfit::cli {

struct VerifyFlags {
  std::string against;
  std::string configs;
};

/// "macfit models verify": what published figures say beside what macfit does.
void add_verify(CLI::App& app, VerifyFlags& flags);

/// Prints the comparison.
void run_verify(const Common& common, const VerifyFlags& flags);

}  // namespace macfit::cli
