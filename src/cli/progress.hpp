#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "options.hpp"

namespace macfit::cli {

/// A line on standard error that says how far something is: only on a terminal, only after half a
/// second, gone when it ends, and not with --quiet.
class Progress {
 public:
  /// `streams` where the data goes out meanwhile: then not if that is to a terminal too.
  Progress(const Common& common, bool streams);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  [[nodiscard]] bool shown() const noexcept { return shown_; }
  [[nodiscard]] double seconds() const;
  /// True where something should be said now: at most five times a second.
  [[nodiscard]] bool due();
  void say(const std::string& text);

 private:
  bool shown_;
  bool any_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = start_;
};

/// Says for how long already, while one long call runs.
class Waiting {
 public:
  Waiting(const Common& common, std::string what);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  void run();

  Progress progress_;
  std::string what_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

/// What `make` returns, with a word about the wait.
template <class Make>
auto waiting(const Common& common, const char* what, const Make& make) {
  const Waiting line(common, what);
  return make();
}

}  // namespace macfit::cli
