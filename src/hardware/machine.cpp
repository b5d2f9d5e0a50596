#include "macfit/hardware/machine.hpp"

namespace macfit::hardware {

std::string_view status_name(MachineStatus status) noexcept {
  switch (status) {
    case MachineStatus::current:
      return "current";
    case MachineStatus::announced:
      return "announced";
    case MachineStatus::previous:
      break;
  }
  return "previous";
}

std::string_view ethernet_name(Ethernet ethernet) noexcept {
  switch (ethernet) {
    case Ethernet::none:
      return "none";
    case Ethernet::gigabit:
      return "1gbe";
    case Ethernet::gigabit_2_5:
      return "2.5gbe";
    case Ethernet::ten_gigabit:
      return "10gbe";
    case Ethernet::unknown:
      break;
  }
  return "unknown";
}

}  // namespace macfit::hardware
