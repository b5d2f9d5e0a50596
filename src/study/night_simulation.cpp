// Nights played job by job, with faults drawn from stated rates.

#include "macfit/study/night_simulation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "chance.hpp"
#include "macfit/core/error.hpp"

namespace macfit::study {
namespace {

constexpr double forever = std::numeric_limits<double>::infinity();
constexpr std::int64_t endless = std::numeric_limits<std::int64_t>::max();
/// Tolerance, so that rounding never loses a finished job.
constexpr double rounding = 1e-9;

/// A worker's list with its sums: how many jobs so much work completes, and the other way round.
class Track {
 public:
  explicit Track(const Worker& worker) : at_once_(std::max<std::int64_t>(worker.at_once, 1)) {
    for (const Stretch& stretch : worker.list) {
      if (!(stretch.seconds > 0.0) || !std::isfinite(stretch.seconds)) {
        throw Error("a job takes no time, or one that is not known");
      }
      if (stretch.jobs <= 0 && worker.list.size() != 1) {
        throw Error("a list without end has one kind of job");
      }
      const Mark last = marks_.empty() ? Mark{} : marks_.back();
      seconds_.push_back(stretch.seconds);
      if (stretch.jobs <= 0) {
        marks_.push_back({forever, endless});
      } else {
        marks_.push_back({last.work + stretch.seconds * static_cast<double>(stretch.jobs),
                          last.jobs + stretch.jobs});
      }
    }
  }

  [[nodiscard]] double work() const { return marks_.empty() ? 0.0 : marks_.back().work; }
  [[nodiscard]] std::int64_t jobs() const { return marks_.empty() ? 0 : marks_.back().jobs; }

  /// Jobs that are done after so many seconds of work.
  [[nodiscard]] std::int64_t done(double work) const {
    if (marks_.empty() || work >= marks_.back().work * (1.0 - rounding)) {
      return jobs();
    }
    std::size_t i = 0;
    if (marks_.size() > 1) {
      i = static_cast<std::size_t>(
          std::upper_bound(marks_.begin(), marks_.end(), work,
                           [](double value, const Mark& mark) { return value < mark.work; }) -
          marks_.begin());
    }
    const Mark before = i == 0 ? Mark{} : marks_[i - 1];
    constexpr double most = 1e15;
    const double more = std::min((work - before.work) / seconds_[i], most);
    const auto whole = static_cast<std::int64_t>(std::floor(more * (1.0 + rounding) + rounding));
    const std::int64_t jobs = std::min(before.jobs + whole, marks_[i].jobs);
    return jobs / at_once_ * at_once_;
  }

  /// Seconds of work that so many jobs take.
  [[nodiscard]] double work_of(std::int64_t jobs) const {
    if (jobs <= 0 || marks_.empty()) {
      return 0.0;
    }
    if (jobs >= marks_.back().jobs) {
      return marks_.back().work;
    }
    std::size_t i = 0;
    while (marks_[i].jobs < jobs) {
      ++i;
    }
    const Mark before = i == 0 ? Mark{} : marks_[i - 1];
    return before.work + static_cast<double>(jobs - before.jobs) * seconds_[i];
  }

 private:
  struct Mark {
    double work = 0.0;
    std::int64_t jobs = 0;
  };
  std::int64_t at_once_;
  std::vector<double> seconds_;
  std::vector<Mark> marks_;
};

/// What concerns one worker, ready to be played.
struct Player {
  Track track;
  double load = 0.0;
  double hazard = 0.0;                      ///< a second
  std::array<double, fault_count> up_to{};  ///< shares of it, summed
  std::int64_t after_jobs = 0;              ///< the transport's
  std::int64_t at_once = 1;
};

Player player_of(const Worker& worker, const NightRules& rules) {
  constexpr double day = 86'400.0;
  Player player{
      Track(worker), worker.load_seconds, 0.0, {}, 0, std::max<std::int64_t>(worker.at_once, 1)};
  for (std::size_t i = 0; i < fault_count; ++i) {
    FaultRules one = no_faults();
    one[i] = rules.faults[i];
    player.hazard += faults_per_day(worker, one) / day;
    player.up_to[i] = player.hazard;
    const FaultInfo& info = fault_info(static_cast<Fault>(i));
    if (info.rdma_only && worker.rdma && worker.nodes > 1) {
      player.after_jobs = rules.faults[i].after_jobs;
    }
  }
  return player;
}

/// One worker's night.
struct Played {
  std::int64_t completions = 0;
  double finish = forever;
  std::int64_t faults = 0;
  std::int64_t lost = 0;
  double down = 0.0;
  std::optional<std::size_t> ended;
};

std::int64_t safe_after(std::int64_t done, std::int64_t safe,
                        const std::optional<std::int64_t>& checkpoint) {
  return checkpoint ? std::max(safe, done / *checkpoint * *checkpoint) : 0;
}

Played play(const Player& player, const NightRules& rules, Chance& chance) {
  Played played;
  double now = 0.0;
  std::int64_t safe = 0;
  for (;;) {
    const double start = player.track.work_of(safe);
    const double left = player.track.work() - start;
    double fault = player.hazard > 0.0 ? chance.exponential() / player.hazard : forever;
    bool used_up = false;
    if (player.after_jobs > 0 && player.track.jobs() - safe > player.after_jobs) {
      const double until = player.track.work_of(safe + player.after_jobs) - start;
      used_up = until < fault;
      fault = std::min(fault, until);
    }
    const double morning = rules.seconds - now;
    if (left <= fault && left <= morning * (1.0 + rounding)) {
      played.completions = player.track.jobs();
      played.finish = now + left;
      return played;
    }
    if (morning <= fault) {
      played.completions = player.track.done(start + morning);
      return played;
    }
    const std::int64_t done = player.track.done(start + fault);
    const std::int64_t kept = safe_after(done, safe, rules.checkpoint);
    ++played.faults;
    played.lost += done - kept + std::min(player.at_once, player.track.jobs() - done);
    safe = kept;
    played.completions = safe;
    std::size_t kind = static_cast<std::size_t>(Fault::transport);
    if (!used_up) {
      const double pick = chance.uniform() * player.hazard;
      kind = static_cast<std::size_t>(std::find_if(player.up_to.begin(), player.up_to.end() - 1,
                                                   [&](double limit) { return pick < limit; }) -
                                      player.up_to.begin());
    }
    const double down = rules.restart && rules.faults.at(kind).repair_seconds
                            ? *rules.faults.at(kind).repair_seconds + player.load
                            : forever;
    now += fault;
    played.down += std::min(down, rules.seconds - now);
    now += down;
    if (now >= rules.seconds) {
      played.ended = kind;
      return played;
    }
  }
}

template <class T>
T nearest_rank(const std::vector<T>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

void check(const NightRules& rules) {
  if (!(rules.seconds > 0.0) || !std::isfinite(rules.seconds)) {
    throw Error("a night must have a length");
  }
  if (rules.nights < 1 || rules.nights > most_nights) {
    throw Error("the number of nights must be 1 to " + std::to_string(most_nights));
  }
  if (rules.checkpoint && *rules.checkpoint < 1) {
    throw Error("a checkpoint is every job or every so many jobs");
  }
}

void summarize(NightOutcome& outcome, std::vector<std::int64_t>& completions) {
  constexpr std::int64_t bins = 20;
  std::sort(completions.begin(), completions.end());
  const auto nights = static_cast<double>(completions.size());
  outcome.p10 = nearest_rank(completions, 0.1);
  outcome.median = nearest_rank(completions, 0.5);
  outcome.p90 = nearest_rank(completions, 0.9);
  outcome.least = completions.front();
  outcome.most = completions.back();
  const double sum = std::accumulate(completions.begin(), completions.end(), 0.0);
  outcome.mean = sum / nights;
  double squares = 0.0;
  const std::int64_t span = outcome.most - outcome.least + 1;
  outcome.histogram.assign(static_cast<std::size_t>(std::min(bins, span)), 0);
  const auto width = static_cast<double>(span) / static_cast<double>(outcome.histogram.size());
  for (const std::int64_t count : completions) {
    const double off = static_cast<double>(count) - outcome.mean;
    squares += off * off;
    const auto bin = static_cast<std::size_t>(static_cast<double>(count - outcome.least) / width);
    ++outcome.histogram[std::min(bin, outcome.histogram.size() - 1)];
  }
  outcome.deviation = std::sqrt(squares / nights);
}

}  // namespace

NightOutcome simulate_nights(const std::vector<Worker>& workers, const NightRules& rules) {
  check(rules);
  std::vector<Player> players;
  players.reserve(workers.size());
  bool finite = !workers.empty();
  for (const Worker& worker : workers) {
    players.push_back(player_of(worker, rules));
    finite = finite && players.back().track.jobs() != endless;
  }
  NightOutcome outcome;
  outcome.nights = rules.nights;
  Chance chance(rules.seed);
  std::vector<std::int64_t> completions(static_cast<std::size_t>(rules.nights));
  double finishes = 0.0;
  double finish_sum = 0.0;
  for (std::int64_t& total : completions) {
    double finish = 0.0;
    std::int64_t faults = 0;
    std::array<bool, fault_count> ended{};
    for (const Player& player : players) {
      const Played played = play(player, rules, chance);
      total += played.completions;
      finish = std::max(finish, played.finish);
      faults += played.faults;
      outcome.mean_lost += static_cast<double>(played.lost);
      outcome.mean_down += played.down;
      if (played.ended) {
        ended.at(*played.ended) = true;
      }
    }
    outcome.undisturbed += faults == 0 ? 1.0 : 0.0;
    outcome.mean_faults += static_cast<double>(faults);
    for (std::size_t i = 0; i < fault_count; ++i) {
      outcome.ended.at(i) += ended.at(i) ? 1.0 : 0.0;
    }
    if (finish < forever) {
      finishes += 1.0;
      finish_sum += finish;
    }
  }
  const auto nights = static_cast<double>(rules.nights);
  outcome.undisturbed /= nights;
  outcome.mean_faults /= nights;
  outcome.mean_lost /= nights;
  outcome.mean_down /= nights;
  for (double& share : outcome.ended) {
    share /= nights;
  }
  if (finite) {
    outcome.finished = finishes / nights;
    if (finishes > 0.0) {
      outcome.mean_finish = finish_sum / finishes;
    }
  }
  summarize(outcome, completions);
  return outcome;
}

QuietNight quiet_night(const std::vector<Worker>& workers, double seconds) {
  QuietNight quiet;
  double finish = 0.0;
  for (const Worker& worker : workers) {
    const Track track(worker);
    quiet.completed.push_back(track.work() <= seconds * (1.0 + rounding) ? track.jobs()
                                                                         : track.done(seconds));
    quiet.completions += quiet.completed.back();
    quiet.busy.push_back(std::min(track.work(), seconds));
    finish = std::max(finish, track.work());
  }
  if (finish <= seconds * (1.0 + rounding)) {
    quiet.finish = finish;
  }
  return quiet;
}

}  // namespace macfit::study
