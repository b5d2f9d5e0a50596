// Files of measurements in JSON: rows of this project, llama-bench, and what spike.sh writes.

#include <cmath>

#include <fmt/format.h>

#include "macfit/core/dump_json.hpp"
#include "macfit/core/embedded.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "rows.hpp"

namespace macfit::calibrate {
namespace {

constexpr std::string_view spike_schema = "macfit.spike/1";
constexpr double most_tokens = 1e12;
constexpr double most_speed = 1e9;

/// Text of a member that may be text, a number, null or missing.
std::string loose(JsonObject& object, std::string_view key) {
  const auto value = object.find(key);
  if (!value) {
    return {};
  }
  if (value->is_string()) {
    return value->string();
  }
  if (value->is_number()) {
    const double number = value->number(-most_tokens, most_tokens);
    return number == std::floor(number) ? std::to_string(std::llround(number))
                                        : std::to_string(number);
  }
  throw value->expected("a text, a number or null");
}

int whole_or(JsonObject& object, std::string_view key, int otherwise) {
  const auto value = object.find(key);
  return value ? static_cast<int>(value->whole(0, 100000)) : otherwise;
}

std::optional<double> tokens_of(JsonObject& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? std::optional(value->number(0.0, most_tokens)) : std::nullopt;
}

MeasuredRow read_row(const JsonValue& value, std::size_t index) {
  JsonObject object = value.object();
  MeasuredRow row;
  row.id = loose(object, "id");
  if (row.id.empty()) {
    row.id = "row-" + std::to_string(index + 1);
  }
  row.hardware = loose(object, "hardware");
  row.chip = loose(object, "chip");
  row.gpu_cores = whole_or(object, "gpu_cores", 0);
  row.ram = loose(object, "ram_gb_per_node");
  row.nodes = whole_or(object, "nodes", 1);
  row.link = loose(object, "link");
  row.backend = loose(object, "backend");
  row.parallelism = loose(object, "parallelism");
  row.runtime = loose(object, "runtime");
  row.model = loose(object, "model");
  row.quant = loose(object, "quant");
  row.context = loose(object, "context");
  row.batch = whole_or(object, "batch", 1);
  row.phase = loose(object, "phase");
  row.value = object.at("value").number(0.0, most_speed);
  row.source = loose(object, "source");
  row.date = loose(object, "date");
  row.release = loose(object, "release");
  row.built = loose(object, "built");
  row.notes = loose(object, "notes");
  row.prompt = tokens_of(object, "prompt_tokens");
  row.generated = tokens_of(object, "generated_tokens");
  row.cached = tokens_of(object, "cached_tokens");
  if (const auto depth = tokens_of(object, "depth")) {
    if (row.cached && *row.cached != *depth) {
      throw object.at("depth").error(
          "\"depth\" and \"cached_tokens\" say different numbers of one thing");
    }
    row.cached = depth;
  }
  const auto usable = object.find("usable_for_validation");
  row.usable = !usable || usable->boolean();
  const auto own = object.find("own");
  row.own = own && own->boolean();
  return row;
}

std::string basename(std::string_view path) {
  return std::string(path.substr(path.find_last_of("/\\") + 1));
}

/// One test of llama-bench -o json.
MeasuredRow read_bench(const JsonValue& value, std::size_t index, const RowDefaults& defaults) {
  JsonObject object = value.object();
  MeasuredRow row;
  row.id = "llama-bench-" + std::to_string(index + 1);
  row.own = true;
  row.runtime = "llama.cpp b" + loose(object, "build_number");
  row.source = "own results";
  row.date = loose(object, "test_time");
  row.chip = loose(object, "gpu_info");
  if (row.chip.empty() || row.chip.find('M') == std::string::npos) {
    row.chip = loose(object, "cpu_info");
  }
  row.hardware = defaults.machine;
  const std::string file = basename(loose(object, "model_filename"));
  row.model = defaults.model.empty() ? file : defaults.model;
  row.quant = defaults.quant.empty() ? loose(object, "model_type") : defaults.quant;
  const double prompt = object.at("n_prompt").number(0, most_tokens);
  const double generated = object.at("n_gen").number(0, most_tokens);
  const auto depth = object.find("n_depth");
  row.cached = depth ? depth->number(0, most_tokens) : 0.0;
  row.prompt = prompt;
  row.generated = generated;
  row.phase = generated > 0.0 ? "decode" : "prefill";
  row.usable = generated == 0.0 || prompt == 0.0;  // a mean over both phases is neither
  row.value = object.at("avg_ts").number(0.0, most_speed);
  return row;
}

bool is_bench(const JsonValue& entry) {
  return entry.is_object() && entry.object().contains("avg_ts") &&
         entry.object().contains("n_prompt");
}

/// One line of what a launch folder's spike.sh appends to results.jsonl.
MeasuredRow read_spike(const JsonValue& value, std::size_t line) {
  JsonObject object = value.object();
  if (const auto schema = object.at("schema"); schema.string() != spike_schema) {
    throw schema.expected("\"" + std::string(spike_schema) + "\"");
  }
  MeasuredRow row;
  const std::string run = loose(object, "run");
  row.id = fmt::format("spike-{}{}{}", line, run.empty() ? "" : "-", run);
  row.own = true;
  row.source = "own results";
  row.model = object.at("model").string();
  row.quant = loose(object, "format");
  row.runtime = object.at("runtime").string();
  row.hardware = object.at("machine").string();
  row.nodes = static_cast<int>(object.at("nodes").whole(1, 1000));
  row.parallelism = object.at("split").string();
  row.link = loose(object, "link");
  if (row.nodes > 1) {
    row.backend = row.link.ends_with("rdma") ? "RDMA" : "TCP";
  }
  row.date = loose(object, "date");
  row.phase = object.at("phase").string();
  const double tokens = object.at("tokens").number(1.0, most_tokens);
  const double seconds = object.at("seconds").number(0.0, most_tokens);
  const double context = object.at("context").number(0.0, most_tokens);
  const bool prefill = row.phase == "prefill";
  row.cached = 0.0;
  row.prompt = prefill ? tokens : context;
  row.generated = prefill ? 1.0 : tokens;
  row.value = seconds > 0.0 ? tokens / seconds : 0.0;
  row.usable = row.value > 0.0 && row.value < most_speed;
  return row;
}

/// Lines of JSON, one object each: macfit.spike/1 and what llama-bench -o jsonl writes, also mixed.
/// An error says which line.
std::vector<MeasuredRow> read_lines(std::string_view text, const RowDefaults& defaults) {
  std::vector<MeasuredRow> rows;
  std::size_t number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty()) {
      continue;
    }
    try {
      const JsonDocument document = JsonDocument::parse(line);
      rows.push_back(is_bench(document.root()) ? read_bench(document.root(), number - 1, defaults)
                                               : read_spike(document.root(), number));
    } catch (const Error& error) {
      throw Error(fmt::format("line {}: {}", number, error.message()), error.place(), error.hint());
    }
  }
  return rows;
}

std::vector<MeasuredRow> parse(std::string_view text, const RowDefaults& defaults) {
  const std::string_view body = trim(text);
  const std::string_view first = trim(body.substr(0, body.find('\n')));
  const bool whole = first.starts_with('{') && first.ends_with('}');
  if (first.find("\"macfit.spike/") != std::string_view::npos ||
      (whole && first.find("\"avg_ts\"") != std::string_view::npos)) {
    return read_lines(body, defaults);
  }
  if (body.empty() || (body[0] != '{' && body[0] != '[')) {
    return read_benchmark_text(text, defaults);
  }
  const JsonDocument document = JsonDocument::parse(text);
  std::vector<MeasuredRow> rows;
  JsonValue list = document.root();
  if (list.is_object()) {
    list = list.object().at("rows");
  }
  const std::vector<JsonValue> entries = list.array();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    rows.push_back(is_bench(entries[i]) ? read_bench(entries[i], i, defaults)
                                        : read_row(entries[i], i));
  }
  return rows;
}

}  // namespace

std::vector<MeasuredRow> read_measurements(std::string_view text, std::string_view file,
                                           const RowDefaults& defaults) {
  try {
    return parse(text, defaults);
  } catch (const Error& error) {
    throw file.empty() ? error : error.in_file(file);
  }
}

std::vector<MeasuredRow> stored_measurements() {
  std::vector<MeasuredRow> rows;
  for (std::size_t i = 0; i < embedded::hardware_file_count; ++i) {
    const embedded::File& file = embedded::hardware_files[i];
    if (file.name.starts_with("measurements")) {
      const std::vector<MeasuredRow> more =
          read_measurements(file.text, "<embedded>/" + std::string(file.name));
      rows.insert(rows.end(), more.begin(), more.end());
    }
  }
  return rows;
}

std::string write_measurements(const std::vector<MeasuredRow>& rows, std::string_view about) {
  using Json = nlohmann::ordered_json;
  Json root{{"schema", "macfit.measurements/1"}, {"about", about}, {"rows", Json::array()}};
  for (const MeasuredRow& row : rows) {
    Json json{{"id", row.id}, {"hardware", row.hardware}, {"chip", row.chip}};
    if (row.gpu_cores > 0) {
      json["gpu_cores"] = row.gpu_cores;
    }
    const auto say = [&](const char* key, const std::string& text) {
      if (!text.empty()) {
        json[key] = text;
      }
    };
    say("ram_gb_per_node", row.ram);
    if (row.nodes > 1) {
      json["nodes"] = row.nodes;
    }
    say("link", row.link);
    say("backend", row.backend);
    say("parallelism", row.parallelism);
    json["runtime"] = row.runtime;
    json["model"] = row.model;
    json["quant"] = row.quant;
    say("context", row.context);
    if (row.batch > 1) {
      json["batch"] = row.batch;
    }
    json["phase"] = row.phase;
    json["value"] = row.value;
    json["source"] = row.source;
    json["date"] = row.date;
    say("notes", row.notes);
    root["rows"].push_back(std::move(json));
  }
  return dump_document(root);
}

}  // namespace macfit::calibrate
