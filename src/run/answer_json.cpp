#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/run/answer.hpp"

namespace macfit::run {
namespace {

/// A text that holds valid JSON has line ends only between its words, never inside one.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return std::string(trim(text));
}

std::optional<std::int64_t> count(const nlohmann::json& body, const char* key) {
  const auto usage = body.find("usage");
  if (usage == body.end() || !usage->is_object()) {
    return std::nullopt;
  }
  const auto found = usage->find(key);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  if (found == usage->end() || !found->is_number_integer() || *found < 0 || *found > most) {
    return std::nullopt;
  }
  return found->get<std::int64_t>();
}

/// The server's own words: OpenAI's {"error": {"message"}}, {"error": ""} or {"detail": ""}.
std::string words_of(const nlohmann::json& body) {
  for (const char* key : {"error", "message", "detail"}) {
    const auto found = body.is_object() ? body.find(key) : body.end();
    if (found == body.end()) {
      continue;
    }
    if (found->is_string()) {
      return found->get<std::string>();
    }
    if (found->is_object() && found->contains("message") && (*found)["message"].is_string()) {
      return (*found)["message"].get<std::string>();
    }
    return found->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return {};
}

/// What the answer to a request to `path` has to hold.
const char* demanded(std::string_view path) {
  if (path.ends_with("/completions")) {
    return "choices";
  }
  return path.ends_with("/embeddings") ? "data" : nullptr;
}

/// Empty where the body is what was asked for.
std::string fault_of(const nlohmann::json& body, std::string_view path) {
  if (!body.is_object()) {
    return "the answer is JSON, but no object";
  }
  if (const auto error = body.find("error"); error != body.end() && !error->is_null()) {
    return "the answer is an error: " + printable(words_of(body));
  }
  const char* key = demanded(path);
  if (key == nullptr) {
    return {};
  }
  const auto found = body.find(key);
  if (found == body.end() || !found->is_array() || found->empty()) {
    return fmt::format("the answer has no \"{}\"", key);
  }
  return {};
}

void judge_status(const Exchange& exchange, std::string_view path, const nlohmann::json& body,
                  Answer& answer) {
  const int status = exchange.status;
  std::string words = printable(words_of(body));
  words = words.empty() ? std::string() : ": " + words;
  if (status == 200) {
    answer.message = fault_of(body, path);
    answer.outcome = answer.message.empty() ? Outcome::done : Outcome::garbage;
    return;
  }
  answer.message = fmt::format("HTTP {}{}", status, words);
  if (status == 429 || status == 503) {
    answer.outcome = Outcome::busy;
  } else if (status == 404) {
    // mlx_lm.server lives on and answers so once its generation has died (0.32.2, server.py).
    answer.outcome = Outcome::cut;
  } else if (status >= 500) {
    answer.outcome = Outcome::failed;
  } else if (status >= 300 && status < 400) {
    answer.outcome = Outcome::barred;
    answer.message += fmt::format(": it redirects to \"{}\", which is not followed",
                                  printable(exchange.location, 100));
  } else if (status == 401 || status == 403) {
    answer.outcome = Outcome::barred;
    answer.message += "; a key is taken from MACFIT_API_KEY";
  } else if (status == 408) {
    answer.outcome = Outcome::late;
  } else {
    answer.outcome = status >= 400 ? Outcome::rejected : Outcome::garbage;
  }
}

/// Not JSON: what it is instead, for a status that says all is well.
std::string no_json(const Exchange& exchange, const Error& error) {
  if (!exchange.content_encoding.empty() && !same_name(exchange.content_encoding, "identity")) {
    return fmt::format("the answer is compressed ({}), which nobody asked for",
                       printable(exchange.content_encoding, 40));
  }
  if (exchange.body.empty()) {
    return "the answer is empty";
  }
  return fmt::format("the answer is no JSON ({}): \"{}\"", error.message(),
                     printable(std::string_view(exchange.body).substr(0, 60), 60));
}

}  // namespace

Answer judge(const Exchange& exchange, std::string_view path) {
  Answer answer;
  answer.status = exchange.status;
  answer.retry_after = exchange.retry_after;
  answer.seconds = exchange.seconds;
  answer.message = printable(exchange.detail);
  switch (exchange.end) {
    case Exchange::End::refused:
      answer.outcome = Outcome::refused;
      return answer;
    case Exchange::End::cut:
      answer.outcome = Outcome::cut;
      return answer;
    case Exchange::End::late:
      answer.outcome = Outcome::late;
      return answer;
    case Exchange::End::too_large:
      answer.outcome = Outcome::garbage;
      return answer;
    case Exchange::End::whole:
      break;
  }
  nlohmann::json nothing;
  try {
    const JsonDocument document = JsonDocument::parse(exchange.body);
    const nlohmann::json& body = document.root().raw();
    answer.prompt_tokens = body.is_object() ? count(body, "prompt_tokens") : std::nullopt;
    answer.completion_tokens = body.is_object() ? count(body, "completion_tokens") : std::nullopt;
    judge_status(exchange, path, body, answer);
    answer.body = one_line(exchange.body);
  } catch (const Error& error) {
    judge_status(exchange, path, nothing, answer);
    if (exchange.status == 200) {
      answer.outcome = Outcome::garbage;
      answer.message = no_json(exchange, error);
    }
  }
  return answer;
}

std::string error_code(const Answer& answer) {
  switch (answer.outcome) {
    case Outcome::done:
      return {};
    case Outcome::refused:
      return "refused";
    case Outcome::cut:
      return answer.status == 404 ? "http-404" : "cut";
    case Outcome::late:
      return "timeout";
    case Outcome::garbage:
      return "garbage";
    default:
      return fmt::format("http-{}", answer.status);
  }
}

}  // namespace macfit::run
