// Models by the names that people give them in tables of measurements, found in the catalog.

#include <algorithm>
#include <array>
#include <cmath>

#include "macfit/core/characters.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "rows.hpp"

namespace macfit::calibrate {
namespace {

using Words = std::vector<std::string>;

/// "Llama 3.2:3b" -> llama 3.2 3b.
Words words_of(std::string_view name) {
  std::string text = lower(trim(name));
  if (const std::size_t slash = text.find_last_of('/'); slash != std::string::npos) {
    text = text.substr(slash + 1);
  }
  for (const std::string_view end : {".gguf", ".json"}) {
    if (text.size() > end.size() && std::string_view(text).ends_with(end)) {
      text.resize(text.size() - end.size());
    }
  }
  Words words;
  std::string word;
  for (const char c : text + "-") {
    if (c == '-' || c == '_' || c == ' ' || c == ':' || c == '(' || c == ')') {
      if (!word.empty()) {
        words.push_back(word);
      }
      word.clear();
    } else {
      word += c;
    }
  }
  return words;
}

std::string joined(const Words& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : "-") + word;
  }
  return text;
}

/// "4bit", "q8", "q4", "k", "m": says how weights are stored, not which model it is.
bool is_format(const std::string& word) {
  static const std::array<std::string_view, 26> known{
      "bf16", "f16",   "fp16", "fp8", "mxfp4", "mxfp8", "nvfp4", "q8",     "jangtq",
      "gguf", "mlx",   "qat",  "ud",  "dwq",   "k",     "m",     "xl",     "s",
      "0",    "crack", "awq",  "bit", "gs32",  "g32",   "g64",   "ternary"};
  if (std::find(known.begin(), known.end(), word) != known.end()) {
    return true;
  }
  const auto number = leading_number(word);
  if (number && (number->rest == "bit" || number->rest == "bpw")) {
    return true;
  }
  const bool quant = word.size() == 2 && word[0] == 'q' && is_digit(word[1]);
  return quant || word.rfind("iq", 0) == 0;
}

/// Words that name a tuning of the same shapes.
bool is_tuning(const std::string& word) {
  static const std::array<std::string_view, 12> known{"instruct", "it",      "chat",     "hf",
                                                      "base",     "dense",   "meta",     "code",
                                                      "class",    "preview", "thinking", "ternary"};
  return std::find(known.begin(), known.end(), word) != known.end();
}

/// "671b", "1t", "0.8b": a number of parameters. "a3b": active ones.
bool is_size(const std::string& word) {
  const auto number = leading_number(word);
  return number && (number->rest == "b" || number->rest == "t" || number->rest == "m");
}
bool is_active(const std::string& word) {
  return word.size() > 2 && word[0] == 'a' && is_size(word.substr(1));
}
bool is_date(const std::string& word) {
  return (word.size() == 4 || word.size() == 8) && std::all_of(word.begin(), word.end(), is_digit);
}

template <class Drop>
Words without(const Words& words, Drop&& drop) {
  Words kept;
  std::copy_if(words.begin(), words.end(), std::back_inserter(kept),
               [&](const std::string& word) { return !drop(word); });
  return kept;
}

/// "gemma3" -> gemma 3; "qwen3" stays as catalogs write it, so both are tried.
Words split_digits(const Words& words) {
  Words result;
  for (const std::string& word : words) {
    std::size_t at = 0;
    while (at < word.size() && is_letter(word[at])) {
      ++at;
    }
    const bool versioned = at >= 3 && at < word.size() && is_digit(word[at]);
    result.push_back(versioned ? word.substr(0, at) : word);
    if (versioned) {
      result.push_back(word.substr(at));
    }
  }
  return result;
}

/// DeepSeek's distilled models are often named by their size alone.
std::optional<std::string> distilled(const Words& words) {
  const std::string name = joined(without(words, [](const std::string& w) {
    return w == "deepseek" || w == "distill" || w == "qwen" || w == "llama";
  }));
  static const std::array<std::pair<std::string_view, std::string_view>, 5> known{
      {{"r1-7b", "deepseek-r1-distill-qwen-7b"},
       {"r1-8b", "deepseek-r1-distill-llama-8b"},
       {"r1-14b", "deepseek-r1-distill-qwen-14b"},
       {"r1-32b", "deepseek-r1-distill-qwen-32b"},
       {"r1-70b", "deepseek-r1-distill-llama-70b"}}};
  for (const auto& [from, to] : known) {
    if (name == from) {
      return std::string(to);
    }
  }
  return std::nullopt;
}

/// Where the whole name is a catalog id but for a minor version ("kimi-k2.7"): the nearest one.
std::optional<std::string> near_version(const Words& words, const std::vector<std::string>& ids) {
  std::optional<std::string> best;
  for (const std::string& id : ids) {
    const Words other = words_of(id);
    if (other.size() != words.size()) {
      continue;
    }
    bool alike = true;
    bool differs = false;
    for (std::size_t i = 0; i < words.size() && alike; ++i) {
      if (words[i] == other[i]) {
        continue;
      }
      const std::size_t point = words[i].find('.');
      const std::size_t mine = std::min(point, words[i].size());
      const std::size_t theirs = other[i].find('.');
      alike = !differs && point != std::string::npos && theirs != std::string::npos &&
              !is_size(words[i]) && words[i].substr(0, mine) == other[i].substr(0, theirs);
      differs = true;
    }
    if (alike && (!best || id > *best)) {
      best = id;
    }
  }
  return best;
}

/// The one shape among ids that start (or end) with the name.
std::optional<model::Model> by_part(const std::string& name, bool start,
                                    const model::Catalog& catalog) {
  std::optional<model::Model> found;
  for (const std::string& id : catalog.ids()) {
    const bool hit =
        start ? id.rfind(name + "-", 0) == 0 : std::string_view(id).ends_with("-" + name);
    if (!hit) {
      continue;
    }
    model::Model model = catalog.get(id);
    const auto size = [](const model::Model& m) {
      return model::parameters_of(m).total / 1'000'000'000;
    };
    if (found && (size(*found) != size(model) ||
                  found->architecture.layers.size() != model.architecture.layers.size())) {
      return std::nullopt;  // more than one shape
    }
    found = std::move(model);
  }
  return found;
}

/// False where the name states a number of parameters that is not the model's.
bool size_agrees(const Words& words, const model::Model& model) {
  constexpr double slack = 0.35;
  const auto total = static_cast<double>(model::parameters_of(model).total);
  bool stated = false;
  for (const std::string& word : words) {
    if (!is_size(word)) {
      continue;
    }
    const auto number = leading_number(word);
    const double unit = number->rest == "t" ? 1e12 : number->rest == "b" ? 1e9 : 1e6;
    if (std::abs(number->value * unit / total - 1.0) < slack) {
      return true;
    }
    stated = true;
  }
  return !stated;
}

}  // namespace

std::optional<model::Model> find_model(std::string_view name, const model::Catalog& catalog) {
  if (const auto exact = catalog.find(name)) {
    return exact->nominal ? std::nullopt : exact;
  }
  const Words all = without(words_of(name), is_format);
  const Words plain = without(all, is_tuning);
  const Words undated = without(plain, is_date);
  // Sizes that say again what the name says ("deepseek-r1-671b", "kimi-k2-thinking-1t").
  const auto total = [&](const Words& words) { return without(words, is_size); };
  std::vector<Words> candidates{all, plain, undated, total(all), total(plain)};
  for (std::size_t i = 0, n = candidates.size(); i < n; ++i) {
    candidates.push_back(split_digits(candidates[i]));
  }
  for (const Words& words : candidates) {
    if (words.empty()) {
      continue;
    }
    if (const auto distill = distilled(words)) {
      if (auto found = catalog.find(*distill)) {
        return found;
      }
    }
    auto found = catalog.find(joined(words));
    if (found && size_agrees(all, *found)) {
      return found;
    }
  }
  const std::vector<std::string> ids = catalog.ids();
  for (const Words& words : {plain, split_digits(plain), undated}) {
    const std::string text = joined(words);
    if (text.empty()) {
      continue;
    }
    const bool sized = std::any_of(words.begin(), words.end(), is_size);
    const bool named = std::any_of(words.begin(), words.end(), [](const std::string& w) {
      return !is_size(w) && !is_active(w);
    });
    if (named && !sized) {
      if (auto found = by_part(text, true, catalog)) {
        return found;
      }
    }
    // Two sizes ("35b-a3b") say enough to find the one shape that has them; one does not.
    if (std::any_of(words.begin(), words.end(), is_active) || named) {
      if (auto found = by_part(text, false, catalog)) {
        return found;
      }
    }
    if (const auto near = near_version(words, ids)) {
      return catalog.get(*near);
    }
  }
  return std::nullopt;
}

}  // namespace macfit::calibrate
