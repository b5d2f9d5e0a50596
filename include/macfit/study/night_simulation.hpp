#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"

namespace macfit::study {

// Nights in which things fail, drawn by chance: docs/night.md. Numbers in, numbers out; the same
// seed gives the same bytes on every machine.

/// Jobs of one length, one after the other.
struct Stretch {
  double seconds = 0.0;   ///< a job, by throughput: of two at once each counts half its own time
  std::int64_t jobs = 0;  ///< 0 in the only stretch of a list: without end
};

/// One replica with its list, and what it takes to start it again.
struct Worker {
  std::vector<Stretch> list;
  std::size_t nodes = 1;      ///< it dies with any of them
  bool rdma = false;          ///< its nodes talk by RDMA
  std::int64_t at_once = 1;   ///< jobs in flight together, which end and die together
  double load_seconds = 0.0;  ///< to read the model again
};

enum class Fault : std::uint8_t {
  reboot,       ///< a node restarts: update, panic, power
  gpu_timeout,  ///< the GPU gives a command buffer up and the process ends
  bridge,       ///< a node's Thunderbolt addresses are gone until somebody sets them again
  transport,    ///< RDMA resources are used up; a reboot frees them
};
inline constexpr std::size_t fault_count = 4;
/// "gpu-timeout".
[[nodiscard]] std::string_view fault_name(Fault fault) noexcept;

/// How often something fails and how long it then stays so.
struct FaultRule {
  double per_day = 0.0;         ///< per node in use, exponential; 0: never
  std::int64_t after_jobs = 0;  ///< instead, transport alone: after so many jobs since the start
  std::optional<double> repair_seconds;  ///< before the model can load; none: not before morning
  bool stated = false;                   ///< by the user; else estimated
  [[nodiscard]] bool never() const { return per_day <= 0.0 && after_jobs <= 0; }
};

/// What is known of a kind of fault.
struct FaultInfo {
  std::string_view name;
  std::string_view meaning;
  std::string_view basis;  ///< what the default rests on, with its source
  FaultRule rule;          ///< the default: estimated, all of them
  bool shards_only = false;
  bool rdma_only = false;
};
[[nodiscard]] const FaultInfo& fault_info(Fault fault) noexcept;

using FaultRules = std::array<FaultRule, fault_count>;
[[nodiscard]] FaultRules default_faults() noexcept;
[[nodiscard]] FaultRules no_faults() noexcept;

/// Takes "reboot=1/30d", "gpu-timeout=0", "bridge=1/14d:20m", "bridge=1/2w:never",
/// "transport=5000jobs:4m": how often per node, and after the colon how long until it can go on.
/// Units m, h, d, w. Throws Error.
void parse_fault(std::string_view text, FaultRules& rules);

/// Seconds in "20m", "1.5h", "2d", "30s". Throws Error; `what` names it.
[[nodiscard]] double parse_duration(std::string_view text, std::string_view what);

/// The faults a day that end one worker, those by jobs left out.
[[nodiscard]] double faults_per_day(const Worker& worker, const FaultRules& rules);

struct NightRules {
  double seconds = 0.0;  ///< how long the night is
  FaultRules faults{};
  bool restart = true;                        ///< a dead worker starts again by itself
  std::optional<std::int64_t> checkpoint{1};  ///< results are safe every so many; none: at the end
  std::int64_t nights = 10'000;
  std::uint64_t seed = 1;
};
inline constexpr std::int64_t most_nights = 10'000'000;

/// What the nights gave. Percentiles by nearest rank, over nights.
struct NightOutcome {
  std::int64_t nights = 0;
  std::int64_t p10 = 0;  ///< completions: nine of ten nights give at least so many
  std::int64_t median = 0;
  std::int64_t p90 = 0;
  std::int64_t least = 0;
  std::int64_t most = 0;
  double mean = 0.0;
  double deviation = 0.0;                   ///< standard deviation of completions
  std::optional<double> finished;           ///< share of nights; none: endless list
  std::optional<double> mean_finish;        ///< seconds, over nights that finish
  double undisturbed = 0.0;                 ///< share of nights without a fault
  double mean_faults = 0.0;                 ///< a night
  double mean_lost = 0.0;                   ///< jobs a night, done and lost or broken off
  double mean_down = 0.0;                   ///< seconds a night that a worker does not work
  std::array<double, fault_count> ended{};  ///< share of nights in which this ended a worker's work
  std::vector<std::int64_t> histogram;      ///< nights, equal bins from `least` to `most`
};

/// Plays the nights. Events are faults, so that a night costs as much as it has faults.
/// Throws Error on jobs without a length.
[[nodiscard]] NightOutcome simulate_nights(const std::vector<Worker>& workers,
                                           const NightRules& rules);

/// Completions and seconds worked where nothing fails.
struct QuietNight {
  std::int64_t completions = 0;
  std::vector<std::int64_t> completed;  ///< by worker
  std::vector<double> busy;             ///< seconds, by worker
  std::optional<double> finish;         ///< seconds; none: not by morning, or endless
};
[[nodiscard]] QuietNight quiet_night(const std::vector<Worker>& workers, double seconds);

}  // namespace macfit::study
