// Strict reading of JSON: every getter knows its pointer, and what is left over is an error.

#include "macfit/core/json_reader_json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "macfit/core/text.hpp"

namespace macfit {
namespace {

constexpr std::size_t longest_text = 16384;  ///< of a string: what is read may be printed

using nlohmann::json;

/// "the number 3", "the string \"abc\"", "an object".
std::string describe(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array";
    case json::value_t::string:
      return "the string \"" + printable(value.get_ref<const std::string&>(), 60) + "\"";
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    default:
      return "the number " + value.dump();
  }
}

/// Builds the document and refuses what nlohmann's own builder accepts in silence: duplicate keys
/// and depth. A handler of events costs half of what a callback beside its builder does.
class Builder {
 public:
  explicit Builder(std::size_t depth) : depth_(depth) {}

  [[nodiscard]] json take() { return std::move(root_); }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(json::number_integer_t value) { return add(value); }
  bool number_unsigned(json::number_unsigned_t value) { return add(value); }
  bool number_float(json::number_float_t value, const std::string& /*text*/) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t& value) { return add(std::move(value)); }
  bool start_object(std::size_t /*size*/) { return open(json::value_t::object); }
  bool start_array(std::size_t /*size*/) { return open(json::value_t::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    Level& level = levels_.back();
    auto& members = level.container->get_ref<json::object_t&>();
    const auto [member, fresh] = members.emplace(std::move(name), nullptr);
    level.key = &member->first;
    level.slot = &member->second;
    if (!fresh) {
      throw Error("the key stands twice in one object", Place{{}, pointer(), {}});
    }
    return true;
  }

  template <class Exception>
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Exception& exception) {
    throw exception;
  }

 private:
  struct Level {
    json* container;
    const std::string* key = nullptr;  ///< of the member being read; null in an array
    json* slot = nullptr;              ///< its value
  };

  template <class Value>
  bool add(Value&& value) {
    place(json(std::forward<Value>(value)));
    return true;
  }

  json* place(json&& value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    const Level& level = levels_.back();
    if (level.slot != nullptr) {
      *level.slot = std::move(value);
      return level.slot;
    }
    auto& items = level.container->get_ref<json::array_t&>();
    items.push_back(std::move(value));
    return &items.back();
  }

  bool open(json::value_t type) {
    if (levels_.size() >= depth_) {
      throw Error("nested deeper than " + std::to_string(depth_) + " levels",
                  Place{{}, pointer(), {}});
    }
    levels_.push_back({place(json(type))});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  /// Of what is about to be added.
  [[nodiscard]] std::string pointer() const {
    std::string result;
    for (const Level& level : levels_) {
      const std::size_t items = level.container->size();
      result = level.key != nullptr        ? pointer_join(result, printable(*level.key))
               : &level == &levels_.back() ? pointer_join(result, items)
                                           : pointer_join(result, items - 1);
    }
    return result;
  }

  std::size_t depth_;
  json root_;
  std::vector<Level> levels_;
};

}  // namespace

JsonObject JsonValue::object() const { return JsonObject(*this); }

std::vector<JsonValue> JsonValue::array() const {
  if (!value_->is_array()) {
    throw expected("an array");
  }
  std::vector<JsonValue> result;
  result.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    result.emplace_back((*value_)[i], pointer_join(pointer_, i));
  }
  return result;
}

std::string JsonValue::string() const {
  if (!value_->is_string()) {
    throw expected("a string");
  }
  const std::string& text = value_->get_ref<const std::string&>();
  if (text.size() > longest_text) {
    throw expected("a string of at most 16,384 bytes");
  }
  return text;
}

bool JsonValue::boolean() const {
  if (!value_->is_boolean()) {
    throw expected("true or false");
  }
  return value_->get<bool>();
}

std::int64_t JsonValue::whole(std::int64_t low, std::int64_t high) const {
  const std::string wanted =
      "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (value_->is_number_unsigned()) {
    const auto value = value_->get<std::uint64_t>();
    if (high < 0 || value > static_cast<std::uint64_t>(high) ||
        (low > 0 && value < static_cast<std::uint64_t>(low))) {
      throw expected(wanted);
    }
    return static_cast<std::int64_t>(value);
  }
  if (value_->is_number_integer()) {
    const auto value = value_->get<std::int64_t>();
    if (value < low || value > high) {
      throw expected(wanted);
    }
    return value;
  }
  if (value_->is_number_float()) {
    const auto value = value_->get<double>();
    if (std::floor(value) == value && value >= static_cast<double>(low) &&
        value <= static_cast<double>(high) && std::fabs(value) < 9e15) {
      return static_cast<std::int64_t>(value);
    }
  }
  throw expected(wanted);
}

double JsonValue::number(double low, double high) const {
  if (value_->is_number()) {
    const auto value = value_->get<double>();
    if (std::isfinite(value) && value >= low && value <= high) {
      return value;
    }
  }
  throw expected("a number from " + json(low).dump() + " to " + json(high).dump());
}

Error JsonValue::error(std::string message, std::string hint) const {
  return Error(std::move(message), Place{{}, pointer_, {}}, std::move(hint));
}

Error JsonValue::expected(std::string_view what) const {
  return error("expected " + std::string(what) + ", found " + describe(*value_));
}

JsonObject::JsonObject(const JsonValue& value) : value_(value) {
  if (!value.is_object()) {
    throw value.expected("an object");
  }
}

JsonValue JsonObject::at(std::string_view key) {
  if (auto value = find(key)) {
    return *value;
  }
  throw MissingKey("the key \"" + std::string(key) + "\" is missing or null",
                   Place{{}, value_.pointer(), {}});
}

std::optional<JsonValue> JsonObject::find(std::string_view key) {
  if (asked_.empty()) {
    asked_.reserve(16);
  }
  asked_.emplace_back(key);
  const auto found = value_.raw().find(asked_.back());
  if (found == value_.raw().end() || found->is_null()) {
    return std::nullopt;
  }
  return JsonValue(*found, pointer_join(value_.pointer(), key));
}

bool JsonObject::contains(std::string_view key) const {
  return value_.raw().contains(std::string(key));
}

std::vector<std::pair<std::string, JsonValue>> JsonObject::members() {
  std::vector<std::pair<std::string, JsonValue>> result;
  for (auto it = value_.raw().begin(); it != value_.raw().end(); ++it) {
    asked_.push_back(it.key());
    const std::string shown = it.key().size() > 200 ? printable(it.key()) : it.key();
    result.emplace_back(it.key(), JsonValue(*it, pointer_join(value_.pointer(), shown)));
  }
  return result;
}

void JsonObject::refuse_unknown() const {
  const std::vector<UnknownKey> errors = unknown(asked_);
  if (!errors.empty()) {
    throw errors.front();
  }
}

std::vector<UnknownKey> JsonObject::unknown(const std::vector<std::string>& known) const {
  std::vector<UnknownKey> errors;
  for (auto it = value_.raw().begin(); it != value_.raw().end(); ++it) {
    if (std::find(known.begin(), known.end(), it.key()) == known.end()) {
      errors.emplace_back(
          unknown_name("key", it.key(), known,
                       Place{{}, pointer_join(value_.pointer(), printable(it.key())), {}}));
    }
  }
  return errors;
}

JsonDocument JsonDocument::parse(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.bytes) {
    throw Error("the JSON text is larger than " + std::to_string(limits.bytes) + " bytes");
  }
  if (trim(text).empty()) {
    throw Error("the file is empty; expected JSON", Place{{}, {}, 0});
  }
  try {
    Builder builder(limits.depth);
    json::sax_parse(text, &builder);
    return JsonDocument(builder.take());
  } catch (const json::parse_error& error) {
    std::string what = error.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
    if (const auto start = what.find("] "); start != std::string::npos) {
      what.erase(0, start + 2);
    }
    throw Error("not valid JSON: " + printable(what), Place{{}, {}, error.byte});
  } catch (const json::exception& error) {
    // "[json.exception.out_of_range.406] number overflow parsing '1e400'", without a place.
    std::string what = error.what();
    if (const auto start = what.find("] "); start != std::string::npos) {
      what.erase(0, start + 2);
    }
    const auto open = what.find('\'');
    const auto close = what.rfind('\'');
    Place place;
    if (open < close) {
      const auto at = text.find(what.substr(open + 1, close - open - 1));
      place.offset = at == std::string_view::npos ? 0 : at;
    }
    throw Error("not valid JSON: " + printable(what), std::move(place));
  }
}

}  // namespace macfit
