// Machines, chips and links by the names that people type, with what they may have meant.

#include "macfit/hardware/catalog.hpp"

#include <algorithm>

#include "macfit/core/characters.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "names.hpp"

namespace macfit::hardware {
namespace {

template <class T>
const T* find_in(const std::unordered_map<std::string, std::size_t>& names,
                 const std::vector<T>& values, const std::string& key) {
  const auto found = names.find(key);
  return found == names.end() ? nullptr : &values[found->second];
}

template <class T>
std::vector<std::string> ids(const std::vector<T>& values) {
  std::vector<std::string> result;
  result.reserve(values.size());
  for (const T& value : values) {
    result.push_back(value.id);
  }
  return result;
}

/// "m4-max-128" -> {"m4-max", 128 GiB}.
struct ChipRam {
  std::string chip;
  std::optional<Bytes> ram;
};

ChipRam split_ram(const std::string& key) {
  const std::size_t dash = key.rfind('-');
  if (dash == std::string::npos || dash == 0) {
    return {key, std::nullopt};
  }
  const auto ram = parse_ram(std::string_view(key).substr(dash + 1));
  return ram ? ChipRam{key.substr(0, dash), ram} : ChipRam{key, std::nullopt};
}

Error no_such_size(const std::string& found, const std::vector<Bytes>& known) {
  std::vector<std::string> sizes;
  sizes.reserve(known.size());
  for (const Bytes size : known) {
    sizes.push_back(std::to_string(size.count() / gib));
  }
  return Error("no machine with " + found + " is known: expected " + join_words(sizes, "or"));
}

/// "thunderbolt 5" and "thunderbolt5-rdma" are tb5 and tb5-rdma.
std::string link_key(std::string_view name) {
  constexpr std::string_view full = "thunderbolt";
  std::string key = lower(trim(name));
  std::replace(key.begin(), key.end(), ' ', '-');
  if (key.size() > full.size() && key.rfind(full, 0) == 0) {
    key.erase(2, full.size() - 2);
    key.replace(0, 2, "tb");
    if (key.size() > 2 && key[2] == '-') {
      key.erase(2, 1);
    }
  }
  return key;
}

/// Machines whose id holds all words of "m4-max-studio-128" in any order, memory among them.
std::vector<const Machine*> machines_by_words(const std::vector<Machine>& machines,
                                              const std::string& key) {
  std::vector<std::string_view> words = split(key, '-');
  words.erase(std::remove_if(words.begin(), words.end(),
                             [](std::string_view word) {
                               return word.empty() || word == "apple" || word == "mac";
                             }),
              words.end());
  const bool memory = std::any_of(words.begin(), words.end(), [](std::string_view word) {
    return word.find_first_not_of("0123456789") == std::string_view::npos;
  });
  std::vector<const Machine*> found;
  for (const Machine& machine : machines) {
    const std::vector<std::string_view> own = split(machine.id, '-');
    const bool all = std::all_of(words.begin(), words.end(), [&](std::string_view word) {
      return std::find(own.begin(), own.end(), word) != own.end();
    });
    if (memory && words.size() > 1 && all) {
      found.push_back(&machine);
    }
  }
  return found;
}

/// "m4-max-64" and so on: what a chip, or a line of machines, is sold with.
std::vector<std::string> sizes_of(const std::vector<Machine>& machines, const std::string& chip) {
  std::vector<std::string> sizes;
  for (const Machine& machine : machines) {
    if (machine.chip == chip || machine.id.substr(0, machine.id.rfind('-')) == chip) {
      std::string size = chip + "-" + std::to_string(machine.ram.count() / gib);
      if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) {
        sizes.push_back(std::move(size));
      }
    }
  }
  return sizes;
}

/// Machines of one chip and memory, which differ in their case alone.
bool alike(const std::vector<const Machine*>& machines) {
  const Machine& first = *machines.front();
  return std::all_of(machines.begin(), machines.end(), [&](const Machine* machine) {
    return machine->chip == first.chip && machine->ram == first.ram;
  });
}

Error several_machines(std::string_view name, const std::vector<const Machine*>& machines) {
  std::vector<std::string> names;
  names.reserve(machines.size());
  for (const Machine* machine : machines) {
    names.push_back(machine->id);
  }
  return Error(quoted(name) + " may be several machines: expected " + join_words(names, "or"));
}

/// Every name that machines go by: their own and chips with a memory.
std::vector<std::string> machine_ids(const std::vector<Machine>& machines,
                                     const std::vector<Chip>& chips) {
  std::vector<std::string> known = ids(machines);
  for (const Chip& chip : chips) {
    for (const Bytes ram : chip.ram_sizes()) {
      known.push_back(chip.id + "-" + std::to_string(ram.count() / gib));
    }
  }
  return known;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

const Chip* Catalog::find_chip(std::string_view name) const {
  return find_in(chip_names_, chips_, machine_key(name));
}

const LinkType* Catalog::find_link(std::string_view name) const {
  return find_in(link_names_, links_, link_key(name));
}

const Machine* Catalog::find_machine(std::string_view name) const {
  const std::string key = machine_key(name);
  if (const Machine* machine = find_in(machine_names_, machines_, key)) {
    return machine;
  }
  if (const auto ram = parse_ram(key)) {
    for (const auto& [size, index] : default_by_ram_) {
      if (size == *ram) {
        return &machines_[index];
      }
    }
    return nullptr;
  }
  const ChipRam parts = split_ram(key);
  return parts.ram ? machine_with_chip(parts.chip, *parts.ram) : nullptr;
}

const Chip& Catalog::chip(std::string_view name) const {
  if (const Chip* found = find_chip(name)) {
    return *found;
  }
  throw unknown_name("chip", name, ids(chips_));
}

const LinkType& Catalog::link(std::string_view name) const {
  if (const LinkType* found = find_link(name)) {
    return *found;
  }
  std::vector<std::string> of_kind;
  for (const LinkType& link : links_) {
    if (link.usable && !name.empty() &&
        link_kind_name(link.kind).rfind(lower(trim(name)) + "-", 0) == 0) {
      of_kind.push_back(link.id);
    }
  }
  if (!of_kind.empty()) {
    throw Error("link " + quoted(name) + " is not one kind: expected " + join_words(of_kind, "or"));
  }
  throw unknown_name("link", name, ids(links_));
}

const Machine& Catalog::machine(std::string_view name) const {
  if (const Machine* found = find_machine(name)) {
    return *found;
  }
  const std::string key = machine_key(name);
  if (const auto ram = parse_ram(key)) {
    return machine_with_ram(*ram);  // throws: there is none
  }
  if (is_digits(key)) {
    throw no_such_size(printable(key, 40) + " GB", ram_sizes());
  }
  const ChipRam parts = split_ram(key);
  const std::vector<std::string> sizes = sizes_of(machines_, parts.chip);
  if (sizes.size() == 1 && !parts.ram) {
    if (const Machine* only = find_machine(sizes.front())) {
      return *only;  // a DGX Spark comes in one size
    }
  }
  if (!sizes.empty()) {
    const std::string wrong =
        parts.ram ? " is not sold with " + ram_text(*parts.ram) : " needs a memory size";
    throw Error(quoted(parts.ram ? parts.chip : std::string(name)) + wrong + ": expected " +
                join_words(sizes, "or"));
  }
  if (const auto by_words = machines_by_words(machines_, key); !by_words.empty()) {
    const Machine& first = *by_words.front();
    if (by_words.size() == 1) {
      return first;
    }
    if (alike(by_words)) {
      return *machine_with_chip(first.chip, first.ram);
    }
    throw several_machines(name, by_words);
  }
  throw unknown_name("machine", name, machine_ids(machines_, chips_), {},
                     "a memory size such as 128 stands for its default machine");
}

const Machine& Catalog::machine_with_ram(Bytes ram) const {
  for (const auto& [size, index] : default_by_ram_) {
    if (size == ram) {
      return machines_[index];
    }
  }
  throw no_such_size(ram_text(ram), ram_sizes());
}

const Machine* Catalog::machine_with_chip(std::string_view chip, Bytes ram) const {
  const Chip* wanted = find_chip(chip);
  if (wanted == nullptr) {
    return nullptr;
  }
  for (const Machine& machine : machines_) {
    if (machine.chip == wanted->id && machine.ram == ram) {
      return &machine;
    }
  }
  return nullptr;
}

std::vector<Bytes> Catalog::ram_sizes() const {
  std::vector<Bytes> sizes;
  for (const auto& [size, index] : default_by_ram_) {
    sizes.push_back(size);
  }
  return sizes;
}

GpuLimit Catalog::gpu_limit(Bytes ram, const Macos& macos) const {
  return hardware::gpu_limit(rules_, ram, macos);
}

std::optional<Figure<Bandwidth>> Catalog::bandwidth(const Machine& machine) const {
  const Chip* chip = find_chip(machine.chip);
  const ChipBin* bin = chip == nullptr ? nullptr : chip->find_bin(machine.gpu_cores, machine.ram);
  return bin == nullptr ? std::nullopt : bin->bandwidth;
}

}  // namespace macfit::hardware
