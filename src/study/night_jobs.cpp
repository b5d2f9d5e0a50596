// Jobs of a night: read, drawn, dealt out.

#include "macfit/study/night_jobs.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "chance.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"

namespace macfit::study {
namespace {

double parse_count_of_tokens(std::string_view text, std::string_view what) {
  const auto tokens = [&] {
    try {
      return parse_tokens(text);
    } catch (const Error& error) {
      throw Error(std::string(what) + ": " + error.message(), {},
                  "a number (512, 2k), a range (200..800) or a median (~800)");
    }
  }();
  if (tokens.count() > most_job_tokens) {
    throw Error(std::string(what) + ": " + format_whole(tokens.count()) +
                " tokens are more than the most a job can have, " + format_whole(most_job_tokens));
  }
  return tokens.as_double();
}

double draw(const TokenRange& range, Chance& chance) {
  switch (range.kind) {
    case TokenRange::Kind::uniform:
      return range.low + std::floor(chance.uniform() * (range.high - range.low + 1.0));
    case TokenRange::Kind::around:
      return std::clamp(std::round(range.low * std::exp2(chance.normal())), 1.0,
                        static_cast<double>(most_job_tokens));
    case TokenRange::Kind::fixed:
      break;
  }
  return range.low;
}

double weighted(const std::vector<JobClass>& classes, double JobClass::*tokens) {
  double sum = 0.0;
  double count = 0.0;
  for (const JobClass& jobs : classes) {
    sum += jobs.*tokens * static_cast<double>(jobs.count);
    count += static_cast<double>(jobs.count);
  }
  return count > 0.0 ? sum / count : 0.0;
}

}  // namespace

std::int64_t JobList::jobs() const {
  std::int64_t sum = 0;
  for (const JobClass& part : classes) {
    sum += part.count;
  }
  return sum;
}

double JobList::mean_prompt() const { return weighted(classes, &JobClass::prompt); }
double JobList::mean_output() const { return weighted(classes, &JobClass::output); }

std::int64_t JobList::longest() const {
  double most = 0.0;
  for (const JobClass& part : classes) {
    most = std::max(most, part.prompt + part.output);
  }
  return static_cast<std::int64_t>(most);
}

TokenRange parse_token_range(std::string_view text, std::string_view what) {
  const std::string_view trimmed = trim(text);
  if (!trimmed.empty() && trimmed.front() == '~') {
    const double median = parse_count_of_tokens(trimmed.substr(1), what);
    return {TokenRange::Kind::around, median, median};
  }
  if (const std::size_t dots = trimmed.find(".."); dots != std::string_view::npos) {
    const double low = parse_count_of_tokens(trimmed.substr(0, dots), what);
    const double high = parse_count_of_tokens(trimmed.substr(dots + 2), what);
    if (low > high) {
      throw Error(std::string(what) + ": the range " + printable(trimmed) +
                  " ends before it begins");
    }
    return {low < high ? TokenRange::Kind::uniform : TokenRange::Kind::fixed, low, high};
  }
  const double value = parse_count_of_tokens(trimmed, what);
  return {TokenRange::Kind::fixed, value, value};
}

JobList make_jobs(std::optional<std::int64_t> count, const TokenRange& prompt,
                  const TokenRange& output, std::uint64_t seed) {
  constexpr std::int64_t sample = 1000;
  const bool fixed =
      prompt.kind == TokenRange::Kind::fixed && output.kind == TokenRange::Kind::fixed;
  if (count && (*count < 1 || *count > most_jobs)) {
    throw Error("there can be 1 to " + format_whole(most_jobs) + " jobs, found " +
                format_whole(*count));
  }
  JobList list;
  list.endless = !count;
  const std::int64_t jobs = count.value_or(fixed ? 1 : sample);
  if (fixed) {
    list.classes.push_back({{}, prompt.low, output.low, jobs});
    return list;
  }
  Chance chance(seed);
  std::map<std::pair<double, double>, std::int64_t> sizes;
  for (std::int64_t i = 0; i < jobs; ++i) {
    const double read = draw(prompt, chance);
    ++sizes[{read, draw(output, chance)}];
  }
  for (const auto& [size, of_it] : sizes) {
    list.classes.push_back({{}, size.first, size.second, of_it});
  }
  return list;
}

double Division::makespan() const {
  double most = 0.0;
  for (const Share& share : workers) {
    most = std::max(most, share.seconds);
  }
  return most;
}

Division divide_longest_first(const JobList& jobs,
                              const std::vector<std::vector<double>>& seconds) {
  Division division;
  division.workers.resize(seconds.size(), {std::vector<std::int64_t>(jobs.classes.size()), 0, 0.0});
  std::vector<std::size_t> order(jobs.classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto length = [&](std::size_t c) {
    double sum = 0.0;
    for (const auto& worker : seconds) {
      sum += worker[c];
    }
    return sum;
  };
  std::vector<double> lengths(order.size());
  std::transform(order.begin(), order.end(), lengths.begin(), length);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  for (const std::size_t c : order) {
    for (std::int64_t job = 0; job < jobs.classes[c].count; ++job) {
      std::size_t first = 0;
      for (std::size_t w = 1; w < seconds.size(); ++w) {
        if (division.workers[w].seconds + seconds[w][c] <
            division.workers[first].seconds + seconds[first][c]) {
          first = w;
        }
      }
      Share& share = division.workers.at(first);
      ++share.counts[c];
      ++share.jobs;
      share.seconds += seconds[first][c];
    }
  }
  return division;
}

Division divide_equally(const JobList& jobs, const std::vector<std::vector<double>>& seconds) {
  Division division;
  division.workers.resize(seconds.size(), {std::vector<std::int64_t>(jobs.classes.size()), 0, 0.0});
  const auto workers = static_cast<std::int64_t>(seconds.size());
  std::int64_t next = 0;
  for (std::size_t c = 0; c < jobs.classes.size(); ++c) {
    const std::int64_t count = jobs.classes[c].count;
    for (std::int64_t w = 0; w < workers; ++w) {
      // The first of this class goes to worker `next`, the one after to the next …
      const std::int64_t turn = (w - next + workers) % workers;
      const std::int64_t mine = count / workers + (turn < count % workers ? 1 : 0);
      Share& share = division.workers[static_cast<std::size_t>(w)];
      share.counts[c] = mine;
      share.jobs += mine;
      share.seconds += static_cast<double>(mine) * seconds[static_cast<std::size_t>(w)][c];
    }
    next = (next + count) % workers;
  }
  return division;
}

}  // namespace macfit::study
