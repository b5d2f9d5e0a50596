#pragma once

#include <optional>
#include <string>
#include <vector>

#include "macfit/run/folder.hpp"
#include "process.hpp"

namespace macfit::run {

/// The servers of a launch folder, started and ended by its run.sh.
class Stack {
 public:
  explicit Stack(const Folder& folder) : folder_(folder) {}

  void start();
  /// Ends what start() or an earlier run started, by run.sh stop; takes at most half a minute.
  void stop();
  [[nodiscard]] bool started() const { return process_.has_value(); }
  /// What went wrong, where run.sh has ended as it should not.
  [[nodiscard]] std::optional<std::string> failure();
  [[nodiscard]] std::string log() const { return folder_.path + "/run.log"; }

 private:
  const Folder& folder_;
  std::optional<Process> process_;
};

/// A port of this machine that leads to a server's own through ssh, kept open while it is asked
/// for.
class Tunnel {
 public:
  /// `port` is where the server listens, at the loopback address of `host`.
  Tunnel(std::string host, std::string port, std::string folder);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + local_; }
  /// Starts ssh where it does not run, at most every few seconds.
  void keep(double now);

 private:
  std::string host_;
  std::string port_;
  std::string folder_;
  std::string local_;
  std::optional<Process> process_;
  double next_ = 0.0;
};

}  // namespace macfit::run
