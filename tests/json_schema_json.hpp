#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

namespace macfit::test {

/// Checks values against a JSON Schema of docs/schema/ by valijson. Beyond what a schema says, an
/// object that lists properties takes no others: schemas leave that open for their readers, the
/// program that they describe must not. A keyword that the check does not know is an exception.
class SchemaCheck {
 public:
  explicit SchemaCheck(const nlohmann::json& schema);
  ~SchemaCheck();
  SchemaCheck(const SchemaCheck&) = delete;
  SchemaCheck& operator=(const SchemaCheck&) = delete;

  /// The first complaint with its place, or nothing.
  [[nodiscard]] std::string complaint(const nlohmann::json& value) const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace macfit::test
