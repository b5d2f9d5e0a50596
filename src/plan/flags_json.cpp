#include "macfit/plan/flags_json.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace macfit::plan {

std::string flag_value(const JsonValue& value) {
  if (value.is_string()) {
    return value.string();
  }
  if (value.is_array()) {
    std::string joined;
    for (const JsonValue& item : value.array()) {
      joined += (joined.empty() ? "" : ",") + flag_value(item);
    }
    return joined;
  }
  if (value.raw().is_number_integer()) {
    return std::to_string(value.whole(0, std::int64_t{1} << 53));
  }
  if (value.is_number()) {
    return fmt::format("{}", value.number(0, 1e15));
  }
  throw value.expected("a text or a number");
}

RequestFlags read_flags(JsonObject& object, const RequestFlags& defaults) {
  RequestFlags flags = defaults;
  for (const FlagKey& key : flag_keys) {
    // "prefill_step", as in a plan, is "prefill-step" too.
    std::string other(key.name);
    std::replace(other.begin(), other.end(), '-', '_');
    auto value = object.find(key.name);
    if (!value && other != key.name) {
      value = object.find(other);
    }
    if (value) {
      key.field(flags) = flag_value(*value);
    }
  }
  if (const auto beside = object.find("beside")) {
    flags.beside.clear();
    if (beside->is_array()) {
      for (const JsonValue& one : beside->array()) {
        flags.beside.push_back(flag_value(one));
      }
    } else {
      flags.beside.push_back(flag_value(*beside));
    }
  }
  return flags;
}

nlohmann::ordered_json error_json(const Error& error) {
  nlohmann::ordered_json result;
  result["message"] = error.message();
  result["hint"] =
      error.hint().empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(error.hint());
  if (!error.place().file.empty()) {
    result["file"] = error.place().file;
  }
  if (error.place().pointer) {
    result["pointer"] = *error.place().pointer;
  }
  if (error.place().offset) {
    result["offset"] = *error.place().offset;
  }
  return result;
}

}  // namespace macfit::plan
