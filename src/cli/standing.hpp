#pragma once

#include <string>

#include "macfit/hardware/catalog.hpp"

namespace macfit::cli {

/// A cluster that serves where --nodes is left out: MACFIT_NODES, else the file that
/// `hardware use` saved. Empty where neither is there.
struct Standing {
  std::string nodes;  ///< a spec or a path, as --nodes takes them
  std::string from;   ///< "MACFIT_NODES", or the saved file's path
};
[[nodiscard]] Standing standing_nodes();

/// One line on what stands.
[[nodiscard]] std::string standing_words();

/// Saves a cluster file, checked first, and returns where. Throws Error.
[[nodiscard]] std::string save_cluster(const std::string& path, const hardware::Catalog& catalog);
void forget_cluster();

}  // namespace macfit::cli
