// Temporary files must not outlive the program, however it ends. What a signal's handler may touch
// is little: a table of fixed size, no memory of its own.

#include "unfinished.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unistd.h>

namespace macfit::cli {
namespace {

constexpr std::size_t most_open = 16;
constexpr std::size_t longest_path = 4096;

struct Slot {
  volatile std::sig_atomic_t used = 0;
  std::array<char, longest_path> path{};
};
std::array<Slot, most_open> open_files;

constexpr std::array ending = {SIGHUP, SIGINT, SIGTERM};

void take_away() {
  for (const Slot& slot : open_files) {
    if (slot.used != 0) {
      ::unlink(slot.path.data());
    }
  }
}

void on_signal(int number) {
  take_away();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void on_no_memory() {
  constexpr char text[] = "macfit: out of memory\n";
  take_away();
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text, sizeof text - 1);
  std::_Exit(2);
}

/// Keeps the signals that end the program waiting.
class Uninterrupted {
 public:
  Uninterrupted() {
    sigset_t mask;
    ::sigemptyset(&mask);
    for (const int number : ending) {
      ::sigaddset(&mask, number);
    }
    ::pthread_sigmask(SIG_BLOCK, &mask, &before_);
  }
  ~Uninterrupted() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

int make_temporary(std::string& path_template) {
  const Uninterrupted until_known;
  const int fd = ::mkstemp(path_template.data());
  if (fd < 0 || path_template.size() >= longest_path) {
    return fd;
  }
  for (Slot& slot : open_files) {
    if (slot.used == 0) {
      std::memcpy(slot.path.data(), path_template.c_str(), path_template.size() + 1);
      slot.used = 1;
      break;
    }
  }
  return fd;
}

void forget_temporary(const std::string& path) {
  for (Slot& slot : open_files) {
    if (slot.used != 0 && path == slot.path.data()) {
      slot.used = 0;
    }
  }
}

void tidy_at_the_end() {
  std::set_new_handler(on_no_memory);
  for (const int number : ending) {
    struct sigaction now {};
    // What was started to go on without a terminal (nohup) goes on.
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
      struct sigaction action {};
      action.sa_handler = on_signal;
      ::sigemptyset(&action.sa_mask);
      ::sigaction(number, &action, nullptr);
    }
  }
}

}  // namespace macfit::cli
