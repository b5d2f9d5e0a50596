#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/run/job.hpp"

namespace macfit::run {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* chat_path = "/v1/chat/completions";
constexpr JsonLimits limits{longest_line, 64};

/// A text of any length: prompts are longer than what JsonValue::string() would print.
std::string long_text(const JsonValue& value) {
  if (!value.is_string()) {
    throw value.expected("a text");
  }
  return value.raw().get<std::string>();
}

std::string checked_id(const JsonValue& value) {
  std::string id = value.string();
  if (id.empty() || id.size() > longest_id) {
    throw value.error("an id has 1 to " + std::to_string(longest_id) + " bytes, found " +
                      std::to_string(id.size()));
  }
  return id;
}

/// Only a path of the worker's own API: a job does not choose whom it is sent to.
std::string checked_path(const JsonValue& value) {
  std::string path = value.string();
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-.";
  if (path.rfind("/v1/", 0) != 0 || path.find("..") != std::string::npos ||
      path.find_first_not_of(letters) != std::string::npos) {
    throw value.expected("a path of the API such as \"/v1/chat/completions\"");
  }
  return path;
}

Job batch_job(JsonObject& object, std::string_view model) {
  Job job;
  job.id = checked_id(object.at("custom_id"));
  if (const auto method = object.find("method"); method && method->string() != "POST") {
    throw method->expected("\"POST\"");
  }
  const auto url = object.find("url");
  job.path = url ? checked_path(*url) : chat_path;
  const JsonValue body = object.at("body");
  JsonObject members = body.object();
  if (const auto stream = members.find("stream"); stream && stream->boolean()) {
    throw stream->error("a job's answer is stored whole, so it can't be streamed",
                        "leave \"stream\" out");
  }
  object.refuse_unknown();
  nlohmann::json sent = body.raw();
  if (!model.empty()) {
    sent["model"] = model;
  }
  job.body = sent.dump();
  return job;
}

Json chat(std::string_view model) {
  Json body = Json::object();
  if (!model.empty()) {
    body["model"] = model;
  }
  body["messages"] = Json::array();
  return body;
}

void say(Json& body, const char* role, std::string text) {
  body["messages"].push_back({{"role", role}, {"content", std::move(text)}});
}

Job prompt_job(JsonObject& object, std::string_view model) {
  Job job;
  job.path = chat_path;
  job.id = checked_id(object.at("id"));
  Json body = chat(model);
  if (const auto system = object.find("system")) {
    say(body, "system", long_text(*system));
  }
  say(body, "user", long_text(object.at("prompt")));
  if (const auto most = object.find("max_tokens")) {
    body["max_tokens"] = most->whole(1, std::int64_t{1} << 24);
  }
  if (const auto temperature = object.find("temperature")) {
    body["temperature"] = temperature->number(0.0, 10.0);
  }
  object.refuse_unknown();
  job.body = body.dump();
  return job;
}

}  // namespace

Job parse_job(std::string_view line, std::string_view model) {
  const JsonDocument document = JsonDocument::parse(line, limits);
  JsonObject object = document.root().object();
  if (object.contains("custom_id") || object.contains("body")) {
    return batch_job(object, model);
  }
  if (!object.contains("id") && !object.contains("prompt")) {
    throw document.root().error(
        "this is no job",
        "{\"custom_id\": \"1\", \"url\": \"/v1/chat/completions\", \"body\": {…}} or {\"id\": "
        "\"1\", \"prompt\": \"…\"}");
  }
  return prompt_job(object, model);
}

Job ready_job(std::string_view model) {
  Json body = chat(model);
  say(body, "user", "Say yes.");
  body["max_tokens"] = 2;
  body["temperature"] = 0;
  return {"ready", chat_path, body.dump()};
}

Job soak_job(std::uint64_t number, std::string_view model) {
  constexpr std::array<const char*, 16> words = {"the",  "of",   "and", "to",  "in", "is",
                                                 "that", "it",   "was", "for", "on", "are",
                                                 "as",   "with", "his", "they"};
  constexpr std::array<std::size_t, 4> lengths = {64, 256, 512, 1024};
  std::string text = "Text " + std::to_string(number) + ":";
  std::uint64_t state = number * 0x9E3779B97F4A7C15ULL + 1;
  for (std::size_t i = 0; i < lengths.at(number % lengths.size()); ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    text += ' ';
    text += words.at((state >> 60U) & 15U);
  }
  Json body = chat(model);
  say(body, "user", text + ". Count on in words.");
  body["max_tokens"] = 128;
  body["temperature"] = 0;
  return {"soak-" + std::to_string(number), chat_path, body.dump()};
}

}  // namespace macfit::run
