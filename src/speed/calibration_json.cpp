#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "constants.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/core/embedded.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/speed/calibration.hpp"
#include "macfit/speed/stored_calibration.hpp"
#include "macfit/speed/work.hpp"

namespace macfit::speed {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view schema = "macfit.calibration/1";
constexpr std::array<std::string_view, figure_count> figure_names{"decode", "prefill",
                                                                  "decode-nodes", "prefill-nodes"};
constexpr std::array<std::string_view, 2> names_2024{"decode-2024", "prefill-2024"};
constexpr std::int64_t many = 1'000'000;

void read_constants(const JsonValue& value, Calibration& calibration) {
  const std::vector<std::string> names = constant_names();
  JsonObject all = value.object();
  for (const auto& [name, entry] : all.members()) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      throw unknown_name("constant", name, names, Place{{}, entry.pointer(), {}});
    }
    const auto i = static_cast<std::size_t>(at - names.begin());
    const ConstantInfo& info = constant_info(static_cast<Constant>(i));
    const double unit = unit_of(info);
    JsonObject object = entry.object();
    calibration.values[i] = object.at("value").number(info.low, info.high) * unit;
    calibration.low[i] = object.at("low").number(info.low, info.high) * unit;
    calibration.high[i] = object.at("high").number(info.low, info.high) * unit;
    calibration.rows[i] = static_cast<std::size_t>(object.at("rows").whole(0, many));
    const auto sources = object.find("sources");  // calibrations saved before say none
    calibration.sources[i] = sources ? static_cast<std::size_t>(sources->whole(0, many)) : 0;
    if (object.at("unit").string() != info.unit) {
      throw entry.error("expected the unit \"" + std::string(info.unit) + "\"");
    }
    static_cast<void>(object.find("meaning"));
    object.refuse_unknown();
  }
  // Calibrations saved before lack these: they stay where a fit starts.
  constexpr std::array<std::string_view, 3> later{"row-share", "prompt-reads", "exo-tensor"};
  for (const std::string& name : names) {
    if (std::find(later.begin(), later.end(), name) == later.end()) {
      static_cast<void>(all.at(name));
    }
  }
}

Residuals read_residual(const JsonValue& value) {
  JsonObject object = value.object();
  Residuals r;
  r.rows = static_cast<std::size_t>(object.at("rows").whole(0, many));
  r.configurations = static_cast<std::size_t>(object.at("configurations").whole(0, many));
  r.sources = static_cast<std::size_t>(object.at("sources").whole(0, many));
  r.low = object.at("low").number(-10.0, 0.0);
  r.high = object.at("high").number(0.0, 10.0);
  object.refuse_unknown();
  return r;
}

void read_residuals(const JsonValue& value, Calibration& calibration) {
  JsonObject all = value.object();
  for (std::size_t f = 0; f < figure_count; ++f) {
    calibration.residuals[f] = read_residual(all.at(figure_names[f]));
  }
  for (std::size_t f = 0; f < names_2024.size(); ++f) {
    if (const auto old = all.find(names_2024[f])) {
      calibration.residuals_2024[f] = read_residual(*old);
    }
  }
  all.refuse_unknown();
}

Anchor read_anchor(const JsonValue& value) {
  JsonObject object = value.object();
  Anchor anchor;
  anchor.chip = object.at("chip").string();
  anchor.cores = static_cast<int>(object.at("gpu_cores").whole(0, 1000));
  anchor.engine = object.at("engine").string();
  if (!engine_from_name(anchor.engine)) {
    throw object.at("engine").error("expected the name of an engine");
  }
  anchor.model = object.at("model").string();
  anchor.format = object.at("format").string();
  anchor.nodes = static_cast<int>(object.at("nodes").whole(1, 1000));
  anchor.prefill = object.at("prefill").boolean();
  anchor.log_ratio = object.at("log_ratio").number(-5.0, 5.0);
  anchor.rows = static_cast<std::size_t>(object.at("rows").whole(1, many));
  object.refuse_unknown();
  return anchor;
}

void read_fit(const JsonValue& value, Calibration& calibration) {
  for (const JsonValue& entry : value.array()) {
    JsonObject object = entry.object();
    FittedRow row;
    row.id = object.at("id").string();
    row.source = object.at("source").string();
    const std::string name = object.at("figure").string();
    const auto at = std::find(figure_names.begin(), figure_names.end(), name);
    if (at == figure_names.end()) {
      throw object.at("figure").error("expected the name of a figure");
    }
    row.figure = static_cast<Figure>(at - figure_names.begin());
    row.log_ratio = object.at("log_ratio").number(-20.0, 20.0);
    object.refuse_unknown();
    calibration.fitted.push_back(row);
  }
}

/// Four significant digits: more than the data carry.
double rounded(double value) {
  if (value == 0.0 || !std::isfinite(value)) {
    return 0.0;
  }
  const double scale = std::pow(10.0, 3 - std::floor(std::log10(std::fabs(value))));
  return std::round(value * scale) / scale;
}

Calibration parse(std::string_view text) {
  const JsonDocument document = JsonDocument::parse(text);
  JsonObject root = document.root().object();
  if (root.at("schema").string() != schema) {
    throw root.at("schema").error("expected \"" + std::string(schema) + "\"");
  }
  Calibration calibration = Calibration::start();
  static_cast<void>(root.find("about"));
  read_constants(root.at("constants"), calibration);
  read_residuals(root.at("residuals"), calibration);
  for (const JsonValue& anchor : root.at("own").array()) {
    calibration.anchors.push_back(read_anchor(anchor));
  }
  read_fit(root.at("fitted"), calibration);
  root.refuse_unknown();
  return calibration;
}

constexpr std::string_view embedded_file = "<embedded>/calibration.json";

/// Empty where the library was built without.
std::string_view embedded_text() {
  for (std::size_t i = 0; i < embedded::hardware_file_count; ++i) {
    const embedded::File& file = embedded::hardware_files[i];
    if (file.name == "calibration.json") {
      return file.text;
    }
  }
  return {};
}

/// The text of write_calibration() with its last member empty: nine tenths of it, which no
/// prediction needs. Any other text stays whole.
std::string without_rows(std::string_view text) {
  const std::size_t rows = text.find("\n \"fitted\": [");
  return rows == std::string_view::npos ? std::string(text)
                                        : std::string(text.substr(0, rows)) + "\"fitted\": []}";
}

}  // namespace

std::string_view figure_name(Figure figure) noexcept {
  return figure_names[static_cast<std::size_t>(figure)];
}

Calibration read_calibration(std::string_view text, std::string_view file) {
  try {
    return parse(text);
  } catch (const Error& error) {
    throw file.empty() ? error : error.in_file(file);
  }
}

const Calibration& Calibration::embedded() {
  static const Calibration calibration = [] {
    const std::string_view text = embedded_text();
    return text.empty() ? start() : read_calibration(without_rows(text), embedded_file);
  }();
  return calibration;
}

Calibration stored_calibration() {
  const std::string_view text = embedded_text();
  return text.empty() ? Calibration::start() : read_calibration(text, embedded_file);
}

Calibration Calibration::start() {
  Calibration calibration;
  for (std::size_t i = 0; i < constant_count; ++i) {
    const ConstantInfo& info = constant_info(static_cast<Constant>(i));
    calibration.values[i] = info.start * unit_of(info);
    calibration.low[i] = calibration.values[i];
    calibration.high[i] = calibration.values[i];
  }
  // 80th percentiles of |log error| that the first fit left: docs/speed.md.
  const std::array<double, figure_count> spread{0.2, 0.25, 0.3, 0.35};
  for (std::size_t f = 0; f < figure_count; ++f) {
    calibration.residuals[f].low = -spread[f];
    calibration.residuals[f].high = spread[f];
  }
  return calibration;
}

std::string write_calibration(const Calibration& calibration) {
  Json root;
  root["schema"] = schema;
  root["about"] =
      "Constants of the speed model (docs/speed.md), written by macfit calibrate --fit. low and "
      "high: over fits that leave one source out. log_ratio: ln(published / predicted).";
  Json& constants = root["constants"];
  for (std::size_t i = 0; i < constant_count; ++i) {
    const ConstantInfo& info = constant_info(static_cast<Constant>(i));
    const double unit = unit_of(info);
    constants[std::string(info.name)] = {{"value", rounded(calibration.values[i] / unit)},
                                         {"unit", info.unit},
                                         {"low", rounded(calibration.low[i] / unit)},
                                         {"high", rounded(calibration.high[i] / unit)},
                                         {"rows", calibration.rows[i]},
                                         {"sources", calibration.sources[i]},
                                         {"meaning", info.meaning}};
  }
  Json& residuals = root["residuals"];
  const auto put = [&](std::string_view name, const Residuals& r) {
    residuals[std::string(name)] = {{"rows", r.rows},
                                    {"configurations", r.configurations},
                                    {"sources", r.sources},
                                    {"low", rounded(r.low)},
                                    {"high", rounded(r.high)}};
  };
  for (std::size_t f = 0; f < figure_count; ++f) {
    put(figure_names[f], calibration.residuals[f]);
  }
  for (std::size_t f = 0; f < names_2024.size(); ++f) {
    put(names_2024[f], calibration.residuals_2024[f]);
  }
  root["own"] = Json::array();
  for (const Anchor& a : calibration.anchors) {
    root["own"].push_back({{"chip", a.chip},
                           {"gpu_cores", a.cores},
                           {"engine", a.engine},
                           {"model", a.model},
                           {"format", a.format},
                           {"nodes", a.nodes},
                           {"prefill", a.prefill},
                           {"log_ratio", rounded(a.log_ratio)},
                           {"rows", a.rows}});
  }
  root["fitted"] = Json::array();
  for (const FittedRow& row : calibration.fitted) {
    root["fitted"].push_back({{"id", row.id},
                              {"source", row.source},
                              {"figure", figure_name(row.figure)},
                              {"log_ratio", rounded(row.log_ratio)}});
  }
  return dump_json(root, 1) + "\n";
}

}  // namespace macfit::speed
