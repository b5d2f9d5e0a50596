#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "macfit/hardware/chip.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/hardware/gpu_limit.hpp"
#include "macfit/hardware/link.hpp"
#include "macfit/hardware/machine.hpp"

namespace macfit::hardware {

/// A catalog file in memory.
struct CatalogText {
  std::string name;  ///< "chips.json": which of the four it is; used in errors too
  std::string text;
};

/// Chips, machines, links and GPU-limit rules. Immutable; lists keep the files' order.
class Catalog {
 public:
  /// The catalog compiled into the library. Parsed once, on first use; safe from any thread.
  [[nodiscard]] static const Catalog& embedded();

  /// A catalog from chips.json, machines.json, links.json and gpu_limits.json; a file not given is
  /// taken from the embedded catalog. Throws Error (file and JSON pointer) on anything malformed,
  /// unknown, duplicate or dangling.
  [[nodiscard]] static Catalog from_texts(const std::vector<CatalogText>& files);

  [[nodiscard]] const std::vector<Chip>& chips() const noexcept { return chips_; }
  [[nodiscard]] const std::vector<Machine>& machines() const noexcept { return machines_; }
  [[nodiscard]] const std::vector<LinkType>& links() const noexcept { return links_; }
  [[nodiscard]] const GpuLimitRules& gpu_limit_rules() const noexcept { return rules_; }

  /// By id or alias, case-insensitive; null where there is none.
  [[nodiscard]] const Chip* find_chip(std::string_view name) const;
  [[nodiscard]] const LinkType* find_link(std::string_view name) const;
  /// By id, alias, chip and RAM ("m4-max-128": the default machine with them) or RAM ("128",
  /// "128gb").
  [[nodiscard]] const Machine* find_machine(std::string_view name) const;

  /// The same, throwing Error with the nearest names.
  [[nodiscard]] const Chip& chip(std::string_view name) const;
  [[nodiscard]] const LinkType& link(std::string_view name) const;
  [[nodiscard]] const Machine& machine(std::string_view name) const;

  /// The default machine for a RAM size. Throws Error naming the sizes known.
  [[nodiscard]] const Machine& machine_with_ram(Bytes ram) const;
  /// The default machine with a chip and a RAM size; null where the catalog has none.
  [[nodiscard]] const Machine* machine_with_chip(std::string_view chip, Bytes ram) const;
  /// RAM sizes that a bare number may name, ascending.
  [[nodiscard]] std::vector<Bytes> ram_sizes() const;

  /// gpu_limit under this catalog's rules.
  [[nodiscard]] GpuLimit gpu_limit(Bytes ram, const Macos& macos) const;
  /// Figure for a machine's on-chip memory; empty where not known.
  [[nodiscard]] std::optional<Figure<Bandwidth>> bandwidth(const Machine& machine) const;

 private:
  friend class CatalogBuilder;
  Catalog() = default;

  std::vector<Chip> chips_;
  std::vector<Machine> machines_;
  std::vector<LinkType> links_;
  GpuLimitRules rules_;
  std::vector<std::pair<Bytes, std::size_t>> default_by_ram_;  // ascending by RAM
  std::unordered_map<std::string, std::size_t> chip_names_;    // keys in lower case
  std::unordered_map<std::string, std::size_t> machine_names_;
  std::unordered_map<std::string, std::size_t> link_names_;
};

}  // namespace macfit::hardware
