// The one loop of a night: what has ended is judged, written down and scheduled again; what is free
// gets the next job. One thread does it all; the network waits in libcurl, the rules are pure.

#include "macfit/run/night.hpp"

#include <algorithm>
#include <unistd.h>

#include <fmt/format.h>

#include "clock.hpp"
#include "look.hpp"
#include "macfit/core/error.hpp"
#include "night_loop.hpp"

namespace macfit::run {
namespace {

constexpr double tell_every = 1.0;       // seconds
constexpr double probe_seconds = 300.0;  // of a worker that has worked before
constexpr std::uint64_t probe_tag = std::uint64_t{1} << 63U;
constexpr std::size_t endless = std::size_t{1} << 40U;  // jobs of a soak

}  // namespace

std::size_t Night::ready_workers() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < report_.workers.size(); ++i) {
    count += scheduler_->ready(i) ? 1 : 0;
  }
  return count;
}

Job Night::job(std::size_t index) const {
  return soak() ? soak_job(index, options_.model) : file_->read(pending_.at(index), options_.model);
}

void Night::open_jobs() {
  if (soak()) {
    pending_.clear();
    return;
  }
  file_ = std::make_unique<JobFile>(options_.jobs);
  std::vector<bool> has(file_->size(), false);
  std::int64_t others = 0;
  ledger_ = std::make_unique<Ledger>(options_.results, [&](const Result& result) {
    const std::size_t at = file_->find(result.id);
    if (at == file_->size() || has[at]) {
      ++others;
      return;
    }
    has[at] = true;
    ++report_.earlier;
  });
  if (ledger_->torn() > 0) {
    watch_.event(fmt::format("{}: {} bytes of a result that was not whole are taken off",
                             options_.results, ledger_->torn()));
  }
  if (others > 0) {
    watch_.event(fmt::format("{}: {} results of jobs that are not in {}, or twice",
                             options_.results, others, options_.jobs));
  }
  for (std::size_t i = 0; i < has.size(); ++i) {
    if (!has[i]) {
      pending_.push_back(i);
    }
  }
  report_.jobs = static_cast<std::int64_t>(file_->size());
  report_.results = options_.results;
}

void Night::open_workers() {
  std::vector<std::size_t> at_once;
  for (const WorkerSpec& spec : options_.workers) {
    WorkerReport worker;
    worker.name = spec.name;
    worker.url = spec.url;
    worker.at_once = static_cast<std::int64_t>(spec.at_once);
    worker.forecast = spec.forecast;
    if (!spec.host.empty()) {
      tunnels_.push_back(std::make_unique<Tunnel>(spec.host, spec.port, options_.folder->path));
      worker.url = tunnels_.back()->url();
    }
    report_.workers.push_back(std::move(worker));
    at_once.push_back(spec.at_once);
  }
  scheduler_ =
      std::make_unique<Scheduler>(options_.rules, at_once, soak() ? endless : pending_.size());
  last_probe_.resize(at_once.size());
  refused_.resize(at_once.size());
  probe_faults_.resize(at_once.size());
  measured_ = std::make_unique<Measured>(options_.workers);
  if (options_.folder) {
    stack_ = std::make_unique<Stack>(*options_.folder);
  }
}

void Night::take_or_start() {
  const std::vector<Outcome> outcomes =
      look(transfers_, report_.workers, tunnels_, ready_job(options_.model), watch_);
  const auto up = std::count_if(outcomes.begin(), outcomes.end(), [](Outcome outcome) {
    return outcome == Outcome::done || outcome == Outcome::busy || outcome == Outcome::late;
  });
  if (watch_.wish() != NightWatch::Wish::go_on) {
    return;
  }
  if (!own() || static_cast<std::size_t>(up) == outcomes.size()) {
    if (own()) {
      watch_.event("the servers run already: they are taken as they are");
    }
    return;
  }
  const bool clean = std::all_of(outcomes.begin(), outcomes.end(),
                                 [](Outcome outcome) { return outcome == Outcome::refused; });
  if (!clean) {
    watch_.event("some of the servers run, but not all: all are started again");
    stack_->stop();
  }
  stack_->start();
  started_ = true;
  watch_.event(
      fmt::format("{}/run.sh starts the servers: log in {}", options_.folder->path, stack_->log()));
}

void Night::issue(double now) {
  if (draining_ || !restart_why_.empty() || report_.state == State::starting) {
    return;
  }
  while (const auto next = scheduler_->next(now)) {
    Job job = this->job(next->job);
    first_sent_ = first_sent_ < 0.0 ? now : first_sent_;
    flights_.emplace(next->job, Flight{*next, job.path});
    transfers_.post(next->job, url(next->worker) + job.path, std::move(job.body),
                    options_.job_seconds);
  }
}

void Night::ask(double now) {
  while (const auto worker = scheduler_->next_probe(now)) {
    Job ready = ready_job(options_.model);
    transfers_.post(probe_tag | *worker, url(*worker) + ready.path, std::move(ready.body),
                    report_.state == State::starting ? options_.ready_seconds : probe_seconds);
  }
}

void Night::write(Result result) {
  if (!result.good) {
    ++report_.failures;
    if (report_.failed.size() < most_failures) {
      report_.failed.push_back({result.id, result.code, result.message});
    }
  }
  if (ledger_) {
    ledger_->append(result);
  }
}

void Night::write_held() {
  for (Result& result : held_) {
    write(std::move(result));
  }
  held_.clear();
}

void Night::rule(const Scheduler::Ruling& ruling, const Answer& answer, std::size_t worker) {
  if (ruling.fate == Scheduler::Fate::again) {
    ++report_.retries;
    return;
  }
  Result result;
  result.id = soak() ? job(ruling.job).id : file_->id(pending_[ruling.job]);
  result.good = ruling.fate == Scheduler::Fate::done;
  result.status = answer.status;
  result.body = answer.body;
  result.worker = report_.workers[worker].name;
  result.attempts = ruling.attempts;
  result.seconds = answer.seconds;
  result.prompt_tokens = answer.prompt_tokens;
  result.completion_tokens = answer.completion_tokens;
  if (!result.good) {
    result.code = ruling.code.empty() ? error_code(answer) : ruling.code;
    result.message = ruling.code.empty()
                         ? answer.message
                         : fmt::format("its worker died {} times while it had this job: {}",
                                       options_.rules.kills, answer.message);
    // Written once a completion shows that it is the job's fault and not everybody's.
    held_.push_back(std::move(result));
    return;
  }
  write_held();
  WorkerReport& by = report_.workers[worker];
  ++report_.completions;
  ++by.completions;
  if (answer.prompt_tokens && answer.completion_tokens) {
    by.prompt_tokens += *answer.prompt_tokens;
    by.completion_tokens += *answer.completion_tokens;
    report_.prompt_tokens += *answer.prompt_tokens;
    report_.completion_tokens += *answer.completion_tokens;
    measured_->add(worker, *answer.prompt_tokens, *answer.completion_tokens, answer.seconds);
    if (soak()) {
      const double passed = 4.0 * (seconds_now() - begun_) / *options_.soak_seconds;
      quarters_.at(static_cast<std::size_t>(std::clamp(passed, 0.0, 3.0))) +=
          static_cast<double>(*answer.completion_tokens);
    }
  } else {
    ++report_.without_usage;
  }
  typical_.add(answer.seconds);
  write(std::move(result));
}

void Night::probe_ended(std::size_t worker, const Answer& answer, double now) {
  const bool answers = answer.outcome == Outcome::done;
  last_probe_[worker] = answer.message;
  refused_[worker] = answer.outcome == Outcome::refused;
  const bool fault = answer.outcome == Outcome::failed || answer.status == 404;
  probe_faults_[worker] = fault ? probe_faults_[worker] + 1 : 0;
  if (report_.state == State::starting && !answers) {
    refuse_stranger(url(worker), answer);
  }
  const std::string& name = report_.workers[worker].name;
  const std::int64_t deaths = scheduler_->deaths(worker);
  for (const Scheduler::Ruling& ruling : scheduler_->probed(worker, answers, now)) {
    const auto found = doubted_.find(ruling.job);
    rule(ruling, found->second.second, worker);
    doubted_.erase(found);
  }
  if (scheduler_->deaths(worker) > deaths) {
    watch_.event(fmt::format("{} died with jobs in flight: {}", name, answer.message));
  } else if (answers && report_.state != State::starting) {
    watch_.event(name + " answers again");
  }
}

void Night::handle(const Transfers::Ended& ended, double now) {
  if ((ended.tag & probe_tag) != 0) {
    probe_ended(ended.tag & ~probe_tag, judge(ended.exchange, "/v1/chat/completions"), now);
    return;
  }
  const auto found = flights_.find(ended.tag);
  const Scheduler::Issue issue = found->second.issue;
  const Answer answer = judge(ended.exchange, found->second.path);
  flights_.erase(found);
  if (answer.outcome == Outcome::barred) {
    barred_ = fmt::format("{}: {}", url(issue.worker), answer.message);
    return;
  }
  const bool was_ready = scheduler_->ready(issue.worker);
  if (const auto ruling = scheduler_->answered(issue, answer, now)) {
    rule(*ruling, answer, issue.worker);
  } else {
    doubted_[issue.job] = {issue, answer};
  }
  if (was_ready && !scheduler_->ready(issue.worker)) {
    watch_.event(fmt::format("{} gets no jobs until it answers again: {}",
                             report_.workers[issue.worker].name, answer.message));
  }
}

void Night::account(double now) {
  const double passed = now - last_;
  last_ = now;
  for (std::size_t i = 0; i < report_.workers.size(); ++i) {
    WorkerReport& worker = report_.workers[i];
    worker.ready = scheduler_->ready(i);
    worker.deaths = scheduler_->deaths(i);
    worker.busy_seconds += scheduler_->in_flight(i) > 0 ? passed : 0.0;
  }
  report_.in_flight = static_cast<std::int64_t>(scheduler_->in_flight());
  report_.seconds = first_sent_ < 0.0 ? 0.0 : now - first_sent_;
}

void Night::tell(double now, bool always) {
  if (!always && now - last_told_ < tell_every) {
    return;
  }
  last_told_ = now;
  report_.updated = utc_now();
  watch_.tell(report_);
}

void Night::step() {
  double now = seconds_now();
  for (const auto& tunnel : tunnels_) {
    tunnel->keep(now);
  }
  ask(now);
  issue(now);
  for (const Transfers::Ended& ended : transfers_.wait(tick)) {
    now = seconds_now();
    account(now);
    handle(ended, now);
  }
  now = seconds_now();
  account(now);
  check_start(now);
  check_health(now);
  check_end(now);
  tell(now, false);
}

Report Night::run() {
  report_.process = ::getpid();
  report_.started = utc_now();
  report_.soak = soak();
  open_jobs();
  open_workers();
  tell(seconds_now(), true);
  begun_ = starting_ = last_ = seconds_now();
  if (!soak() && pending_.empty()) {
    finish(State::finished, {});
  } else {
    take_or_start();
    starting_ = seconds_now();
  }
  try {
    while (!over()) {
      step();
    }
  } catch (const Error& error) {
    if (started_) {
      stack_->stop();
    }
    if (first_sent_ < 0.0) {
      throw;
    }
    report_.state = State::broken;
    report_.why = error.what();
    started_ = false;
  }
  if (started_) {
    stack_->stop();
  }
  report_.in_flight = 0;
  report_.measurements = measured_->rows(report_.updated);
  if (soak()) {
    judge_soak(report_, quarters_);
  }
  tell(seconds_now(), true);
  return report_;
}

Report run_night(const NightOptions& options, const NightWatch& watch) {
  return Night(options, watch).run();
}

}  // namespace macfit::run
