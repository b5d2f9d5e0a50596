// Another program run to its end: fed, listened to, and stopped where it takes too long or says too
// much.

#include "process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "macfit/core/error.hpp"

namespace macfit::cli {
namespace {

using Clock = std::chrono::steady_clock;

class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_.data()) != 0) {
      throw Error("can't make a pipe to another program");
    }
    for (const int end : ends_) {
      ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
  }
  ~Pipe() {
    close(0);
    close(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int reading() const { return ends_[0]; }
  [[nodiscard]] int writing() const { return ends_[1]; }
  void close(std::size_t end) {
    if (ends_[end] >= 0) {
      ::close(ends_[end]);
      ends_[end] = -1;
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// In the child: never returns. Only what is allowed between fork and exec.
[[noreturn]] void become(char* const* words, int in, int out, int error) {
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  std::signal(SIGPIPE, SIG_DFL);
  ::execvp(words[0], words);
  ::_exit(127);
}

/// False at its end or on an error.
bool take(int fd, std::string& text) {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  if (count < 0) {
    return errno == EINTR || errno == EAGAIN;
  }
  text.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

struct Streams {
  Pipe in;
  Pipe out;
  Pipe error;
};

/// Writes what the program takes for now; closes the pipe behind the last of it, and where the
/// program is gone.
void feed(Pipe& in, std::string_view& input) {
  const ssize_t written = ::write(in.writing(), input.data(), input.size());
  if (written > 0) {
    input.remove_prefix(static_cast<std::size_t>(written));
  }
  const bool gone = written < 0 && errno != EINTR && errno != EAGAIN;
  if (input.empty() || gone) {
    in.close(1);
  }
}

/// Feeds `input` and takes what comes until both streams are closed or patience ends.
void converse(Streams& streams, std::string_view input, Clock::time_point end, std::size_t limit,
              ProcessOutcome& outcome) {
  bool out_open = true;
  bool error_open = true;
  while (out_open || error_open) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    outcome.timed_out = left <= 0;
    outcome.too_much = outcome.out.size() > limit || outcome.error.size() > limit;
    if (outcome.timed_out || outcome.too_much) {
      return;
    }
    std::array<pollfd, 3> waits{{{out_open ? streams.out.reading() : -1, POLLIN, 0},
                                 {error_open ? streams.error.reading() : -1, POLLIN, 0},
                                 {streams.in.writing(), POLLOUT, 0}}};
    if (::poll(waits.data(), waits.size(), static_cast<int>(std::min<long long>(left, 1000))) < 0 &&
        errno != EINTR) {
      return;
    }
    if (waits[0].revents != 0) {
      out_open = take(streams.out.reading(), outcome.out);
    }
    if (waits[1].revents != 0) {
      error_open = take(streams.error.reading(), outcome.error);
    }
    if (waits[2].revents != 0) {
      feed(streams.in, input);
    }
  }
}

}  // namespace

ProcessOutcome run_process(const std::vector<std::string>& words, std::string_view input,
                           std::chrono::seconds patience, std::size_t limit) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));  // execvp takes them so
  }
  arguments.push_back(nullptr);
  Streams streams;
  ::fcntl(streams.in.writing(), F_SETFL, O_NONBLOCK);
  const pid_t child = ::fork();
  if (child < 0) {
    throw Error("can't start \"" + words.front() + "\": no process can be made");
  }
  if (child == 0) {
    become(arguments.data(), streams.in.reading(), streams.out.writing(), streams.error.writing());
  }
  streams.in.close(0);
  streams.out.close(1);
  streams.error.close(1);
  ProcessOutcome outcome;
  converse(streams, input, Clock::now() + patience, limit, outcome);
  if (outcome.timed_out || outcome.too_much) {
    ::kill(child, SIGKILL);
  }
  streams.in.close(1);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace macfit::cli
