// The hardware catalog from its JSON files, each entry checked with its place.

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "macfit/core/embedded.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/catalog.hpp"
#include "names.hpp"

namespace macfit::hardware {
namespace {

constexpr double giga = 1e9;
constexpr double micro = 1e-6;

/// What a file calls its sources, spelled out.
class Sources {
 public:
  explicit Sources(const JsonValue& value) {
    for (const auto& [id, text] : value.object().members()) {
      texts_.emplace(id, text.string());
    }
  }

  [[nodiscard]] const std::string& text(const JsonValue& id) const {
    const auto found = texts_.find(id.string());
    if (found == texts_.end()) {
      std::vector<std::string> known;
      for (const auto& [key, text] : texts_) {
        known.push_back(key);
      }
      throw unknown_name("source", id.string(), known, Place{{}, id.pointer(), {}});
    }
    return found->second;
  }

 private:
  std::map<std::string, std::string> texts_;
};

template <class T>
T pick(const JsonValue& value, std::string_view kind,
       std::initializer_list<std::pair<std::string_view, T>> choices) {
  const std::string name = value.string();
  std::vector<std::string> known;
  for (const auto& [text, choice] : choices) {
    if (text == name) {
      return choice;
    }
    known.emplace_back(text);
  }
  throw unknown_name(kind, name, known, Place{{}, value.pointer(), {}});
}

template <class T, class Make>
Figure<T> read_figure(const JsonValue& value, const Sources& sources, const Make& make) {
  constexpr double most = 1e15;
  JsonObject object = value.object();
  const JsonValue middle = object.at("value");
  Figure<T> figure;
  const double number = middle.number(std::numeric_limits<double>::min(), most);
  figure.value = figure.low = figure.high = make(number);
  if (const auto low = object.find("low")) {
    figure.low = make(low->number(std::numeric_limits<double>::min(), number));
  }
  if (const auto high = object.find("high")) {
    figure.high = make(high->number(number, most));
  }
  const JsonValue evidence = object.at("evidence");
  const auto known = evidence_from_name(evidence.string());
  if (!known) {
    throw evidence.expected(
        "exact, measured, measured-near, community, vendor, extrapolated or estimated");
  }
  figure.evidence = *known;
  figure.source = sources.text(object.at("source"));
  object.refuse_unknown();
  return figure;
}

template <class T, class Make>
std::optional<Figure<T>> find_figure(JsonObject& object, std::string_view key,
                                     const Sources& sources, const Make& make) {
  const auto value = object.find(key);
  if (!value) {
    return std::nullopt;
  }
  return read_figure<T>(*value, sources, make);
}

Bandwidth gb_per_s(double value) { return Bandwidth(value * giga); }
Seconds microseconds(double value) { return Seconds(value * micro); }
double plain(double value) { return value; }
Bytes whole_bytes(double value) { return Bytes(static_cast<std::int64_t>(value)); }

Bytes read_gib(const JsonValue& value) { return Bytes(value.whole(1, 65536) * gib); }

int read_int(const JsonValue& value, int low, int high) {
  return static_cast<int>(value.whole(low, high));
}

std::optional<int> find_int(JsonObject& object, std::string_view key, int low, int high) {
  const auto value = object.find(key);
  return value ? std::optional<int>(read_int(*value, low, high)) : std::nullopt;
}

std::string find_string(JsonObject& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->string() : std::string();
}

Ability find_ability(JsonObject& object, std::string_view key) {
  const auto value = object.find(key);
  if (!value) {
    return Ability::unknown;
  }
  return value->boolean() ? Ability::yes : Ability::no;
}

Thunderbolt find_thunderbolt(JsonObject& object) {
  const auto value = object.find("thunderbolt");
  if (!value) {
    return Thunderbolt::unknown;
  }
  return pick<Thunderbolt>(*value, "Thunderbolt generation",
                           {{"none", Thunderbolt::none},
                            {"usb4", Thunderbolt::usb4},
                            {"thunderbolt-3", Thunderbolt::tb3},
                            {"thunderbolt-4", Thunderbolt::tb4},
                            {"thunderbolt-5", Thunderbolt::tb5}});
}

Ethernet find_ethernet(JsonObject& object) {
  const auto value = object.find("ethernet");
  if (!value) {
    return Ethernet::unknown;
  }
  return pick<Ethernet>(*value, "Ethernet speed",
                        {{"none", Ethernet::none},
                         {"1gbe", Ethernet::gigabit},
                         {"2.5gbe", Ethernet::gigabit_2_5},
                         {"10gbe", Ethernet::ten_gigabit}});
}

MachineStatus read_status(const JsonValue& value) {
  return pick<MachineStatus>(value, "status",
                             {{"current", MachineStatus::current},
                              {"announced", MachineStatus::announced},
                              {"previous", MachineStatus::previous}});
}

void expect_schema(JsonObject& object, std::string_view schema) {
  const JsonValue value = object.at("schema");
  if (value.string() != schema) {
    throw value.expected("\"" + std::string(schema) + "\"");
  }
}

/// `common` holds what the chip says of all its bins.
ChipBin read_bin(const JsonValue& value, const Sources& sources, const ChipBin& common) {
  JsonObject object = value.object();
  ChipBin bin = common;
  bin.gpu_cores = find_int(object, "gpu_cores", 1, 1000).value_or(0);
  if (const auto confirmed = object.find("confirmed")) {
    bin.confirmed = confirmed->boolean();
  }
  for (const JsonValue& size : object.at("ram_gib").array()) {
    bin.ram.push_back(read_gib(size));
    if (bin.ram.size() > 1 && bin.ram.back() <= bin.ram[bin.ram.size() - 2]) {
      throw size.error("memory sizes ascend");
    }
  }
  if (auto own = find_figure<Bandwidth>(object, "bandwidth_gb_per_s", sources, gb_per_s)) {
    bin.bandwidth = std::move(own);
  }
  if (auto own = find_figure<Bandwidth>(object, "stream_gb_per_s", sources, gb_per_s)) {
    bin.stream = std::move(own);
  }
  object.refuse_unknown();
  return bin;
}

Chip read_chip(const JsonValue& value, const Sources& sources) {
  JsonObject object = value.object();
  Chip chip;
  chip.id = object.at("id").string();
  chip.name = object.at("name").string();
  chip.generation = read_int(object.at("generation"), 0, 99);
  ChipBin common;
  common.bandwidth = find_figure<Bandwidth>(object, "bandwidth_gb_per_s", sources, gb_per_s);
  common.stream = find_figure<Bandwidth>(object, "stream_gb_per_s", sources, gb_per_s);
  const JsonValue bins = object.at("bins");
  for (const JsonValue& bin : bins.array()) {
    chip.bins.push_back(read_bin(bin, sources, common));
    if (chip.bins.size() > 1 &&
        chip.bins.back().gpu_cores < chip.bins[chip.bins.size() - 2].gpu_cores) {
      throw bin.error("bins ascend by GPU cores");
    }
  }
  if (chip.bins.empty()) {
    throw bins.expected("at least one bin");
  }
  chip.memory_source = sources.text(object.at("memory_source"));
  chip.tflops = find_figure<double>(object, "tflops", sources, plain);
  chip.fp16_tflops = find_figure<double>(object, "fp16_tflops", sources, plain);
  chip.prefill_gain = find_figure<double>(object, "prefill_gain", sources, plain);
  chip.neural_accelerators = find_ability(object, "neural_accelerators");
  chip.thunderbolt = find_thunderbolt(object);
  chip.thunderbolt_source = sources.text(object.at("thunderbolt_source"));
  chip.rdma = find_ability(object, "rdma");
  chip.rdma_source = sources.text(object.at("rdma_source"));
  chip.gpu_visible = find_figure<Bytes>(object, "gpu_visible_bytes", sources, whole_bytes);
  chip.note = find_string(object, "note");
  object.refuse_unknown();
  return chip;
}

LinkType read_link(const JsonValue& value, const Sources& sources) {
  JsonObject object = value.object();
  LinkType link;
  link.id = object.at("id").string();
  link.name = object.at("name").string();
  if (const auto also = object.find("also")) {
    for (const JsonValue& alias : also->array()) {
      link.aliases.push_back(alias.string());
    }
  }
  const JsonValue kind = object.at("kind");
  const auto known = link_kind_from_name(kind.string());
  if (!known) {
    throw unknown_name("link kind", kind.string(), link_kind_names(),
                       Place{{}, kind.pointer(), {}});
  }
  link.kind = *known;
  link.transport = pick<Transport>(object.at("transport"), "transport",
                                   {{"tcp", Transport::tcp}, {"rdma", Transport::rdma}});
  if (const auto usable = object.find("usable")) {
    link.usable = usable->boolean();
  }
  link.raw = find_figure<Bandwidth>(object, "raw_gb_per_s", sources, gb_per_s);
  link.bandwidth = find_figure<Bandwidth>(object, "gb_per_s", sources, gb_per_s);
  link.latency = find_figure<Seconds>(object, "latency_us", sources, microseconds);
  if (const auto round_trip = object.find("latency_is_round_trip")) {
    link.latency_is_round_trip = round_trip->boolean();
  }
  link.note = find_string(object, "note");
  object.refuse_unknown();
  return link;
}

std::vector<GpuLimitRow> read_limits(const JsonValue& value, const Sources& sources) {
  std::vector<GpuLimitRow> rows;
  for (const JsonValue& entry : value.array()) {
    JsonObject object = entry.object();
    GpuLimitRow row;
    row.ram = read_gib(object.at("gib"));
    const JsonValue fraction = object.at("fraction");
    const auto parts = fraction.array();
    if (parts.size() != 2) {
      throw fraction.expected("two whole numbers");
    }
    row.numerator = parts[0].whole(1, 1000);
    row.denominator = parts[1].whole(row.numerator, 1000);
    row.newest_macos = read_int(object.at("newest_macos"), 1, 99);
    row.source = sources.text(object.at("source"));
    object.refuse_unknown();
    // The limit must never fall as RAM grows, sizes between the rows included.
    if (!rows.empty() &&
        (row.ram <= rows.back().ram ||
         row.numerator * rows.back().denominator < rows.back().numerator * row.denominator)) {
      throw entry.error("rows ascend by memory, and their fractions never fall");
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty()) {
    throw value.expected("at least one row");
  }
  return rows;
}

struct NamedText {
  std::string name;
  std::string_view text;
};

}  // namespace

class CatalogBuilder {
 public:
  static Catalog build(const NamedText& chips, const NamedText& machines, const NamedText& links,
                       const NamedText& limits) {
    CatalogBuilder builder;
    builder.in_file(chips, "macfit.chips/1", [&](JsonObject& object, const Sources& sources) {
      for (const JsonValue& value : object.at("chips").array()) {
        builder.add(value, builder.catalog_.chips_, builder.catalog_.chip_names_,
                    read_chip(value, sources), {});
      }
    });
    builder.in_file(machines, "macfit.machines/1", [&](JsonObject& object, const Sources& sources) {
      for (const JsonValue& value : object.at("machines").array()) {
        builder.add_family(value, sources);
      }
      builder.read_defaults(object.at("default_by_gib"));
    });
    builder.in_file(links, "macfit.links/1", [&](JsonObject& object, const Sources& sources) {
      for (const JsonValue& value : object.at("links").array()) {
        LinkType link = read_link(value, sources);
        const std::vector<std::string> aliases = link.aliases;
        builder.add(value, builder.catalog_.links_, builder.catalog_.link_names_, std::move(link),
                    aliases);
      }
    });
    builder.in_file(limits, "macfit.gpu-limits/1", [&](JsonObject& object, const Sources& sources) {
      builder.catalog_.rules_.up_to_15 = read_limits(object.at("up_to_15"), sources);
      builder.catalog_.rules_.from_26 = read_limits(object.at("from_26"), sources);
    });
    return std::move(builder.catalog_);
  }

 private:
  template <class Read>
  void in_file(const NamedText& file, std::string_view schema, const Read& read) {
    try {
      const JsonDocument document = JsonDocument::parse(file.text);
      JsonObject object = document.root().object();
      expect_schema(object, schema);
      const Sources sources(object.at("sources"));
      read(object, sources);
      object.refuse_unknown();
    } catch (const Error& error) {
      throw error.in_file(file.name);
    }
  }

  template <class T>
  void add(const JsonValue& value, std::vector<T>& values,
           std::unordered_map<std::string, std::size_t>& names, T item,
           const std::vector<std::string>& aliases) {
    std::vector<std::string> keys{item.id};
    keys.insert(keys.end(), aliases.begin(), aliases.end());
    for (const std::string& key : keys) {
      if (!names.emplace(lower(key), values.size()).second) {
        throw value.error("the name \"" + printable(key, 80) + "\" stands twice");
      }
    }
    values.push_back(std::move(item));
  }

  void add_family(const JsonValue& value, const Sources& sources) {
    JsonObject object = value.object();
    const std::string prefix = object.at("id").string();
    const std::string also = find_string(object, "also");
    const std::string date = find_string(object, "price_date");
    const JsonValue chip_id = object.at("chip");
    Machine family;
    family.model = object.at("model").string();
    const Chip* chip = catalog_.find_chip(chip_id.string());
    if (chip == nullptr) {
      throw unknown_name("chip", chip_id.string(), chip_ids(), Place{{}, chip_id.pointer(), {}});
    }
    family.chip = chip->id;
    family.status = read_status(object.at("status"));
    family.status_note = find_string(object, "status_note");
    family.thunderbolt = find_thunderbolt(object);
    family.thunderbolt_ports = find_int(object, "thunderbolt_ports", 0, 16);
    family.rdma_ports = find_int(object, "rdma_ports", 0, 16);
    family.rdma = family.thunderbolt == Thunderbolt::tb5 ? chip->rdma : Ability::no;
    if (family.thunderbolt == Thunderbolt::unknown) {
      family.rdma = Ability::unknown;
    }
    if (const auto inferred = object.find("rdma_inferred")) {
      family.rdma_inferred = inferred->boolean();
    }
    family.ethernet = find_ethernet(object);
    if (const auto qsfp = object.find("qsfp")) {
      family.qsfp = qsfp->boolean();
    }
    if (const auto mac = object.find("mac")) {
      family.mac = mac->boolean();
    }
    if (!family.mac && !chip->gpu_visible) {
      throw value.error("a machine that is not a Mac needs gpu_visible_bytes on its chip");
    }
    family.source = sources.text(object.at("source"));
    family.ports_source = sources.text(object.at("ports_source"));
    family.note = find_string(object, "note");
    if (const auto power = object.find("watts")) {
      JsonObject watts = power->object();
      constexpr double most = 10'000.0;
      const double idle = watts.at("idle").number(0, most);
      family.power =
          Power{idle, watts.at("most").number(idle, most), sources.text(watts.at("source"))};
      watts.refuse_unknown();
    }
    family.gpu_cores = find_int(object, "gpu_cores", 1, 1000).value_or(0);
    for (const JsonValue& memory : object.at("memory").array()) {
      Machine machine = family;
      read_variant(memory, date, machine);
      if (chip->find_bin(machine.gpu_cores, machine.ram) == nullptr) {
        throw memory.error("the chip has no bin with these GPU cores and this memory");
      }
      const std::string size = std::to_string(machine.ram.count() / gib);
      machine.id = prefix + "-" + size;
      machine.name = family.model + ", " + chip->name + ", " + size + " GB";
      if (!also.empty()) {
        machine.aliases.push_back(also + "-" + size);
      }
      const std::vector<std::string> aliases = machine.aliases;
      add(memory, catalog_.machines_, catalog_.machine_names_, std::move(machine), aliases);
    }
    object.refuse_unknown();
  }

  /// A memory size alone, or an object with what differs from the family.
  static void read_variant(const JsonValue& value, const std::string& date, Machine& machine) {
    if (value.is_number()) {
      machine.ram = read_gib(value);
      return;
    }
    JsonObject object = value.object();
    machine.ram = read_gib(object.at("gib"));
    machine.gpu_cores = find_int(object, "gpu_cores", 1, 1000).value_or(machine.gpu_cores);
    if (const auto usd = object.find("usd")) {
      machine.price = Price{usd->number(1, 1e6), date, machine.source};
    }
    if (const auto status = object.find("status")) {
      machine.status = read_status(*status);
    }
    if (const auto note = object.find("status_note")) {
      machine.status_note = note->string();
    }
    object.refuse_unknown();
  }

  void read_defaults(const JsonValue& value) {
    for (const auto& [size, id] : value.object().members()) {
      const auto ram = parse_ram(size);
      const auto found = catalog_.machine_names_.find(id.string());
      if (!ram || found == catalog_.machine_names_.end() ||
          catalog_.machines_[found->second].ram != *ram) {
        throw id.error("expected the id of a machine with that much memory, found \"" +
                       printable(id.string(), 80) + "\"");
      }
      catalog_.default_by_ram_.emplace_back(*ram, found->second);
    }
    std::sort(catalog_.default_by_ram_.begin(), catalog_.default_by_ram_.end());
  }

  [[nodiscard]] std::vector<std::string> chip_ids() const {
    std::vector<std::string> known;
    for (const Chip& chip : catalog_.chips_) {
      known.push_back(chip.id);
    }
    return known;
  }

  Catalog catalog_;
};

const Catalog& Catalog::embedded() {
  static const Catalog catalog = from_texts({});
  return catalog;
}

Catalog Catalog::from_texts(const std::vector<CatalogText>& files) {
  static const std::vector<std::string> wanted{"chips.json", "machines.json", "links.json",
                                               "gpu_limits.json"};
  std::vector<NamedText> texts(wanted.size());
  for (std::size_t i = 0; i < embedded::hardware_file_count; ++i) {
    const embedded::File& file = embedded::hardware_files[i];
    const auto at = std::find(wanted.begin(), wanted.end(), file.name);
    if (at != wanted.end()) {
      texts[static_cast<std::size_t>(at - wanted.begin())] = {
          "<embedded>/" + std::string(file.name), file.text};
    }
  }
  for (const CatalogText& file : files) {
    const std::string base = file.name.substr(file.name.find_last_of("/\\") + 1);
    if (base == "calibration.json" || base.rfind("measurements", 0) == 0) {
      continue;  // the speed model's, read by it
    }
    const auto at = std::find(wanted.begin(), wanted.end(), base);
    if (at == wanted.end()) {
      throw unknown_name("hardware catalog file", base, wanted);
    }
    texts[static_cast<std::size_t>(at - wanted.begin())] = {file.name, file.text};
  }
  return CatalogBuilder::build(texts[0], texts[1], texts[2], texts[3]);
}

}  // namespace macfit::hardware
