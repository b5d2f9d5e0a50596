// The short notation of layers in manifests: "3*dense 58*moe".

#include "layers_text.hpp"

#include <algorithm>
#include <limits>

#include "macfit/core/characters.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/manifest.hpp"

namespace macfit::model {
namespace {

bool is_word(char c) noexcept { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }

/// layers = item { " " item }; item = [ count "*" ] ( name | "(" layers ")" )
class LayersParser {
 public:
  LayersParser(std::string_view text, const std::string& pointer, const std::vector<Block>& blocks)
      : text_(text), pointer_(pointer), blocks_(blocks) {}

  std::vector<std::uint16_t> parse() {
    std::vector<std::uint16_t> result = items(0);
    if (at_ < text_.size()) {
      fail("\")\" without a \"(\" before it");
    }
    return result;
  }

 private:
  std::vector<std::uint16_t> items(std::size_t depth) {
    if (depth > 8) {
      fail("groups stand more than 8 deep");
    }
    std::vector<std::uint16_t> result;
    skip_blanks();
    while (at_ < text_.size() && text_[at_] != ')') {
      const std::size_t count = is_digit(text_[at_]) ? repeat() : 1;
      std::vector<std::uint16_t> part;
      if (at_ < text_.size() && text_[at_] == '(') {
        ++at_;
        part = items(depth + 1);
        if (at_ == text_.size()) {
          fail("\"(\" without a \")\" after it");
        }
        ++at_;
      } else {
        part.push_back(block());
      }
      if (part.size() * count + result.size() > most_layers) {
        fail("more than " + std::to_string(most_layers) + " layers");
      }
      for (std::size_t i = 0; i < count; ++i) {
        result.insert(result.end(), part.begin(), part.end());
      }
      skip_blanks();
    }
    if (result.empty()) {
      fail("expected a block's name, such as \"" + example() + "\"");
    }
    return result;
  }

  std::size_t repeat() {
    std::size_t count = 0;
    while (at_ < text_.size() && is_digit(text_[at_])) {
      count = count * 10 + static_cast<std::size_t>(text_[at_++] - '0');
      if (count > most_layers) {
        fail("more than " + std::to_string(most_layers) + " layers");
      }
    }
    if (at_ == text_.size() || text_[at_] != '*') {
      fail("expected \"*\" after a count, as in \"3*" + example() + "\"");
    }
    ++at_;
    if (count == 0) {
      fail("expected a count of 1 or more");
    }
    return count;
  }

  std::uint16_t block() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) {
      ++at_;
    }
    const std::string_view name = text_.substr(start, at_ - start);
    if (name.empty()) {
      const std::string found =
          at_ < text_.size() ? "\"" + printable(text_.substr(at_, 1)) + "\"" : "the end";
      fail("expected a block's name, found " + found);
    }
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (blocks_[i].name == name) {
        return static_cast<std::uint16_t>(i);
      }
    }
    std::vector<std::string> known;
    for (const Block& block : blocks_) {
      known.push_back(block.name);
    }
    throw unknown_name("block", name, known, Place{{}, pointer_, {}},
                       known.empty() ? "" : "The blocks here: " + join_words(known) + ".");
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
    }
  }
  [[nodiscard]] std::string example() const {
    return blocks_.empty() ? "full" : blocks_.front().name;
  }
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(message + ", at character " + std::to_string(at_ + 1), Place{{}, pointer_, {}});
  }

  std::string_view text_;
  const std::string& pointer_;
  const std::vector<Block>& blocks_;
  std::size_t at_ = 0;
};

/// Shortest spelling of every stretch of layers, from short stretches to long ones.
class Speller {
 public:
  Speller(const std::vector<Block>& blocks, const std::vector<std::uint16_t>& layers)
      : blocks_(blocks), layers_(layers), best_(layers.size() * (layers.size() + 1)) {
    const std::size_t n = layers_.size();
    for (std::size_t length = 1; length <= n; ++length) {
      for (std::size_t start = 0; start + length <= n; ++start) {
        choose(start, length);
      }
    }
  }

  /// The outermost parts of the whole.
  [[nodiscard]] std::vector<std::string> parts() const {
    std::vector<std::string> result;
    if (!layers_.empty()) {
      collect(0, layers_.size(), result);
    }
    return result;
  }

 private:
  /// A character costs as much as any number of words: the shortest text wins, then the one with
  /// the fewest words.
  static constexpr std::size_t character = std::size_t{1} << 16U;

  struct Choice {
    std::size_t cost = std::numeric_limits<std::size_t>::max();
    std::size_t split = 0;   ///< length of the first of two stretches
    std::size_t period = 0;  ///< length of a repeated stretch
  };

  [[nodiscard]] Choice& best(std::size_t start, std::size_t length) {
    return best_[start * (layers_.size() + 1) + length];
  }
  [[nodiscard]] const Choice& best(std::size_t start, std::size_t length) const {
    return best_[start * (layers_.size() + 1) + length];
  }

  void choose(std::size_t start, std::size_t length) {
    Choice choice;
    if (length == 1) {
      choice.cost = blocks_.at(layers_[start]).name.size() * character + 1;
    }
    for (std::size_t period = 1; period * 2 <= length; ++period) {
      if (length % period == 0 && repeats(start, length, period)) {
        const std::size_t signs = std::to_string(length / period).size() + 1 + (period > 1 ? 2 : 0);
        const std::size_t cost = best(start, period).cost + signs * character;
        if (cost < choice.cost) {
          choice = {cost, 0, period};
        }
      }
    }
    for (std::size_t split = 1; split < length; ++split) {
      const std::size_t cost =
          best(start, split).cost + character + best(start + split, length - split).cost;
      if (cost < choice.cost) {
        choice = {cost, split, 0};
      }
    }
    best(start, length) = choice;
  }

  [[nodiscard]] bool repeats(std::size_t start, std::size_t length, std::size_t period) const {
    for (std::size_t i = start + period; i < start + length; ++i) {
      if (layers_[i] != layers_[i - period]) {
        return false;
      }
    }
    return true;
  }

  void collect(std::size_t start, std::size_t length, std::vector<std::string>& out) const {
    const Choice& choice = best(start, length);
    if (choice.split > 0) {
      collect(start, choice.split, out);
      collect(start + choice.split, length - choice.split, out);
    } else if (choice.period > 0) {
      std::vector<std::string> inner;
      collect(start, choice.period, inner);
      std::string text = std::to_string(length / choice.period) + "*";
      text += choice.period > 1 ? "(" : "";
      for (std::size_t i = 0; i < inner.size(); ++i) {
        text += (i > 0 ? " " : "") + inner[i];
      }
      text += choice.period > 1 ? ")" : "";
      out.push_back(std::move(text));
    } else {
      out.push_back(blocks_.at(layers_[start]).name);
    }
  }

  const std::vector<Block>& blocks_;
  const std::vector<std::uint16_t>& layers_;
  std::vector<Choice> best_;
};

/// The search is cubic; no real model comes near this.
constexpr std::size_t most_spelled = 256;

/// "3*dense", "58*moe": without groups.
std::vector<std::string> runs(const std::vector<Block>& blocks,
                              const std::vector<std::uint16_t>& layers) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start < layers.size();) {
    std::size_t end = start;
    while (end < layers.size() && layers[end] == layers[start]) {
      ++end;
    }
    const std::string count = end - start > 1 ? std::to_string(end - start) + "*" : "";
    parts.push_back(count + blocks.at(layers[start]).name);
    start = end;
  }
  return parts;
}

}  // namespace

bool is_block_name(std::string_view name) noexcept {
  return !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), is_word);
}

void append_layers(std::string_view text, const std::string& pointer,
                   const std::vector<Block>& blocks, std::vector<std::uint16_t>& layers) {
  const std::vector<std::uint16_t> parsed = LayersParser(text, pointer, blocks).parse();
  if (parsed.size() + layers.size() > most_layers) {
    throw Error("more than " + std::to_string(most_layers) + " layers", Place{{}, pointer, {}});
  }
  layers.insert(layers.end(), parsed.begin(), parsed.end());
}

std::vector<std::string> layers_lines(const std::vector<Block>& blocks,
                                      const std::vector<std::uint16_t>& layers, std::size_t width) {
  std::vector<std::string> lines;
  const std::vector<std::string> parts =
      layers.size() > most_spelled ? runs(blocks, layers) : Speller(blocks, layers).parts();
  for (const std::string& part : parts) {
    if (lines.empty() || lines.back().size() + 1 + part.size() > width) {
      lines.push_back(part);
    } else {
      lines.back() += " " + part;
    }
  }
  return lines;
}

std::string layers_text(const std::vector<Block>& blocks,
                        const std::vector<std::uint16_t>& layers) {
  const auto lines = layers_lines(blocks, layers, std::numeric_limits<std::size_t>::max());
  return lines.empty() ? std::string() : lines.front();
}

}  // namespace macfit::model
