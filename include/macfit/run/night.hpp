#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "macfit/run/folder.hpp"
#include "macfit/run/report.hpp"
#include "macfit/run/scheduler.hpp"

namespace macfit::run {

struct NightOptions {
  std::optional<Folder> folder;     ///< whose servers are started where they do not run
  std::vector<WorkerSpec> workers;  ///< never empty
  std::string model;                ///< in place of the jobs' own; empty: as they say
  std::string jobs;                 ///< path of the list; empty for a soak
  std::string results;              ///< likewise
  std::optional<double> soak_seconds;
  std::optional<double> stop_seconds;  ///< from now on: by then no job is in flight
  std::int64_t restarts = 3;
  Rules rules;
  double job_seconds = 3600.0;      ///< longest wait for one answer
  double ready_seconds = 1800.0;    ///< longest wait for a worker's first completion
  double refused_seconds = 15.0;    ///< longest wait for somebody else's server to listen
  double patience_seconds = 600.0;  ///< without any worker, before the night is given up
  double grace_seconds = 15.0;      ///< a worker that is down so long has its stack restarted
  std::string key;                  ///< sent as a bearer token; empty: none
};

/// What whoever started the night hears and says meanwhile.
struct NightWatch {
  /// Once a second or so, and at the end.
  std::function<void(const Report&)> tell = [](const Report&) {};
  /// What happened, in words.
  std::function<void(const std::string&)> event = [](const std::string&) {};
  enum class Wish : std::uint8_t { go_on, drain, stop };
  std::function<Wish()> wish = [] { return Wish::go_on; };
};

/// Carries a job list, or a soak, through the night, and returns once it is over. What broke in
/// the middle is said in the report. Throws Error where it can't begin: no jobs, results that can't
/// be written, workers that don't come up.
[[nodiscard]] Report run_night(const NightOptions& options, const NightWatch& watch);

}  // namespace macfit::run
