#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace macfit::hub {

/// What a hub says of a repository at a revision.
struct Listing {
  std::string commit;  ///< 40 hexadecimal digits
  std::vector<std::string> files;
};

/// Reads /api/models/org/repo/revision/main. Names that lead out of the repository are left out.
/// Throws Error where it is something else.
[[nodiscard]] Listing read_listing(std::string_view text);

}  // namespace macfit::hub
