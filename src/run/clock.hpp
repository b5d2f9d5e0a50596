#pragma once

#include <string>
#include <vector>

namespace macfit::run {

inline constexpr double tick = 0.25;  ///< seconds between two looks at clock and wishes

/// Of a clock that only goes forward, in seconds.
[[nodiscard]] double seconds_now();
/// "2026-11-28T05:00:00Z".
[[nodiscard]] std::string utc_now();

/// How long nine of ten of the last jobs took.
class Typical {
 public:
  void add(double seconds);
  /// 0 before the first.
  [[nodiscard]] double seconds() const;

 private:
  static constexpr std::size_t most = 64;
  std::vector<double> last_;
  std::size_t next_ = 0;
};

}  // namespace macfit::run
