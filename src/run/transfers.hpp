#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "macfit/run/answer.hpp"

namespace macfit::run {

/// Requests under way, any number of them in one thread. No redirect is followed, no proxy asked,
/// nothing decompressed; bytes and time are bounded.
class Transfers {
 public:
  struct Limits {
    std::size_t answer_bytes = std::size_t{64} << 20;
    double connect_seconds = 10.0;
  };
  /// `key` goes along as a bearer token where it is not empty. Throws Error without libcurl.
  Transfers(Limits limits, const std::string& key);
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  /// Sends `body` by POST. `tag` comes back with its end.
  void post(std::uint64_t tag, const std::string& url, std::string body, double seconds);

  struct Ended {
    std::uint64_t tag = 0;
    Exchange exchange;
  };
  /// What has ended, after waiting at most so long for something to happen.
  [[nodiscard]] std::vector<Ended> wait(double seconds);
  /// Gives up all that is under way; none of it ends any more.
  void drop();

 private:
  struct Request;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace macfit::run
