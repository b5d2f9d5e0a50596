// Rules of MLX, mlx-lm, EXO and JACCL worked on single figures.

#include "mlx_vectors.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace macfit::verify {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

/// The figures of a shape and the characters between them: "61x(512+64)" is 61 x ( 512 + 64 ).
struct Token {
  std::int64_t number = -1;  ///< or a mark:
  std::string mark;
};

/// Words that only explain are dropped: "full", "L", "kv", "hd".
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < text.size();) {
    if (digit(text[i])) {
      std::int64_t number = 0;
      for (; i < text.size() && digit(text[i]); ++i) {
        number = std::min<std::int64_t>(number * 10 + (text[i] - '0'), 1'000'000'000);
      }
      tokens.push_back({number, {}});
      continue;
    }
    if (text[i] == 'x' || text[i] == '+' || text[i] == ',') {
      tokens.push_back({-1, std::string(1, text[i])});
    }
    ++i;
  }
  return tokens;
}

model::Architecture of_layers(std::int64_t layers, const model::Block& block) {
  model::Architecture architecture;
  architecture.blocks.push_back(block);
  architecture.layers.assign(static_cast<std::size_t>(layers), 0);
  return architecture;
}

std::optional<model::Architecture> grouped(std::int64_t layers, std::int64_t heads,
                                           std::int64_t width) {
  model::Block block;
  block.attention.emplace();
  block.attention->heads = heads;
  block.attention->kv_heads = heads;
  block.attention->head_dim = width;
  block.attention->value_dim = width;
  return of_layers(layers, block);
}

std::optional<model::Architecture> latent(std::int64_t layers,
                                          const std::vector<std::int64_t>& widths) {
  model::Block block;
  block.latent.emplace();
  block.latent->heads = 1;
  block.latent->kv_rank = widths[0];
  block.latent->rope_dim = widths.size() > 1 ? widths[1] : 0;
  if (widths.size() > 2) {
    block.latent->indexer.emplace();
    block.latent->indexer->heads = 1;
    block.latent->indexer->head_dim = widths[2];
  }
  return of_layers(layers, block);
}

/// Where the shapes begin: names hold digits too.
std::string_view shapes_in(std::string_view name) {
  const std::size_t at = name.find(' ');
  return at == std::string_view::npos ? std::string_view() : name.substr(at + 1);
}

}  // namespace

std::optional<std::int64_t> number_after(std::string_view text, std::string_view mark) {
  for (std::size_t at = text.find(mark); at != std::string_view::npos;
       at = text.find(mark, at + 1)) {
    std::size_t i = at + mark.size();
    if (i < text.size() && digit(text[i])) {
      std::int64_t number = 0;
      for (; i < text.size() && digit(text[i]); ++i) {
        number = std::min<std::int64_t>(number * 10 + (text[i] - '0'), 1'000'000'000'000);
      }
      return number;
    }
    if (mark.empty()) {
      break;
    }
  }
  return std::nullopt;
}

std::optional<model::Mode> mode_named(std::string_view name) {
  struct Named {
    std::string_view name;
    model::Mode mode;
  };
  static constexpr Named modes[] = {{"affine", model::Mode::affine},
                                    {"mxfp4", model::Mode::mxfp4},
                                    {"nvfp4", model::Mode::nvfp4},
                                    {"mxfp8", model::Mode::mxfp8}};
  for (const Named& mode : modes) {
    if (mode.name == name) {
      return mode.mode;
    }
  }
  return std::nullopt;
}

std::optional<model::Architecture> cache_named(std::string_view name) {
  std::vector<std::int64_t> numbers;
  std::string marks;
  for (const Token& token : tokens_of(shapes_in(name))) {
    if (token.number >= 0) {
      numbers.push_back(token.number);
    } else {
      marks += token.mark;
    }
  }
  constexpr std::int64_t most_layers = 100'000;
  if (numbers.empty() || numbers[0] < 1 || numbers[0] > most_layers ||
      std::any_of(numbers.begin(), numbers.end(), [](auto n) { return n < 1; })) {
    return std::nullopt;
  }
  if (numbers.size() == 3 && (marks == "xx" || marks == ",,")) {
    return grouped(numbers[0], numbers[1], numbers[2]);
  }
  if (marks == "x" && numbers.size() == 2) {
    return latent(numbers[0], {numbers[1]});
  }
  if (marks == "x+" || marks == "x++") {
    return numbers.size() == marks.size() + 1
               ? latent(numbers[0], {numbers.begin() + 1, numbers.end()})
               : std::nullopt;
  }
  return std::nullopt;
}

model::SplitRule split_rule_of(std::string_view error) {
  if (error.starts_with("n_heads")) {
    return model::SplitRule::heads;
  }
  if (error.starts_with("n_kv_heads")) {
    return model::SplitRule::kv_heads;
  }
  if (error.starts_with("q_out")) {
    return model::SplitRule::rows;
  }
  return error.find("group") != std::string_view::npos ? model::SplitRule::group
                                                       : model::SplitRule::columns;
}

}  // namespace macfit::verify
