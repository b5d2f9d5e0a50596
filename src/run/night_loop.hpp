// The state of a night and its steps. night.cpp has the loop, night_ends.cpp what may end or
// interrupt it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clock.hpp"
#include "macfit/run/job_file.hpp"
#include "macfit/run/ledger.hpp"
#include "macfit/run/night.hpp"
#include "macfit/run/scheduler.hpp"
#include "measured.hpp"
#include "stack.hpp"
#include "transfers.hpp"

namespace macfit::run {

/// One night from its jobs to its report. One thread calls it; the rules are the scheduler's.
class Night {
 public:
  Night(const NightOptions& options, const NightWatch& watch)
      : options_(options), watch_(watch), transfers_({}, options.key) {}

  Report run();

 private:
  /// Workers that do not answer.
  struct Down {
    std::size_t workers = 0;
    double longest = 0.0;  ///< seconds, of the one that is down the longest
    std::string why;       ///< not empty: the stack failed, or one is down beyond its grace
  };

  // Beginning.
  void open_jobs();
  void open_workers();
  void take_or_start();
  // The loop.
  void step();
  void issue(double now);
  void ask(double now);
  void handle(const Transfers::Ended& ended, double now);
  void probe_ended(std::size_t worker, const Answer& answer, double now);
  void rule(const Scheduler::Ruling& ruling, const Answer& answer, std::size_t worker);
  void write(Result result);
  void write_held();
  // What may end or interrupt it.
  void check_start(double now);
  void check_health(double now);
  void check_end(double now);
  bool keep_time(double now);
  void restart(const std::string& why);
  void drop_all();
  void finish(State state, std::string why);
  // Saying.
  void account(double now);
  void tell(double now, bool always);

  [[nodiscard]] bool soak() const { return options_.soak_seconds.has_value(); }
  [[nodiscard]] bool own() const { return stack_ != nullptr; }
  [[nodiscard]] bool over() const { return report_.state >= State::finished; }
  [[nodiscard]] std::size_t ready_workers() const;
  [[nodiscard]] std::size_t busy() const;
  [[nodiscard]] std::string stack_failure() const;
  [[nodiscard]] bool gives_nothing(std::size_t worker, double now) const;
  [[nodiscard]] std::string why_not_started(double now) const;
  [[nodiscard]] Down down(double now) const;
  [[nodiscard]] Job job(std::size_t index) const;
  [[nodiscard]] const std::string& url(std::size_t worker) const {
    return report_.workers[worker].url;
  }

  const NightOptions& options_;
  const NightWatch& watch_;
  Transfers transfers_;
  std::unique_ptr<JobFile> file_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<std::size_t> pending_;  ///< indices into the file
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Stack> stack_;  ///< null: somebody else's servers
  bool started_ = false;          ///< by this run
  std::vector<std::unique_ptr<Tunnel>> tunnels_;
  struct Flight {
    Scheduler::Issue issue;
    std::string path;
  };
  std::map<std::uint64_t, Flight> flights_;
  std::map<std::uint64_t, std::pair<Scheduler::Issue, Answer>> doubted_;  ///< by job: cut off
  std::vector<Result> held_;             ///< set aside since the last completion
  std::vector<std::string> last_probe_;  ///< its words
  std::vector<bool> refused_;            ///< by the last probe
  std::vector<std::int64_t> probe_faults_;
  std::unique_ptr<Measured> measured_;
  std::array<double, 4> quarters_{};  ///< tokens written in each quarter of a soak
  Typical typical_;
  Report report_;
  double begun_ = 0.0;        ///< the loop
  double first_sent_ = -1.0;  ///< a job
  double starting_ = 0.0;     ///< since when the stack starts
  double last_ = 0.0;         ///< account()
  double last_told_ = 0.0;
  bool draining_ = false;
  std::string drain_why_;
  std::string restart_why_;  ///< not empty: as soon as nothing is in flight
  std::string barred_;
};

}  // namespace macfit::run
