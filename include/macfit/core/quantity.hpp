#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace macfit {

[[noreturn]] void throw_overflow();

/// Checked 64-bit arithmetic: throws Error ("a quantity is larger than 2^63") instead of wrapping.
[[nodiscard]] constexpr std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  if (__builtin_add_overflow(a, b, &r)) {
    throw_overflow();
  }
  return r;
}
[[nodiscard]] constexpr std::int64_t checked_sub(std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  if (__builtin_sub_overflow(a, b, &r)) {
    throw_overflow();
  }
  return r;
}
[[nodiscard]] constexpr std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  if (__builtin_mul_overflow(a, b, &r)) {
    throw_overflow();
  }
  return r;
}
[[nodiscard]] constexpr std::int64_t checked_mul(std::int64_t a, std::int64_t b, std::int64_t c) {
  return checked_mul(checked_mul(a, b), c);
}
[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return a / b + (a % b != 0 && (a > 0) == (b > 0) ? 1 : 0);
}
[[nodiscard]] constexpr std::int64_t round_up(std::int64_t a, std::int64_t step) {
  return checked_mul(ceil_div(a, step), step);
}

/// A whole number with a unit that does not mix with other units. Arithmetic is checked.
/// Signed, as headroom and differences may be negative.
template <class Unit>
class Count {
 public:
  constexpr Count() = default;
  constexpr explicit Count(std::int64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::int64_t count() const { return value_; }
  [[nodiscard]] constexpr double as_double() const { return static_cast<double>(value_); }

  friend constexpr auto operator<=>(Count, Count) = default;
  friend constexpr Count operator+(Count a, Count b) {
    return Count(checked_add(a.value_, b.value_));
  }
  friend constexpr Count operator-(Count a, Count b) {
    return Count(checked_sub(a.value_, b.value_));
  }
  friend constexpr Count operator*(Count a, std::int64_t n) {
    return Count(checked_mul(a.value_, n));
  }
  friend constexpr Count operator*(std::int64_t n, Count a) { return a * n; }
  constexpr Count& operator+=(Count b) { return *this = *this + b; }
  constexpr Count& operator-=(Count b) { return *this = *this - b; }

 private:
  std::int64_t value_ = 0;
};

struct BytesUnit;
struct TokensUnit;
using Bytes = Count<BytesUnit>;    ///< memory; 1 GiB = 2^30, 1 GB = 10^9
using Tokens = Count<TokensUnit>;  ///< 32k = 32,768; 1M = 1,048,576

/// A real number with a unit that does not mix with other units.
template <class Unit>
class Measure {
 public:
  constexpr Measure() = default;
  constexpr explicit Measure(double value) : value_(value) {}
  [[nodiscard]] constexpr double value() const { return value_; }

  friend constexpr auto operator<=>(Measure, Measure) = default;
  friend constexpr Measure operator+(Measure a, Measure b) { return Measure(a.value_ + b.value_); }
  friend constexpr Measure operator-(Measure a, Measure b) { return Measure(a.value_ - b.value_); }
  friend constexpr Measure operator*(Measure a, double n) { return Measure(a.value_ * n); }

 private:
  double value_ = 0.0;
};

struct BandwidthUnit;
struct SecondsUnit;
using Bandwidth = Measure<BandwidthUnit>;  ///< bytes per second; 1 GB/s = 10^9
using Seconds = Measure<SecondsUnit>;

/// Time to move `amount` at `rate`, which must be positive.
[[nodiscard]] constexpr Seconds operator/(Bytes amount, Bandwidth rate) {
  return Seconds(amount.as_double() / rate.value());
}

inline constexpr std::int64_t kib = std::int64_t{1} << 10;
inline constexpr std::int64_t mib = std::int64_t{1} << 20;
inline constexpr std::int64_t gib = std::int64_t{1} << 30;
inline constexpr std::int64_t gb = 1'000'000'000;

/// Parses a size: "128GiB", "115.4 GB", "0.5GB", "512 MiB", "1048576", "1048576B".
/// Case-insensitive; a bare number is bytes. The result is rounded to the nearest byte. Throws
/// Error on a negative, empty, not finite or too large size, an unknown unit, or junk.
[[nodiscard]] Bytes parse_bytes(std::string_view text);

/// As parse_bytes, but a bare number is GiB, as in "a 128 Mac" (used where RAM is meant).
[[nodiscard]] Bytes parse_bytes_default_gib(std::string_view text);

/// Parses a token count: "8192", "32k" (32,768), "1.5M" (1,572,864), "8_192", "8,192".
/// Throws Error unless the result is a whole number from 1 to 2^40.
[[nodiscard]] Tokens parse_tokens(std::string_view text);

/// Parses "10%", "0.1" or "12.5 %" to a fraction in [0, 1). Throws Error otherwise.
[[nodiscard]] double parse_fraction(std::string_view text);

/// Parses a plain whole number in [low, high]. `what` names it in the error.
[[nodiscard]] std::int64_t parse_whole(std::string_view text, std::string_view what,
                                       std::int64_t low, std::int64_t high);

/// "64.68 GB": decimal, as checkpoints are quoted. Below 1 GB: MB, kB, B.
[[nodiscard]] std::string format_gb(Bytes bytes);
/// "60.24 GiB": binary, as RAM is sold.
[[nodiscard]] std::string format_gib(Bytes bytes);
/// "8k", "8,192" only where not a multiple of 1,024; "1M".
[[nodiscard]] std::string format_tokens(Tokens tokens);
/// "128,666,664,960".
[[nodiscard]] std::string format_whole(std::int64_t value);
/// "72 %"; one decimal below 10 %.
[[nodiscard]] std::string format_percent(double fraction);
/// A rate to three digits that mean something: "18.2", "0.42", "1,240".
[[nodiscard]] std::string format_rate(double per_second);
/// "0.8 s", "18 s", "4.2 min", "9.3 h".
[[nodiscard]] std::string format_duration(double seconds);
/// Parameters as people say them: "228.7B", "8.03B", "596M".
[[nodiscard]] std::string format_parameters(std::int64_t count);

}  // namespace macfit
