#include "stack.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::run {
namespace {

constexpr double polite = 12.0;      // seconds to end after Ctrl-C: run.sh gives servers ten
constexpr double stop_limit = 30.0;  // seconds for run.sh stop
constexpr double ssh_pause = 5.0;    // seconds between two tries

/// A port of the loopback address that nobody listens on now.
std::string free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool found = fd >= 0 &&
                     ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) {
    ::close(fd);
  }
  if (!found) {
    throw Error("no free port on this machine for a tunnel");
  }
  return std::to_string(ntohs(address.sin_port));
}

/// The last words of a log that say something, on one line.
std::string last_words(const std::string& log) {
  std::vector<std::string> lines;
  const std::string tail = tail_of(log);
  for (const std::string_view line : split(tail, '\n')) {
    if (!trim(line).empty()) {
      lines.emplace_back(trim(line));
    }
  }
  return lines.empty() ? std::string("it said nothing") : printable(lines.back(), 300);
}

}  // namespace

void Stack::start() {
  process_.emplace(std::vector<std::string>{"bash", "./run.sh"}, folder_.path, log());
}

void Stack::stop() {
  if (process_ && !process_->ended()) {
    process_->send(SIGINT);
    (void)process_->ended_within(polite);
  }
  Process stop(std::vector<std::string>{"bash", "./run.sh", "stop"}, folder_.path, log());
  if (!stop.ended_within(stop_limit)) {
    stop.send(SIGKILL);
    (void)stop.ended_within(1.0);
  }
  if (process_) {
    process_->send(SIGTERM);
    if (!process_->ended_within(1.0)) {
      process_->send(SIGKILL);
      (void)process_->ended_within(1.0);
    }
    process_.reset();
  }
}

std::optional<std::string> Stack::failure() {
  const auto code = process_ ? process_->ended() : std::nullopt;
  if (!code || (*code == 0 && folder_.start_returns)) {
    return std::nullopt;
  }
  return fmt::format("{}/run.sh ended with code {}: {} (more in {})", folder_.path, *code,
                     last_words(log()), log());
}

Tunnel::Tunnel(std::string host, std::string port, std::string folder)
    : host_(std::move(host)),
      port_(std::move(port)),
      folder_(std::move(folder)),
      local_(free_port()) {}

Tunnel::~Tunnel() {
  if (process_ && !process_->ended()) {
    process_->send(SIGTERM);
    (void)process_->ended_within(1.0);
  }
}

void Tunnel::keep(double now) {
  if ((process_ && !process_->ended()) || now < next_) {
    return;
  }
  next_ = now + ssh_pause;
  process_.emplace(
      std::vector<std::string>{"ssh", "-N", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o",
                               "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15", "-L",
                               fmt::format("127.0.0.1:{}:127.0.0.1:{}", local_, port_), "--",
                               host_},
      folder_, folder_ + "/run.log");
}

}  // namespace macfit::run
