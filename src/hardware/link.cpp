#include "macfit/hardware/link.hpp"

#include <array>
#include <utility>

#include "macfit/core/text.hpp"

namespace macfit::hardware {
namespace {

constexpr std::array<std::pair<LinkKind, std::string_view>, 8> kinds{{
    {LinkKind::thunderbolt_5, "thunderbolt-5"},
    {LinkKind::thunderbolt_4, "thunderbolt-4"},
    {LinkKind::thunderbolt_3, "thunderbolt-3"},
    {LinkKind::ethernet_10g, "ethernet-10g"},
    {LinkKind::ethernet_1g, "ethernet-1g"},
    {LinkKind::wifi, "wifi"},
    {LinkKind::qsfp_200g, "qsfp-200g"},
    {LinkKind::nvlink, "nvlink"},
}};

}  // namespace

std::string_view link_kind_name(LinkKind kind) noexcept {
  for (const auto& [value, name] : kinds) {
    if (value == kind) {
      return name;
    }
  }
  return "";
}

std::optional<LinkKind> link_kind_from_name(std::string_view name) noexcept {
  for (const auto& [value, text] : kinds) {
    if (same_name(text, name)) {
      return value;
    }
  }
  return std::nullopt;
}

std::vector<std::string> link_kind_names() {
  std::vector<std::string> names;
  names.reserve(kinds.size());
  for (const auto& [value, name] : kinds) {
    names.emplace_back(name);
  }
  return names;
}

std::string_view transport_name(Transport transport) noexcept {
  return transport == Transport::tcp ? "tcp" : "rdma";
}

std::optional<Transport> transport_from_name(std::string_view name) noexcept {
  if (same_name(name, "tcp")) {
    return Transport::tcp;
  }
  if (same_name(name, "rdma")) {
    return Transport::rdma;
  }
  return std::nullopt;
}

std::vector<LinkSlowdown> link_slowdowns(const Figure<Bandwidth>& memory,
                                         const std::vector<LinkType>& links) {
  std::vector<LinkSlowdown> result;
  result.reserve(links.size());
  for (const LinkType& link : links) {
    LinkSlowdown slowdown{link.id, link.name, std::nullopt, std::nullopt};
    if (link.bandwidth) {
      const Figure<Bandwidth>& rate = *link.bandwidth;
      slowdown.times = Figure<double>{
          memory.value.value() / rate.value.value(), memory.low.value() / rate.high.value(),
          memory.high.value() / rate.low.value(), weaker(memory.evidence, rate.evidence),
          memory.source + "; " + rate.source};
    }
    if (link.raw) {
      slowdown.raw_times = memory.value.value() / link.raw->value.value();
    }
    result.push_back(std::move(slowdown));
  }
  return result;
}

}  // namespace macfit::hardware
