#include "macfit/core/portable.hpp"

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <system_error>

#include "macfit/core/characters.hpp"

namespace macfit {
namespace {

#ifndef __cpp_lib_to_chars

const char* skip_digits(const char* at, const char* last) {
  while (at != last && is_digit(*at)) {
    ++at;
  }
  return at;
}

/// Where the number that starts at `first` ends; `first` where none does.
const char* end_of_decimal(const char* first, const char* last) {
  const char* at = first;
  at += at != last && *at == '-' ? 1 : 0;
  const char* const whole = at;
  at = skip_digits(at, last);
  std::ptrdiff_t digits = at - whole;
  if (at != last && *at == '.') {
    const char* const fraction = at + 1;
    const char* const end = skip_digits(fraction, last);
    digits += end - fraction;
    at = digits > 0 ? end : at;
  }
  if (digits == 0) {
    return first;
  }
  if (at != last && (*at == 'e' || *at == 'E')) {
    const char* power = at + 1;
    power += power != last && (*power == '-' || *power == '+') ? 1 : 0;
    const char* const end = skip_digits(power, last);
    at = end != power ? end : at;
  }
  return at;
}

#endif

}  // namespace

std::from_chars_result parse_decimal(const char* first, const char* last, double& value) {
#ifdef __cpp_lib_to_chars
  return std::from_chars(first, last, value);
#else
  const char* const end = end_of_decimal(first, last);
  if (end == first) {
    return {first, std::errc::invalid_argument};
  }
  const double read = std::strtod(std::string(first, end).c_str(), nullptr);
  if (!std::isfinite(read)) {
    return {end, std::errc::result_out_of_range};
  }
  value = read;
  return {end, std::errc()};
#endif
}

}  // namespace macfit
