#include "macfit/run/scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace macfit::run {
namespace {

constexpr std::int64_t most_busy = 8;    ///< in a row, before the worker is asked whether it works
constexpr std::int64_t most_faults = 5;  ///< likewise
/// What dies takes its connections with it, but not in the same instant.
constexpr double settle = 0.2;                // seconds
constexpr double longest_probe_pause = 10.0;  // seconds

}  // namespace

Scheduler::Scheduler(Rules rules, std::vector<std::size_t> at_once, std::size_t jobs)
    : rules_(rules), workers_(at_once.size()), jobs_(jobs), left_(jobs) {
  for (std::size_t i = 0; i < at_once.size(); ++i) {
    workers_[i].at_once = std::max<std::size_t>(1, at_once[i]);
  }
}

double Scheduler::pause_after(std::int64_t failures) const {
  const double doubled =
      rules_.first_pause * std::exp2(static_cast<double>(std::min<std::int64_t>(failures, 30) - 1));
  return std::min(rules_.longest_pause, doubled);
}

std::optional<std::size_t> Scheduler::free_worker(double now) const {
  std::optional<std::size_t> best;
  double least = 1.0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const Worker& worker = workers_[i];
    const double used = static_cast<double>(worker.in_flight) / static_cast<double>(worker.at_once);
    if (worker.ready && !worker.alone && worker.paused <= now && used < least) {
      best = i;
      least = used;
    }
  }
  return best;
}

Scheduler::Issue Scheduler::send(std::size_t worker, std::size_t job) {
  ++workers_[worker].in_flight;
  ++in_flight_;
  if (const auto found = troubles_.find(job); found != troubles_.end()) {
    ++found->second.sent;
  }
  return {worker, job};
}

/// One worker at a time is emptied for the jobs that have to be alone.
std::optional<Scheduler::Issue> Scheduler::next_alone(double now) {
  if (alone_.empty() || alone_.top().at > now) {
    return std::nullopt;
  }
  const auto reserved = std::find_if(workers_.begin(), workers_.end(),
                                     [](const Worker& worker) { return worker.alone; });
  std::size_t at = static_cast<std::size_t>(reserved - workers_.begin());
  if (reserved == workers_.end() || !reserved->ready) {
    const auto free = free_worker(now);
    if (!free) {
      return std::nullopt;
    }
    at = *free;
    workers_[at].alone = true;
  }
  Worker& worker = workers_[at];
  if (worker.in_flight > 0 || worker.paused > now) {
    return std::nullopt;
  }
  const std::size_t job = alone_.top().job;
  alone_.pop();
  return send(at, job);
}

std::optional<Scheduler::Issue> Scheduler::next(double now) {
  if (auto issue = next_alone(now)) {
    return issue;
  }
  const auto worker = free_worker(now);
  if (!worker) {
    return std::nullopt;
  }
  if (!again_.empty() && again_.top().at <= now) {
    const std::size_t job = again_.top().job;
    again_.pop();
    return send(*worker, job);
  }
  if (fresh_ < jobs_) {
    return send(*worker, fresh_++);
  }
  return std::nullopt;
}

std::optional<std::size_t> Scheduler::next_probe(double now) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = workers_[i];
    if (!worker.ready && !worker.probing && worker.probe_at <= now) {
      worker.probing = true;
      return i;
    }
  }
  return std::nullopt;
}

std::optional<double> Scheduler::down_since(std::size_t worker) const {
  const Worker& at = workers_.at(worker);
  return at.ready ? std::nullopt : std::optional(at.down);
}

/// No more jobs for a worker until it has answered a probe.
void Scheduler::doubt(Worker& worker, double now, double delay) {
  if (worker.ready) {
    worker.ready = false;
    worker.down = now;
    worker.probes = 0;
    worker.probe_at = now + delay;
  }
}

void Scheduler::again(std::size_t job, double at) {
  const auto found = troubles_.find(job);
  const bool alone = found != troubles_.end() && found->second.alone;
  (alone ? alone_ : again_).push({at, order_++, job});
}

Scheduler::Ruling Scheduler::set_aside(std::size_t job, std::string code) {
  Ruling ruling{job, Fate::aside, troubles_[job].sent, std::move(code)};
  troubles_.erase(job);
  --left_;
  ++aside_in_row_;
  return ruling;
}

Scheduler::Ruling Scheduler::failed(std::size_t job, double now) {
  Trouble& trouble = troubles_[job];
  ++trouble.attempts;
  if (trouble.attempts >= rules_.attempts) {
    return set_aside(job, {});
  }
  again(job, now + pause_after(trouble.attempts));
  return {job, Fate::again, trouble.sent, {}};
}

Scheduler::Ruling Scheduler::killed(std::size_t job, double now) {
  Trouble& trouble = troubles_[job];
  ++trouble.kills;
  trouble.alone = true;
  if (trouble.kills >= rules_.kills) {
    return set_aside(job, "kills-worker");
  }
  again(job, now);
  return {job, Fate::again, trouble.sent, {}};
}

std::optional<Scheduler::Ruling> Scheduler::answered(const Issue& issue, const Answer& answer,
                                                     double now) {
  Worker& worker = workers_.at(issue.worker);
  --worker.in_flight;
  --in_flight_;
  if (worker.in_flight == 0) {
    worker.alone = false;
  }
  if (answer.outcome == Outcome::done) {
    worker.busy = worker.faults = 0;
    aside_in_row_ = 0;
    --left_;
    std::int64_t sent = 1;
    if (const auto found = troubles_.find(issue.job); found != troubles_.end()) {
      sent = found->second.sent;
      troubles_.erase(found);
    }
    return Ruling{issue.job, Fate::done, sent, {}};
  }
  // A job's requests are counted from its first trouble on, which is this one.
  Trouble& trouble = troubles_[issue.job];
  trouble.sent = std::max<std::int64_t>(trouble.sent, 1);
  switch (answer.outcome) {
    case Outcome::cut:
      doubt(worker, now, settle);
      worker.suspects.push_back(issue.job);
      return std::nullopt;
    case Outcome::refused:
      doubt(worker, now, 0.0);
      again(issue.job, now);
      return Ruling{issue.job, Fate::again, trouble.sent, {}};
    case Outcome::busy:
      ++worker.busy;
      worker.paused = now + std::max(answer.retry_after, pause_after(worker.busy));
      if (worker.busy >= most_busy) {
        doubt(worker, now, pause_after(worker.busy));
      }
      again(issue.job, worker.paused);
      return Ruling{issue.job, Fate::again, trouble.sent, {}};
    case Outcome::rejected:
    case Outcome::barred:
      return set_aside(issue.job, {});
    case Outcome::late:
      doubt(worker, now, 0.0);
      return failed(issue.job, now);
    default:
      if (++worker.faults >= most_faults) {
        doubt(worker, now, 0.0);
      }
      return failed(issue.job, now);
  }
}

std::vector<Scheduler::Ruling> Scheduler::probed(std::size_t index, bool answers, double now) {
  Worker& worker = workers_.at(index);
  worker.probing = false;
  std::vector<Ruling> rulings;
  std::vector<std::size_t> suspects;
  suspects.swap(worker.suspects);
  if (!answers && !suspects.empty()) {
    ++worker.deaths;
  }
  rulings.reserve(suspects.size());
  for (const std::size_t job : suspects) {
    rulings.push_back(answers ? failed(job, now) : killed(job, now));
  }
  if (answers) {
    worker.ready = true;
    worker.busy = worker.faults = worker.probes = 0;
    worker.paused = 0.0;
    return rulings;
  }
  ++worker.probes;
  worker.probe_at = now + std::min(longest_probe_pause, pause_after(worker.probes));
  return rulings;
}

void Scheduler::restarted(double now) {
  for (Worker& worker : workers_) {
    worker.ready = false;
    worker.alone = false;
    worker.down = now;
    worker.probes = 0;
    worker.probe_at = now;
  }
}

}  // namespace macfit::run
