#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "macfit/core/error.hpp"

namespace macfit {

class JsonObject;

/// A key that has to be there and is not; a key that nobody knows. Told apart from other errors by
/// who reads on after them.
class MissingKey : public Error {
 public:
  using Error::Error;
};
class UnknownKey : public Error {
 public:
  explicit UnknownKey(const Error& error) : Error(error) {}
};

/// A value inside a parsed document that knows its place; every getter throws Error with the JSON
/// pointer, what was found and what was expected. Cheap to copy; valid while its document lives.
class JsonValue {
 public:
  JsonValue(const nlohmann::json& value, std::string pointer)
      : value_(&value), pointer_(std::move(pointer)) {}

  [[nodiscard]] const nlohmann::json& raw() const { return *value_; }
  [[nodiscard]] const std::string& pointer() const { return pointer_; }

  [[nodiscard]] bool is_null() const { return value_->is_null(); }
  [[nodiscard]] bool is_string() const { return value_->is_string(); }
  [[nodiscard]] bool is_number() const { return value_->is_number(); }
  [[nodiscard]] bool is_boolean() const { return value_->is_boolean(); }
  [[nodiscard]] bool is_array() const { return value_->is_array(); }
  [[nodiscard]] bool is_object() const { return value_->is_object(); }

  [[nodiscard]] JsonObject object() const;
  [[nodiscard]] std::vector<JsonValue> array() const;
  [[nodiscard]] std::string string() const;
  [[nodiscard]] bool boolean() const;
  /// A whole number in [low, high]; 8.0 counts as whole.
  [[nodiscard]] std::int64_t whole(std::int64_t low, std::int64_t high) const;
  /// A finite number in [low, high].
  [[nodiscard]] double number(double low, double high) const;

  /// An Error at this place.
  [[nodiscard]] Error error(std::string message, std::string hint = {}) const;
  /// "expected a string, found the number 3".
  [[nodiscard]] Error expected(std::string_view what) const;

 private:
  const nlohmann::json* value_;
  std::string pointer_;
};

/// An object whose keys are asked for one by one, so that those never asked for can be refused.
class JsonObject {
 public:
  explicit JsonObject(const JsonValue& value);

  /// The member; throws Error where it is missing.
  [[nodiscard]] JsonValue at(std::string_view key);
  /// The member, or nothing where it is missing or null.
  [[nodiscard]] std::optional<JsonValue> find(std::string_view key);
  [[nodiscard]] bool contains(std::string_view key) const;
  [[nodiscard]] std::vector<std::pair<std::string, JsonValue>> members();
  [[nodiscard]] const JsonValue& value() const { return value_; }

  /// Throws Error for the first key that was never asked for, naming the nearest that was.
  void refuse_unknown() const;

  /// One error for each key that is not among these. Told before the keys are read, a misspelled
  /// key is named, not the one that it leaves missing.
  [[nodiscard]] std::vector<UnknownKey> unknown(const std::vector<std::string>& known) const;

 private:
  JsonValue value_;
  std::vector<std::string> asked_;
};

struct JsonLimits {
  std::size_t bytes = std::size_t{64} << 20;
  std::size_t depth = 64;
};

/// A parsed JSON text. Throws Error (byte offset or pointer) on bad syntax, duplicate keys,
/// not-UTF-8, too deep nesting, or too large a text.
class JsonDocument {
 public:
  [[nodiscard]] static JsonDocument parse(std::string_view text, JsonLimits limits = {});
  [[nodiscard]] JsonValue root() const { return {*json_, ""}; }

 private:
  explicit JsonDocument(nlohmann::json json)
      : json_(std::make_unique<nlohmann::json>(std::move(json))) {}
  std::unique_ptr<nlohmann::json> json_;
};

}  // namespace macfit
