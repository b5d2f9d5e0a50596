#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/core/error.hpp"

namespace macfit::read {

/// A JSON value as the readers of model families see it: it knows its place, and every getter
/// throws Error naming that place. Keeps the JSON library out of the families' files.
class ConfigNode {
 public:
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

  ConfigNode(Kind kind, std::string pointer) : kind_(kind), pointer_(std::move(pointer)) {}

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
  [[nodiscard]] const std::string& pointer() const { return pointer_; }

  /// The member, or null where it is missing or JSON null. Notes that it was asked for.
  [[nodiscard]] const ConfigNode* find(std::string_view key) const;
  [[nodiscard]] const std::vector<ConfigNode>& array() const;
  /// True where find() has asked for this member.
  [[nodiscard]] bool asked_for() const { return asked_for_; }
  /// Names of an object's members; member(i) is the value of keys()[i].
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  [[nodiscard]] const ConfigNode& member(std::size_t index) const { return elements_[index]; }
  [[nodiscard]] const std::string& string() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] double number() const;
  /// A whole number in [low, high]; 8.0 counts as whole.
  [[nodiscard]] std::int64_t whole(std::int64_t low, std::int64_t high) const;

  [[nodiscard]] Error error(std::string message, std::string hint = {}) const;
  [[nodiscard]] Error expected(std::string_view what) const;

  // For the parser.
  void set(bool value) { boolean_ = value; }
  void set(double value) { number_ = value; }
  void set(std::string value) { string_ = std::move(value); }
  void add(ConfigNode element) { elements_.push_back(std::move(element)); }
  void add(std::string key, ConfigNode member) {
    keys_.push_back(std::move(key));
    elements_.push_back(std::move(member));
  }

 private:
  Kind kind_;
  std::string pointer_;
  bool boolean_ = false;
  double number_ = 0.0;
  std::string string_;
  mutable bool asked_for_ = false;
  std::vector<std::string> keys_;  // of an object, beside elements_
  std::vector<ConfigNode> elements_;
};

/// Parses a config.json. Python writes `Infinity` and `NaN`, which are taken as 1e308 and 0.
[[nodiscard]] ConfigNode parse_config(std::string_view json_text);

/// Spellings of one field, the first present one counts.
class Keys {
 public:
  constexpr Keys(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      names_[count_++] = name;
    }
  }
  [[nodiscard]] constexpr const std::string_view* begin() const { return names_.data(); }
  [[nodiscard]] constexpr const std::string_view* end() const { return names_.data() + count_; }

 private:
  std::array<std::string_view, 8> names_;
  std::size_t count_ = 0;
};

inline constexpr std::int64_t largest_size = std::int64_t{1} << 36;
inline constexpr std::int64_t most_layers = 2'000;

/// The fields of a text model: in `text_config` where there is one.
class Config {
 public:
  Config(const ConfigNode& outer, const ConfigNode& text) : outer_(&outer), text_(&text) {}

  [[nodiscard]] const ConfigNode& outer() const { return *outer_; }
  [[nodiscard]] const ConfigNode& text() const { return *text_; }
  [[nodiscard]] bool wrapped() const { return outer_ != text_; }

  /// The first of the spellings that is there; else what later tools call the same field.
  [[nodiscard]] const ConfigNode* find(const Keys& keys) const;
  [[nodiscard]] const ConfigNode& at(const Keys& keys) const;

  /// A size of at least 1; missing is an error.
  [[nodiscard]] std::int64_t size(const Keys& keys) const;
  [[nodiscard]] std::int64_t size_or(std::int64_t fallback, const Keys& keys) const;
  /// A count that may be 0.
  [[nodiscard]] std::int64_t count_or(std::int64_t fallback, const Keys& keys) const;
  [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
  /// A list with an entry for each layer, the layers of multi-token prediction after them or not;
  /// null where it is absent.
  [[nodiscard]] const std::vector<ConfigNode>* per_layer(const Keys& keys,
                                                         std::int64_t layers) const;

  [[nodiscard]] std::int64_t hidden() const { return size({"hidden_size"}); }
  [[nodiscard]] std::int64_t layers() const;
  /// Routed experts in all, 0 where there are none. A mixture's width without this count is an
  /// error, so that no model is read as a dense one.
  [[nodiscard]] std::int64_t experts() const;
  /// What `per_layer_config` says of one layer, or null.
  [[nodiscard]] const ConfigNode* of_layer(std::int64_t layer) const;

 private:
  const ConfigNode* outer_;
  const ConfigNode* text_;
};

}  // namespace macfit::read
