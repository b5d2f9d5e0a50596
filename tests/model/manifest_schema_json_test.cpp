#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "json_schema_json.hpp"
#include "macfit/model/manifest.hpp"
#include "test.hpp"

// docs/schema/manifest.schema.json is for editors; the reader is the judge. Both must know the same
// keys.

namespace macfit::model {
namespace {

using nlohmann::json;

TEST_CASE("every catalog manifest follows the schema", "[model]") {
  const test::SchemaCheck schema(
      json::parse(test::read_text(test::source_path("docs/schema/manifest.schema.json"))));
  int checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_path("models"))) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".json") {
      INFO(name);
      CHECK(schema.complaint(json::parse(test::read_text(entry.path()))).empty());
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
      json::parse(test::read_text(test::source_path("docs/schema/manifest.schema.json")));
  for (const char* part : {"attention", "latent", "compressed", "delta_net", "kimi_delta", "mamba2",
                           "mamba1", "lightning", "short_conv", "linear", "dense", "experts"}) {
    INFO(part);
    json block = {{part, filled(schema, schema.at("$defs").at(part))}};
    for (const char* key : {"norms", "norm_bias", "layer_scalar", "per_layer_input", "streams",
                            "parts", "state_bytes"}) {
      block[key] = filled(schema, schema.at("$defs").at("block").at("properties").at(key));
    }
    json architecture = {
        {"type", "x"},
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
        {"widths_only", true},
        {"embedding_format", "raw"},
        {"head_format", "eight-bit"},
        {"parts", filled(schema, schema.at("$defs").at("block").at("properties").at("parts"))},
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
