#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/hardware/chip.hpp"
#include "macfit/hardware/figure.hpp"

namespace macfit::hardware {

enum class MachineStatus : std::uint8_t { current, announced, previous };
[[nodiscard]] std::string_view status_name(MachineStatus status) noexcept;

enum class Ethernet : std::uint8_t { none, gigabit, gigabit_2_5, ten_gigabit, unknown };
/// "10gbe", "2.5gbe", "1gbe"; "none", "unknown".
[[nodiscard]] std::string_view ethernet_name(Ethernet ethernet) noexcept;

struct Price {
  double usd = 0.0;
  std::string date;  ///< "2026-08-25" or "launch"
  std::string source;
};

/// Electric power from the wall as the vendor states it, in watts.
struct Power {
  double idle = 0.0;
  double most = 0.0;  ///< under a load chosen to draw the most: generation draws less
  std::string source;
};

/// One machine with one memory size.
struct Machine {
  std::string id;                    ///< "mac-studio-m4-max-128"
  std::string name;                  ///< "Mac Studio (2025), M4 Max, 128 GB"
  std::string model;                 ///< "Mac Studio (2025)"
  std::vector<std::string> aliases;  ///< other spellings
  std::string chip;                  ///< a Chip's id
  int gpu_cores = 0;
  Bytes ram{};
  std::optional<Power> power;  ///< empty where not found
  std::optional<Price> price;  ///< US list price; empty where not found
  MachineStatus status = MachineStatus::previous;
  std::string status_note;
  Thunderbolt thunderbolt = Thunderbolt::unknown;
  std::optional<int> thunderbolt_ports;  ///< of that generation
  std::optional<int> rdma_ports;         ///< those of them that can do RDMA
  Ability rdma = Ability::unknown;
  bool rdma_inferred = false;             ///< from the chip, not read for this machine
  Ethernet ethernet = Ethernet::unknown;  ///< as sold without options
  bool wifi = true;
  bool qsfp = false;  ///< ConnectX-7 ports
  bool mac = true;
  std::string source;
  std::string ports_source;
  std::string note;
};

}  // namespace macfit::hardware
