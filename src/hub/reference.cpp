// Models as people name them by a hub's address, and formats as files' names tell them.

#include "macfit/hub/reference.hpp"

#include <algorithm>
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

/// Takes the end off a text at the first `sign`.
/// \return what stood behind it; nothing where the sign is not there
std::optional<std::string_view> take_behind(std::string_view& text, char sign) {
  const auto at = text.find(sign);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

/// "repo/tree/revision/path" as an address has it; blob and resolve are the same for a file.
void take_page(std::string_view& repository, Reference& reference) {
  std::string_view more = take_behind(repository, '/').value_or("");
  if (take_start(more, "tree/") || take_start(more, "blob/") || take_start(more, "resolve/")) {
    reference.path = take_behind(more, '/').value_or("");
    reference.revision = more;
  }
}

/// Whether the hub could have it.
bool is_possible(const Reference& reference) {
  return is_name(reference.organization) && is_name(reference.repository) &&
         (reference.revision.empty() || is_way(reference.revision)) &&
         (reference.path.empty() || is_way(reference.path)) &&
         (reference.quant.empty() || is_name(reference.quant));
}

/// How many characters of the text, which is in capitals, are a format's name ("Q4_K_M"); 0 where
/// it begins with none.
std::size_t quant_length(std::string_view text) {
  constexpr std::array<std::string_view, 11> starts = {"IQ",   "TQ",  "Q",   "MXFP", "NVFP", "BF16",
                                                       "FP16", "F16", "F32", "FP8",  "BF32"};
  const auto begins = [&](std::string_view start) {
    const bool numbered = start.back() == 'Q' || start.back() == 'P';
    return text.substr(0, start.size()) == start &&
           (!numbered || (text.size() > start.size() && is_digit(text[start.size()])));
  };
  const auto* const start = std::find_if(starts.begin(), starts.end(), begins);
  if (start == starts.end()) {
    return 0;
  }
  std::size_t end = start->size();
  while (end < text.size() && (is_word(text[end]) || text[end] == '_')) {
    ++end;
  }
  return end;
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
  Reference reference;
  const std::string_view organization = rest.substr(0, rest.find('/'));
  bool good = organization.size() < rest.size();
  if (good) {
    reference.organization = organization;
    rest.remove_prefix(organization.size() + 1);
    if (address) {
      take_page(rest, reference);
    }
    reference.quant = take_behind(rest, ':').value_or("");
    if (const auto revision = take_behind(rest, '@')) {
      reference.revision = *revision;
    }
    reference.repository = rest;
    good = is_possible(reference);
  }
  if (good) {
    return reference;
  }
  if (address) {
    throw no_repository(text);
  }
  return std::nullopt;
}

std::string quant_of(std::string_view path) {
  std::string upper;
  for (const char c : path) {
    upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  std::string found;
  for (std::size_t at = 0; at < upper.size(); ++at) {
    if (at > 0 && is_word(upper[at - 1])) {
      continue;
    }
    const std::string_view rest = std::string_view(upper).substr(at);
    if (const std::size_t length = quant_length(rest); length > 0) {
      const bool dynamic = at >= 3 && upper.substr(at - 3, 3) == "UD-";
      found = (dynamic ? "UD-" : "") + std::string(rest.substr(0, length));
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
