#pragma once

#include <string>

#include "macfit/hardware/cluster.hpp"
#include "macfit/hardware/link.hpp"

namespace macfit::speed {

/// What the speed of a node depends on. Not known: 0.
struct Chip {
  std::string id;          ///< "m4-max"
  int cores = 0;           ///< GPU cores
  int generation = 0;      ///< 4 for M4; 0 for chips that are not Apple's
  bool ultra = false;      ///< two dies
  bool matrix = false;     ///< matrix units in the GPU (M5)
  double bandwidth = 0.0;  ///< the vendor's, bytes a second
  double flops = 0.0;      ///< the vendor's class of figure, operations a second, for these cores
};
[[nodiscard]] Chip chip_of(const hardware::Node& node);
/// `gpu_cores` 0 stands for the bin with the most; `ram` 0 for any.
[[nodiscard]] Chip chip_of(const hardware::Chip& chip, int gpu_cores, Bytes ram);

/// What joins the nodes of a split. Not known: 0.
struct Link {
  hardware::LinkKind kind = hardware::LinkKind::thunderbolt_5;
  hardware::Transport transport = hardware::Transport::tcp;
  double bandwidth = 0.0;  ///< one stream, one way, bytes a second
  double latency = 0.0;    ///< of one small message, one way, seconds
};
[[nodiscard]] Link link_of(const hardware::LinkType& type);

}  // namespace macfit::speed
