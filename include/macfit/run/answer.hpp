#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace macfit::run {

/// How a request ended, as the network saw it.
struct Exchange {
  enum class End : std::uint8_t {
    whole,      ///< an answer with a status, complete by its own length
    refused,    ///< no connection: nobody listens, or the node is away
    cut,        ///< connected, but the connection broke before the answer was whole
    late,       ///< not whole within its time
    too_large,  ///< more bytes than are taken
  };
  End end = End::refused;
  int status = 0;  ///< of HTTP; 0 where there was none
  std::string body;
  std::string content_encoding;
  std::string location;      ///< of a redirect
  double retry_after = 0.0;  ///< seconds, as the server asks; 0: it does not
  double seconds = 0.0;
  std::string detail;  ///< libcurl's words
};

/// What an exchange means for the job and for the worker.
enum class Outcome : std::uint8_t {
  done,
  refused,   ///< the worker is down; the job did nothing
  cut,       ///< or 404: the worker may have died of it
  late,      ///< too slow, or hung
  busy,      ///< 429 or 503: later again, no fault of the job
  failed,    ///< 5xx
  garbage,   ///< 200, but not the JSON of a completion, or too much of it
  rejected,  ///< 4xx: the same request would be rejected again
  barred,    ///< 401, 403 or a redirect: so will every other be
};

struct Answer {
  Outcome outcome = Outcome::refused;
  int status = 0;
  std::string body;  ///< valid JSON on one line, or empty
  std::optional<std::int64_t> prompt_tokens;
  std::optional<std::int64_t> completion_tokens;
  std::string message;  ///< for a person; empty where done
  double retry_after = 0.0;
  double seconds = 0.0;
};

/// `path` tells what an answer has to hold. Pure; never throws on what a server sent.
[[nodiscard]] Answer judge(const Exchange& exchange, std::string_view path);

/// "http-500", "cut", "timeout" …: the code of a result that is an error.
[[nodiscard]] std::string error_code(const Answer& answer);

}  // namespace macfit::run
