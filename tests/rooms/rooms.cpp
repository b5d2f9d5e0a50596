// Reads the tree's own sources and objects where a room reaches beyond what it may.

#include "rooms.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

namespace macfit::test::rooms {

namespace {

constexpr std::size_t longest_file = 620;  // lines
constexpr std::string_view last_pure_room = "calibrate";

// Never named by a pure room, whatever follows.
constexpr std::array impure_names{std::string_view{"cout"},
                                  std::string_view{"cerr"},
                                  std::string_view{"clog"},
                                  std::string_view{"printf"},
                                  std::string_view{"fprintf"},
                                  std::string_view{"puts"},
                                  std::string_view{"fopen"},
                                  std::string_view{"ifstream"},
                                  std::string_view{"ofstream"},
                                  std::string_view{"fstream"},
                                  std::string_view{"getenv"},
                                  std::string_view{"srand"},
                                  std::string_view{"system_clock"},
                                  std::string_view{"steady_clock"},
                                  std::string_view{"high_resolution_clock"},
                                  std::string_view{"random_device"}};

// Impure only as calls of the C library: members and this project's own functions may be named so.
constexpr std::array impure_calls{std::string_view{"time"}, std::string_view{"rand"},
                                  std::string_view{"exit"}, std::string_view{"abort"}};

// What a line at the margin starts with when it defines no variable that can change.
constexpr std::array harmless_starts{
    std::string_view{"using"},     std::string_view{"namespace"},
    std::string_view{"struct"},    std::string_view{"class"},
    std::string_view{"enum"},      std::string_view{"union"},
    std::string_view{"template"},  std::string_view{"extern"},
    std::string_view{"typedef"},   std::string_view{"static_assert"},
    std::string_view{"return"},    std::string_view{"concept"},
    std::string_view{"requires"},  std::string_view{"friend"},
    std::string_view{"public"},    std::string_view{"private"},
    std::string_view{"protected"}, std::string_view{"else"},
    std::string_view{"do"},        std::string_view{"try"}};

// One room owns each runtime: these ask it, and never which one it is. (launch asks by what a
// release is started, calibrate and cli read what people call a runtime.)
constexpr std::array rooms_without_runtimes{std::string_view{"core"},  std::string_view{"model"},
                                            std::string_view{"read"},  std::string_view{"fit"},
                                            std::string_view{"plan"},  std::string_view{"study"},
                                            std::string_view{"report"}};
constexpr std::array runtime_ids{std::string_view{"\"mlx-lm\""}, std::string_view{"\"exo\""},
                                 std::string_view{"\"llama.cpp\""}};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

template <typename List>
bool holds(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::optional<std::size_t> rank(std::string_view room) {
  const auto& all = names();
  const auto found = std::find(all.begin(), all.end(), room);
  if (found == all.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - all.begin());
}

/// The first directory of `path` below `top`: "fit" for "src/fit/budget.cpp" and "src/".
std::optional<std::string> room_below(std::string_view top, std::string_view path) {
  if (path.substr(0, top.size()) != top) {
    return std::nullopt;
  }
  path.remove_prefix(top.size());
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(path.substr(0, slash));
}

/// The room that `path` is the code of; tests belong to none.
std::optional<std::string> room_of(std::string_view path) {
  if (auto room = room_below("include/macfit/", path)) {
    return room;
  }
  return room_below("src/", path);
}

struct Include {
  std::string_view target;
  bool quoted = false;
};

std::optional<Include> include_of(std::string_view line) {
  const auto skip = [&line] {
    while (!line.empty() && is_space(line.front())) {
      line.remove_prefix(1);
    }
  };
  skip();
  if (line.empty() || line.front() != '#') {
    return std::nullopt;
  }
  line.remove_prefix(1);
  skip();
  constexpr std::string_view directive = "include";
  if (line.substr(0, directive.size()) != directive) {
    return std::nullopt;
  }
  line.remove_prefix(directive.size());
  skip();
  if (line.empty() || (line.front() != '"' && line.front() != '<')) {
    return std::nullopt;
  }
  const bool quoted = line.front() == '"';
  line.remove_prefix(1);
  return Include{line.substr(0, line.find(quoted ? '"' : '>')), quoted};
}

/// The room that an #include in `path` reaches into, if any.
std::optional<std::string> included_room(const std::string& path, const Include& include) {
  const std::string target(include.target);
  if (auto room = room_below("macfit/", target)) {
    return room;
  }
  if (!include.quoted) {
    return std::nullopt;
  }
  const auto beside = (std::filesystem::path(path).parent_path() / target).lexically_normal();
  return room_of(beside.generic_string());
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

/// The word that ends just before `end`, blanks skipped.
std::string_view word_before(std::string_view line, std::size_t end) {
  while (end > 0 && is_space(line[end - 1])) {
    --end;
  }
  auto begin = end;
  while (begin > 0 && is_word(line[begin - 1])) {
    --begin;
  }
  return line.substr(begin, end - begin);
}

/// Whether the name at [begin, end) calls the C library's function of that name.
bool calls_c_library(std::string_view line, std::size_t begin, std::size_t end) {
  while (end < line.size() && is_space(line[end])) {
    ++end;
  }
  if (end >= line.size() || line[end] != '(') {
    return false;
  }
  const auto before = line.substr(0, begin);
  if (before.size() >= 2 && before.substr(before.size() - 2) == "::") {
    const auto space = word_before(before, before.size() - 2);
    return space.empty() || space == "std";
  }
  if (!before.empty() && (before.back() == '.' || before.back() == '>')) {
    return false;
  }
  const auto word = word_before(before, before.size());
  return word.empty() || word == "return";  // any other word is the type of a declaration
}

/// The first impure name in a line of code, if any.
std::optional<std::string> impure_name(std::string_view line) {
  for (std::size_t begin = 0; begin < line.size();) {
    if (!is_word(line[begin])) {
      ++begin;
      continue;
    }
    auto end = begin;
    while (end < line.size() && is_word(line[end])) {
      ++end;
    }
    const auto word = line.substr(begin, end - begin);
    const bool print_of_fmt = word == "print" && begin >= 5 && line.substr(begin - 5, 5) == "fmt::";
    if (holds(impure_names, word) || print_of_fmt ||
        (holds(impure_calls, word) && calls_c_library(line, begin, end))) {
      return std::string(word);
    }
    begin = end;
  }
  return std::nullopt;
}

/// The first runtime's id that a line compares or passes on, in a room that must not.
std::optional<std::string> names_runtime(std::string_view room, std::string_view line) {
  const auto text = line.substr(0, line.find("//"));
  for (const auto id : runtime_ids) {
    // How a release is launched is a fact of it, not which runtime it is.
    if (holds(rooms_without_runtimes, room) && text.find(id) != std::string_view::npos &&
        text.find("launcher") == std::string_view::npos) {
      return std::string(id);
    }
  }
  return std::nullopt;
}

/// Whether a line of code defines a variable that can change and outlives its function. Lines at
/// the margin are at namespace scope (the formatter sees to that), others count if `static`.
bool defines_mutable_global(std::string_view line) {
  const bool at_margin = !line.empty() && is_word(line.front());
  while (!line.empty() && is_space(line.front())) {
    line.remove_prefix(1);
  }
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (at < line.size()) {
    const char c = line[at];
    if (is_word(c)) {
      const auto begin = at;
      while (at < line.size() && is_word(line[at])) {
        ++at;
      }
      words.push_back(line.substr(begin, at - begin));
    } else if (c == '=' || c == ';' || c == '{' || c == '(' || c == '[') {
      break;
    } else {
      ++at;
    }
  }
  if (at == line.size() || line[at] == '(' || words.size() < 2 ||
      holds(harmless_starts, words.front()) || holds(words, "operator")) {
    return false;
  }
  if (holds(words, "const") || holds(words, "constexpr")) {
    // "const char* name" can still be pointed elsewhere.
    const auto head = line.substr(0, at);
    const auto star = head.rfind('*');
    return (at_margin || words.front() == "static") && !holds(words, "constexpr") &&
           star != std::string_view::npos && head.find("const", star) == std::string_view::npos &&
           head.find('>', star) == std::string_view::npos;
  }
  return at_margin || words.front() == "static" || words.front() == "thread_local";
}

bool may_read_files(std::string_view path) {
  const auto name = path.substr(path.find_last_of('/') + 1);
  return name.find("reader") != std::string_view::npos ||
         name.find("catalog") != std::string_view::npos ||
         name.find("byte_source") != std::string_view::npos ||
         name.find("file") != std::string_view::npos;
}

}  // namespace

const std::vector<std::string_view>& names() {
  static const std::vector<std::string_view> rooms{
      "core",  "model",     "read",   "hardware", "runtime", "fit",    "speed", "plan",
      "study", "calibrate", "launch", "hub",      "run",     "report", "cli"};
  return rooms;
}

std::string without_comments_and_literals(std::string_view text) {
  std::string out(text);
  const auto blank = [&out](std::size_t begin, std::size_t end) {
    for (auto i = begin; i < std::min(end, out.size()); ++i) {
      if (out[i] != '\n') {
        out[i] = ' ';
      }
    }
  };
  const auto past = [&text](std::string_view what, std::size_t from) {
    const auto found = text.find(what, from);
    return found == std::string_view::npos ? text.size() : found + what.size();
  };
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    std::size_t end = i + 1;
    if (c == '/' && next == '/') {
      end = std::min(text.find('\n', i), text.size());
      blank(i, end);
    } else if (c == '/' && next == '*') {
      end = past("*/", i + 2);
      blank(i, end);
    } else if (c == '"' && i > 0 && text[i - 1] == 'R') {
      const auto open = std::min(text.find('(', i), text.size());
      end = past(")" + std::string(text.substr(i + 1, open - i - 1)) + "\"", open);
      blank(i, end);
    } else if (c == '"' || (c == '\'' && (i == 0 || !is_word(text[i - 1])))) {
      while (end < text.size() && text[end] != c && text[end] != '\n') {
        end += text[end] == '\\' ? 2 : 1;
      }
      end = std::min(end + 1, text.size());
      blank(i, end);
    }
    i = end;
  }
  return out;
}

std::vector<std::string> objections(std::string_view path_text, std::string_view text) {
  const std::string path(path_text);
  std::vector<std::string> found;
  const auto object = [&](std::size_t line, const std::string& words) {
    found.push_back(path + ":" + std::to_string(line) + ": " + words);
  };

  const auto raw_lines = lines_of(text);
  if (raw_lines.size() > longest_file) {
    object(raw_lines.size(), "longer than " + std::to_string(longest_file) + " lines");
  }
  const auto room = room_of(path);
  if (!room) {
    return found;
  }
  const auto own_rank = rank(*room);
  if (!own_rank) {
    object(1, "'" + *room + "' is no room");
    return found;
  }

  const auto stem = path.substr(path.find_last_of('/') + 1);
  const bool json_file = stem.find("_json.") != std::string::npos;
  const bool pure = *own_rank <= *rank(last_pure_room) && !may_read_files(path);
  const auto code = without_comments_and_literals(text);
  const auto code_lines = lines_of(code);
  for (std::size_t i = 0; i < raw_lines.size(); ++i) {
    // An #include's name is itself a literal: it is read from the raw line, comments from the
    // blanked one.
    const bool is_code = i < code_lines.size() && code_lines[i].find('#') != std::string_view::npos;
    if (const auto include = is_code ? include_of(raw_lines[i]) : std::nullopt) {
      if (const auto other = included_room(path, *include); other && *other != *room) {
        const auto other_rank = rank(*other);
        if (!other_rank) {
          object(i + 1, "'" + *other + "' is no room");
        } else if (*other_rank > *own_rank) {
          object(i + 1,
                 "the room " + *room + " must not include " + *other + ", which comes after it");
        }
      }
      if (*room != "cli" &&
          (starts_with(include->target, "CLI/") || starts_with(include->target, "spdlog/"))) {
        object(i + 1, "CLI11 and spdlog belong to cli alone");
      }
      if (*room != "hub" && *room != "run" && starts_with(include->target, "curl/")) {
        object(i + 1, "libcurl belongs to hub and run alone");
      }
      if (!json_file && starts_with(include->target, "nlohmann/")) {
        object(i + 1, "nlohmann/json is for files named *_json.* alone");
      }
      continue;
    }
    if (const auto id = names_runtime(*room, raw_lines[i])) {
      object(i + 1, *id + " in " + *room + ": only the room runtime knows which runtime it is");
    }
    if (!pure || i >= code_lines.size() || is_code) {
      continue;
    }
    if (const auto name = impure_name(code_lines[i])) {
      object(i + 1, "'" + *name + "' in " + *room + ", which is pure: values in, values out");
    }
    if (defines_mutable_global(code_lines[i])) {
      object(i + 1, "a variable that can change outlives its function; " + *room + " is pure");
    }
  }
  return found;
}

std::vector<std::string> mirror_objections(const std::vector<std::string>& paths) {
  std::set<std::string> headers;
  std::set<std::string> sources;
  std::set<std::string> tests;
  for (const auto& path : paths) {
    if (const auto room = room_below("include/macfit/", path)) {
      headers.insert(*room);
    } else if (const auto source = room_below("src/", path)) {
      sources.insert(*source);
    } else if (const auto test = room_below("tests/", path); test && rank(*test)) {
      tests.insert(*test);
    }
  }
  std::vector<std::string> found;
  const auto demand = [&found](const std::set<std::string>& some, std::string_view some_top,
                               const std::set<std::string>& others, std::string_view other_top) {
    for (const auto& room : some) {
      // The program is not the library: it has no public headers.
      const bool program = room == "cli" && other_top == "include/macfit/";
      if (others.count(room) == 0 && !program) {
        found.push_back(std::string(some_top) + room + "/ has no " + std::string(other_top) + room +
                        "/ beside it");
      }
    }
  };
  demand(sources, "src/", headers, "include/macfit/");
  demand(sources, "src/", tests, "tests/");
  demand(headers, "include/macfit/", sources, "src/");
  demand(tests, "tests/", headers, "include/macfit/");
  return found;
}

}  // namespace macfit::test::rooms
