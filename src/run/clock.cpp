#include "clock.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace macfit::run {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

void Typical::add(double seconds) {
  if (last_.size() < most) {
    last_.push_back(seconds);
  } else {
    last_[next_] = seconds;
  }
  next_ = (next_ + 1) % most;
}

double Typical::seconds() const {
  if (last_.empty()) {
    return 0.0;
  }
  std::vector<double> sorted = last_;
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 9 / 10);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

}  // namespace macfit::run
