// A grid of what-ifs: axes, their values, and points by index.

#include "macfit/study/grid.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/macos.hpp"
#include "macfit/model/weight_format.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::study {
namespace {

constexpr std::array<std::string_view, axis_count> names = {
    "model", "quant",   "nodes", "macos",        "wired-limit", "link",
    "kv",    "runtime", "split", "prefill-step", "sequences",   "context"};

constexpr std::array<std::int64_t, axis_count - text_axes> default_numbers = {2048, 1, 8192};

std::int64_t parse_number(Axis axis, std::string_view text) {
  if (axis == Axis::context) {
    return parse_tokens(text).count();
  }
  return parse_whole(text, names[static_cast<std::size_t>(axis)], 1, 1'000'000);
}

[[noreturn]] void too_many() {
  throw Error(fmt::format("more than {} values", format_whole(most_values)));
}

/// The numbers that one value stands for.
Numbers expand(Axis axis, std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    return Numbers({parse_number(axis, text)});
  }
  const std::string_view rest = text.substr(dots + 2);
  const std::size_t sign = rest.find_first_of("*+");
  const std::int64_t low = parse_number(axis, text.substr(0, dots));
  const std::int64_t high = parse_number(axis, rest.substr(0, sign));
  const bool times = sign != std::string_view::npos && rest[sign] == '*';
  std::int64_t step = 1;
  if (sign != std::string_view::npos) {
    step = times ? parse_whole(rest.substr(sign + 1), "the factor of a range", 2, 1'000'000)
                 : parse_number(axis, rest.substr(sign + 1));
  }
  if (low > high) {
    throw Error(fmt::format("the range \"{}\" is empty", printable(text)), {},
                "a range goes from the smaller to the larger: 8k..256k*2, 1..64+8");
  }
  std::int64_t count = 1;
  if (times) {
    for (std::int64_t value = low; value <= high / step; value *= step) {
      ++count;
    }
  } else {
    count += (high - low) / step;
  }
  if (count > static_cast<std::int64_t>(most_values)) {
    too_many();
  }
  return {low, step, times, static_cast<std::size_t>(count)};
}

/// Throws Error unless the value can be meant; models, nodes and links are looked up elsewhere.
void check_text(Axis axis, const std::string& text, const runtime::Catalog& runtimes) {
  if (printable(text, text.size()) != text) {
    throw Error(fmt::format("\"{}\" holds characters that can't be printed", printable(text)));
  }
  if (axis == Axis::model || axis == Axis::nodes) {
    if (text.empty()) {
      throw Error(fmt::format("an empty {}", names[static_cast<std::size_t>(axis)]));
    }
    return;
  }
  if (text.empty()) {
    return;
  }
  switch (axis) {
    case Axis::macos:
      (void)hardware::parse_macos(text);
      break;
    case Axis::wired_limit:
      (void)parse_bytes(text);
      break;
    case Axis::quant:
      (void)model::parse_recipe(text);
      break;
    case Axis::kv:
      (void)runtime::parse_kv_format(text);
      break;
    case Axis::runtime:
      (void)runtimes.parse(text);
      break;
    case Axis::split: {
      const std::vector<std::string> known = {"auto", "independent", "pipeline", "tensor"};
      if (std::none_of(known.begin(), known.end(),
                       [&](const std::string& name) { return same_name(name, text); })) {
        throw unknown_name("split", text, known, {}, "known are " + join_words(known));
      }
      break;
    }
    default:
      break;
  }
}

/// Three examples are enough.
void note_repeated(std::string value, std::vector<std::string>& repeated) {
  if (repeated.size() < 3 && std::find(repeated.begin(), repeated.end(), value) == repeated.end()) {
    repeated.push_back(std::move(value));
  }
}

/// Keeps the first of equal names; those of models and clusters may be files, where case counts.
std::vector<std::string> once(std::vector<std::string> texts, bool exact,
                              std::vector<std::string>& repeated) {
  std::unordered_set<std::string> seen;
  std::vector<std::string> kept;
  for (std::string& text : texts) {
    if (seen.insert(exact ? text : lower(text)).second) {
      kept.push_back(std::move(text));
    } else {
      note_repeated(std::move(text), repeated);
    }
  }
  return kept;
}

/// Keeps the first of equal numbers, in little memory: a list may hold a million.
std::vector<std::int64_t> once(const std::vector<std::int64_t>& numbers,
                               std::vector<std::string>& repeated) {
  std::vector<std::uint32_t> order(numbers.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return numbers[a] < numbers[b]; });
  std::vector<bool> again(numbers.size(), false);
  for (std::size_t i = 1; i < order.size(); ++i) {
    again[order[i]] = numbers[order[i]] == numbers[order[i - 1]];
  }
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (again[i]) {
      note_repeated(std::to_string(numbers[i]), repeated);
    } else {
      kept.push_back(numbers[i]);
    }
  }
  return kept;
}

}  // namespace

std::string_view axis_name(Axis axis) noexcept { return names[static_cast<std::size_t>(axis)]; }

Axis parse_axis(std::string_view name) {
  for (std::size_t i = 0; i < axis_count; ++i) {
    if (same_name(names[i], name)) {
      return static_cast<Axis>(i);
    }
  }
  throw unknown_name("axis", name, {names.begin(), names.end()}, {},
                     "known are " + join_words({names.begin(), names.end()}));
}

Grid::Grid(runtime::Catalog runtimes) : runtimes_(std::move(runtimes)) {
  for (std::vector<std::string>& axis : texts_) {
    axis.emplace_back();
  }
  texts_[static_cast<std::size_t>(Axis::kv)] = {"bf16"};
  texts_[static_cast<std::size_t>(Axis::runtime)] = {"all"};
  texts_[static_cast<std::size_t>(Axis::split)] = {"auto"};
  for (const std::int64_t number : default_numbers) {
    numbers_.push_back(Numbers({number}));
  }
}

void Grid::set(Axis axis, const std::vector<std::string>& values,
               std::vector<std::string>& repeated, std::size_t* which) {
  if (values.empty()) {
    throw Error(fmt::format("no value for {}, so the grid is empty", axis_name(axis)));
  }
  const auto index = static_cast<std::size_t>(axis);
  const auto at = [&](std::size_t i) {
    if (which != nullptr) {
      *which = i;
    }
    return trim(values[i]);
  };
  if (!is_text(axis)) {
    Numbers& known = numbers_[index - text_axes];
    if (values.size() == 1) {
      known = expand(axis, at(0));
      return;
    }
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Numbers more = expand(axis, at(i));
      if (numbers.size() + more.size() > most_values) {
        too_many();
      }
      for (std::size_t n = 0; n < more.size(); ++n) {
        numbers.push_back(more.at(n));
      }
    }
    known = Numbers(once(numbers, repeated));
    return;
  }
  if (values.size() > most_values) {
    too_many();
  }
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string text(at(i));
    if (same_name(text, "default") && axis != Axis::model && axis != Axis::nodes) {
      text = Grid().texts_[index].front();
    }
    check_text(axis, text, runtimes_);
    texts.push_back(std::move(text));
  }
  texts_[index] = once(std::move(texts), axis == Axis::model || axis == Axis::nodes, repeated);
}

std::size_t Grid::length(Axis axis) const {
  const auto i = static_cast<std::size_t>(axis);
  return is_text(axis) ? texts_[i].size() : numbers_[i - text_axes].size();
}

std::string Grid::value(Axis axis, std::size_t value) const {
  return is_text(axis) ? std::string(text(axis, value)) : std::to_string(number(axis, value));
}

std::optional<std::int64_t> Grid::size() const {
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < axis_count; ++i) {
    const auto values = static_cast<std::int64_t>(length(static_cast<Axis>(i)));
    if (__builtin_mul_overflow(rows, values, &rows)) {
      return std::nullopt;
    }
  }
  return rows;
}

Point Grid::point(std::int64_t row) const {
  Point point{};
  for (std::size_t i = axis_count; i-- > 0;) {
    const auto values = static_cast<std::int64_t>(length(static_cast<Axis>(i)));
    point[i] = static_cast<std::uint32_t>(row % values);
    row /= values;
  }
  return point;
}

void Grid::advance(Point& point) const {
  for (std::size_t i = axis_count; i-- > 0;) {
    if (++point[i] < length(static_cast<Axis>(i))) {
      return;
    }
    point[i] = 0;
  }
}

Rows part_of(std::int64_t rows, std::int64_t part, std::int64_t parts) {
  // rows / parts and the rest apart, so that nothing leaves 64 bits.
  const std::int64_t each = rows / parts;
  const std::int64_t rest = rows % parts;
  const auto start = [&](std::int64_t before) { return before * each + std::min(before, rest); };
  return {start(part - 1), start(part)};
}

}  // namespace macfit::study
