#include "listing_json.hpp"

#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"

namespace macfit::hub {
namespace {

bool is_inside(std::string_view name) {
  if (name.empty() || name.size() > 500) {
    return false;
  }
  for (const std::string_view part : split(name, '/')) {
    if (part.empty() || part == "." || part == ".." || part.size() > 200) {
      return false;
    }
    for (const char c : part) {
      if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

Listing read_listing(std::string_view text) {
  const JsonDocument document = JsonDocument::parse(text, {std::size_t{16} << 20U, 16});
  JsonObject root = document.root().object();
  Listing listing;
  const JsonValue commit = root.at("sha");
  listing.commit = commit.string();
  constexpr std::size_t digits = 40;
  if (listing.commit.size() != digits ||
      listing.commit.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw commit.expected("a commit of 40 hexadecimal digits");
  }
  for (const JsonValue& sibling : root.at("siblings").array()) {
    JsonObject file = sibling.object();
    std::string name = file.at("rfilename").string();
    if (is_inside(name)) {
      listing.files.push_back(std::move(name));
    }
  }
  return listing;
}

}  // namespace macfit::hub
