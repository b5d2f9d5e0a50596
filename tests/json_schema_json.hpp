#pragma once

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "test.hpp"

namespace macfit::test {

/// Checks a value against a JSON Schema by the keywords that docs/schema/ uses; a keyword that is
/// not known here is itself a complaint. An object that lists properties takes no others: a schema
/// leaves that open for its readers, the program that it describes must not.
class SchemaCheck {
 public:
  explicit SchemaCheck(nlohmann::json schema) : root_(std::move(schema)) {}

  /// The first complaint, or nothing.
  [[nodiscard]] std::string complaint(const nlohmann::json& value) const {
    return check(root_, value, "");
  }

 private:
  using Json = nlohmann::json;

  [[nodiscard]] static bool is(const Json& value, const std::string& type) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "integer" && value.is_number_integer()) ||
           (type == "number" && value.is_number()) || (type == "null" && value.is_null());
  }

  [[nodiscard]] static bool has_type(const Json& types, const Json& value) {
    return types.is_string() ? is(value, types.get<std::string>())
                             : std::any_of(types.begin(), types.end(), [&](const Json& type) {
                                 return is(value, type.get<std::string>());
                               });
  }

  [[nodiscard]] std::string check(const Json& schema, const Json& value,
                                  const std::string& at) const {
    if (schema.is_boolean()) {
      return schema.get<bool>() ? "" : at + ": nothing may be here";
    }
    for (const auto& [keyword, rule] : schema.items()) {
      const std::string wrong = check_keyword(schema, keyword, rule, value, at);
      if (!wrong.empty()) {
        return wrong;
      }
    }
    if (value.is_object() && schema.contains("properties") &&
        !schema.contains("additionalProperties")) {
      return others(schema, Json(false), value, at);
    }
    return {};
  }

  [[nodiscard]] std::size_t matches(const Json& rules, const Json& value,
                                    const std::string& at) const {
    return static_cast<std::size_t>(
        std::count_if(rules.begin(), rules.end(),
                      [&](const Json& rule) { return check(rule, value, at).empty(); }));
  }

  [[nodiscard]] std::string others(const Json& schema, const Json& rule, const Json& value,
                                   const std::string& at) const {
    const Json known = schema.value("properties", Json::object());
    for (const auto& [key, member] : value.items()) {
      if (!known.contains(key)) {
        const std::string wrong = check(rule, member, at + "/" + key);
        if (!wrong.empty()) {
          return wrong;
        }
      }
    }
    return {};
  }

  [[nodiscard]] std::string check_object(const Json& schema, const std::string& keyword,
                                         const Json& rule, const Json& value,
                                         const std::string& at) const {
    if (keyword == "properties") {
      for (const auto& [key, member] : rule.items()) {
        const std::string wrong =
            value.contains(key) ? check(member, value.at(key), at + "/" + key) : "";
        if (!wrong.empty()) {
          return wrong;
        }
      }
    } else if (keyword == "required") {
      for (const Json& key : rule) {
        if (!value.contains(key.get<std::string>())) {
          return at + ": lacks " + key.get<std::string>();
        }
      }
    } else if (keyword == "additionalProperties") {
      return others(schema, rule, value, at);
    } else if (keyword == "propertyNames") {
      for (const auto& item : value.items()) {
        const std::string wrong = check(rule, Json(item.key()), at + "/" + item.key());
        if (!wrong.empty()) {
          return wrong;
        }
      }
    } else if (keyword == "minProperties" || keyword == "maxProperties") {
      const bool good = keyword == "minProperties" ? value.size() >= rule.get<std::size_t>()
                                                   : value.size() <= rule.get<std::size_t>();
      return good ? "" : at + ": " + keyword;
    } else if (keyword == "dependentRequired") {
      for (const auto& [key, needed] : rule.items()) {
        for (const Json& other : needed) {
          if (value.contains(key) && !value.contains(other.get<std::string>())) {
            return at + ": " + key + " needs " + other.get<std::string>();
          }
        }
      }
    }
    return {};
  }

  [[nodiscard]] std::string check_array(const std::string& keyword, const Json& rule,
                                        const Json& value, const std::string& at) const {
    bool good = true;
    if (keyword == "items") {
      for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string wrong = check(rule, value[i], at + "/" + std::to_string(i));
        if (!wrong.empty()) {
          return wrong;
        }
      }
    } else if (keyword == "minItems") {
      good = value.size() >= rule.get<std::size_t>();
    } else if (keyword == "maxItems") {
      good = value.size() <= rule.get<std::size_t>();
    } else if (keyword == "uniqueItems") {
      for (std::size_t i = 0; i < value.size(); ++i) {
        good = good && std::count(value.begin(), value.end(), value[i]) == 1;
      }
    }
    return good ? "" : at + ": " + keyword;
  }

  [[nodiscard]] std::string check_keyword(const Json& schema, const std::string& keyword,
                                          const Json& rule, const Json& value,
                                          const std::string& at) const {
    const auto among = [&](const std::vector<std::string>& words) {
      return std::find(words.begin(), words.end(), keyword) != words.end();
    };
    if (among({"$schema", "$defs", "title", "description", "default"})) {
      return {};
    }
    if (among({"properties", "required", "additionalProperties", "propertyNames", "minProperties",
               "maxProperties", "dependentRequired"})) {
      return value.is_object() ? check_object(schema, keyword, rule, value, at) : "";
    }
    if (among({"items", "minItems", "maxItems", "uniqueItems"})) {
      return value.is_array() ? check_array(keyword, rule, value, at) : "";
    }
    if (keyword == "$ref") {
      const auto& target = rule.get_ref<const std::string&>();
      if (target.front() != '#') {  // a schema beside it
        const std::string text = read_text(source_path("docs/schema/" + target));
        const std::string wrong = SchemaCheck(Json::parse(text)).complaint(value);
        return wrong.empty() ? "" : at + wrong;
      }
      return check(root_.at(Json::json_pointer(target.substr(1))), value, at);
    }
    bool good = true;
    if (keyword == "type") {
      good = has_type(rule, value);
    } else if (keyword == "const") {
      good = value == rule;
    } else if (keyword == "enum") {
      good = std::find(rule.begin(), rule.end(), value) != rule.end();
    } else if (keyword == "minimum") {
      good = !value.is_number() || value >= rule;
    } else if (keyword == "maximum") {
      good = !value.is_number() || value <= rule;
    } else if (keyword == "exclusiveMinimum") {
      good = !value.is_number() || value > rule;
    } else if (keyword == "exclusiveMaximum") {
      good = !value.is_number() || value < rule;
    } else if (keyword == "minLength" || keyword == "maxLength") {
      const std::size_t size = value.is_string() ? value.get_ref<const std::string&>().size() : 0;
      good = !value.is_string() || (keyword == "minLength" ? size >= rule.get<std::size_t>()
                                                           : size <= rule.get<std::size_t>());
    } else if (keyword == "pattern") {
      good = !value.is_string() ||
             std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
    } else if (keyword == "anyOf") {
      good = matches(rule, value, at) > 0;
    } else if (keyword == "oneOf") {
      good = matches(rule, value, at) == 1;
    } else if (keyword == "not") {
      good = !check(rule, value, at).empty();
    } else {
      return at + ": the keyword " + keyword + " is not known to the test";
    }
    return good ? "" : at + ": " + keyword + ": " + value.dump().substr(0, 80);
  }

  Json root_;
};

}  // namespace macfit::test
