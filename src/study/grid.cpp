#include "macfit/study/grid.hpp"

#include <algorithm>
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

/// Appends the numbers that one value stands for.
void expand(Axis axis, std::string_view text, std::vector<std::int64_t>& into) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    into.push_back(parse_number(axis, text));
    return;
  }
  std::string_view rest = text.substr(dots + 2);
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
  for (std::int64_t value = low; value <= high; value = times ? value * step : value + step) {
    if (into.size() >= most_values) {
      too_many();
    }
    into.push_back(value);
  }
}

/// Throws Error unless the value can be meant; models, nodes and links are looked up elsewhere.
void check_text(Axis axis, const std::string& text) {
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
      if (!same_name(text, "all")) {
        (void)runtime::parse_id(text);
      }
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

/// Keeps the first of equal values.
template <class Value, class Key>
std::vector<Value> once(std::vector<Value> values, const Key& key,
                        std::vector<std::string>& repeated) {
  std::unordered_set<std::decay_t<decltype(key(values.front()))>> seen;
  std::vector<Value> kept;
  kept.reserve(values.size());
  for (Value& value : values) {
    if (seen.insert(key(value)).second) {
      kept.push_back(std::move(value));
    } else if (repeated.size() < 3) {
      repeated.push_back(fmt::format("{}", value));
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

Grid::Grid() {
  for (std::vector<std::string>& axis : texts_) {
    axis.emplace_back();
  }
  texts_[static_cast<std::size_t>(Axis::kv)] = {"bf16"};
  texts_[static_cast<std::size_t>(Axis::runtime)] = {"all"};
  texts_[static_cast<std::size_t>(Axis::split)] = {"auto"};
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    numbers_[i] = {default_numbers[i]};
  }
}

void Grid::set(Axis axis, const std::vector<std::string>& values,
               std::vector<std::string>& repeated, std::size_t* which) {
  if (values.empty()) {
    throw Error(fmt::format("no value for {}, so the grid is empty", axis_name(axis)));
  }
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (which != nullptr) {
      *which = i;
    }
    if (!is_text(axis)) {
      expand(axis, trim(values[i]), numbers);
      continue;
    }
    std::string text(trim(values[i]));
    if (same_name(text, "default") && axis != Axis::model && axis != Axis::nodes) {
      text = Grid().texts_[static_cast<std::size_t>(axis)].front();
    }
    check_text(axis, text);
    texts.push_back(std::move(text));
  }
  if (std::max(texts.size(), numbers.size()) > most_values) {
    too_many();
  }
  if (is_text(axis)) {
    texts_[static_cast<std::size_t>(axis)] = once(
        std::move(texts),
        [&](const std::string& text) {
          return axis == Axis::model || axis == Axis::nodes ? text : lower(text);
        },
        repeated);
  } else {
    numbers_[static_cast<std::size_t>(axis) - text_axes] = once(
        std::move(numbers), [](std::int64_t number) { return number; }, repeated);
  }
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
