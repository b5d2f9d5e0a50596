#include <fmt/format.h>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/study/grid.hpp"

namespace macfit::study {
namespace {

/// A value of an axis: a text, or a number where the axis has numbers (or versions).
std::string value_of(const JsonValue& value) {
  if (value.is_string()) {
    return value.string();
  }
  if (value.raw().is_number_integer()) {
    return std::to_string(value.whole(0, std::int64_t{1} << 53));
  }
  if (value.is_number()) {
    return fmt::format("{}", value.number(0, 1e15));
  }
  throw value.expected("a text or a number");
}

std::string joined(const JsonValue& value) {
  if (!value.is_array()) {
    return value.string();
  }
  std::string result;
  for (const JsonValue& item : value.array()) {
    result += (result.empty() ? "" : ",") + item.string();
  }
  return result;
}

std::vector<std::string> values_of(Axis axis, const JsonValue& value) {
  std::vector<std::string> values;
  std::vector<JsonValue> items;
  if (value.is_array()) {
    items = value.array();
  } else {
    items.push_back(value);
  }
  if (items.empty()) {
    throw value.error("no value, so the grid is empty");
  }
  for (const JsonValue& item : items) {
    values.push_back(item.is_null() ? "default" : value_of(item));
    try {
      Grid probe;
      std::vector<std::string> ignored;
      probe.set(axis, {values.back()}, ignored);
    } catch (const Error& error) {
      throw item.error(error.message(), error.hint());
    }
  }
  return values;
}

SweepSpec read(const JsonValue& root) {
  SweepSpec spec;
  JsonObject object = root.object();
  const JsonValue schema = object.at("schema");
  if (schema.string() != "macfit.sweep/1") {
    throw schema.expected("\"macfit.sweep/1\"");
  }
  for (const auto& [name, value] : object.at("axes").object().members()) {
    Axis axis{};
    try {
      axis = parse_axis(name);
    } catch (const Error& error) {
      throw value.error(error.message(), error.hint());
    }
    spec.axes.emplace_back(axis, values_of(axis, value));
  }
  if (const auto where = object.find("where")) {
    spec.where = joined(*where);
  }
  if (const auto select = object.find("select")) {
    spec.select = joined(*select);
  }
  if (const auto pareto = object.find("pareto")) {
    spec.pareto = joined(*pareto);
  }
  (void)object.find("$schema");
  object.refuse_unknown();
  return spec;
}

}  // namespace

SweepSpec read_sweep_spec(std::string_view text, std::string_view file) {
  try {
    const JsonDocument document = JsonDocument::parse(text);
    return read(document.root());
  } catch (const Error& error) {
    throw error.in_file(file);
  }
}

}  // namespace macfit::study
