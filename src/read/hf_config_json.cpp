#include "config_node.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"

namespace macfit::read {
namespace {

/// Overwrites Python's bare Infinity and NaN with JSON numbers of the same length, so that byte
/// offsets in messages stay right. Fields that give shapes refuse both values.
std::string without_python_numbers(std::string_view text) {
  struct Word {
    std::string_view from;
    std::string_view to;
  };
  static constexpr Word words[] = {{"Infinity", "1.0e+308"}, {"NaN", "0.0"}};
  std::string result(text);
  bool in_string = false;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (in_string) {
      if (result[i] == '\\') {
        ++i;
      } else if (result[i] == '"') {
        in_string = false;
      }
    } else if (result[i] == '"') {
      in_string = true;
    } else {
      for (const Word& word : words) {
        if (result.compare(i, word.from.size(), word.from) == 0) {
          result.replace(i, word.to.size(), word.to);
        }
      }
    }
  }
  return result;
}

ConfigNode convert(const nlohmann::json& value, std::string pointer) {
  using Kind = ConfigNode::Kind;
  if (value.is_object()) {
    ConfigNode node(Kind::object, pointer);
    for (const auto& [key, member] : value.items()) {
      node.add(key, convert(member, pointer_join(pointer, key)));
    }
    return node;
  }
  if (value.is_array()) {
    ConfigNode node(Kind::array, pointer);
    std::size_t index = 0;
    for (const auto& element : value) {
      node.add(convert(element, pointer_join(pointer, index++)));
    }
    return node;
  }
  if (value.is_string()) {
    ConfigNode node(Kind::string, std::move(pointer));
    node.set(value.get<std::string>());
    return node;
  }
  if (value.is_boolean()) {
    ConfigNode node(Kind::boolean, std::move(pointer));
    node.set(value.get<bool>());
    return node;
  }
  if (value.is_number()) {
    ConfigNode node(Kind::number, std::move(pointer));
    node.set(value.get<double>());
    return node;
  }
  return {Kind::null, std::move(pointer)};
}

}  // namespace

ConfigNode parse_config(std::string_view json_text) {
  const JsonDocument document = JsonDocument::parse(without_python_numbers(json_text));
  ConfigNode root = convert(document.root().raw(), "");
  if (!root.is(ConfigNode::Kind::object)) {
    throw root.expected("an object");
  }
  return root;
}

}  // namespace macfit::read
