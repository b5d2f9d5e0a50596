// Texts for people: width in columns, printable forms, wrapping, and the nearest known name to a
// wrong one.

#include "macfit/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "macfit/core/characters.hpp"

namespace macfit {
namespace {

char lower_char(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower_char);
  return result;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower_char(x) == lower_char(y);
         });
}

std::size_t columns(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t code = 0;
    const std::size_t length = decode_utf8(text, at, code);
    count += length == 0 ? 1 : columns_of(code);
    at += length == 0 ? 1 : length;
  }
  return count;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    if (result.size() > limit) {
      result += "…";
      break;
    }
    std::uint32_t code = 0;
    const std::size_t length = decode_utf8(text, at, code);
    std::array<char, 16> escape{};
    if (length == 0) {
      std::snprintf(escape.data(), escape.size(), "\\x%02X",
                    static_cast<unsigned>(static_cast<unsigned char>(text[at])));
      result += escape.data();
      ++at;
      continue;
    }
    if (is_unsafe(code)) {
      std::snprintf(escape.data(), escape.size(), "\\u{%X}", static_cast<unsigned>(code));
      result += escape.data();
    } else {
      result += text.substr(at, length);
    }
    at += length;
  }
  return result;
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t cap) {
  const std::size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > cap || a.size() > 256 || b.size() > 256) {
    return cap + 1;
  }
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower_char(a[i - 1]) == lower_char(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && lower_char(a[i - 1]) == lower_char(b[j - 2]) &&
          lower_char(a[i - 2]) == lower_char(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return std::min(last[b.size()], cap + 1);
}

namespace {

/// A typo in the beginning of a longer name ("quen3-235b" for "qwen3-235b-a22b").
std::optional<std::size_t> mistyped_begin(std::string_view wanted, std::string_view other) {
  constexpr std::size_t slips = 2;
  if (wanted.size() < 6 || other.size() <= wanted.size()) {
    return std::nullopt;
  }
  const std::size_t distance = edit_distance(wanted, other.substr(0, wanted.size()), slips);
  return distance > 0 && distance <= slips ? std::optional(distance * 2 + 1) : std::nullopt;
}

/// One name a part of the other: by how much they differ in length.
std::optional<std::size_t> part_gap(std::string_view wanted, std::string_view other) {
  const bool part =
      other.find(wanted) != std::string_view::npos || wanted.find(other) != std::string_view::npos;
  if (!part || wanted.size() < 3 || other.size() < 3) {
    return std::nullopt;
  }
  return other.size() > wanted.size() ? other.size() - wanted.size() : wanted.size() - other.size();
}

/// A shared beginning of at least half the name ("qwen3-235" for "qwen3-235b-a22b").
std::optional<std::size_t> shared_begin(std::string_view wanted, std::string_view other) {
  const auto stop = std::mismatch(wanted.begin(), wanted.end(), other.begin(), other.end());
  const auto shared = static_cast<std::size_t>(stop.first - wanted.begin());
  return shared >= 4 && shared * 2 >= wanted.size() ? std::optional(shared) : std::nullopt;
}

/// How far another name is from the one wanted, 0 for the same; nothing where they have nothing in
/// common. Up to `cap` typos go before parts, and those before beginnings. Both in lower case.
std::optional<std::size_t> strangeness(std::string_view wanted, std::string_view other,
                                       std::size_t cap) {
  const std::size_t typos = edit_distance(wanted, other, cap) * 2;
  const std::size_t score = std::min(typos, mistyped_begin(wanted, other).value_or(typos));
  if (score <= cap * 2) {
    return score;
  }
  if (const auto gap = part_gap(wanted, other)) {
    return cap * 2 + 1 + *gap;
  }
  if (const auto shared = shared_begin(wanted, other)) {
    return 200 - std::min<std::size_t>(*shared, 100);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> nearest(std::string_view name, const std::vector<std::string>& known,
                                 std::size_t count) {
  // A third of a name mistyped is another name: "gpt2" is not "git".
  const std::size_t cap = name.size() < 2 ? 0 : std::clamp<std::size_t>(name.size() / 3, 1, 4);
  const std::string wanted = lower(name);
  struct Hit {
    std::size_t score;
    const std::string* name;
  };
  std::vector<Hit> hits;
  for (const std::string& candidate : known) {
    if (const auto score = strangeness(wanted, lower(candidate), cap)) {
      hits.push_back({*score, &candidate});
    }
  }
  std::stable_sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return a.score != b.score ? a.score < b.score : *a.name < *b.name;
  });
  std::vector<std::string> result;
  for (const Hit& hit : hits) {
    if (result.size() == count) {
      break;
    }
    const bool again = std::any_of(result.begin(), result.end(), [&](const std::string& one) {
      return same_name(one, *hit.name);
    });
    if (!again) {
      result.push_back(*hit.name);
    }
  }
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == separator) {
      parts.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  return parts;
}

std::string_view trim(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string pointer_join(std::string_view parent, std::string_view token) {
  std::string result;
  result.reserve(parent.size() + 1 + token.size());
  result += parent;
  result += '/';
  if (token.find_first_of("~/") == std::string_view::npos) {
    result += token;
    return result;
  }
  for (const char c : token) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

std::string pointer_join(std::string_view parent, std::size_t index) {
  return std::string(parent) + "/" + std::to_string(index);
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string result;
  std::size_t used = indent;
  bool first = true;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) {
      continue;
    }
    const std::size_t size = columns(word);
    if (!first && used + 1 + size > width) {
      result += '\n';
      result.append(indent, ' ');
      used = indent;
      first = true;
    }
    if (!first) {
      result += ' ';
      ++used;
    }
    result += word;
    used += size;
    first = false;
  }
  return result;
}

std::string join_words(const std::vector<std::string>& words, std::string_view last) {
  std::string result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) {
      result += i + 1 == words.size() ? " " + std::string(last) + " " : std::string(", ");
    }
    result += words[i];
  }
  return result;
}

std::string count_word(std::size_t count) {
  static constexpr std::array<std::string_view, 13> words = {
      "zero",  "one",   "two",  "three", "four",   "five",  "six",
      "seven", "eight", "nine", "ten",   "eleven", "twelve"};
  return count < words.size() ? std::string(words[count]) : std::to_string(count);
}

}  // namespace macfit
