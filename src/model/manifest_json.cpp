// Manifests: read strictly, with every problem and its place, and written so that they read back
// the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "architecture_json.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/evidence.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/manifest.hpp"
#include "manifest_problems_json.hpp"

namespace macfit::model {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view schema = "macfit.manifest/1";
constexpr std::int64_t most = std::int64_t{1} << 60;

std::string text_of(const JsonValue& value) {
  constexpr std::size_t longest = 2000;
  std::string text = value.string();
  if (text.size() > longest) {
    throw value.expected("a text of at most 2,000 bytes");
  }
  if (text.empty() || trim(text).size() != text.size()) {
    throw value.expected("a text without blanks around it");
  }
  if (printable(text, text.size()) != text) {
    throw value.expected("a text without control characters");
  }
  return text;
}

std::string optional_text(JsonObject& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? text_of(*value) : std::string();
}

constexpr std::size_t longest_id = 80;

bool plain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool plain_or_mark(char c) { return plain(c) || c == '-' || c == '.' || c == '_'; }

std::string read_id(const JsonValue& value) {
  std::string id = value.string();
  const bool good = !id.empty() && id.size() <= longest_id && plain(id.front()) &&
                    plain(id.back()) && std::all_of(id.begin(), id.end(), plain_or_mark);
  if (!good) {
    throw value.expected(
        "an id of at most 80 lower-case letters, digits, \"-\", \".\" and \"_\", such as "
        "\"llama-3.1-70b\"");
  }
  return id;
}

/// The nearest id to a name, which may be a folder's: "GLM-4.5 Air" is glm-4.5-air.
std::string id_for(std::string_view name) {
  std::string id;
  for (const char c : lower(name)) {
    if (plain_or_mark(c)) {
      id += c;
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  const auto first = std::find_if(id.begin(), id.end(), plain);
  id.erase(id.begin(), first);
  id.resize(std::min(id.size(), longest_id));
  while (!id.empty() && !plain(id.back())) {
    id.pop_back();
  }
  return id.empty() ? "model" : id;
}

/// A repository name or another spelling of the model's name.
std::string read_alias(const JsonValue& value) {
  std::string alias = text_of(value);
  if (alias.find_first_of(" \\\"") != std::string::npos || alias.size() > 200) {
    throw value.expected("a name without blanks, quotes and backslashes");
  }
  return alias;
}

Evidence read_evidence(const JsonValue& value) {
  const std::string word = value.string();
  if (const auto evidence = evidence_from_name(word)) {
    return *evidence;
  }
  std::vector<std::string> known;
  for (int i = 0; i <= static_cast<int>(Evidence::estimated); ++i) {
    known.emplace_back(evidence_name(static_cast<Evidence>(i)));
  }
  throw unknown_name("evidence", word, known, Place{{}, value.pointer(), {}},
                     "One of " + join_words(known, "or") + ".");
}

Recipe read_recipe(const JsonValue& value) {
  try {
    return parse_recipe(value.string());
  } catch (const Error& error) {
    if (error.place().pointer) {
      throw;
    }
    throw value.error(error.message(), error.hint());
  }
}

PublishedFormat read_format(const JsonValue& value, Problems& problems) {
  JsonObject object = value.object();
  problems.unknown_keys(object, {"recipe", "evidence", "bytes", "source", "repository"});
  PublishedFormat format;
  format.recipe = read_recipe(object.at("recipe"));
  format.evidence = Evidence::estimated;
  if (const auto evidence = object.find("evidence")) {
    format.evidence = read_evidence(*evidence);
  }
  if (const auto bytes = object.find("bytes")) {
    format.bytes = Bytes(bytes->whole(1, most));
  }
  format.source = optional_text(object, "source");
  if (const auto repository = object.find("repository")) {
    format.repository = read_alias(*repository);
  }
  if (format.bytes && format.source.empty()) {
    throw value.error("published bytes need a \"source\"");
  }
  return format;
}

PublishedCount read_published(const JsonValue& value, Problems& problems) {
  JsonObject object = value.object();
  problems.unknown_keys(object, {"parameters", "source", "rule"});
  PublishedCount count;
  count.parameters = object.at("parameters").whole(1, most);
  count.source = text_of(object.at("source"));
  count.note = optional_text(object, "rule");
  return count;
}

Expectation read_expectation(const JsonValue& value, Problems& problems) {
  JsonObject object = value.object();
  problems.unknown_keys(object, {"nodes", "context", "sequences", "quant", "runtime", "kv", "link",
                                 "verdict", "tier", "min_decode"});
  Expectation expect;
  expect.nodes = text_of(object.at("nodes"));
  if (const auto context = object.find("context")) {
    if (context->is_string()) {
      try {
        expect.context = parse_tokens(context->string());
      } catch (const Error& error) {
        throw context->error(error.message(), error.hint());
      }
    } else {
      expect.context = Tokens(context->whole(1, std::int64_t{1} << 40));
    }
  }
  if (const auto sequences = object.find("sequences")) {
    expect.sequences = sequences->whole(1, 1'000'000);
  }
  expect.quant = optional_text(object, "quant");
  expect.runtime = optional_text(object, "runtime");
  expect.kv = optional_text(object, "kv");
  expect.link = optional_text(object, "link");
  expect.verdict = optional_text(object, "verdict");
  expect.tier = optional_text(object, "tier");
  if (const auto decode = object.find("min_decode")) {
    expect.min_decode = decode->number(0, 1e9);
  }
  if (expect.verdict.empty() && expect.tier.empty() && !expect.min_decode) {
    throw value.error("nothing is expected here: state \"verdict\", \"tier\" or \"min_decode\"");
  }
  return expect;
}

/// The member of `from`: {"config": "config.json"}.
ManifestFile read_file(const JsonValue& value, Problems& problems) {
  JsonObject object = value.object();
  problems.unknown_keys(object, {"config", "gguf", "safetensors"});
  std::vector<ManifestFile> found;
  const auto take = [&](std::string_view key, ManifestFile::Kind kind) {
    if (const auto path = object.find(key)) {
      found.push_back({kind, text_of(*path)});
    }
  };
  take("config", ManifestFile::Kind::config);
  take("gguf", ManifestFile::Kind::gguf);
  take("safetensors", ManifestFile::Kind::safetensors);
  if (found.size() != 1) {
    throw value.error("expected one of \"config\", \"gguf\" and \"safetensors\", found " +
                      std::to_string(found.size()) + " of them");
  }
  return found.front();
}

void read_names(JsonObject& object, Problems& problems, Model& model) {
  problems.attempt([&] {
    if (const auto repository = object.find("repository")) {
      model.repository = read_alias(*repository);
    }
  });
  problems.attempt([&] {
    const auto aliases = object.find("aliases");
    std::vector<std::string> seen = {model.id};
    for (const JsonValue& value : aliases ? aliases->array() : std::vector<JsonValue>()) {
      problems.attempt([&] {
        std::string alias = read_alias(value);
        if (std::any_of(seen.begin(), seen.end(),
                        [&](const std::string& other) { return same_name(other, alias); })) {
          throw value.error("the name \"" + printable(alias) + "\" stands here twice");
        }
        seen.push_back(alias);
        model.aliases.push_back(std::move(alias));
      });
    }
  });
}

void read_named_file(const JsonValue& from, const ManifestResolver& resolve, Problems& problems,
                     Manifest& manifest) {
  manifest.file = read_file(from, problems);
  if (!resolve) {
    throw from.error("the file \"" + printable(manifest.file->path) +
                     "\" can't be read from here: only shapes written into the manifest can");
  }
  Model& model = manifest.model;
  Model read = resolve(*manifest.file);
  model.architecture = std::move(read.architecture);
  model.stored = std::move(read.stored);
  model.formats = std::move(read.formats);
  model.default_recipe = std::move(read.default_recipe);
  model.architecture_source = std::move(read.architecture_source);
  model.evidence = read.evidence;
  model.notes = std::move(read.notes);
}

void read_shapes(JsonObject& object, const ManifestResolver& resolve, Problems& problems,
                 Manifest& manifest) {
  const auto architecture = object.find("architecture");
  const auto from = object.find("from");
  Model& model = manifest.model;
  if (architecture && from) {
    problems.add("wrong-value",
                 from->error("\"from\" and \"architecture\" can't both say what the shapes are"));
  }
  if (architecture) {
    model.architecture = read_architecture(*architecture, problems);
    model.evidence = Evidence::estimated;
  } else if (from) {
    problems.attempt([&] { read_named_file(*from, resolve, problems, manifest); });
  } else {
    problems.add(
        "missing-key",
        object.value().error(
            "expected \"architecture\" with the shapes, or \"from\" naming a file that has them"));
  }
  problems.attempt([&] {
    if (const auto source = object.find("source")) {
      JsonObject fields = source->object();
      problems.unknown_keys(fields, {"shapes", "evidence"});
      problems.attempt([&] { model.architecture_source = text_of(fields.at("shapes")); });
      model.evidence = read_evidence(fields.at("evidence"));
    }
  });
}

/// Sizes that a manifest states are held against its shapes: a wrong digit in either shows.
void check_sizes(JsonObject& object, Problems& problems, const Model& model) {
  const auto total = object.find("parameters");
  const auto active = object.find("active_parameters");
  if (!total && !active) {
    return;
  }
  if (model.architecture.layers.empty()) {
    // Where the shapes are wrong, that is what there is to say.
    if (problems.gaps() == 0) {
      problems.add(
          "parameters",
          (total ? *total : *active).error("there are no shapes here to hold this against"));
    }
    return;
  }
  const ParameterCount count = count_parameters(model.architecture);
  const auto check = [&](const std::optional<JsonValue>& stated, std::int64_t computed) {
    problems.attempt("parameters", [&] {
      if (stated && stated->whole(1, most) != computed) {
        throw stated->error("the shapes make " + format_whole(computed) +
                            " parameters, stated are " + format_whole(stated->whole(1, most)));
      }
    });
  };
  check(total, count.total);
  check(active, count.active);
}

/// Smallest first, each with the place where it stands.
void read_formats(const JsonValue& value, Problems& problems, ManifestReading& reading) {
  std::vector<std::pair<PublishedFormat, std::string>> formats;
  for (const JsonValue& element : value.array()) {
    problems.attempt(
        [&] { formats.emplace_back(read_format(element, problems), element.pointer()); });
  }
  std::stable_sort(formats.begin(), formats.end(), [](const auto& a, const auto& b) {
    return nominal_bits(a.first.recipe) < nominal_bits(b.first.recipe);
  });
  reading.manifest.model.formats.clear();
  for (auto& [format, pointer] : formats) {
    reading.manifest.model.formats.push_back(std::move(format));
    reading.format_pointers.push_back(std::move(pointer));
  }
}

std::string one_line(const ordered_json& value) {
  if (!value.is_structured()) {
    return dump_json(value, -1);
  }
  std::string text = value.is_object() ? "{" : "[";
  bool first = true;
  for (const auto& item : value.items()) {
    text += first ? "" : ", ";
    first = false;
    text += value.is_object() ? dump_json(item.key(), -1) + ": " : std::string();
    text += one_line(item.value());
  }
  return text + (value.is_object() ? "}" : "]");
}

/// On one line what fits there, else one member a line.
void print(const ordered_json& value, std::size_t indent, std::size_t used, std::string& out) {
  constexpr std::size_t width = 100;
  const std::string line = one_line(value);
  // The document itself is opened up however short it is.
  if (!value.is_structured() || value.empty() ||
      (indent > 0 && used + columns(line) + 1 <= width)) {
    out += line;
    return;
  }
  out += value.is_object() ? "{\n" : "[\n";
  bool first = true;
  for (const auto& item : value.items()) {
    out += first ? "" : ",\n";
    first = false;
    out.append(indent + 2, ' ');
    const std::string key = value.is_object() ? dump_json(item.key(), -1) + ": " : std::string();
    out += key;
    print(item.value(), indent + 2, indent + 2 + key.size(), out);
  }
  out += '\n';
  out.append(indent, ' ');
  out += value.is_object() ? '}' : ']';
}

ordered_json write_format(const PublishedFormat& format) {
  ordered_json json = {{"recipe", format.recipe.name}};
  if (!format.repository.empty()) {
    json["repository"] = format.repository;
  }
  if (format.bytes) {
    json["bytes"] = format.bytes->count();
  }
  if (format.evidence != Evidence::estimated) {
    json["evidence"] = std::string(evidence_name(format.evidence));
  }
  if (!format.source.empty()) {
    json["source"] = format.source;
  }
  return json;
}

ordered_json write_expectation(const Expectation& expect) {
  ordered_json json = {{"nodes", expect.nodes}};
  if (expect.context) {
    json["context"] = expect.context->count();
  }
  if (expect.sequences) {
    json["sequences"] = *expect.sequences;
  }
  const auto put = [&](const char* key, const std::string& text) {
    if (!text.empty()) {
      json[key] = text;
    }
  };
  put("quant", expect.quant);
  put("runtime", expect.runtime);
  put("kv", expect.kv);
  put("link", expect.link);
  put("verdict", expect.verdict);
  put("tier", expect.tier);
  if (expect.min_decode) {
    json["min_decode"] = *expect.min_decode;
  }
  return json;
}

const char* file_key(ManifestFile::Kind kind) {
  switch (kind) {
    case ManifestFile::Kind::gguf:
      return "gguf";
    case ManifestFile::Kind::safetensors:
      return "safetensors";
    case ManifestFile::Kind::config:
      break;
  }
  return "config";
}

void write_shapes(const Manifest& manifest, ordered_json& json) {
  const Model& model = manifest.model;
  if (manifest.file) {
    json["from"] = ordered_json{{file_key(manifest.file->kind), manifest.file->path}};
  }
  if (!model.architecture_source.empty()) {
    json["source"] = ordered_json{{"shapes", model.architecture_source},
                                  {"evidence", std::string(evidence_name(model.evidence))}};
  }
  if (model.published_count) {
    json["published"] = ordered_json{{"parameters", model.published_count->parameters},
                                     {"source", model.published_count->source}};
    if (!model.published_count->note.empty()) {
      json["published"]["rule"] = model.published_count->note;
    }
  }
  if (!manifest.file) {
    json["architecture"] = write_architecture(model.architecture);
  }
}

const std::vector<std::string>& top_level_keys() {
  static const std::vector<std::string> keys = {
      "schema",       "id",      "parameters", "active_parameters",
      "repository",   "aliases", "source",     "published",
      "architecture", "from",    "formats",    "default_format",
      "notes",        "expect"};
  return keys;
}

void read_document(const JsonValue& root, const ManifestResolver& resolve, Problems& problems,
                   ManifestReading& reading) {
  JsonObject object = root.object();
  Manifest& manifest = reading.manifest;
  Model& model = manifest.model;
  model.source = Source::manifest;
  // A misspelled key before the one that is missing for it; another version's keys not at all.
  const auto version = object.find("schema");
  if (version && (!version->is_string() || version->string() != schema)) {
    throw version->expected("\"" + std::string(schema) + "\"");
  }
  problems.unknown_keys(object, top_level_keys());
  problems.attempt([&] { (void)object.at("schema"); });
  problems.attempt([&] { model.id = read_id(object.at("id")); });
  read_names(object, problems, model);
  read_shapes(object, resolve, problems, manifest);
  check_sizes(object, problems, model);
  problems.attempt([&] {
    if (const auto published = object.find("published")) {
      model.published_count = read_published(*published, problems);
    }
  });
  problems.attempt([&] {
    if (const auto formats = object.find("formats")) {
      read_formats(*formats, problems, reading);
    }
  });
  problems.attempt([&] {
    if (const auto recipe = object.find("default_format")) {
      model.default_recipe = read_recipe(*recipe);
    }
  });
  problems.attempt([&] {
    const auto notes = object.find("notes");
    for (const JsonValue& value : notes ? notes->array() : std::vector<JsonValue>()) {
      problems.attempt([&] { model.notes.push_back(text_of(value)); });
    }
  });
  problems.attempt([&] {
    const auto expect = object.find("expect");
    for (const JsonValue& value : expect ? expect->array() : std::vector<JsonValue>()) {
      problems.attempt([&] {
        manifest.expect.push_back(read_expectation(value, problems));
        reading.expect_pointers.push_back(value.pointer());
      });
    }
  });
}

/// A misspelled key says what the missing one would say again.
void drop_echoes(std::vector<ManifestProblem>& problems) {
  const auto echo = [&](const ManifestProblem& missing) {
    const std::string& message = missing.error.message();
    const std::size_t open = message.find('"') + 1;
    const std::string key = message.substr(open, message.find('"', open) - open);
    return missing.code == "missing-key" &&
           std::any_of(problems.begin(), problems.end(), [&](const ManifestProblem& other) {
             const std::string pointer = other.error.place().pointer.value_or("");
             const std::size_t last = std::min(pointer.rfind('/'), pointer.size());
             return other.code == "unknown-key" &&
                    pointer.substr(0, last) == missing.error.place().pointer.value_or("") &&
                    !nearest(pointer.substr(std::min(last + 1, pointer.size())), {key}, 1).empty();
           });
  };
  std::vector<ManifestProblem> kept;
  std::copy_if(problems.begin(), problems.end(), std::back_inserter(kept),
               [&](const ManifestProblem& problem) { return !echo(problem); });
  problems = std::move(kept);
}

}  // namespace

Manifest parse_manifest(std::string_view text, const ManifestResolver& resolve) {
  const JsonDocument document = JsonDocument::parse(text);
  ManifestReading reading;
  Problems first(nullptr);
  read_document(document.root(), resolve, first, reading);
  return std::move(reading.manifest);
}

ManifestReading inspect_manifest(std::string_view text, const ManifestResolver& resolve) {
  ManifestReading reading;
  std::vector<ManifestProblem> kept;
  Problems problems(&kept);
  problems.attempt("not-json", [&] {
    const JsonDocument document = JsonDocument::parse(text);
    problems.attempt([&] { read_document(document.root(), resolve, problems, reading); });
  });
  drop_echoes(kept);
  reading.problems = std::move(kept);
  return reading;
}

Model read_manifest(std::string_view text, const ManifestResolver& resolve) {
  return parse_manifest(text, resolve).model;
}

std::string write_manifest(const Model& model) { return write_manifest(Manifest{model, {}, {}}); }

std::string write_manifest(const Manifest& manifest) {
  const Model& model = manifest.model;
  ordered_json json = {{"schema", std::string(schema)}, {"id", id_for(model.id)}};
  // Near the top, so that a list of sizes needs no shapes: Catalog::sizes().
  if (!manifest.file && !model.architecture.layers.empty()) {
    const ParameterCount count = count_parameters(model.architecture);
    json["parameters"] = count.total;
    json["active_parameters"] = count.active;
  }
  if (!model.repository.empty()) {
    json["repository"] = model.repository;
  }
  if (!model.aliases.empty()) {
    json["aliases"] = model.aliases;
  }
  write_shapes(manifest, json);
  if (!model.formats.empty()) {
    json["formats"] = ordered_json::array();
    for (const PublishedFormat& format : model.formats) {
      json["formats"].push_back(write_format(format));
    }
  }
  if (model.default_recipe) {
    json["default_format"] = model.default_recipe->name;
  }
  if (!model.notes.empty()) {
    json["notes"] = model.notes;
  }
  if (!manifest.expect.empty()) {
    json["expect"] = ordered_json::array();
    for (const Expectation& expect : manifest.expect) {
      json["expect"].push_back(write_expectation(expect));
    }
  }
  std::string out;
  print(json, 0, 0, out);
  return out + "\n";
}

}  // namespace macfit::model
