#pragma once

#include <cstdint>
#include <random>

namespace macfit::study {

/// Draws that are the same on every machine: the distributions of <random> are not, its engines
/// are. Only exact operations on doubles are used.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : bits_(seed) {}

  /// In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits_() >> 11U) * 0x1p-53; }

  /// Exponential with mean 1, by von Neumann's comparisons: of a falling run of uniforms that
  /// starts with x the length is odd with probability e^-x. Five draws on average, no logarithm.
  double exponential() {
    double whole = 0.0;
    for (;;) {
      const double first = uniform();
      double last = first;
      bool odd = true;
      for (double next = uniform(); next < last; next = uniform()) {
        last = next;
        odd = !odd;
      }
      if (odd) {
        return whole + first;
      }
      whole += 1.0;
    }
  }

  /// Near enough to normal for sizes of jobs: twelve uniforms, mean 0, variance 1.
  double normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) {
      sum += uniform();
    }
    return sum;
  }

 private:
  std::mt19937_64 bits_;
};

}  // namespace macfit::study
