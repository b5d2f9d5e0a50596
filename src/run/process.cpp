#include "process.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "macfit/core/error.hpp"

namespace macfit::run {
namespace {

/// In the child, between fork and exec: no memory is taken there.
[[noreturn]] void become(char* const* words, const char* folder, int log, int failures) {
  ::setpgid(0, 0);
  if (::chdir(folder) == 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execvp(words[0], words);
  }
  const int code = errno;
  [[maybe_unused]] const auto written = ::write(failures, &code, sizeof code);
  ::_exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& words, const std::string& folder,
                 const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) {
    throw Error("can't write it: " + std::generic_category().message(errno), Place{log, {}, {}});
  }
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) {
    ::close(output);
    throw Error("can't start " + words[0] + ": " + std::generic_category().message(errno));
  }
  ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  pid_ = ::fork();
  if (pid_ == 0) {
    become(arguments.data(), folder.c_str(), output, ends[1]);
  }
  const int fork_error = errno;
  ::close(output);
  ::close(ends[1]);
  int code = pid_ < 0 ? fork_error : 0;
  // Nothing to read: the pipe was closed by a successful exec.
  while (pid_ > 0 && ::read(ends[0], &code, sizeof code) < 0 && errno == EINTR) {
  }
  ::close(ends[0]);
  if (code != 0) {
    if (pid_ > 0) {
      ::waitpid(pid_, nullptr, 0);
    }
    throw Error("can't start " + words[0] + ": " + std::generic_category().message(code));
  }
}

std::optional<int> Process::ended() {
  int status = 0;
  if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return code_;
}

std::optional<int> Process::ended_within(double seconds) {
  constexpr auto step = std::chrono::milliseconds(50);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!ended() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(step);
  }
  return code_;
}

void Process::send(int signal) const { ::kill(-pid_, signal); }

std::string tail_of(const std::string& path, std::size_t bytes) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) {
    return {};
  }
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, stream.tellg()));
  const std::size_t count = std::min(size, bytes);
  std::string text(count, '\0');
  stream.seekg(static_cast<std::streamoff>(size - count));
  stream.read(text.data(), static_cast<std::streamsize>(count));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace macfit::run
