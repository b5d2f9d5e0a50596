#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace macfit::run {

inline constexpr std::size_t longest_id = 512;                      ///< bytes
inline constexpr std::size_t longest_line = std::size_t{64} << 20;  ///< bytes of a job

/// One request of a job list.
struct Job {
  std::string id;
  std::string path;  ///< "/v1/chat/completions"
  std::string body;  ///< JSON, as it is sent
};

/// Reads a line of a job list: OpenAI's batch format {"custom_id", "method", "url", "body"}, or
/// {"id", "prompt"} with "system", "max_tokens" and "temperature" where wanted. `model` takes the
/// place of the job's own where it is not empty. Throws Error with the JSON pointer.
[[nodiscard]] Job parse_job(std::string_view line, std::string_view model = {});

/// A completion of a token or two: what a worker has to answer before it gets jobs.
[[nodiscard]] Job ready_job(std::string_view model);

/// Job `number` of a soak: a text of some hundred to some thousand words by turns, no two alike,
/// so that no cache answers. The same number gives the same job.
[[nodiscard]] Job soak_job(std::uint64_t number, std::string_view model);

}  // namespace macfit::run
