#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/run/result.hpp"

namespace macfit::run {
namespace {

using Json = nlohmann::ordered_json;

constexpr JsonLimits result_limits{std::size_t{128} << 20,
                                   66};  ///< an answer and what is put around it
constexpr double longest = 1e9;          ///< seconds

Json or_null(const std::optional<std::int64_t>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::optional<std::int64_t> whole(JsonObject& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? std::optional(value->whole(0, std::int64_t{1} << 40)) : std::nullopt;
}

}  // namespace

std::string result_line(const Result& result) {
  std::string response = "null";
  if (result.status > 0) {
    response = fmt::format("{{\"status_code\":{},\"request_id\":null,\"body\":{}}}", result.status,
                           result.body.empty() ? "null" : result.body);
  }
  const Json error =
      result.good ? Json(nullptr) : Json{{"code", result.code}, {"message", result.message}};
  const Json own{{"worker", result.worker},
                 {"attempts", result.attempts},
                 {"seconds", std::round(result.seconds * 1000.0) / 1000.0},
                 {"prompt_tokens", or_null(result.prompt_tokens)},
                 {"completion_tokens", or_null(result.completion_tokens)}};
  const std::string id = dump_json(Json(result.id), -1);
  return fmt::format(R"({{"id":{},"custom_id":{},"response":{},"error":{},"macfit":{}}})", id, id,
                     response, dump_json(error, -1), dump_json(own, -1));
}

Result read_result(std::string_view line) {
  const JsonDocument document = JsonDocument::parse(line, result_limits);
  JsonObject object = document.root().object();
  Result result;
  result.id = object.at("custom_id").string();
  if (const auto response = object.find("response")) {
    result.status = static_cast<int>(response->object().at("status_code").whole(0, 999));
  }
  const auto error = object.find("error");
  result.good = !error;
  if (error) {
    JsonObject members = error->object();
    result.code = members.at("code").string();
    result.message = members.at("message").string();
  }
  if (const auto own = object.find("macfit")) {
    JsonObject members = own->object();
    result.worker = members.at("worker").string();
    result.attempts = members.at("attempts").whole(1, 1000000);
    result.seconds = members.at("seconds").number(0.0, longest);
    result.prompt_tokens = whole(members, "prompt_tokens");
    result.completion_tokens = whole(members, "completion_tokens");
  }
  return result;
}

}  // namespace macfit::run
