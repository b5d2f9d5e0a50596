// Quantities as people write and read them: bytes, tokens, shares, with one set of units and
// checks.

#include "macfit/core/quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit {
namespace {

struct Number {
  double value = 0.0;
  std::int64_t whole = 0;
  bool is_whole = false;
  std::string_view unit;
};

[[noreturn]] void bad(std::string_view what, std::string_view text, std::string_view why) {
  throw Error(fmt::format("\"{}\" is not {}: {}", printable(text, 60), what, why));
}

/// Digits with a point. strtod reads the locale; they are split by hand instead, which is exact
/// enough here.
double decimal(std::string_view digits, std::string_view text, std::string_view what) {
  double value = 0.0;
  double scale = 1.0;
  bool fraction = false;
  for (const char c : digits) {
    if (c == '.') {
      if (fraction) {
        bad(what, text, "it has two decimal points");
      }
      fraction = true;
      continue;
    }
    value = value * 10.0 + (c - '0');
    scale *= fraction ? 10.0 : 1.0;
  }
  return value / scale;
}

/// Digits and points at the start, groups joined, and where they end.
std::pair<std::string, std::size_t> leading_digits(std::string_view body, bool grouped) {
  std::string digits;
  std::size_t at = 0;
  for (; at < body.size(); ++at) {
    const char c = body[at];
    if ((c >= '0' && c <= '9') || c == '.') {
      digits += c;
    } else if (!(grouped && (c == ',' || c == '_') && at > 0)) {
      break;
    }
  }
  return {digits, at};
}

/// Splits "115.4 GB" into number and unit. Digits may be grouped with "," or "_" if `grouped`.
Number split_number(std::string_view text, std::string_view what, bool grouped) {
  const std::string_view body = trim(text);
  if (body.empty()) {
    bad(what, text, "it is empty");
  }
  if (body.front() == '-') {
    bad(what, text, "it is negative");
  }
  const auto [digits, at] = leading_digits(body, grouped);
  if (digits.empty() || digits == ".") {
    bad(what, text, "it does not start with a number");
  }
  if (digits.size() > 40) {
    bad(what, text, "the number is too long");
  }
  Number result;
  result.unit = trim(body.substr(at));
  if (digits.find('.') == std::string::npos) {
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), result.whole);
    if (error != std::errc{}) {
      bad(what, text, "it is too large");
    }
    result.is_whole = true;
    result.value = static_cast<double>(result.whole);
    return result;
  }
  result.value = decimal(digits, text, what);
  return result;
}

struct UnitScale {
  std::string_view name;
  std::int64_t scale;
};

constexpr std::array<UnitScale, 20> size_units = {{
    {"b", 1},
    {"byte", 1},
    {"bytes", 1},
    {"kib", kib},
    {"mib", mib},
    {"gib", gib},
    {"tib", gib * 1024},
    {"ki", kib},
    {"mi", mib},
    {"gi", gib},
    {"ti", gib * 1024},
    {"kb", 1000},
    {"mb", 1'000'000},
    {"gb", gb},
    {"tb", gb * 1000},
    {"k", 0},
    {"m", 0},
    {"g", 0},
    {"t", 0},
    {"pb", gb * 1'000'000},
}};

std::int64_t scaled(const Number& number, std::int64_t scale, std::string_view what,
                    std::string_view text) {
  if (number.is_whole) {
    std::int64_t r = 0;
    if (__builtin_mul_overflow(number.whole, scale, &r)) {
      bad(what, text, "it is too large");
    }
    return r;
  }
  const double r = number.value * static_cast<double>(scale);
  if (!(r < 9.2e18)) {
    bad(what, text, "it is too large");
  }
  return std::llround(r);
}

Bytes parse_size(std::string_view text, std::int64_t bare) {
  constexpr std::string_view what = "a size";
  const Number number = split_number(text, what, false);
  if (number.unit.empty()) {
    if (!number.is_whole && bare == 1) {
      bad(what, text, "a part of a byte; add a unit such as GiB or GB");
    }
    return Bytes(scaled(number, bare, what, text));
  }
  for (const UnitScale& unit : size_units) {
    if (same_name(unit.name, number.unit)) {
      if (unit.scale == 0) {
        bad(what, text,
            fmt::format("write {0}iB (2^{1}) or {0}B (10^{2})",
                        static_cast<char>(unit.name[0] - 'a' + 'A'),
                        unit.name == "k"   ? 10
                        : unit.name == "m" ? 20
                        : unit.name == "g" ? 30
                                           : 40,
                        unit.name == "k"   ? 3
                        : unit.name == "m" ? 6
                        : unit.name == "g" ? 9
                                           : 12));
      }
      return Bytes(scaled(number, unit.scale, what, text));
    }
  }
  bad(what, text,
      fmt::format("unknown unit \"{}\"; known are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB",
                  printable(number.unit, 20)));
}

/// Three significant decimals at most, trailing zeros kept short: 64.68, 128.7, 1,024.
std::string short_number(double value) {
  const double magnitude = std::fabs(value);
  if (magnitude >= 1000.0) {
    return format_whole(std::llround(value));
  }
  return fmt::format("{:.{}f}", value, magnitude >= 100.0 ? 1 : 2);
}

}  // namespace

void throw_overflow() {
  throw Error("a quantity is larger than 2^63: the input asks for more than macfit can count");
}

Bytes parse_bytes(std::string_view text) { return parse_size(text, 1); }

Bytes parse_bytes_default_gib(std::string_view text) { return parse_size(text, gib); }

Tokens parse_tokens(std::string_view text) {
  constexpr std::string_view what = "a token count";
  const Number number = split_number(text, what, true);
  std::int64_t scale = 1;
  if (same_name(number.unit, "k")) {
    scale = 1024;
  } else if (same_name(number.unit, "m")) {
    scale = 1024 * 1024;
  } else if (!number.unit.empty()) {
    bad(what, text,
        fmt::format("unknown unit \"{}\"; known are k and M", printable(number.unit, 20)));
  }
  const double exact = number.value * static_cast<double>(scale);
  const std::int64_t count = scaled(number, scale, what, text);
  if (std::fabs(exact - static_cast<double>(count)) > 1e-6) {
    bad(what, text, "it is not a whole number of tokens");
  }
  if (count < 1 || count > (std::int64_t{1} << 40)) {
    bad(what, text, "it must be from 1 to 2^40");
  }
  return Tokens(count);
}

double parse_fraction(std::string_view text) {
  constexpr std::string_view what = "a share";
  const Number number = split_number(text, what, false);
  double value = number.value;
  if (number.unit == "%") {
    value /= 100.0;
  } else if (!number.unit.empty()) {
    bad(what, text, "write a percentage such as 10% or a fraction such as 0.1");
  }
  if (!(value >= 0.0 && value < 1.0)) {
    bad(what, text, "it must be at least 0 and less than 100 %");
  }
  return value;
}

std::int64_t parse_whole(std::string_view text, std::string_view what, std::int64_t low,
                         std::int64_t high) {
  const std::string_view body = trim(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value);
  const bool whole = !body.empty() && error == std::errc{} && end == body.data() + body.size();
  if (!whole || value < low || value > high) {
    throw Error(fmt::format("{}: expected a whole number from {} to {}, found \"{}\"", what,
                            format_whole(low), format_whole(high), printable(text, 60)));
  }
  return value;
}

std::string format_gb(Bytes bytes) {
  const double value = bytes.as_double();
  const double magnitude = std::fabs(value);
  if (magnitude >= 0.995e9) {
    return short_number(value / 1e9) + " GB";
  }
  if (magnitude >= 0.9995e6) {
    return fmt::format("{:.0f} MB", value / 1e6);
  }
  if (magnitude >= 1e3) {
    return fmt::format("{:.1f} kB", value / 1e3);
  }
  return fmt::format("{} B", bytes.count());
}

std::string format_gib(Bytes bytes) {
  const double value = bytes.as_double();
  if (std::fabs(value) >= 0.995 * static_cast<double>(gib)) {
    if (bytes.count() % gib == 0) {
      return format_whole(bytes.count() / gib) + " GiB";
    }
    return short_number(value / static_cast<double>(gib)) + " GiB";
  }
  return fmt::format("{:.0f} MiB", value / static_cast<double>(mib));
}

std::string format_tokens(Tokens tokens) {
  const std::int64_t count = tokens.count();
  constexpr std::int64_t mega = kib * kib;
  if (count >= mega && count % mega == 0) {
    return format_whole(count / mega) + "M";
  }
  if (count >= kib && count % kib == 0) {
    return format_whole(count / kib) + "k";
  }
  return format_whole(count);
}

std::string format_whole(std::int64_t value) {
  const std::string digits = std::to_string(value);
  const std::size_t sign = digits[0] == '-' ? 1 : 0;
  std::string result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > sign && (digits.size() - i) % 3 == 0) {
      result += ',';
    }
    result += digits[i];
  }
  return result;
}

std::string format_percent(double fraction) {
  if (!std::isfinite(fraction)) {
    return "no room";  // of nothing
  }
  const double percent = fraction * 100.0;
  // Near the whole a rounded figure would hide which side it is on.
  const bool fine = percent < 9.95 || (percent >= 98.95 && percent < 101.05 && percent != 100.0);
  return fmt::format("{:.{}f} %", percent, fine ? 1 : 0);
}

std::string format_rate(double per_second) {
  if (per_second >= 99.95) {
    return format_whole(std::llround(per_second));
  }
  return fmt::format("{:.{}f}", per_second, per_second >= 9.995 ? 1 : 2);
}

std::string format_duration(double seconds) {
  if (seconds < 9.95) {
    return fmt::format("{:.1f} s", seconds);
  }
  if (seconds < 119.5) {
    return fmt::format("{:.0f} s", seconds);
  }
  return seconds < 7199.5 ? fmt::format("{:.1f} min", seconds / 60.0)
                          : fmt::format("{:.1f} h", seconds / 3600.0);
}

std::string format_parameters(std::int64_t count) {
  const auto value = static_cast<double>(count);
  if (value >= 0.9995e12) {
    return fmt::format("{:.2f}T", value / 1e12);
  }
  if (value >= 99.95e9) {
    return fmt::format("{:.1f}B", value / 1e9);
  }
  if (value >= 0.9995e9) {
    return fmt::format("{:.2f}B", value / 1e9);
  }
  return fmt::format("{:.0f}M", value / 1e6);
}

}  // namespace macfit
