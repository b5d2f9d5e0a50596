#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace macfit::run {

/// How fast the plan takes a worker to be, at as many jobs as it does at once. As macfit night
/// counts: a job takes prompt / prefill + output / decode.
struct Forecast {
  double decode = 0.0;   ///< tokens a second, of all its jobs together
  double prefill = 0.0;  ///< tokens a second
  std::string evidence;  ///< the weaker of both
};

enum class State : std::uint8_t {
  starting,  ///< the stack starts, the workers are asked for a first completion
  running,
  draining,  ///< no more jobs are sent; those in flight end
  finished,  ///< every job has its result
  ended,     ///< in good order, with jobs left
  broken,    ///< it could not go on
};
inline constexpr const char* state_names[] = {"starting", "running", "draining",
                                              "finished", "ended",   "broken"};
[[nodiscard]] constexpr std::string_view state_name(State state) noexcept {
  return state_names[static_cast<std::size_t>(state)];
}

struct WorkerReport {
  std::string name;  ///< of its nodes, or its address
  std::string url;
  std::int64_t at_once = 1;
  bool ready = false;
  std::int64_t completions = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double busy_seconds = 0.0;  ///< with at least one job in flight
  std::int64_t deaths = 0;    ///< with jobs in flight
  std::optional<Forecast> forecast;
};

struct Failure {
  std::string id;
  std::string code;
  std::string message;
};
inline constexpr std::size_t most_failures = 20;  ///< that a report names

/// What a night is at, or was: macfit.run/1.
struct Report {
  State state = State::starting;
  std::string why;  ///< it ended with jobs left, or broke
  std::int64_t process = 0;
  std::string results;  ///< path of the results; empty for a soak
  std::string started;  ///< UTC, ISO 8601
  std::string updated;
  double seconds = 0.0;  ///< since jobs were first sent
  std::int64_t jobs = 0;
  std::int64_t earlier = 0;      ///< results that stood there before
  std::int64_t completions = 0;  ///< of this run
  std::int64_t failures = 0;     ///< jobs set aside in this run
  std::int64_t in_flight = 0;
  std::int64_t retries = 0;
  std::int64_t restarts = 0;  ///< of the stack
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t without_usage = 0;  ///< completions whose answer counts no tokens
  std::optional<double> ends_in;   ///< seconds until no job is in flight any more, by --until
  std::vector<WorkerReport> workers;
  std::vector<Failure> failed;
  bool soak = false;
  bool soak_whole = false;  ///< it had all its time
  std::optional<bool> soak_passed;
  std::vector<std::string> soak_reasons;  ///< why it did not pass
  std::vector<std::string> measurements;  ///< lines of macfit.spike/1

  [[nodiscard]] std::int64_t left() const { return jobs - earlier - completions - failures; }
};

/// Completions an hour that the forecasts give for jobs of the mean size so far; none where a
/// worker has no forecast or no answer counted its tokens.
[[nodiscard]] std::optional<double> predicted_per_hour(const Report& report);
/// Completions an hour of this run; none before the first.
[[nodiscard]] std::optional<double> measured_per_hour(const Report& report);
/// Seconds until all is done at the measured rate.
[[nodiscard]] std::optional<double> time_left(const Report& report);

/// The exit code of a run that ended so: 0 every job has a good result (or the soak passed), 1 not.
[[nodiscard]] int exit_code(const Report& report);

/// Reads what report::run_json() wrote, as --status shows it. Throws Error.
[[nodiscard]] Report read_report(std::string_view text);

}  // namespace macfit::run
