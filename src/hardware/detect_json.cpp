// Reads system_profiler's JSON, and writes the cluster file of the Macs that were read.
#include <algorithm>
#include <charconv>
#include <utility>

#include "macfit/core/dump_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/hardware/detect.hpp"
#include "names.hpp"

namespace macfit::hardware {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;

constexpr std::size_t most_ports = 64;

/// The member as text, where it is one; a whole number counts as its digits.
std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return {};
  }
  if (found->is_number_integer()) {
    return std::to_string(found->get<std::int64_t>());
  }
  return found->is_string() ? printable(found->get<std::string>(), 100) : std::string();
}

int number_in(std::string_view text) {
  const auto first = text.find_first_of("0123456789");
  int value = 0;
  if (first != std::string_view::npos) {
    (void)std::from_chars(text.data() + first, text.data() + text.size(), value);
  }
  return value;
}

void set_once(std::string& place, std::string value) {
  if (place.empty()) {
    place = std::move(value);
  }
}

template <class Do>
void each_object(const Json& root, const char* key, const Do& work) {
  const auto list = root.find(key);
  if (list == root.end() || !list->is_array()) {
    return;
  }
  for (const Json& item : *list) {
    if (item.is_object()) {
      work(item);
    }
  }
}

void read_hardware(const Json& item, MacFacts& facts) {
  set_once(facts.model, text_of(item, "machine_model"));
  set_once(facts.model_name, text_of(item, "machine_name"));
  set_once(facts.chip, text_of(item, "chip_type"));
  set_once(facts.chip, text_of(item, "cpu_type"));  // Intel
  if (const auto ram = parse_ram(text_of(item, "physical_memory")); ram && !facts.ram) {
    facts.ram = *ram;
  }
}

void read_displays(const Json& item, MacFacts& facts) {
  const std::string model = text_of(item, "sppci_model");
  const int cores = number_in(text_of(item, "sppci_cores"));
  if (!facts.gpu_cores && model.rfind("Apple", 0) == 0 && cores > 0 && cores < 1000) {
    facts.gpu_cores = cores;
    set_once(facts.chip, model);
  }
}

void read_software(const Json& item, MacFacts& facts) {
  MacFacts said;
  read_profiler_text("x: " + text_of(item, "os_version"), said);
  set_once(facts.macos, said.macos);
  set_once(facts.build, said.build);
}

/// One bus is one port of a Mac with Apple silicon.
void read_bus(const Json& bus, std::vector<ThunderboltPort>& ports) {
  const auto tag = bus.find("receptacle_1_tag");
  if (tag == bus.end() || !tag->is_object() || ports.size() == most_ports) {
    return;
  }
  ThunderboltPort port;
  port.domain = text_of(bus, "domain_uuid_key");
  port.receptacle = number_in(text_of(*tag, "receptacle_id_key"));
  port.gigabits = number_in(text_of(*tag, "current_speed_key"));
  port.connected = text_of(*tag, "receptacle_status_key") == "receptacle_connected";
  each_object(bus, "_items", [&](const Json& device) {
    set_once(port.device, text_of(device, "_name"));
    // A dock has no domain of its own; a computer at the other end has.
    set_once(port.peer_domain, text_of(device, "domain_uuid_key"));
  });
  ports.push_back(std::move(port));
}

const Machine* machine_of(const MacFacts& facts, const Chip& chip, const Catalog& catalog) {
  for (const Machine& machine : catalog.machines()) {
    const bool same = machine.chip == chip.id && machine.ram == *facts.ram;
    if (same && machine.model.rfind(facts.model_name + " (", 0) == 0) {
      return &machine;
    }
  }
  return nullptr;
}

/// Throws Error for what is no Mac with Apple silicon that the catalog knows.
const Chip& chip_of(const DetectedMac& mac, const Catalog& catalog) {
  const MacFacts& facts = mac.facts;
  const std::string who = mac.host.empty() ? "this machine" : printable(mac.host, 100);
  if (!facts.system.empty() && facts.system.rfind("Darwin", 0) != 0) {
    throw Error(who + " is no Mac: it says \"" + facts.system + "\"", {},
                "macfit hardware detect --hosts NAME reads a Mac over ssh from here");
  }
  if (facts.model.rfind("VirtualMac", 0) == 0 || facts.chip.find("Virtual") != std::string::npos) {
    throw Error(who + " is a virtual machine (" + facts.chip +
                    "): its memory and GPU are not those of a Mac",
                {}, "run this on the Mac itself");
  }
  constexpr std::string_view maker = "Apple ";
  if (!facts.chip.empty() && facts.chip.rfind(maker, 0) != 0) {
    throw Error(who + " is a Mac with Intel (" + printable(facts.chip, 80) +
                "): macfit plans for Apple silicon");
  }
  if (facts.chip.empty() || !facts.ram) {
    throw Error(who + " did not say its " +
                    (facts.chip.empty() ? facts.ram ? "chip" : "chip and memory" : "memory"),
                {}, "name it by hand: --nodes m4-max-128, or a cluster file");
  }
  return catalog.chip(facts.chip.substr(maker.size()));
}

Ordered port_json(const ThunderboltPort& port) {
  Ordered json{
      {"port", port.receptacle}, {"gigabits", port.gigabits}, {"connected", port.connected}};
  if (!port.device.empty()) {
    json["device"] = port.device;
  }
  return json;
}

Ordered details_json(const MacFacts& facts) {
  Ordered json = Ordered::object();
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) {
      json[key] = value;
    }
  };
  const auto bytes = [&](const char* key, const std::optional<Bytes>& value) {
    if (value) {
      json[key] = value->count();
    }
  };
  text("model", facts.model);
  text("macos", facts.macos);
  text("macos_build", facts.build);
  bytes("wired_limit_bytes", facts.wired_limit);
  bytes("free_memory_bytes", facts.free_memory);
  bytes("free_disk_bytes", facts.free_disk);
  if (facts.ports) {
    json["thunderbolt"] = Ordered::array();
    for (const ThunderboltPort& port : *facts.ports) {
      json["thunderbolt"].push_back(port_json(port));
    }
  }
  if (facts.rdma_enabled) {
    json["rdma"] = {{"enabled", *facts.rdma_enabled},
                    {"devices", facts.rdma_devices},
                    {"active", facts.rdma_active}};
  }
  json["runtimes"] = Ordered::array();
  for (const InstalledRuntime& runtime : facts.runtimes) {
    json["runtimes"].push_back({{"name", runtime.name}, {"version", runtime.version}});
  }
  json["not_read"] = facts.not_read();
  return json;
}

Ordered node_json(const DetectedMac& mac, const Catalog& catalog, std::vector<std::string>& notes) {
  const MacFacts& facts = mac.facts;
  const Chip& chip = chip_of(mac, catalog);
  const Machine* machine = machine_of(facts, chip, catalog);
  Ordered node{{"name", mac.name}};
  if (!mac.host.empty()) {
    node["host"] = mac.host;
  }
  if (machine != nullptr) {
    node["machine"] = machine->id;
  } else {
    node["chip"] = chip.id;
    node["ram"] = ram_text(*facts.ram);
    if (!facts.model_name.empty()) {
      notes.push_back(mac.name + ": the catalog has no " + facts.model_name + " with " + chip.name +
                      " and " + ram_text(*facts.ram) +
                      ": chip and memory stand, ports and power are those of the nearest machine");
    }
  }
  if (facts.gpu_cores) {
    if (chip.find_bin(*facts.gpu_cores, *facts.ram) != nullptr) {
      node["gpu_cores"] = *facts.gpu_cores;
    } else {
      notes.push_back(mac.name + ": the catalog knows no " + chip.name + " with " +
                      std::to_string(*facts.gpu_cores) + " GPU cores and " + ram_text(*facts.ram) +
                      ": its figures for that memory size stand");
    }
  }
  if (!facts.macos.empty()) {
    try {
      node["macos"] = parse_macos(facts.macos).text();
    } catch (const Error& error) {
      notes.push_back(mac.name + ": " + error.message());
    }
  }
  if (facts.wired_limit && facts.wired_limit->count() > 0) {
    node["wired_limit"] = facts.wired_limit->count();
  }
  node["evidence"] = "measured";
  node["detected"] = details_json(facts);
  if (const auto missing = facts.not_read(); !missing.empty()) {
    notes.push_back(mac.name + " did not say " + join_words(missing, "or") +
                    ": what the catalog has stands");
  }
  return node;
}

/// The cable between two Macs: the fastest, where there are several.
const ThunderboltPort* cable_between(const MacFacts& a, const MacFacts& b) {
  const ThunderboltPort* best = nullptr;
  for (const ThunderboltPort& port : *a.ports) {
    for (const ThunderboltPort& other : *b.ports) {
      const bool joined = port.connected && !port.peer_domain.empty() &&
                          port.peer_domain == other.domain && other.peer_domain == port.domain;
      if (joined && (best == nullptr || port.gigabits > best->gigabits)) {
        best = &port;
      }
    }
  }
  return best;
}

std::string_view wire_of(const Node& a, const Node& b) {
  const auto wired = [](Ethernet ethernet) {
    return ethernet != Ethernet::none && ethernet != Ethernet::unknown;
  };
  if (!wired(a.ethernet) || !wired(b.ethernet)) {
    return "wifi";
  }
  return a.ethernet == Ethernet::ten_gigabit && b.ethernet == Ethernet::ten_gigabit ? "ethernet-10g"
                                                                                    : "ethernet-1g";
}

Ordered link_json(const DetectedMac& a, const DetectedMac& b, const Node& node_a,
                  const Node& node_b, std::vector<std::string>& notes) {
  Ordered link{{"between", {a.name, b.name}}};
  const ThunderboltPort* cable = cable_between(a.facts, b.facts);
  if (cable == nullptr) {
    link["kind"] = wire_of(node_a, node_b);
    notes.push_back("no Thunderbolt cable joins " + a.name + " and " + b.name + ": " +
                    std::string(wire_of(node_a, node_b)) + " is taken, as the machines are sold");
    return link;
  }
  constexpr int of_tb5 = 80;
  const bool tb4 = node_a.thunderbolt >= Thunderbolt::tb4 && node_b.thunderbolt >= Thunderbolt::tb4;
  const bool tb5 = cable->gigabits >= of_tb5;
  link["kind"] = tb5 ? "thunderbolt-5" : tb4 ? "thunderbolt-4" : "thunderbolt-3";
  const bool rdma = a.facts.rdma_enabled.value_or(false) && b.facts.rdma_enabled.value_or(false);
  link["transport"] = tb5 && rdma ? "rdma" : "tcp";
  return link;
}

}  // namespace

void read_profiler_json(std::string_view text, MacFacts& facts) {
  const Json root = Json::parse(text, nullptr, false);
  if (!root.is_object()) {
    return;
  }
  each_object(root, "SPHardwareDataType", [&](const Json& item) { read_hardware(item, facts); });
  each_object(root, "SPDisplaysDataType", [&](const Json& item) { read_displays(item, facts); });
  each_object(root, "SPSoftwareDataType", [&](const Json& item) { read_software(item, facts); });
  if (root.contains("SPThunderboltDataType") && !facts.ports) {
    facts.ports.emplace();
    each_object(root, "SPThunderboltDataType",
                [&](const Json& bus) { read_bus(bus, *facts.ports); });
    std::sort(facts.ports->begin(), facts.ports->end(),
              [](const auto& a, const auto& b) { return a.receptacle < b.receptacle; });
  }
}

Detection detected_cluster(const std::vector<DetectedMac>& macs, std::string_view name,
                           const Catalog& catalog) {
  Detection detection;
  Ordered file{{"schema", "macfit.cluster/1"}, {"name", name}, {"nodes", Ordered::array()}};
  for (const DetectedMac& mac : macs) {
    file["nodes"].push_back(node_json(mac, catalog, detection.notes));
  }
  const Cluster cluster = read_cluster_file(dump_json(file), {}, catalog);
  Ordered links = Ordered::array();
  for (std::size_t a = 0; a < macs.size(); ++a) {
    for (std::size_t b = a + 1; b < macs.size(); ++b) {
      if (macs[a].facts.ports && macs[b].facts.ports) {
        links.push_back(
            link_json(macs[a], macs[b], cluster.nodes[a], cluster.nodes[b], detection.notes));
      }
    }
  }
  if (!links.empty()) {
    file["links"] = std::move(links);
  }
  detection.cluster_file = dump_document(file);
  return detection;
}

}  // namespace macfit::hardware
