// Reads runtimes/NAME.json: what a runtime is and can do, release by release. A fact holds for
// every release unless it says since which or until which (that one excluded).

#include <algorithm>
#include <optional>

#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/runtime/facts.hpp"
#include "macfit/runtime/failure_modes.hpp"

namespace macfit::runtime {
namespace {

constexpr std::string_view schema = "macfit.runtime/1";
constexpr std::int64_t most_ports = 65535;

/// The releases of a file in their order, and which of them is read.
class Timeline {
 public:
  Timeline(std::vector<std::string> versions, std::size_t at)
      : versions_(std::move(versions)), at_(at) {}

  [[nodiscard]] std::size_t index(const JsonValue& version) const {
    const std::string asked = version.string();
    const auto known = std::find(versions_.begin(), versions_.end(), asked);
    if (known == versions_.end()) {
      throw version.error("the release \"" + printable(asked) + "\" is not among the releases",
                          "known are " + join_words(versions_));
    }
    return static_cast<std::size_t>(known - versions_.begin());
  }
  [[nodiscard]] bool reached(const JsonValue& version) const { return index(version) <= at_; }

  /// By "since" and "until" of an object.
  [[nodiscard]] bool within(JsonObject& object) const {
    const std::optional<JsonValue> since = object.find("since");
    const std::optional<JsonValue> until = object.find("until");
    return (!since || reached(*since)) && !(until && reached(*until));
  }

  /// true, false, "the release since which", or {"since": …, "until": …, "source": …}.
  [[nodiscard]] bool holds(const JsonValue& value) const {
    if (value.is_boolean()) {
      return value.boolean();
    }
    if (value.is_string()) {
      return reached(value);
    }
    JsonObject object = value.object();
    (void)object.find("source");
    const bool now = within(object);
    object.refuse_unknown();
    return now;
  }

  /// A text, or a list of {"value": …, "since": …} of which the last that holds counts.
  [[nodiscard]] std::string chosen(const JsonValue& value) const {
    if (!value.is_array()) {
      return value.string();
    }
    std::string result;
    for (const JsonValue& item : value.array()) {
      JsonObject object = item.object();
      const std::string text = object.at("value").string();
      if (within(object)) {
        result = text;
      }
      object.refuse_unknown();
    }
    return result;
  }

 private:
  std::vector<std::string> versions_;
  std::size_t at_;
};

std::vector<std::string> strings(const JsonValue& value) {
  std::vector<std::string> result;
  for (const JsonValue& item : value.array()) {
    result.push_back(item.string());
  }
  return result;
}

void read_flag(JsonObject& object, std::string_view key, const Timeline& timeline, bool& flag) {
  if (const auto value = object.find(key)) {
    flag = timeline.holds(*value);
  }
}

/// What an entry of "classes" changes; nothing where the release does not have the class.
std::optional<ClassFacts> read_class(const JsonValue& value, const Timeline& timeline,
                                     ClassFacts facts) {
  JsonObject object = value.object();
  const bool here = timeline.within(object);
  read_flag(object, "pipeline", timeline, facts.pipeline);
  read_flag(object, "tensor", timeline, facts.tensor);
  read_flag(object, "indexer_values", timeline, facts.indexer_values);
  read_flag(object, "head_by_vocabulary", timeline, facts.head_by_vocabulary);
  read_flag(object, "dense_only", timeline, facts.dense_only);
  read_flag(object, "attention_only", timeline, facts.attention_only);
  if (const auto count = object.find("collectives")) {
    facts.collectives = count->whole(1, 100);
  }
  if (const auto kept = object.find("eight_bit")) {
    JsonObject modules = kept->object();
    std::vector<std::string> names = strings(modules.at("modules"));
    if (timeline.within(modules)) {
      facts.eight_bit = std::move(names);
    }
    modules.refuse_unknown();
  }
  object.refuse_unknown();
  return here ? std::optional(std::move(facts)) : std::nullopt;
}

Backend backend_from(const JsonValue& value) {
  const std::string name = value.string();
  std::vector<std::string> known;
  for (const Backend backend :
       {Backend::mlx_ring, Backend::jaccl_mesh, Backend::jaccl_ring, Backend::llama_rpc}) {
    if (backend_name(backend) == name) {
      return backend;
    }
    known.emplace_back(backend_name(backend));
  }
  throw value.error("no backend is called \"" + printable(name) + "\"",
                    "known are " + join_words(known));
}

/// A name alone where what the runtime is built on states its demands.
JsonValue name_of_backend(const JsonValue& entry) {
  return entry.is_object() ? entry.object().at("name") : entry;
}

void read_classes(JsonObject& root, const Timeline& timeline, Facts& facts) {
  if (const auto every = root.find("every_class")) {
    facts.every_class = read_class(*every, timeline, {}).value_or(ClassFacts{});
  }
  if (facts.base) {
    facts.aliases = facts.base->aliases;
    for (const auto& [name, inherited] : facts.base->classes) {
      ClassFacts mine = inherited;
      mine.pipeline = facts.every_class.pipeline;
      mine.tensor = facts.every_class.tensor;
      mine.collectives = facts.every_class.collectives;
      facts.classes.emplace(name, std::move(mine));
    }
  }
  for (const auto& [name, value] : root.at("classes").object().members()) {
    const auto known = facts.classes.find(name);
    const ClassFacts& from = known == facts.classes.end() ? facts.every_class : known->second;
    if (auto mine = read_class(value, timeline, from)) {
      facts.classes.insert_or_assign(name, *std::move(mine));
    }
  }
  for (const std::string_view section : {"aliases", "text_configs", "by_architecture"}) {
    const auto members = root.find(section);
    if (!members) {
      continue;
    }
    for (const auto& [name, value] : members->object().members()) {
      bool here = true;
      std::string target;
      if (value.is_object()) {
        JsonObject object = value.object();
        target = object.at("class").string();
        here = timeline.within(object);
        object.refuse_unknown();
      } else {
        target = value.string();
      }
      if (here && facts.classes.count(target) == 0) {
        throw value.error("the class \"" + printable(target) + "\" is not among the classes");
      }
      if (here) {
        facts.aliases.insert_or_assign(name, target);
      }
    }
  }
}

void read_pipeline(JsonObject& root, const Timeline& timeline, Facts& facts) {
  const auto section = root.find("pipeline");
  if (!section) {
    return;
  }
  JsonObject object = section->object();
  if (const auto order = object.find("order")) {
    const std::string text = order->string();
    if (text != "last-layers-first" && text != "first-layers-first") {
      throw order->expected("first-layers-first or last-layers-first");
    }
    facts.last_layers_first = text == "last-layers-first";
  }
  read_flag(object, "drops_uneven_layers", timeline, facts.drops_uneven_layers);
  read_flag(object, "takes_split", timeline, facts.takes_split);
  object.refuse_unknown();
}

void read_launch(JsonObject& root, const Timeline& timeline, LaunchFacts& launch) {
  JsonObject object = root.at("launch").object();
  launch.launcher = object.at("launcher").string();
  const auto text = [&](std::string_view key, std::string& into) {
    if (const auto value = object.find(key)) {
      into = timeline.chosen(*value);
    }
  };
  text("server", launch.server);
  text("rpc_server", launch.rpc_server);
  text("install", launch.install);
  text("served_model", launch.served_model);
  text("benchmark", launch.benchmark);
  text("batch_benchmark", launch.batch_benchmark);
  launch.http_port = object.at("http_port").whole(1, most_ports);
  if (const auto port = object.find("rpc_port")) {
    launch.rpc_port = port->whole(1, most_ports);
  }
  if (const auto flags = object.find("server_flags")) {
    for (const auto& [name, value] : flags->object().members()) {
      if (timeline.holds(value)) {
        launch.server_flags.push_back(name);
      }
    }
  }
  object.refuse_unknown();
}

Release read_release(const JsonValue& value) {
  JsonObject object = value.object();
  Release release;
  const auto text = [&](std::string_view key, std::string& into) {
    if (const auto found = object.find(key)) {
      into = found->string();
    }
  };
  release.version = object.at("version").string();
  text("date", release.date);
  text("commit", release.commit);
  text("built_on", release.built_on);
  (void)object.find("source");
  (void)object.find("note");
  object.refuse_unknown();
  return release;
}

std::shared_ptr<const Facts> read_one(JsonObject root, const std::vector<Release>& releases,
                                      std::size_t at, const BaseOf& base_of) {
  std::vector<std::string> versions;
  versions.reserve(releases.size());
  for (const Release& release : releases) {
    versions.push_back(release.version);
  }
  const Timeline timeline(versions, at);
  auto facts = std::make_shared<Facts>();
  facts->name = root.at("name").string();
  facts->title = root.at("title").string();
  facts->rules = root.at("rules").string();
  facts->engine = root.at("engine").string();
  facts->preference = root.at("preference").whole(0, 1000);
  facts->release = releases[at];
  facts->newest = at + 1 == releases.size();
  if (!facts->release.built_on.empty()) {
    facts->base = base_of(facts->release.built_on);
  }
  for (const JsonValue& entry : root.at("backends").array()) {
    facts->backends.push_back(backend_from(name_of_backend(entry)));
  }
  read_classes(root, timeline, *facts);
  read_pipeline(root, timeline, *facts);
  read_launch(root, timeline, facts->launch);
  for (const std::string_view other : {"schema", "sources", "releases", "failure_modes"}) {
    (void)root.at(other);
  }
  root.refuse_unknown();
  return facts;
}

std::vector<Release> read_releases(const JsonValue& value) {
  std::vector<Release> releases;
  for (const JsonValue& entry : value.array()) {
    releases.push_back(read_release(entry));
  }
  if (releases.empty()) {
    throw value.expected("at least one release");
  }
  return releases;
}

/// The timeline of a release that was read before.
Timeline timeline_of(JsonObject& root, const Release& release) {
  std::vector<std::string> versions;
  std::size_t at = 0;
  for (const Release& known : read_releases(root.at("releases"))) {
    at = known.version == release.version ? versions.size() : at;
    versions.push_back(known.version);
  }
  return {std::move(versions), at};
}

void add_failures(const Facts& facts, bool shared_only, std::vector<FailureMode>& found) {
  const JsonDocument document = JsonDocument::parse(facts.text);
  JsonObject root = document.root().object();
  const Timeline timeline = timeline_of(root, facts.release);
  for (const JsonValue& entry : root.at("failure_modes").array()) {
    JsonObject object = entry.object();
    FailureMode mode{object.at("id").string(), object.at("symptom").string(),
                     object.at("cause").string(), object.at("remedy").string(),
                     object.at("source").string()};
    const auto shared = object.find("shared");
    if (timeline.within(object) && (!shared_only || (shared && shared->boolean()))) {
      found.push_back(std::move(mode));
    }
    object.refuse_unknown();
  }
}

}  // namespace

const ClassFacts* Facts::find_class(std::string_view type) const {
  const auto alias = aliases.find(type);
  const auto found = classes.find(alias == aliases.end() ? type : std::string_view(alias->second));
  return found == classes.end() ? nullptr : &found->second;
}

std::vector<std::shared_ptr<const Facts>> read_facts(std::string_view text,
                                                     const std::string& place,
                                                     const BaseOf& base_of) {
  try {
    const JsonDocument document = JsonDocument::parse(text);
    JsonObject root = document.root().object();
    if (const JsonValue stated = root.at("schema"); stated.string() != schema) {
      throw stated.expected("\"" + std::string(schema) + "\"");
    }
    const std::vector<Release> releases = read_releases(root.at("releases"));
    std::vector<std::shared_ptr<const Facts>> result;
    for (std::size_t at = releases.size(); at-- > 0;) {
      auto facts = std::make_shared<Facts>(*read_one(root, releases, at, base_of));
      facts->text = text;
      facts->place = place;
      result.push_back(std::move(facts));
    }
    return result;
  } catch (const Error& error) {
    throw error.in_file(place);
  }
}

std::vector<FailureMode> failure_modes_of(const Runtime& runtime) {
  const Facts& facts = runtime.facts();
  std::vector<FailureMode> found;
  try {
    add_failures(facts, false, found);
    if (facts.base) {
      add_failures(*facts.base, true, found);
    }
  } catch (const Error& error) {
    throw error.in_file(facts.place);
  }
  std::sort(found.begin(), found.end(),
            [](const FailureMode& a, const FailureMode& b) { return a.id < b.id; });
  return found;
}

std::vector<Demand> demands_of(const Runtime& runtime, Backend backend) {
  const Facts* facts = &runtime.facts();
  while (facts != nullptr) {
    const JsonDocument document = JsonDocument::parse(facts->text);
    JsonObject root = document.root().object();
    std::vector<Demand> found;
    for (const JsonValue& entry : root.at("backends").array()) {
      if (!entry.is_object() || backend_from(name_of_backend(entry)) != backend) {
        continue;
      }
      JsonObject object = entry.object();
      for (const JsonValue& demand : object.at("demands").array()) {
        JsonObject words = demand.object();
        found.push_back({words.at("text").string(), words.at("source").string()});
      }
    }
    if (!found.empty()) {
      return found;
    }
    facts = facts->base.get();
  }
  return {};
}

}  // namespace macfit::runtime
