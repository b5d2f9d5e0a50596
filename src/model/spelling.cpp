// Reads model names as people paste them. Both the name and all names of the catalog are cut into
// words ("Qwen3-8B" and "qwen 3:8b" are qwen, 3, 8b), words for a format are set aside, and the
// rest must be equal: what is merely alike is suggested, never taken.

#include "macfit/model/spelling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <vector>

#include "macfit/core/characters.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::model {
namespace {

using Words = std::vector<std::string>;

bool starts_digit(const std::string& word) { return !word.empty() && is_digit(word[0]); }

/// Who packs a model says so in its name, and how it was tuned: neither changes a size.
bool is_filler(std::string_view word) {
  static constexpr std::array<std::string_view, 20> fillers = {
      "instruct", "it",   "chat", "hf",  "base", "pt", "latest", "meta", "mlx",  "gguf",
      "nvidia",   "c4ai", "dwq",  "qat", "ud",   "i1", "imat",   "text", "ai21", "bits"};
  return std::find(fillers.begin(), fillers.end(), word) != fillers.end();
}

/// A name cut up.
struct Parts {
  Words words;
  std::optional<Recipe> recipe;
  std::string unknown_format;  ///< looks like one of llama.cpp's, and is none that is known
  bool gguf = false;
  bool tag = false;  ///< of Ollama's library
};

/// The words of a name without its format: "qwen2.5" is qwen and 2.5, "3_3" is 3.3.
void add_words(std::string_view text, Words& words) {
  std::string word;
  const auto finish = [&] {
    if (!word.empty() && !is_filler(word)) {
      words.push_back(word);
    }
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // "3_3" is a version, "3_70b" a version and a size.
    const std::size_t digits_end =
        std::min(text.find_first_not_of("0123456789", i + 1), text.size());
    const bool version = i > 0 && is_digit(text[i - 1]) && digits_end > i + 1 &&
                         word.find('.') == std::string::npos &&
                         (digits_end == text.size() || !is_letter(text[digits_end]));
    if (c == '_') {
      if (version) {
        word += '.';
      } else {
        finish();
      }
    } else if (is_digit(c) && !word.empty() && is_letter(word.back()) && is_letter(word[0])) {
      finish();
      word += c;
    } else {
      word += c;
    }
  }
  finish();
}

/// llama.cpp's way to name a mixture, known or not: "q4_k_m", "iq2_xxs", "ud-q4_k_xl".
bool looks_like_gguf_format(std::string_view text) {
  if (text.rfind("ud-", 0) == 0) {
    text.remove_prefix(3);
  }
  if (text.rfind('i', 0) == 0 || text.rfind('t', 0) == 0) {
    text.remove_prefix(1);
  }
  return text.size() > 3 && text[0] == 'q' && is_digit(text[1]) && text[2] == '_';
}

/// "4bit", "4-bit", "mlx-4bit-gs32": MLX's affine formats by their bits.
std::optional<Recipe> affine_format(std::string_view text) {
  if (text.rfind("mlx-", 0) == 0) {
    text.remove_prefix(4);
  }
  if (text.size() < 4 || !is_digit(text[0])) {
    return std::nullopt;
  }
  std::string rest(text.substr(text[1] == '-' ? 2 : 1));
  if (rest.rfind("bits", 0) == 0) {
    rest.erase(3, 1);
  }
  return rest.rfind("bit", 0) == 0 ? find_recipe(std::string(text.substr(0, 1)) + rest)
                                   : std::nullopt;
}

std::optional<Recipe> format_word(const std::string& text) {
  static constexpr std::array<std::string_view, 9> plain = {
      "bf16", "fp16", "f16", "fp8", "mxfp4", "mxfp8", "nvfp4", "mxfp4-q8", "f32"};
  if (std::find(plain.begin(), plain.end(), text) != plain.end()) {
    return find_recipe(text);
  }
  if (looks_like_gguf_format(text)) {
    return find_recipe(text.rfind("ud-", 0) == 0 ? text.substr(3) : text);
  }
  return affine_format(text);
}

/// Words joined by dashes: a format may hold up to three of them ("mlx-4bit-gs32").
void cut(std::string_view text, Parts& parts) {
  std::vector<std::string_view> pieces;
  for (const std::string_view piece : split(text, '-')) {
    if (!piece.empty()) {
      pieces.push_back(piece);
    }
  }
  for (std::size_t i = 0; i < pieces.size();) {
    std::size_t taken = 0;
    for (std::size_t count = std::min<std::size_t>(3, pieces.size() - i); count > 0; --count) {
      const std::string_view last = pieces[i + count - 1];
      const std::string joined(
          pieces[i].data(), static_cast<std::size_t>(last.data() + last.size() - pieces[i].data()));
      const bool unsloth = joined.rfind("ud-", 0) == 0;
      if (unsloth && looks_like_gguf_format(joined)) {
        parts.unknown_format = joined;  // other mixtures than llama.cpp's of that name
        taken = count;
        break;
      }
      if (auto recipe = format_word(joined)) {
        parts.recipe = std::move(recipe);
        taken = count;
        break;
      }
    }
    if (taken > 0) {
      i += taken;
      continue;
    }
    if (looks_like_gguf_format(pieces[i])) {
      parts.unknown_format = std::string(pieces[i]);
    } else {
      parts.gguf = parts.gguf || pieces[i] == "gguf";
      if (!is_filler(pieces[i])) {
        add_words(pieces[i], parts.words);
      }
    }
    ++i;
  }
}

std::string_view without_start(std::string_view text, std::string_view start) {
  return text.rfind(start, 0) == 0 ? text.substr(start.size()) : text;
}

/// A name or address as parts; no words where it is neither.
Parts parts_of(std::string_view name) {
  Parts parts;
  std::string text = lower(trim(name));
  std::string_view rest = text;
  for (const std::string_view start :
       {"https://", "http://", "www.", "hf.co/", "huggingface.co/"}) {
    rest = without_start(rest, start);
  }
  const std::string_view before = rest;
  rest = without_start(without_start(rest, "ollama.com/"), "library/");
  parts.tag = rest.size() < before.size();
  rest = rest.substr(0, rest.find_first_of("?#"));
  std::string file;
  for (const std::string_view place : {"/tree/", "/blob/", "/resolve/"}) {
    if (const std::size_t at = rest.find(place); at != std::string_view::npos) {
      file = std::string(rest.substr(rest.rfind('/') + 1));
      rest = rest.substr(0, at);
    }
  }
  while (!rest.empty() && rest.back() == '/') {
    rest.remove_suffix(1);
  }
  const std::size_t slash = rest.rfind('/');
  const bool owned = slash != std::string_view::npos;
  if (owned && rest.substr(0, slash).find('/') != std::string_view::npos) {
    return parts;
  }
  std::string tail(rest.substr(owned ? slash + 1 : 0));
  tail = tail.substr(0, tail.find('@'));
  const bool colon = tail.find(':') != std::string::npos;
  parts.tag = parts.tag || (colon && !owned);
  std::replace_if(
      tail.begin(), tail.end(), [](char c) { return c == ' ' || c == ':'; }, '-');
  cut(tail, parts);
  parts.gguf = parts.gguf || parts.tag || (colon && owned);
  if (file.size() > 5 && file.substr(file.size() - 5) == ".gguf") {
    Parts of_file;
    cut(file.substr(0, file.size() - 5), of_file);
    parts.gguf = true;
    parts.recipe = of_file.recipe ? of_file.recipe : parts.recipe;
    parts.unknown_format += of_file.unknown_format;
  }
  return parts;
}

/// "a22b" behind a size, which many names leave out: a and 22b next to each other.
Words without_active(const Words& words) {
  Words rest;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && words[i] == "a" && i + 1 < words.size() && starts_digit(words[i + 1]) &&
        words[i + 1].back() == 'b') {
      ++i;
      continue;
    }
    rest.push_back(words[i]);
  }
  return rest;
}

/// Of "70b" or "1t"; 0 where the word is no size.
double size_of(const std::string& word) {
  if (!starts_digit(word)) {
    return 0.0;
  }
  char* end = nullptr;
  const double number = std::strtod(word.c_str(), &end);
  const std::string_view unit = end;
  return number * (unit == "b" ? 1e9 : unit == "t" ? 1e12 : unit == "m" ? 1e6 : 0.0);
}

/// The words without one that only states the model's size as it is.
bool equal_but_for_size(const Words& asked, const Words& known, double parameters) {
  if (asked.size() != known.size() + 1) {
    return false;
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    constexpr double rounding = 0.06;  // 1t of 1.04 trillion
    const double size = size_of(asked[i]);
    if (size <= 0.0 || std::fabs(size / parameters - 1.0) > rounding) {
      continue;
    }
    Words rest = asked;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    if (rest == known) {
      return true;
    }
  }
  return false;
}

/// True where the known words hold all asked ones in their order; a version may go on ("4", "4.5").
bool holds(const Words& known, const Words& asked) {
  std::size_t next = 0;
  for (const std::string& word : known) {
    if (next == asked.size()) {
      break;
    }
    const std::string& wanted = asked[next];
    const bool longer = starts_digit(wanted) && word.rfind(wanted + ".", 0) == 0;
    next += word == wanted || longer ? 1 : 0;
  }
  return next == asked.size();
}

struct Known {
  std::string id;
  std::vector<Words> names;
  double parameters = 0.0;
};

std::vector<Known> known_names(const Catalog& catalog) {
  std::vector<Known> all;
  for (const Model& model : catalog.all()) {
    Known known{model.id, {}, static_cast<double>(parameters_of(model).total)};
    const auto add = [&](const std::string& name) {
      if (!name.empty()) {
        known.names.push_back(parts_of(name).words);
      }
    };
    add(model.id);
    add(model.repository);
    std::for_each(model.aliases.begin(), model.aliases.end(), add);
    for (const PublishedFormat& format : model.formats) {
      add(format.repository);
    }
    all.push_back(std::move(known));
  }
  return all;
}

template <class Holds>
std::vector<std::string> ids_where(const std::vector<Known>& all, const Holds& holds_for) {
  std::vector<std::string> ids;
  for (const Known& known : all) {
    if (std::any_of(known.names.begin(), known.names.end(),
                    [&](const Words& name) { return holds_for(known, name); })) {
      ids.push_back(known.id);
    }
  }
  return ids;
}

/// Models that the words name: by all words, else but for the active parameters, else but for a
/// size that the name need not state.
std::vector<std::string> meant_by(const Words& words, const std::vector<Known>& all) {
  auto ids = ids_where(all, [&](const Known&, const Words& name) { return name == words; });
  const Words shorter = without_active(words);
  const bool states_active = shorter.size() != words.size();
  if (ids.empty()) {
    ids = ids_where(all, [&](const Known&, const Words& name) {
      const Words plain = without_active(name);
      return plain == shorter && !(states_active && plain.size() != name.size());
    });
  }
  if (ids.empty()) {
    ids = ids_where(all, [&](const Known& known, const Words& name) {
      return equal_but_for_size(shorter, without_active(name), known.parameters);
    });
  }
  return ids;
}

/// "Qwen_Qwen3-8B-GGUF": who packs a model may put its maker before it. The place behind the
/// underscore; 0 where there is none.
std::size_t end_of_maker(std::string_view name) {
  const auto letter = [](char c) { return is_letter(c); };
  const std::size_t start = name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1;
  const std::size_t at = name.find('_', start);
  const bool between = at != std::string_view::npos && at > start && at + 1 < name.size() &&
                       letter(name[at - 1]) && letter(name[at + 1]);
  return between && name.substr(start, at - start).find_first_of("0123456789") == name.npos ? at + 1
                                                                                            : 0;
}

/// The format that the name states, as the model has it: a vision model's converter leaves its
/// tower alone.
std::optional<Recipe> recipe_for(const Parts& parts, const Model& model) {
  if (!parts.recipe) {
    if (!parts.gguf) {
      return std::nullopt;
    }
    for (const PublishedFormat& format : model.formats) {
      if (format.recipe.kind == Recipe::Kind::gguf && same_name(format.recipe.name, "MXFP4_MOE")) {
        return format.recipe;
      }
    }
    return parse_recipe("Q4_K_M");
  }
  const Recipe& stated = *parts.recipe;
  if (stated.kind != Recipe::Kind::uniform || stated.base.mode != Mode::affine) {
    return stated;
  }
  if (parts.gguf) {
    return gguf_default(stated.base.bits);
  }
  const bool vision = std::any_of(model.formats.begin(), model.formats.end(),
                                  [](const PublishedFormat& f) { return f.recipe.vlm; });
  const bool plain = std::any_of(
      model.formats.begin(), model.formats.end(),
      [&](const PublishedFormat& f) { return !f.recipe.vlm && f.recipe.base == stated.base; });
  return vision && !plain ? find_recipe("mlx-vlm-" + stated.name.substr(4)) : stated;
}

std::string format_note(const Parts& parts, const Recipe& recipe) {
  if (parts.recipe) {
    return "Its format is " + recipe.name + ", as the name says.";
  }
  return "Its format is " + recipe.name +
         (parts.tag ? ", which most of Ollama's tags stand for" : ", llama.cpp's own choice") +
         " where a name states none; --quant names another.";
}

}  // namespace

std::optional<Spelling> read_spelling(std::string_view name, const Catalog& catalog) {
  constexpr std::size_t longest = 200;
  if (name.size() > longest) {
    return std::nullopt;
  }
  Parts parts = parts_of(name);
  if (parts.words.empty()) {
    return std::nullopt;
  }
  const std::vector<Known> all = known_names(catalog);
  std::vector<std::string> ids = meant_by(parts.words, all);
  if (const std::size_t maker = end_of_maker(name); ids.empty() && maker > 0) {
    Parts rest = parts_of(name.substr(maker));
    ids = meant_by(rest.words, all);
    rest.tag = parts.tag;
    rest.gguf = parts.gguf;
    parts = std::move(rest);
  }
  const Words& words = parts.words;
  const std::string shown = "\"" + printable(name, 100) + "\"";
  if (ids.size() > 1) {
    throw Error(shown + " names several models", {}, "type " + join_words(ids, "or"));
  }
  if (ids.empty()) {
    ids = ids_where(all, [&](const Known&, const Words& known) { return holds(known, words); });
    if (ids.empty()) {
      return std::nullopt;
    }
    constexpr std::size_t most = 6;
    std::stable_sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
      return a.size() < b.size();
    });
    const std::size_t more = ids.size() - std::min(ids.size(), most);
    ids.resize(ids.size() - more);
    throw Error(
        ids.size() > 1 ? shown + " may be several models" : "unknown model " + shown, {},
        "did you mean " + join_words(ids, "or") + "?" +
            (more > 0 ? " \"macfit models search\" shows " + std::to_string(more) + " more." : ""));
  }
  if (!parts.unknown_format.empty()) {
    throw Error(shown + ": the format " + printable(parts.unknown_format, 40) + " is not known", {},
                "--model " + ids.front() +
                    " with --quant Q4_K_M or another of llama.cpp's, or the "
                    "file itself as ./NAME.gguf");
  }
  Spelling spelling{ids.front(), {}, shown + " is read as " + ids.front() + ".", {}};
  spelling.recipe = recipe_for(parts, catalog.get(spelling.id));
  if (spelling.recipe) {
    spelling.format_note = format_note(parts, *spelling.recipe);
  }
  return spelling;
}

}  // namespace macfit::model
