#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "macfit/model/manifest.hpp"
#include "test.hpp"

// models/manifest.schema.json is for editors; the reader is the judge. Both must know the same
// keys.

namespace macfit::model {
namespace {

using nlohmann::json;

/// Checks what the schema's own words allow to be checked in a few lines: types, keys, required
/// keys, fixed words, lower bounds. Returns the first complaint.
std::string complaint(const json& root, const json& schema, const json& value,
                      const std::string& at) {
  if (schema.contains("$ref")) {
    const std::string reference = schema.at("$ref").get<std::string>().substr(1);
    return complaint(root, root.at(json::json_pointer(reference)), value, at);
  }
  if (schema.contains("const") && value != schema.at("const")) {
    return at + ": not the constant";
  }
  if (schema.contains("enum") && std::find(schema.at("enum").begin(), schema.at("enum").end(),
                                           value) == schema.at("enum").end()) {
    return at + ": not one of the words";
  }
  if (schema.contains("type")) {
    const auto is = [&](const std::string& type) {
      return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
             (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
             (type == "integer" && value.is_number_integer()) ||
             (type == "number" && value.is_number()) || (type == "null" && value.is_null());
    };
    const json& types = schema.at("type");
    const bool good = types.is_string()
                          ? is(types.get<std::string>())
                          : std::any_of(types.begin(), types.end(),
                                        [&](const json& t) { return is(t.get<std::string>()); });
    if (!good) {
      return at + ": another type";
    }
  }
  if (schema.contains("minimum") && value.is_number() && value < schema.at("minimum")) {
    return at + ": too small";
  }
  if (value.is_object() && schema.value("type", "") == "object") {
    const json required = schema.value("required", json::array());
    for (const json& key : required) {
      if (!value.contains(key.get<std::string>())) {
        return at + ": lacks " + key.get<std::string>();
      }
    }
    const json properties = schema.value("properties", json::object());
    const json others = schema.value("additionalProperties", json(true));
    for (const auto& [key, member] : value.items()) {
      const std::string below = at + "/" + key;
      if (!properties.contains(key) && !others.is_object()) {
        return below + ": a key that the schema lacks";
      }
      const std::string wrong =
          complaint(root, properties.contains(key) ? properties.at(key) : others, member, below);
      if (!wrong.empty()) {
        return wrong;
      }
    }
  }
  if (value.is_array() && schema.contains("items")) {
    for (const json& element : value) {
      const std::string wrong = complaint(root, schema.at("items"), element, at + "/-");
      if (!wrong.empty()) {
        return wrong;
      }
    }
  }
  return {};
}

TEST_CASE("every catalog manifest follows the schema", "[model]") {
  const json schema =
      json::parse(test::read_text(test::source_path("models/manifest.schema.json")));
  int checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_path("models"))) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".json" && name != "manifest.schema.json") {
      INFO(name);
      CHECK(complaint(schema, schema, json::parse(test::read_text(entry.path())), "").empty());
      ++checked;
    }
  }
  CHECK(checked >= 75);
}

/// A value of the schema's type with every key in it, as far as they can stand together.
json filled(const json& root, const json& schema) {
  if (schema.contains("$ref")) {
    return filled(root,
                  root.at(json::json_pointer(schema.at("$ref").get<std::string>().substr(1))));
  }
  if (schema.contains("const")) {
    return schema.at("const");
  }
  if (schema.contains("enum")) {
    return schema.at("enum").back();
  }
  const std::string type = schema.at("type").is_array()
                               ? schema.at("type").front().get<std::string>()
                               : schema.at("type").get<std::string>();
  if (type == "object") {
    json value = json::object();
    const json properties = schema.value("properties", json::object());
    for (const auto& [key, member] : properties.items()) {
      value[key] = filled(root, member);
    }
    return value;
  }
  if (type == "array") {
    return json::array({filled(root, schema.at("items"))});
  }
  return type == "string" ? json("x") : type == "boolean" ? json(true) : json(4);
}

TEST_CASE("the reader knows every key of the schema's blocks", "[model]") {
  const json schema =
      json::parse(test::read_text(test::source_path("models/manifest.schema.json")));
  for (const char* part : {"attention", "latent", "compressed", "delta_net", "kimi_delta", "mamba2",
                           "mamba1", "lightning", "linear", "dense", "experts"}) {
    INFO(part);
    json block = {{part, filled(schema, schema.at("$defs").at(part))}};
    for (const char* key : {"norms", "norm_bias", "layer_scalar", "per_layer_input", "streams"}) {
      block[key] = filled(schema, schema.at("$defs").at("block").at("properties").at(key));
    }
    json architecture = {{"type", "x"},
                         {"hidden", 64},
                         {"vocabulary", 100},
                         {"blocks", {{"a", block}}},
                         {"layers", "2*a"},
                         {"tied", true},
                         {"context", 4},
                         {"final_norm", false},
                         {"final_norm_bias", true},
                         {"head_bias", true},
                         {"embedding_norm", true},
                         {"per_layer_vocabulary", 4},
                         {"rope_factors", 4},
                         {"cache_known", false},
                         {"extras", filled(schema, schema.at("$defs").at("extras"))}};
    const json& known = schema.at("$defs").at("architecture").at("properties");
    CHECK(known.size() == architecture.size());
    const json manifest = {
        {"schema", "macfit.manifest/1"}, {"id", "x"}, {"architecture", architecture}};
    const Model model = read_manifest(manifest.dump());
    // What the reader took, the writer gives back: nothing was read and dropped.
    const json written = json::parse(write_manifest(model)).at("architecture");
    const json& given = architecture.at("blocks").at("a").at(part);
    const json& back = written.at("blocks").at("a").at(part);
    for (const auto& [key, value] : given.items()) {
      const json otherwise =
          schema.at("$defs").at(part).at("properties").at(key).value("default", json());
      INFO(key);
      CHECK((back.value(key, otherwise) == value || (otherwise.is_null() && !back.contains(key))));
    }
  }
}

}  // namespace
}  // namespace macfit::model
