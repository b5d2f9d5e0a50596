// A cluster written down in a file (macfit.cluster/1).

#include <algorithm>
#include <set>
#include <utility>

#include "build.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "names.hpp"

namespace macfit::hardware {
namespace {

constexpr std::size_t max_name_bytes = 64;

/// Runs a parser of a text and gives its errors the value's place.
template <class Parse>
decltype(auto) at_place(const JsonValue& value, const Parse& parse) {
  try {
    return parse();
  } catch (const Error& error) {
    if (error.place().pointer) {
      throw;
    }
    throw value.error(error.message(), error.hint());
  }
}

Bytes read_size(const JsonValue& value) {
  if (value.is_number()) {
    return Bytes(value.whole(0, std::int64_t{1} << 53));
  }
  return at_place(value, [&] { return parse_bytes(value.string()); });
}

Bytes read_ram(const JsonValue& value) {
  const auto ram = value.is_number() ? std::optional<Bytes>(Bytes(value.whole(1, 65536) * gib))
                                     : parse_ram(value.string());
  if (!ram) {
    throw value.expected("a memory size such as \"128GiB\"");
  }
  return *ram;
}

Macos read_macos(const JsonValue& value) {
  if (value.is_number()) {
    throw value.expected("a string such as \"26.2\"");
  }
  return at_place(value, [&] { return parse_macos(value.string()); });
}

/// Reads a fraction: 0.1 or "10%".
double read_fraction(const JsonValue& value) {
  const double fraction = value.is_number()
                              ? value.number(0.0, 1.0)
                              : at_place(value, [&] { return parse_fraction(value.string()); });
  if (fraction >= 1.0) {
    throw value.expected("a fraction from 0 to below 1");
  }
  return fraction;
}

std::string read_name(const JsonValue& value) {
  std::string name = value.string();
  if (name.empty() || name.size() > max_name_bytes) {
    throw value.expected("a name of 1 to 64 bytes");
  }
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    const bool second_set = byte == 0xC2 && i + 1 < name.size() &&
                            static_cast<unsigned char>(name[i + 1]) < 0xA0;  // U+0080 to U+009F
    if (byte < 0x20 || byte == 0x7F || second_set) {
      throw value.expected("a name without control characters");
    }
  }
  return name;
}

/// A machine of which only chip and RAM are known: the default one with them, or what the chip
/// says.
Machine chip_machine(const JsonValue& chip_value, const JsonValue& ram_value,
                     const Catalog& catalog) {
  const Chip& chip =
      at_place(chip_value, [&]() -> const Chip& { return catalog.chip(chip_value.string()); });
  const Bytes ram = read_ram(ram_value);
  if (const Machine* machine = catalog.machine_with_chip(chip.id, ram)) {
    return *machine;
  }
  const ChipBin* bin = chip.find_bin(0, ram);
  if (bin == nullptr) {
    std::vector<std::string> sizes;
    for (const Bytes size : chip.ram_sizes()) {
      sizes.push_back(ram_text(size));
    }
    throw ram_value.error(chip.name + " is not sold with " + ram_text(ram) + ": expected " +
                          join_words(sizes, "or"));
  }
  Machine machine;
  machine.name = chip.name + ", " + ram_text(ram);
  machine.chip = chip.id;
  machine.gpu_cores = bin->gpu_cores;
  machine.ram = ram;
  machine.thunderbolt = chip.thunderbolt;
  machine.rdma = chip.rdma;
  machine.mac = chip.apple();
  return machine;
}

class Reader {
 public:
  Reader(const ClusterOptions& options, const Catalog& catalog)
      : options_(options), catalog_(catalog) {}

  Cluster read(const JsonValue& root) {
    JsonObject object = root.object();
    const JsonValue schema = object.at("schema");
    if (schema.string() != "macfit.cluster/1") {
      throw schema.expected("\"macfit.cluster/1\"");
    }
    if (const auto name = object.find("name")) {
      cluster_.name = read_name(*name);
    }
    if (const auto macos = object.find("macos")) {
      macos_ = read_macos(*macos);
    }
    if (const auto reserve = object.find("cluster_reserve")) {
      cluster_.cluster_reserve = read_fraction(*reserve);
    }
    if (const auto topology = object.find("topology")) {
      cluster_.topology = read_topology(*topology);
    }
    const JsonValue nodes = object.at("nodes");
    for (const JsonValue& node : nodes.array()) {
      if (cluster_.nodes.size() == max_nodes) {
        throw nodes.error("more than " + std::to_string(max_nodes) + " nodes");
      }
      read_node(node);
    }
    if (cluster_.nodes.empty()) {
      throw nodes.expected("at least one node");
    }
    std::vector<StatedLink> stated;
    if (const auto links = object.find("links")) {
      for (const JsonValue& link : links->array()) {
        stated.push_back(read_link(link));
      }
    }
    object.refuse_unknown();
    cluster_.spec = cluster_.name.empty() ? joined_machines() : cluster_.name;
    finish_cluster(cluster_, options_);
    build_links(cluster_, catalog_,
                options_.link ? &usable_link(*options_.link, catalog_) : nullptr, stated);
    return std::move(cluster_);
  }

 private:
  static Topology read_topology(const JsonValue& value) {
    const std::string name = value.string();
    if (name == "mesh") {
      return Topology::mesh;
    }
    if (name == "ring") {
      return Topology::ring;
    }
    throw value.expected("mesh or ring");
  }

  void read_node(const JsonValue& value) {
    JsonObject object = value.object();
    std::string name = "node-" + std::to_string(cluster_.nodes.size() + 1);
    if (const auto given = object.find("name")) {
      name = read_name(*given);
    }
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      throw value.error("two nodes are named \"" + printable(name, 80) + "\"");
    }
    const Machine machine = read_machine(object);
    NodeSettings settings{options_.macos, std::nullopt, options_.reserve, read_detected(object)};
    const auto macos = object.find("macos");
    if (macos && !machine.mac) {
      throw macos->error("this machine does not run macOS");
    }
    if (macos) {
      const Macos own = read_macos(*macos);
      settings.macos = settings.macos.value_or(own);
    }
    if (!settings.macos) {
      settings.macos = macos_;
    }
    if (const auto limit = object.find("wired_limit")) {
      settings.wired_limit = read_size(*limit);
    }
    if (options_.wired_limit && machine.mac) {
      settings.wired_limit = options_.wired_limit;
      settings.measured = false;
    }
    if (const auto reserve = object.find("reserve")) {
      const Bytes own = read_size(*reserve);
      settings.reserve = settings.reserve.value_or(own);
    }
    object.refuse_unknown();
    cluster_.nodes.push_back(
        at_place(value, [&] { return build_node(name, machine, settings, catalog_); }));
    names_.push_back(std::move(name));
  }

  /// What `hardware detect` puts down beside the settings; true where the node was read.
  static bool read_detected(JsonObject& object) {
    if (const auto host = object.find("host")) {
      (void)host->string();
    }
    if (const auto detected = object.find("detected")) {
      (void)detected->object();
    }
    const auto evidence = object.find("evidence");
    if (evidence && evidence->string() != evidence_name(Evidence::measured)) {
      throw evidence->expected("\"measured\": that the node was read, not described");
    }
    return evidence.has_value();
  }

  Machine read_machine(JsonObject& object) {
    Machine machine = read_model(object);
    const auto cores = object.find("gpu_cores");
    if (!cores) {
      return machine;
    }
    machine.gpu_cores = static_cast<int>(cores->whole(1, 10'000));
    const Chip& chip = catalog_.chip(machine.chip);
    if (chip.find_bin(machine.gpu_cores, machine.ram) == nullptr) {
      throw cores->error(chip.name + " with " + ram_text(machine.ram) + " is not sold with " +
                         std::to_string(machine.gpu_cores) + " GPU cores");
    }
    return machine;
  }

  Machine read_model(JsonObject& object) {
    const auto machine = object.find("machine");
    const auto chip = object.find("chip");
    const auto ram = object.find("ram");
    if (machine) {
      if (chip || ram) {
        throw object.value().error(
            "a machine says its chip and RAM: give either machine, or "
            "chip and ram");
      }
      return at_place(*machine,
                      [&]() -> const Machine& { return catalog_.machine(machine->string()); });
    }
    if (!chip || !ram) {
      throw object.value().error("expected a machine, or a chip with its ram");
    }
    return chip_machine(*chip, *ram, catalog_);
  }

  std::size_t node_index(const JsonValue& value) {
    const std::string name = value.string();
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      throw unknown_name("node", name, names_, Place{{}, value.pointer(), {}});
    }
    return static_cast<std::size_t>(found - names_.begin());
  }

  StatedLink read_link(const JsonValue& value) {
    JsonObject object = value.object();
    const JsonValue between = object.at("between");
    const auto ends = between.array();
    if (ends.size() != 2) {
      throw between.expected("the names of two nodes");
    }
    const std::size_t a = node_index(ends[0]);
    const std::size_t b = node_index(ends[1]);
    if (a == b) {
      throw between.error("a link joins two different nodes");
    }
    StatedLink link{std::min(a, b), std::max(a, b), nullptr};
    if (!pairs_.emplace(link.first, link.second).second) {
      throw between.error("these two nodes are linked twice");
    }
    const auto joined = topology_pairs(cluster_.topology, names_.size());
    if (std::find(joined.begin(), joined.end(), std::pair(link.first, link.second)) ==
        joined.end()) {
      throw between.error("these two nodes are not neighbors in the ring");
    }
    link.type = &read_type(object);
    object.refuse_unknown();
    return link;
  }

  const LinkType& read_type(JsonObject& object) {
    const JsonValue kind_value = object.at("kind");
    const auto kind = link_kind_from_name(kind_value.string());
    if (!kind) {
      throw unknown_name("link kind", kind_value.string(), link_kind_names(),
                         Place{{}, kind_value.pointer(), {}},
                         "known: " + join_words(link_kind_names()));
    }
    std::optional<Transport> transport;
    if (const auto stated = object.find("transport")) {
      transport = transport_from_name(stated->string());
      if (!transport) {
        throw stated->expected("tcp or rdma");
      }
    }
    // Without a transport: TCP where the kind has it.
    const LinkType* found = nullptr;
    for (const LinkType& link : catalog_.links()) {
      const bool matches = link.usable && link.kind == *kind;
      if (matches && (transport ? link.transport == *transport
                                : found == nullptr || link.transport == Transport::tcp)) {
        found = &link;
      }
    }
    if (found == nullptr) {
      throw kind_value.error(transport ? "no known link of this kind runs over " +
                                             std::string(transport_name(*transport))
                                       : "links of this kind are known for comparison only");
    }
    return *found;
  }

  /// "2xmac-studio-m4-max-128+mac-mini-m4-pro-64".
  [[nodiscard]] std::string joined_machines() const {
    std::string spec;
    for (std::size_t i = 0; i < cluster_.nodes.size();) {
      const Node& node = cluster_.nodes[i];
      std::size_t count = 1;
      while (i + count < cluster_.nodes.size() &&
             cluster_.nodes[i + count].machine == node.machine &&
             cluster_.nodes[i + count].ram == node.ram) {
        ++count;
      }
      spec += spec.empty() ? "" : "+";
      spec += count > 1 ? std::to_string(count) + "x" : "";
      spec += node.machine.empty() ? node.chip + "-" + std::to_string(node.ram.count() / gib)
                                   : node.machine;
      i += count;
    }
    return spec;
  }

  const ClusterOptions& options_;
  const Catalog& catalog_;
  Cluster cluster_;
  std::optional<Macos> macos_;
  std::vector<std::string> names_;
  std::set<std::pair<std::size_t, std::size_t>> pairs_;
};

}  // namespace

Cluster read_cluster_file(std::string_view text, const ClusterOptions& options,
                          const Catalog& catalog, std::string_view file) {
  try {
    const JsonDocument document = JsonDocument::parse(text, {std::size_t{1} << 20, 16});
    return Reader(options, catalog).read(document.root());
  } catch (const Error& error) {
    if (file.empty()) {
      throw;
    }
    throw error.in_file(file);
  }
}

}  // namespace macfit::hardware
