#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace macfit::study {

// What is to be done in a night, and who does which part of it: docs/night.md. Pure.

/// Jobs of one size. A job is one prompt and the completion it gets.
struct JobClass {
  std::string id;       ///< as a jobs file says, or empty
  double prompt = 0.0;  ///< tokens
  double output = 0.0;  ///< tokens
  std::int64_t count = 1;
  bool operator==(const JobClass&) const = default;
};

struct JobList {
  std::vector<JobClass> classes;  ///< in the order given; never empty
  bool endless = false;  ///< the classes are a sample: as many such jobs as the night takes
  [[nodiscard]] std::int64_t jobs() const;
  [[nodiscard]] double mean_prompt() const;
  [[nodiscard]] double mean_output() const;
  /// Tokens of the longest job, prompt and output.
  [[nodiscard]] std::int64_t longest() const;
};

inline constexpr std::int64_t most_jobs = 1'000'000;
inline constexpr std::size_t most_job_lines = 200'000;
inline constexpr std::int64_t most_job_tokens = std::int64_t{1} << 24;

/// How many tokens a job has.
struct TokenRange {
  enum class Kind : std::uint8_t {
    fixed,    ///< "512"
    uniform,  ///< "200..800": any whole number from one to the other is as likely
    around,   ///< "~800": median 800, two of three between half and double (log-normal, sigma ln 2)
  };
  Kind kind = Kind::fixed;
  double low = 0.0;  ///< the value itself, or the median
  double high = 0.0;
};
/// Throws Error; `what` names the flag.
[[nodiscard]] TokenRange parse_token_range(std::string_view text, std::string_view what);

/// `count` jobs, their sizes drawn with `seed`; equal ones are one class. Without a count an
/// endless list of a thousand sample jobs (of one, where both sizes are fixed).
[[nodiscard]] JobList make_jobs(std::optional<std::int64_t> count, const TokenRange& prompt,
                                const TokenRange& output, std::uint64_t seed);

/// Reads JSON lines: {"prompt_tokens": 2000, "output_tokens": 500, "count": 10, "id": "summaries"},
/// the last two optional; blank lines are skipped. Throws Error naming file, line and pointer.
[[nodiscard]] JobList read_jobs(std::string_view text, std::string_view file = {});

/// One worker's part of a list.
struct Share {
  std::vector<std::int64_t> counts;  ///< by class
  std::int64_t jobs = 0;
  double seconds = 0.0;
};
struct Division {
  std::vector<Share> workers;
  [[nodiscard]] double makespan() const;  ///< seconds until the last worker is done
};

/// `seconds[worker][class]`: what one job takes. Longest jobs first, each to the worker that would
/// be done with it first.
[[nodiscard]] Division divide_longest_first(const JobList& jobs,
                                            const std::vector<std::vector<double>>& seconds);
/// As many jobs for each, dealt out in the order given.
[[nodiscard]] Division divide_equally(const JobList& jobs,
                                      const std::vector<std::vector<double>>& seconds);

}  // namespace macfit::study
