// Uses of fmt that must link against fmt_static.cpp alone.
#include <cstdio>
#include <locale>

#include <fmt/format.h>

int main(int count, char** arguments) {
  const auto text =
      fmt::format("{:>8.2f} {} {:L} {} {:x}", 1.5 * count, 2.5F, count, arguments[0], 77U);
  const auto local = fmt::format(std::locale::classic(), "{:L}", count);
  return std::fputs((text + local).c_str(), stdout) < 0 ? 1 : 0;
}
