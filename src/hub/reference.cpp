#include "macfit/hub/reference.hpp"

#include <array>
#include <charconv>
#include <vector>

#include "macfit/core/characters.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::hub {
namespace {

bool is_word(char c) { return is_digit(c) || is_letter(c); }

/// What the hub allows in names.
bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 96 || text.front() == '.' || text.front() == '-' ||
      text.find("..") != std::string_view::npos) {
    return false;
  }
  for (const char c : text) {
    if (!is_word(c) && c != '-' && c != '_' && c != '.') {
      return false;
    }
  }
  return true;
}

/// Revisions and paths: names joined by slashes, none of which leads upward.
bool is_way(std::string_view text) {
  if (text.size() > 1024) {
    return false;
  }
  for (const std::string_view part : split(text, '/')) {
    if (part.empty() || part == "." || part == ".." || part.size() > 255) {
      return false;
    }
    for (const char c : part) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\' || c == '?' || c == '#') {
        return false;
      }
    }
  }
  return true;
}

bool take_start(std::string_view& text, std::string_view start) {
  if (text.size() < start.size() || !same_name(text.substr(0, start.size()), start)) {
    return false;
  }
  text.remove_prefix(start.size());
  return true;
}

/// What stands behind a hub's address; nothing where the text is none.
std::optional<std::string_view> behind_address(std::string_view text) {
  constexpr std::array<std::string_view, 5> hubs = {"huggingface.co/", "www.huggingface.co/",
                                                    "hf.co/", "hf-mirror.com/", "www.hf.co/"};
  const bool scheme = take_start(text, "https://") || take_start(text, "http://");
  for (const std::string_view hub : hubs) {
    if (take_start(text, hub)) {
      return text;
    }
  }
  return scheme ? std::optional<std::string_view>("") : std::nullopt;
}

Error no_repository(std::string_view text) {
  return Error("\"" + printable(text, 120) + "\" names no model of a hub", {},
               "expected such as hf.co/org/repo or org/repo-GGUF:Q4_K_M");
}

}  // namespace

std::optional<Reference> parse_reference(std::string_view text) {
  std::string_view rest = trim(text);
  const auto behind = behind_address(rest);
  const bool address = behind.has_value();
  if (address) {
    rest = behind->substr(0, behind->find_first_of("?#"));
    (void)take_start(rest, "models/");
  }
  while (!rest.empty() && rest.back() == '/') {
    rest.remove_suffix(1);
  }
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) {
    if (address) {
      throw no_repository(text);
    }
    return std::nullopt;
  }
  Reference reference;
  reference.organization = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  if (address) {
    // org/repo/tree/revision/path; blob and resolve are the same for a file.
    const auto end = rest.find('/');
    std::string_view more = end == std::string_view::npos ? "" : rest.substr(end + 1);
    rest = rest.substr(0, end);
    if (take_start(more, "tree/") || take_start(more, "blob/") || take_start(more, "resolve/")) {
      const auto cut = more.find('/');
      reference.revision = more.substr(0, cut);
      reference.path = cut == std::string_view::npos ? "" : more.substr(cut + 1);
    }
  }
  if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    reference.quant = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    reference.revision = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  reference.repository = rest;
  const bool good = is_name(reference.organization) && is_name(reference.repository) &&
                    (reference.revision.empty() || is_way(reference.revision)) &&
                    (reference.path.empty() || is_way(reference.path)) &&
                    (reference.quant.empty() || is_name(reference.quant));
  if (!good) {
    if (address) {
      throw no_repository(text);
    }
    return std::nullopt;
  }
  return reference;
}

std::string quant_of(std::string_view path) {
  std::string upper;
  for (const char c : path) {
    upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  constexpr std::array<std::string_view, 11> starts = {"IQ",   "TQ",  "Q",   "MXFP", "NVFP", "BF16",
                                                       "FP16", "F16", "F32", "FP8",  "BF32"};
  std::string found;
  for (std::size_t at = 0; at < upper.size(); ++at) {
    if (at > 0 && is_word(upper[at - 1])) {
      continue;
    }
    const std::string_view rest = std::string_view(upper).substr(at);
    for (const std::string_view start : starts) {
      const bool numbered = start.back() == 'Q' || start.back() == 'P';
      if (rest.substr(0, start.size()) != start ||
          (numbered && (rest.size() <= start.size() || !is_digit(rest[start.size()])))) {
        continue;
      }
      std::size_t end = start.size();
      while (end < rest.size() && (is_word(rest[end]) || rest[end] == '_')) {
        ++end;
      }
      const bool dynamic = at >= 3 && upper.substr(at - 3, 3) == "UD-";
      found = (dynamic ? "UD-" : "") + std::string(rest.substr(0, end));
      break;
    }
  }
  return found;
}

int split_parts(std::string_view path) noexcept {
  const auto dot = path.rfind('.');
  const std::string_view stem = path.substr(0, dot);
  constexpr std::size_t tail = 15;  // "-00002-of-00003"
  if (dot == std::string_view::npos || stem.size() <= tail) {
    return 0;
  }
  const std::string_view end = stem.substr(stem.size() - tail);
  int parts = 0;
  if (end[0] != '-' || end.substr(6, 4) != "-of-" || end.find_first_not_of("0123456789", 1) != 6 ||
      end.find_first_not_of("0123456789", 10) != std::string_view::npos) {
    return 0;
  }
  (void)std::from_chars(end.data() + 10, end.data() + tail, parts);
  return parts;
}

std::string_view split_base(std::string_view path) noexcept {
  constexpr std::size_t tail = 15;
  return split_parts(path) == 0 ? path : path.substr(0, path.rfind('.') - tail);
}

}  // namespace macfit::hub
