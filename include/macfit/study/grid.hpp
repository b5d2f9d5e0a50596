#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/runtime/catalog.hpp"

namespace macfit::study {

/// What a sweep varies, outermost first: rows come in this nesting, context turning fastest.
/// Everything up to `runtime` needs a model made ready anew; what follows is cheap.
enum class Axis : std::uint8_t {
  model,
  quant,
  nodes,
  macos,
  wired_limit,
  link,
  kv,
  runtime,
  split,
  prefill_step,
  sequences,
  context,
};
inline constexpr std::size_t axis_count = 12;
inline constexpr std::size_t text_axes = 9;  ///< those before prefill_step hold texts

/// As the flag without dashes: "wired-limit".
[[nodiscard]] std::string_view axis_name(Axis axis) noexcept;
/// Throws Error naming the nearest.
[[nodiscard]] Axis parse_axis(std::string_view name);
[[nodiscard]] constexpr bool is_text(Axis axis) noexcept {
  return static_cast<std::size_t>(axis) < text_axes;
}

/// Most values of one axis; a longer list is an input error.
inline constexpr std::size_t most_values = 1'000'000;

/// Which value of every axis.
using Point = std::array<std::uint32_t, axis_count>;

/// The numbers of an axis: a single range takes no memory, whatever its length.
class Numbers {
 public:
  explicit Numbers(std::vector<std::int64_t> list) : count_(list.size()), list_(std::move(list)) {}
  /// low, low + step, … or low, low * step, …; overflow is the caller's care.
  Numbers(std::int64_t low, std::int64_t step, bool times, std::size_t count)
      : low_(low), step_(step), times_(times), count_(count) {}

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::int64_t at(std::size_t i) const {
    if (!list_.empty()) {
      return list_[i];
    }
    if (!times_) {
      return low_ + static_cast<std::int64_t>(i) * step_;
    }
    std::int64_t value = low_;
    for (; i > 0; --i) {
      value *= step_;
    }
    return value;
  }

 private:
  std::int64_t low_ = 0;
  std::int64_t step_ = 0;
  bool times_ = false;
  std::size_t count_ = 0;
  std::vector<std::int64_t> list_;
};

/// The values of every axis. An axis that was not given has one value: bf16, all, auto, a default
/// number, or else an empty text for "the default".
class Grid {
 public:
  explicit Grid(runtime::Catalog runtimes = {});

  /// Replaces an axis. Values are names, or for the last three axes numbers and ranges: "4k",
  /// "8k..256k*2" (times two), "1..64+8" (plus eight), "1..8" (plus one); ends included. "default"
  /// is what an axis not given has. A value named twice is kept once and told in `repeated`.
  /// Throws Error: no value, a value that is none, too many; `which` is then the value's index.
  void set(Axis axis, const std::vector<std::string>& values, std::vector<std::string>& repeated,
           std::size_t* which = nullptr);

  [[nodiscard]] std::size_t length(Axis axis) const;
  [[nodiscard]] std::string_view text(Axis axis, std::size_t value) const {
    return texts_[static_cast<std::size_t>(axis)][value];
  }
  [[nodiscard]] std::int64_t number(Axis axis, std::size_t value) const {
    return numbers_[static_cast<std::size_t>(axis) - text_axes].at(value);
  }
  /// Either, as text.
  [[nodiscard]] std::string value(Axis axis, std::size_t value) const;

  /// Rows; nothing where there are 2^63 or more.
  [[nodiscard]] std::optional<std::int64_t> size() const;
  [[nodiscard]] Point point(std::int64_t row) const;
  /// To the next row.
  void advance(Point& point) const;

 private:
  runtime::Catalog runtimes_;
  std::array<std::vector<std::string>, text_axes> texts_;
  std::vector<Numbers> numbers_;  ///< of the axes from text_axes on
};

/// Rows [first, last) of part `part` of `parts`, both counted from 1.
struct Rows {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
[[nodiscard]] Rows part_of(std::int64_t rows, std::int64_t part, std::int64_t parts);

/// What a macfit.sweep/1 text asks for.
struct SweepSpec {
  std::vector<std::pair<Axis, std::vector<std::string>>> axes;
  std::string where;
  std::string select;
  std::string pareto;
};
/// Throws Error with the JSON pointer. The values themselves are checked here too.
[[nodiscard]] SweepSpec read_sweep_spec(std::string_view text, std::string_view file);

}  // namespace macfit::study
