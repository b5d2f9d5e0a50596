#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "macfit/run/answer.hpp"

namespace macfit::run {

/// How often is tried again, and when enough is enough.
struct Rules {
  std::int64_t attempts = 5;    ///< requests for one job that fail of themselves
  std::int64_t kills = 3;       ///< workers that may die of one job
  std::int64_t hopeless = 20;   ///< jobs set aside in a row, none done between: no job's fault
  double first_pause = 1.0;     ///< seconds before a second attempt; each next one doubles it
  double longest_pause = 60.0;  ///< seconds
};

/// Who does which job next, and what an answer means for both. Pure: time is passed in, in seconds
/// of any steady clock. A worker with a free place takes the next job, so unlike workers balance by
/// themselves. A worker that fails gets jobs again once it has answered a probe. A job whose worker
/// died is sent alone from then on, so that its neighbors are not blamed with it.
class Scheduler {
 public:
  /// `at_once` jobs at a time for each worker; jobs are numbered 0 to `jobs` - 1. Workers have to
  /// answer a probe first.
  Scheduler(Rules rules, std::vector<std::size_t> at_once, std::size_t jobs);

  struct Issue {
    std::size_t worker = 0;
    std::size_t job = 0;
  };
  /// The next job to send, or none now. Call until there is none.
  [[nodiscard]] std::optional<Issue> next(double now);
  /// A worker that should be asked for a completion now; it counts as asked.
  [[nodiscard]] std::optional<std::size_t> next_probe(double now);

  enum class Fate : std::uint8_t { done, again, aside };
  /// What becomes of a job whose request has ended.
  struct Ruling {
    std::size_t job = 0;
    Fate fate = Fate::again;
    std::int64_t attempts = 0;  ///< requests sent for it
    std::string code;           ///< where set aside for another reason than its last answer's
  };
  /// None while the worker is asked whether it lives: probed() rules then.
  [[nodiscard]] std::optional<Ruling> answered(const Issue& issue, const Answer& answer,
                                               double now);
  /// The end of a probe, and what it means for the jobs that waited for it.
  [[nodiscard]] std::vector<Ruling> probed(std::size_t worker, bool answers, double now);
  /// All workers are new: each has to answer a probe again. Nothing may be in flight.
  void restarted(double now);

  [[nodiscard]] bool ready(std::size_t worker) const { return workers_.at(worker).ready; }
  /// Since when a worker has not answered; none while it is ready.
  [[nodiscard]] std::optional<double> down_since(std::size_t worker) const;
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::size_t in_flight(std::size_t worker) const {
    return workers_.at(worker).in_flight;
  }
  /// How often a worker was found dead with jobs in flight.
  [[nodiscard]] std::int64_t deaths(std::size_t worker) const { return workers_.at(worker).deaths; }
  /// Jobs that have no fate yet, those in flight among them.
  [[nodiscard]] std::size_t left() const noexcept { return left_; }
  /// True once so many jobs in a row were set aside that the jobs can't be at fault.
  [[nodiscard]] bool hopeless() const noexcept { return aside_in_row_ >= rules_.hopeless; }

 private:
  struct Worker {
    std::size_t at_once = 1;
    std::size_t in_flight = 0;
    bool ready = false;
    bool probing = false;
    bool alone = false;       ///< has a job that nothing may run beside
    double paused = 0.0;      ///< no job before
    double probe_at = 0.0;    ///< while not ready
    double down = 0.0;        ///< since when not ready
    std::int64_t probes = 0;  ///< that failed in a row
    std::int64_t busy = 0;    ///< answers "busy" in a row
    std::int64_t faults = 0;  ///< failed requests in a row
    std::int64_t deaths = 0;
    std::vector<std::size_t> suspects;  ///< jobs cut off: did the worker die?
  };
  struct Trouble {
    std::int64_t attempts = 0;  ///< failed of themselves
    std::int64_t kills = 0;
    std::int64_t sent = 0;
    bool alone = false;
  };
  struct Again {
    double at = 0.0;
    std::uint64_t order = 0;
    std::size_t job = 0;
    bool operator>(const Again& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  using Queue = std::priority_queue<Again, std::vector<Again>, std::greater<>>;

  [[nodiscard]] std::optional<std::size_t> free_worker(double now) const;
  [[nodiscard]] std::optional<Issue> next_alone(double now);
  [[nodiscard]] double pause_after(std::int64_t failures) const;
  Issue send(std::size_t worker, std::size_t job);
  void doubt(Worker& worker, double now, double delay);
  void again(std::size_t job, double at);
  Ruling failed(std::size_t job, double now);
  Ruling set_aside(std::size_t job, std::string code);
  Ruling killed(std::size_t job, double now);

  Rules rules_;
  std::vector<Worker> workers_;
  std::unordered_map<std::size_t, Trouble> troubles_;  ///< of jobs that had some
  Queue again_;                                        ///< jobs to send once more
  Queue alone_;                                        ///< the same, with nothing beside them
  std::uint64_t order_ = 0;
  std::size_t fresh_ = 0;  ///< the first job that was never sent
  std::size_t jobs_ = 0;
  std::size_t left_ = 0;
  std::size_t in_flight_ = 0;
  std::int64_t aside_in_row_ = 0;
};

}  // namespace macfit::run
