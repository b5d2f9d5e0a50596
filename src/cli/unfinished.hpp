#pragma once

#include <string>

namespace macfit::cli {

/// Makes a temporary file from a template that ends in XXXXXX, as mkstemp does, and sees to it that
/// a signal that ends the program, or lack of memory, takes it away. Returns its descriptor, or -1
/// with errno set.
[[nodiscard]] int make_temporary(std::string& path_template);
/// It has its name now, or is gone.
void forget_temporary(const std::string& path);

/// From now on SIGHUP, SIGINT and SIGTERM take temporaries away before they end the program, and a
/// program that runs out of memory says so and ends with exit code 2. Called once, first of all.
void tidy_at_the_end();

}  // namespace macfit::cli
