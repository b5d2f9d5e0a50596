#include "progress.hpp"

#include <cstdlib>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace macfit::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds quiet_time{500};
constexpr milliseconds pause{200};

bool can_erase_lines() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && terminal != nullptr && *terminal != '\0' &&
         std::string_view(terminal) != "dumb";
}

bool to_terminal(const Common& common) {
  return (common.output.empty() || common.output == "-") && ::isatty(STDOUT_FILENO) == 1;
}

void send(std::string_view text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

Progress::Progress(const Common& common, bool streams)
    : shown_(!common.quiet && can_erase_lines() && !(streams && to_terminal(common))) {}

Progress::~Progress() {
  if (any_) {
    send("\r\033[K");
  }
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool Progress::due() {
  if (!shown_) {
    return false;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - start_ < quiet_time || (any_ && now - last_ < pause)) {
    return false;
  }
  last_ = now;
  return true;
}

void Progress::say(const std::string& text) {
  any_ = true;
  send("\r\033[K" + text);
}

Waiting::Waiting(const Common& common, std::string what)
    : progress_(common, false), what_(std::move(what)) {
  if (progress_.shown()) {
    thread_ = std::thread([this] { run(); });
  }
}

Waiting::~Waiting() {
  if (thread_.joinable()) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      end_ = true;
    }
    ended_.notify_one();
    thread_.join();
  }
}

void Waiting::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ended_.wait_for(lock, pause, [this] { return end_; })) {
    if (progress_.due()) {
      progress_.say(fmt::format("{}: {:.0f} s", what_, progress_.seconds()));
    }
  }
}

}  // namespace macfit::cli
