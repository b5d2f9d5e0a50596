#pragma once

#include <string>

#include "options.hpp"

namespace macfit::cli {

/// Gives a repository its first check: a manifest of one of the catalog's models with what is
/// expected of it on `nodes`, a workflow and a hook, in the working directory. A file that is there
/// stays as it is; its text is printed instead. Throws Error.
void write_first_check(const std::string& model, const std::string& nodes,
                       const Catalogs& catalogs);

}  // namespace macfit::cli
