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

enum class LinkKind : std::uint8_t {
  thunderbolt_5,
  thunderbolt_4,
  thunderbolt_3,
  ethernet_10g,
  ethernet_1g,
  wifi,
  qsfp_200g,
  nvlink,  ///< for comparison only
};
/// "thunderbolt-5".
[[nodiscard]] std::string_view link_kind_name(LinkKind kind) noexcept;
[[nodiscard]] std::optional<LinkKind> link_kind_from_name(std::string_view name) noexcept;
/// Every kind, in order.
[[nodiscard]] std::vector<std::string> link_kind_names();

enum class Transport : std::uint8_t { tcp, rdma };
/// "tcp".
[[nodiscard]] std::string_view transport_name(Transport transport) noexcept;
[[nodiscard]] std::optional<Transport> transport_from_name(std::string_view name) noexcept;

/// A way to join two machines.
struct LinkType {
  std::string id;                    ///< "tb5-tcp", as the flag takes it
  std::string name;                  ///< "Thunderbolt 5, TCP"
  std::vector<std::string> aliases;  ///< "tb4-tcp" for "tb4"
  LinkKind kind = LinkKind::thunderbolt_5;
  Transport transport = Transport::tcp;
  bool usable = true;                          ///< false: shown for comparison, not for a cluster
  std::optional<Figure<Bandwidth>> raw;        ///< the cable's figure, one way
  std::optional<Figure<Bandwidth>> bandwidth;  ///< what one stream carries, one way
  std::optional<Figure<Seconds>> latency;      ///< of one small message as measured
  bool latency_is_round_trip = false;          ///< TCP sources print round trips
  std::string note;
};

/// How much slower a link is than a chip's on-chip memory.
struct LinkSlowdown {
  std::string link;  ///< LinkType id
  std::string link_name;
  std::optional<Figure<double>> times;  ///< memory bandwidth / link bandwidth; 100 = two orders
  std::optional<double> raw_times;      ///< the same against the cable's figure
};

/// `memory` against every link, in their order.
[[nodiscard]] std::vector<LinkSlowdown> link_slowdowns(const Figure<Bandwidth>& memory,
                                                       const std::vector<LinkType>& links);

}  // namespace macfit::hardware
