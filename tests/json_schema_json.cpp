#include "json_schema_json.hpp"

#include <deque>
#include <set>
#include <stdexcept>
#include <string_view>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "test.hpp"

namespace macfit::test {
namespace {

using Json = nlohmann::json;
using Adapter = valijson::adapters::NlohmannJsonAdapter;

// valijson passes over a keyword that it does not know, so that a misspelled one would check
// nothing.
const std::set<std::string, std::less<>> known_keywords = {"$schema",
                                                           "$defs",
                                                           "$ref",
                                                           "title",
                                                           "description",
                                                           "default",
                                                           "type",
                                                           "const",
                                                           "enum",
                                                           "minimum",
                                                           "maximum",
                                                           "exclusiveMinimum",
                                                           "exclusiveMaximum",
                                                           "minLength",
                                                           "maxLength",
                                                           "pattern",
                                                           "properties",
                                                           "required",
                                                           "additionalProperties",
                                                           "propertyNames",
                                                           "minProperties",
                                                           "maxProperties",
                                                           "dependentRequired",
                                                           "items",
                                                           "minItems",
                                                           "maxItems",
                                                           "uniqueItems",
                                                           "anyOf",
                                                           "oneOf",
                                                           "not"};

Json prepared(Json schema);

void prepare_parts(Json& schema) {
  for (const char* key : {"properties", "$defs"}) {
    if (schema.contains(key)) {
      for (Json& part : schema[key]) {  // values of the members
        part = prepared(std::move(part));
      }
    }
  }
  for (const char* key : {"items", "additionalProperties", "propertyNames", "not"}) {
    if (schema.contains(key)) {
      schema[key] = prepared(std::move(schema[key]));
    }
  }
  for (const char* key : {"anyOf", "oneOf"}) {
    if (schema.contains(key)) {
      for (Json& part : schema[key]) {
        part = prepared(std::move(part));
      }
    }
  }
}

/// A schema of 2020-12 in the words of draft 7, which valijson reads, its objects closed.
Json prepared(Json schema) {
  if (!schema.is_object()) {
    return schema;
  }
  for (const auto& [keyword, rule] : schema.items()) {
    if (!known_keywords.contains(keyword)) {
      throw std::runtime_error("the keyword " + keyword + " is not known to the test");
    }
  }
  prepare_parts(schema);
  if (schema.contains("properties") && !schema.contains("additionalProperties")) {
    schema["additionalProperties"] = false;
  }
  if (schema.contains("dependentRequired")) {
    schema["dependencies"] = std::move(schema["dependentRequired"]);
    schema.erase("dependentRequired");
  }
  // valijson takes the first of several files for all of them: one that does not refer to parts of
  // itself is put in place.
  if (schema.contains("$ref") && schema["$ref"].get<std::string>().front() != '#') {
    const std::string target = schema["$ref"];
    Json file = prepared(Json::parse(read_text(source_path("docs/schema/" + target))));
    if (file.dump().find("\"$ref\"") == std::string::npos) {
      schema.erase("$ref");
      return schema.empty() ? file : Json{{"allOf", Json::array({file, schema})}};
    }
  }
  // Beside $ref draft 7 reads nothing else.
  if (schema.contains("$ref") && schema.size() > 1) {
    const Json reference = {{"$ref", schema["$ref"]}};
    schema.erase("$ref");
    schema = Json{{"allOf", Json::array({reference, schema})}};
  }
  return schema;
}

}  // namespace

struct SchemaCheck::Parsed {
  std::deque<Json> documents;  // the parser keeps pointers into them
  valijson::Schema schema;
};

SchemaCheck::SchemaCheck(const nlohmann::json& schema) : parsed_(std::make_unique<Parsed>()) {
  std::deque<Json>& documents = parsed_->documents;
  documents.push_back(prepared(schema));
  const auto fetch = [&documents](const std::string& name) -> const Json* {
    documents.push_back(prepared(Json::parse(read_text(source_path("docs/schema/" + name)))));
    return &documents.back();
  };
  valijson::SchemaParser parser;
  parser.populateSchema<Adapter>(Adapter(documents.front()), parsed_->schema, fetch,
                                 [](const Json*) {});
}

SchemaCheck::~SchemaCheck() = default;

std::string SchemaCheck::complaint(const nlohmann::json& value) const {
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(parsed_->schema, Adapter(value), &results)) {
    return {};
  }
  std::string text;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    for (const std::string& step : error.context) {
      text += step;
    }
    text += ": " + error.description + "\n";
  }
  return text;
}

}  // namespace macfit::test
