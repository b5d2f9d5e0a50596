#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/plan/plan.hpp"
#include "macfit/speed/speed.hpp"
#include "macfit/study/night_jobs.hpp"
#include "macfit/study/night_simulation.hpp"

namespace macfit::study {

// What is done by morning, placement by placement: docs/night.md. Pure.

/// How long a night is, and how to call its end.
struct Hours {
  double seconds = 9.0 * 3600.0;
  std::string until;  ///< "07:00"; empty where only the length is known
};
/// Reads "9", "9h", "8.5", "90m" or "22:00-07:00", which may cross midnight. Throws Error.
[[nodiscard]] Hours parse_hours(std::string_view text);

struct NightQuestion {
  plan::Request plan;  ///< its context holds the longest job at least: night() raises it
  JobList jobs;
  Hours hours;
  NightRules rules;  ///< `seconds` is taken from `hours`
  /// Tries 1, 2, 4 … 32 sequences at a time and takes what gets most done comfortably; else the
  /// plan's own.
  bool choose_sequences = false;
  double load_rate = 2.0e9;  ///< bytes a second that a model loads with after a fault: estimated
  bool load_rate_stated = false;
};

/// One replica's night.
struct NightWorker {
  std::vector<std::size_t> nodes;
  std::optional<speed::Estimate> decode;   ///< tokens a second of one stream, of a mean job
  std::optional<speed::Estimate> prefill;  ///< tokens a second of one prompt, of a mean job
  double job_seconds = 0.0;                ///< a mean job, by throughput
  double load_seconds = 0.0;
  Share share;                 ///< of the list, longest jobs first; endless lists: nothing
  std::int64_t completed = 0;  ///< in a night without faults
  double busy_seconds = 0.0;   ///< the same
};

/// One way to use the nodes.
struct NightPlacement {
  std::string name;  ///< "two workers", "pipeline"
  plan::SplitKind split = plan::SplitKind::independent;
  bool alone = false;  ///< the fastest of several workers, on its own
  const runtime::Runtime* runtime = nullptr;
  std::string format;
  fit::Tier tier = fit::Tier::not_practical;
  bool raised = false;  ///< needs the raised GPU limit
  bool may_win = true;  ///< false: shown for its numbers only
  std::vector<NightWorker> workers;
  /// Completions in a night without faults, and what the interval of the speeds makes of them.
  std::int64_t completions = 0;
  std::int64_t low = 0;
  std::int64_t high = 0;
  Evidence evidence = Evidence::estimated;
  double tokens_read = 0.0;  ///< of those completions
  double tokens_written = 0.0;
  std::optional<double> finish;          ///< seconds until a list is done; none: not by morning
  std::optional<double> makespan;        ///< seconds for the whole list, night or not
  std::optional<double> equal_makespan;  ///< the same with as many jobs for each worker
  /// Watt-hours of the nodes used at the vendor's highest draw: real ones are fewer. None where a
  /// node's watts are not known.
  std::optional<double> most_watt_hours;
  double faults_per_day = 0.0;  ///< that end a worker, those by jobs left out
  NightOutcome outcome;
};

/// A placement that no number can be given for.
struct NightAbsent {
  std::string name;
  std::string reason;
};

/// What so many sequences at a time on each worker get done.
struct NightChoice {
  std::int64_t sequences = 1;
  /// Of the best placement that may win, in a night without faults; nothing where none holds them.
  std::optional<std::int64_t> completions;
  std::optional<double> makespan;  ///< seconds for the whole list, night or not
  std::string name;                ///< of that placement
  fit::Tier tier = fit::Tier::not_practical;
  bool raised = false;
  /// Most done first, of a list that is done the sooner; what differs by a fiftieth is the same.
  [[nodiscard]] double times_better(const NightChoice& other) const;
};
/// Whether so many may be taken unasked.
[[nodiscard]] bool comfortable(const NightChoice& choice) noexcept;

struct NightResult {
  NightQuestion question;
  std::vector<NightPlacement> placements;  ///< workers, one worker, pipeline, tensor
  std::vector<NightAbsent> absent;
  std::optional<std::size_t> best;  ///< most completions by median, then by mean
  std::vector<NightChoice>
      choices;  ///< fewest sequences first; the question's plan has the taken one
};

/// Plans the model for the longest job, takes the best placement of each kind that holds it, and
/// plays the nights. Sequences are chosen as the question says. Throws Error on what make_plan
/// throws.
[[nodiscard]] NightResult night(NightQuestion question);

}  // namespace macfit::study
