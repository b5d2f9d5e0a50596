// What may end or interrupt a night: workers that never start, a stack that fails, a wish of the
// person, jobs that all fail, the time.

#include <algorithm>

#include <fmt/format.h>

#include "clock.hpp"
#include "macfit/core/error.hpp"
#include "night_loop.hpp"

namespace macfit::run {
namespace {

constexpr std::int64_t failed_probes = 3;  // 5xx while starting: it listens, but can't complete

}  // namespace

/// Why the stack that this run started has failed; empty where it has not.
std::string Night::stack_failure() const {
  return stack_ && started_ ? stack_->failure().value_or("") : std::string();
}

/// Jobs in flight at workers that answer.
std::size_t Night::busy() const {
  std::size_t busy = 0;
  for (std::size_t i = 0; i < report_.workers.size(); ++i) {
    busy += scheduler_->ready(i) ? scheduler_->in_flight(i) : 0;
  }
  return busy;
}

/// True where waiting on for a worker's first completion makes no sense.
bool Night::gives_nothing(std::size_t worker, double now) const {
  const double waited = now - starting_;
  // A server that this run started may refuse connections for as long as it loads.
  const bool refused = !started_ && waited > options_.refused_seconds && refused_[worker];
  const bool late = !scheduler_->ready(worker) && waited > options_.ready_seconds;
  return refused || late || probe_faults_[worker] >= failed_probes;
}

/// Empty while there is hope.
std::string Night::why_not_started(double now) const {
  if (std::string why = stack_failure(); !why.empty()) {
    return why;
  }
  for (std::size_t i = 0; i < report_.workers.size(); ++i) {
    if (gives_nothing(i, now)) {
      return fmt::format("{} ({}) gives no completion{}{}", report_.workers[i].name, url(i),
                         last_probe_[i].empty() ? "" : ": ", last_probe_[i]);
    }
  }
  return {};
}

Night::Down Night::down(double now) const {
  Down down;
  down.why = stack_failure();
  for (std::size_t i = 0; i < report_.workers.size(); ++i) {
    const auto since = scheduler_->down_since(i);
    if (!since) {
      continue;
    }
    ++down.workers;
    down.longest = std::max(down.longest, now - *since);
    if (now - *since > options_.grace_seconds && !last_probe_[i].empty() && down.why.empty()) {
      down.why = fmt::format("{} is down: {}", report_.workers[i].name, last_probe_[i]);
    }
  }
  return down;
}

/// While the stack starts: every worker has to give a completion before jobs are sent.
void Night::check_start(double now) {
  if (report_.state != State::starting) {
    return;
  }
  if (ready_workers() == report_.workers.size()) {
    report_.state = State::running;
    watch_.event(report_.workers.size() == 1 ? "the worker answers" : "all workers answer");
    return;
  }
  const std::string why = why_not_started(now);
  if (why.empty()) {
    return;
  }
  if (first_sent_ < 0.0) {
    throw Error(why, {},
                started_ ? "mend it, then type the same again"
                : own()  ? "./run.sh stop in the folder, then type the same again"
                         : "start the server first, or name a folder of macfit launch");
  }
  restart(why);
}

void Night::restart(const std::string& why) {
  drop_all();
  if (!own() || report_.restarts >= options_.restarts) {
    finish(State::ended,
           why + (own() ? fmt::format("; restarted {} times already", report_.restarts)
                        : std::string()));
    return;
  }
  ++report_.restarts;
  watch_.event(fmt::format("restart {} of {}: {}", report_.restarts, options_.restarts, why));
  restart_why_.clear();
  stack_->stop();
  stack_->start();
  started_ = true;
  starting_ = seconds_now();
  report_.state = State::starting;
  std::fill(probe_faults_.begin(), probe_faults_.end(), 0);
  scheduler_->restarted(starting_);
}

/// What is in flight counts as cut off by its worker.
void Night::drop_all() {
  const double now = seconds_now();
  transfers_.drop();
  Exchange exchange;
  exchange.end = Exchange::End::cut;
  exchange.detail = "given up with its worker";
  const Answer cut = judge(exchange, {});
  for (const auto& [tag, flight] : flights_) {
    (void)scheduler_->answered(flight.issue, cut, now);
    doubted_[flight.issue.job] = {flight.issue, cut};
  }
  flights_.clear();
  for (std::size_t i = 0; i < report_.workers.size(); ++i) {
    if (!scheduler_->ready(i)) {
      for (const Scheduler::Ruling& ruling : scheduler_->probed(i, false, now)) {
        const auto found = doubted_.find(ruling.job);
        rule(ruling, found->second.second, i);
        doubted_.erase(found);
      }
    }
  }
}

void Night::check_health(double now) {
  if (report_.state != State::running) {
    return;
  }
  const Down down = this->down(now);
  const bool may_restart = own() && report_.restarts < options_.restarts;
  if (may_restart && !down.why.empty() && restart_why_.empty()) {
    restart_why_ = down.why;
    watch_.event("the stack is restarted as soon as the jobs in flight have ended: " + down.why);
  }
  if (!restart_why_.empty() && busy() == 0) {
    restart(restart_why_);
    return;
  }
  const double patience =
      own() && !may_restart ? options_.grace_seconds : options_.patience_seconds;
  if (down.workers == report_.workers.size() && down.longest > patience) {
    finish(State::ended,
           "no worker answers any more: " + (down.why.empty() ? last_probe_[0] : down.why));
  }
}

/// No more jobs are sent once they would end after the time that the night or the soak has.
/// \return true where that time is over and jobs are in flight: a night does not wait for them
bool Night::keep_time(double now) {
  const auto length = soak() ? options_.soak_seconds : options_.stop_seconds;
  if (!length) {
    return false;
  }
  const double stop = begun_ + *length;
  report_.ends_in = std::max(0.0, stop - now);
  if (!draining_ && now + (soak() ? 0.0 : typical_.seconds()) >= stop) {
    draining_ = true;
    drain_why_ = soak() ? std::string() : "the time was up";
    report_.soak_whole = soak();
  }
  return !soak() && now >= stop && scheduler_->in_flight() > 0;
}

void Night::check_end(double now) {
  const NightWatch::Wish wish = watch_.wish();
  if (wish == NightWatch::Wish::stop) {
    finish(State::ended, "stopped; the jobs in flight were given up");
    return;
  }
  if (wish == NightWatch::Wish::drain && !draining_) {
    draining_ = true;
    drain_why_ = "stopped by the person";
    watch_.event("no more jobs are sent; those in flight end (once more: stop now)");
  }
  if (!barred_.empty()) {
    finish(State::ended, "every job would fail: " + barred_);
    return;
  }
  if (scheduler_->hopeless()) {
    const std::string last = held_.empty() ? std::string() : held_.back().message;
    held_.clear();
    finish(
        State::ended,
        fmt::format("{} jobs in a row failed, so it is not the jobs, and they are left undone: {}",
                    options_.rules.hopeless, last));
    return;
  }
  if (scheduler_->left() == 0) {
    finish(State::finished, {});
    return;
  }
  if (keep_time(now)) {
    finish(State::ended, "the time was up; the jobs in flight were given up");
    return;
  }
  if (draining_) {
    report_.state = State::draining;
    if (scheduler_->in_flight() == 0) {
      finish(State::ended, drain_why_);
    }
  }
}

void Night::finish(State state, std::string why) {
  if (over()) {
    return;
  }
  write_held();
  report_.state = state;
  report_.why = std::move(why);
}

}  // namespace macfit::run
