// What people write in rows of measurements, in macfit's terms: engines, weight formats, lengths.

#include <algorithm>
#include <array>
#include <cctype>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "rows.hpp"

namespace macfit::calibrate {
namespace {

bool mlx_based(speed::Engine engine) {
  return engine == speed::Engine::mlx || engine == speed::Engine::exo;
}

FoundFormat of_recipe(const model::Recipe& recipe, bool assumed = false) {
  FoundFormat found;
  found.name = recipe.name;
  found.recipe = recipe;
  found.assumed = assumed;
  return found;
}

FoundFormat of_name(std::string_view name, bool assumed = false) {
  return of_recipe(model::parse_recipe(name), assumed);
}

FoundFormat of_bits(double body, double experts, double head, std::string name,
                    bool unpack = false) {
  FoundFormat found;
  found.bits = {body, experts, head, unpack};
  found.name = std::move(name);
  return found;
}

/// Whether a number between these counts bits: "4bit", "q4", "int4", or nothing around it.
bool stands_for_bits(std::string_view before, std::string_view after) {
  return after.starts_with("bit") || after.starts_with("-bit") || after.starts_with(" bit") ||
         before.ends_with('q') || before.ends_with("int") || (before.empty() && after.empty());
}

/// Whole bits in "4bit", "8-bit", "mlx-4bit", "q8"; 0 where there are none.
int bits_in(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = i == 0 || std::isdigit(static_cast<unsigned char>(text[i - 1])) == 0;
    const auto number = starts ? leading_number(text.substr(i)) : std::nullopt;
    if (!number || number->value < 1.0 || number->value > 8.0) {
      continue;
    }
    if (stands_for_bits(text.substr(0, i), number->rest) &&
        number->value == static_cast<int>(number->value)) {
      return static_cast<int>(number->value);
    }
  }
  return 0;
}

/// Fractional bits in "3.6 bit".
std::optional<double> flat_bits(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = i == 0 || (std::isdigit(static_cast<unsigned char>(text[i - 1])) == 0 &&
                                   text[i - 1] != '.');
    const auto number = starts ? leading_number(text.substr(i)) : std::nullopt;
    if (number && number->value != static_cast<int>(number->value) &&
        (number->rest.starts_with(" bit") || number->rest.starts_with("bit") ||
         number->rest.starts_with("bpw"))) {
      return number->value;
    }
  }
  return std::nullopt;
}

bool experts_stay_four_bit(const model::Model& model) {
  return model.default_recipe && model.default_recipe->name.find("experts") != std::string::npos;
}

FoundFormat mlx_bits(int bits, bool narrow, const model::Model& model) {
  const std::string& type = model.architecture.type;
  if (type == "gpt_oss") {
    return of_name("mxfp4-q8");
  }
  // Conversions leave DeepSeek V4's experts at the four bits that they are published in.
  if (type == "deepseek_v4" && bits >= 4) {
    const double rest = bits + 0.5;
    return of_bits(rest, 4.25, rest, "mxfp4-experts-" + std::to_string(bits) + "bit");
  }
  if (experts_stay_four_bit(model) && bits == 4) {
    return of_recipe(*model.default_recipe);
  }
  return of_name(std::to_string(bits) + "bit" + (narrow ? "-gs32" : ""));
}

std::optional<FoundFormat> mlx_format(const std::string& text, const model::Model& model) {
  if (const auto flat = flat_bits(text)) {
    if (experts_stay_four_bit(model)) {
      // A mean over a file of nearly nothing but experts; what every token uses stays finer.
      return of_bits(8.5, *flat, 8.5, text);
    }
    return of_bits(*flat, *flat, *flat, text);
  }
  for (const std::string_view name : {"bf16", "fp16", "f16"}) {
    if (mentions(text, name)) {
      return of_name("bf16");
    }
  }
  if (mentions(text, "mxfp4") && model.architecture.type == "gpt_oss") {
    return of_name("mxfp4-q8");
  }
  for (const std::string_view name : {"mxfp4", "nvfp4", "mxfp8"}) {
    if (mentions(text, name)) {
      return of_name(name);
    }
  }
  if (mentions(text, "native") && model.default_recipe) {
    return of_recipe(*model.default_recipe);
  }
  const int bits = bits_in(text);
  if (bits == 0 || bits == 1 || bits == 7) {
    return std::nullopt;
  }
  return mlx_bits(bits, mentions(text, "g32") || mentions(text, "gs32"), model);
}

std::optional<FoundFormat> gpt_oss_format(speed::Engine engine) {
  const bool ollama = engine == speed::Engine::ollama;
  const double rest = ollama ? 16.0 : 8.5;
  return of_bits(rest, 4.25, rest, ollama ? "mxfp4-bf16" : "mxfp4-q8_0");
}

/// A mixture as people write it, as gguf_mixture_names() has it: "Q4_K - Small" is q4_k_s.
std::string mixture_spelling(std::string text) {
  for (const std::string_view size : {" - small", " - medium", " - large"}) {
    if (const std::size_t at = text.find(size); at != std::string::npos) {
      text.replace(at, size.size(), {'_', size[3]});
    }
  }
  for (char& c : text) {
    c = c == '-' || c == ' ' ? '_' : c;
  }
  return text;
}

/// What makers of GGUF files call mixtures that llama.cpp has no name for, and the nearest that it
/// has.
struct NearMixture {
  std::string_view part;
  const char* name;
  bool only_without_size;  ///< "Q4_K_XL": not where a longer name was found
};
constexpr NearMixture near_mixtures[] = {{"q4_k", "Q4_K_M", true},
                                         {"q8_k", "Q8_0", false},
                                         {"q5_k", "Q5_K_M", true},
                                         {"q3_k", "Q3_K_M", true}};

/// The mixture that a text names, or empty.
std::string mixture_in(std::string_view text) {
  constexpr std::size_t with_size = 6;  // "Q4_K_S"
  std::string best;
  for (const std::string& name : model::gguf_mixture_names()) {
    if (mentions(text, lower(name)) && name.size() > best.size()) {
      best = name;
    }
  }
  for (const NearMixture& near : near_mixtures) {
    if (mentions(text, near.part) && !(near.only_without_size && best.size() >= with_size)) {
      return near.name;
    }
  }
  return best;
}

std::optional<FoundFormat> llama_format(const std::string& stated, speed::Engine engine,
                                        const model::Model& model) {
  if (model.architecture.type == "gpt_oss") {
    return gpt_oss_format(engine);
  }
  const std::string text = mixture_spelling(stated);
  std::string best = mixture_in(text);
  if (best.empty() && (mentions(text, "nvfp4") || mentions(text, "native"))) {
    return of_bits(4.5, 4.5, 4.5, text);
  }
  const bool usual = text.empty() || mentions(text, "default");
  if (best.empty() && (usual || mentions(text, "mxfp4"))) {
    best = "Q4_K_M";
  }
  if (best.empty()) {
    const int bits = bits_in(stated);
    if (bits == 0) {
      return std::nullopt;
    }
    best = model::gguf_default(bits).name;
  }
  FoundFormat found = of_name(best, usual);
  if (!model::find_gguf_architecture(model.architecture)) {
    const double bits = model::gguf_mixture_bits(best);
    found = of_bits(bits, bits, std::max(bits, 6.56), best, mentions(best, "_K"));
  }
  return found;
}

/// ds4 quantizes the routed experts; the rest stays at 8 bits.
std::optional<FoundFormat> ds4_format(const std::string& text, const model::Model& model) {
  constexpr double rest = 8.5;
  FoundFormat found;
  if (mentions(text, "iq2_xxs")) {
    found = of_bits(rest, 2.1, rest, "ds4-iq2_xxs");
  } else if (const auto size = leading_number(text); size && size->rest.starts_with(" gb")) {
    const double bits = size->value * 8e9 / static_cast<double>(model::parameters_of(model).total);
    found = of_bits(rest, bits - 0.3, rest, "ds4-" + text);
  } else {
    const int bits = mentions(text, "mxfp4") ? 4 : bits_in(text);
    if (bits != 2 && bits != 4 && bits != 8) {
      return std::nullopt;
    }
    found = of_bits(rest,
                    bits == 2   ? 2.25
                    : bits == 4 ? 4.5
                                : 8.5,
                    rest, "ds4-q" + std::to_string(bits));
  }
  found.bits.unpack_experts = found.bits.experts < rest && !mentions(text, "mxfp4");
  return found;
}

int year_in(std::string_view text) {
  for (int year = 2022; year < 2040; ++year) {
    if (mentions(text, std::to_string(year))) {
      return year;
    }
  }
  return 0;
}

/// llama.cpp as it was before 2025 was slower.
speed::Engine llama_engine(const MeasuredRow& row, std::string_view name) {
  // "accessed 2026" is when a table was read, not when it was made; #4167 is of 2023 and 2024.
  const bool accessed = mentions(row.date, "accessed");
  const int year = std::max(accessed ? 0 : year_in(row.date), year_in(name));
  const bool old = (year > 0 && year < 2025) || (year == 0 && mentions(row.source, "#4167"));
  return old ? speed::Engine::llama_2024 : speed::Engine::llama_cpp;
}

/// LM Studio runs either: the format tells which.
speed::Engine lm_studio_engine(const MeasuredRow& row) {
  const std::string quant = lower(row.quant) + lower(row.model);
  for (const std::string_view gguf : {"gguf", "_k", "q4_0", "q8_0", "iq"}) {
    if (mentions(quant, gguf)) {
      return speed::Engine::llama_cpp;
    }
  }
  return speed::Engine::mlx;
}

/// "512", "21K", "512p/128g", "tg128", "short": one or two numbers and what they stand for.
struct ContextWords {
  bool generation_alone = false;  ///< "tg128"
  std::optional<double> first;    ///< none: a word, or nothing
  double second = 0.0;            ///< 0: not stated
  bool is_short = false;
};

ContextWords read_context(const std::string& stated) {
  std::string text = lower(trim(stated));
  text.erase(std::remove(text.begin(), text.end(), ','), text.end());
  ContextWords words;
  words.is_short = mentions(text, "short");
  std::string_view rest = text;
  words.generation_alone = rest.starts_with("tg");
  if (words.generation_alone) {
    rest.remove_prefix(2);
  }
  const auto number = leading_number(rest);
  if (!number || number->value <= 0.0) {
    return words;
  }
  words.first = number->value;
  rest = number->rest;
  if (rest.starts_with("k")) {
    words.first = number->value * 1024.0;
    rest.remove_prefix(1);
  }
  if (const std::size_t at = rest.find_first_of("/0123456789"); at != std::string_view::npos) {
    if (const auto after = leading_number(rest.substr(rest[at] == '/' ? at + 1 : at))) {
      words.second = after->value;
    }
  }
  return words;
}

/// Rows that say so give the speed of one chunk with the rest in the cache.
FoundTokens prefill_tokens(const MeasuredRow& row, double prompt) {
  constexpr double chunk = 2048.0;
  const bool late = mentions(row.notes, "instantaneous") && prompt > chunk;
  FoundTokens found{late ? prompt - chunk : 0.0, late ? chunk : prompt, 0.0};
  if (mentions(row.notes, "-ub set to the prompt length")) {
    found.step = std::min(prompt, chunk);
  }
  return found;
}

/// Tools that generate from an empty cache.
bool starts_empty(const MeasuredRow& row) {
  return mentions(lower(row.runtime), "llama-bench") || mentions(row.source, "#4167") ||
         (mentions(row.notes, "tg N") && mentions(row.notes, "pp N"));
}

}  // namespace

std::string source_of(const MeasuredRow& row) {
  const std::string text = lower(row.source);
  const std::size_t number = text.find('#');
  if (number != std::string::npos) {
    std::size_t end = number + 1;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) {
      ++end;
    }
    if (end > number + 1) {
      const std::size_t space = text.find(' ');
      const std::string who = text.substr(0, std::min(space, number));
      return (mentions(who, "/") ? who : std::string()) + text.substr(number, end - number);
    }
  }
  const std::size_t space = text.find_first_of(" @:");
  std::string first = text.substr(0, space);
  if (std::count(first.begin(), first.end(), '/') == 1) {
    return first;
  }
  const std::string_view details = text;
  const std::size_t cut = std::min(text.find_first_of("(:;,"), text.find(" row "));
  return std::string(trim(details.substr(0, cut)));
}

std::optional<speed::Engine> engine_of(const MeasuredRow& row) {
  const std::string name = lower(row.runtime);
  if (mentions(name, "ds4")) {
    return speed::Engine::ds4;
  }
  if (mentions(name, "exo")) {
    return speed::Engine::exo;
  }
  if (mentions(name, "ollama")) {
    return mentions(lower(row.quant), "mlx") ? speed::Engine::mlx : speed::Engine::ollama;
  }
  if (mentions(name, "llama")) {
    return llama_engine(row, name);
  }
  if (mentions(name, "lm studio") && !mentions(name, "mlx")) {
    return lm_studio_engine(row);
  }
  if (mentions(name, "mlx")) {
    return speed::Engine::mlx;
  }
  return std::nullopt;
}

std::optional<FoundFormat> find_format(const MeasuredRow& row, speed::Engine engine,
                                       const model::Model& model) {
  std::string text = lower(row.quant);
  if (text.empty() || mentions(text, "in name")) {
    text = lower(row.model);
    if (text.find('/') != std::string::npos) {
      text = text.substr(text.find('/') + 1);
    }
  } else if (text == "n/s") {
    return std::nullopt;
  }
  std::optional<FoundFormat> found;
  try {
    if (engine == speed::Engine::ds4) {
      found = ds4_format(text, model);
    } else if (mlx_based(engine)) {
      found = mlx_format(text, model);
    } else {
      found = llama_format(text, engine, model);
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return found;
}

std::optional<FoundTokens> find_tokens(const MeasuredRow& row, bool prefill) {
  constexpr double few = 100.0;
  constexpr double reply = 256.0;
  constexpr double bench = 128.0;
  constexpr double unknown = 300.0;
  if (row.prompt || row.generated || row.cached) {
    const FoundTokens tokens{row.cached.value_or(0.0), row.prompt.value_or(0.0),
                             row.generated.value_or(0.0)};
    return prefill && tokens.prompt < 1.0 ? std::nullopt : std::optional(tokens);
  }
  const ContextWords words = read_context(row.context);
  if (!words.first) {
    if (prefill) {
      return std::nullopt;
    }
    return FoundTokens{0.0, words.is_short ? few : unknown, reply, !words.is_short};
  }
  if (words.generation_alone) {
    return FoundTokens{0.0, 0.0, *words.first};
  }
  if (prefill) {
    return prefill_tokens(row, *words.first);
  }
  if (starts_empty(row)) {
    return FoundTokens{0.0, 0.0, words.second > 0.0 ? words.second : *words.first};
  }
  return FoundTokens{0.0, *words.first, words.second > 0.0 ? words.second : bench};
}

}  // namespace macfit::calibrate
