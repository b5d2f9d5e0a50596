#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/run/report.hpp"

namespace macfit::run {

/// A server that jobs are sent to.
struct WorkerSpec {
  std::string name;
  std::string url;   ///< "http://127.0.0.1:8080", without a path
  std::string host;  ///< reached through a tunnel of ssh to that host; empty: directly
  std::string port;  ///< there
  std::size_t at_once = 1;
  std::optional<Forecast> forecast;
  std::string measurement = {};  ///< what a line of macfit.spike/1 says of it: a JSON object
};

/// Checks and trims what --worker names: http or https, a host, a port; no path but "/" or "/v1",
/// no name and password. Throws Error.
[[nodiscard]] std::string worker_url(std::string_view text);

/// What a folder of macfit launch says about its servers.
struct Folder {
  std::string path;
  std::string model;  ///< as its servers want it in a request
  std::vector<WorkerSpec> workers;
  bool start_returns = false;  ///< run.sh ends once the servers are asked for
};

/// Reads settings.sh (by bash, as the folder's own scripts do) and workers.json where there is
/// one. Throws Error: no such folder, not one of launch's, still to be filled in.
[[nodiscard]] Folder read_folder(const std::string& path);

}  // namespace macfit::run
