#include "macfit/runtime/exo_rules.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "macfit/core/error.hpp"

namespace macfit::runtime {
namespace {

Bytes sum_of(const std::vector<Bytes>& bytes, const std::vector<std::size_t>& nodes) {
  Bytes sum;
  for (const std::size_t node : nodes) {
    sum += bytes[node];
  }
  return sum;
}

/// Of all groups of `count` nodes the one with the most free memory, in the cluster's order.
std::vector<std::size_t> roomiest(const std::vector<Bytes>& available, std::size_t count) {
  std::vector<std::size_t> nodes(available.size());
  std::iota(nodes.begin(), nodes.end(), std::size_t{0});
  std::stable_sort(nodes.begin(), nodes.end(),
                   [&](std::size_t a, std::size_t b) { return available[a] > available[b]; });
  nodes.resize(count);
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

/// Why a tensor split over so many nodes is refused; empty where it is not.
std::string tensor_refusal(const ExoRequest& request, std::size_t count) {
  const auto ranks = static_cast<std::int64_t>(count);
  if (!request.supports_tensor) {
    return "EXO's card says that the model does not support tensor sharding";
  }
  if (request.hidden % ranks != 0) {
    return fmt::format("a hidden size of {} does not divide over {} nodes", request.hidden, ranks);
  }
  if (request.kv_heads && *request.kv_heads % ranks != 0) {
    return fmt::format("{} key-value heads do not divide over {} nodes", *request.kv_heads, ranks);
  }
  return {};
}

}  // namespace

std::vector<std::int64_t> exo_layers(std::int64_t layers, const std::vector<Bytes>& available) {
  double total = 0.0;
  for (const Bytes bytes : available) {
    total += bytes.as_double();
  }
  if (!(total > 0.0) || layers < static_cast<std::int64_t>(available.size())) {
    throw Error(
        fmt::format("EXO can't share {} layers out over {} nodes", layers, available.size()));
  }
  std::vector<std::int64_t> split;
  std::vector<double> parts;
  for (const Bytes bytes : available) {
    const double raw = bytes.as_double() / total * static_cast<double>(layers);
    split.push_back(static_cast<std::int64_t>(raw));
    parts.push_back(raw - static_cast<double>(split.back()));
  }
  std::vector<std::size_t> order(split.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return parts[a] > parts[b]; });
  std::int64_t left = layers - std::accumulate(split.begin(), split.end(), std::int64_t{0});
  for (std::size_t i = 0; left > 0; i = (i + 1) % order.size(), --left) {
    ++split[order[i]];
  }
  for (std::int64_t& count : split) {
    if (count == 0) {
      --*std::max_element(split.begin(), split.end());
      count = 1;
    }
  }
  return split;
}

ExoPlacement exo_place(const ExoRequest& request) {
  ExoPlacement placement;
  std::string tensor_reason;
  const std::size_t least = std::max<std::size_t>(request.min_nodes, 1);
  for (std::size_t count = least; count <= request.available.size(); ++count) {
    std::vector<std::size_t> nodes = roomiest(request.available, count);
    if (sum_of(request.available, nodes) < request.storage) {
      continue;
    }
    if (request.tensor && count > 1) {
      tensor_reason = tensor_refusal(request, count);
      if (!tensor_reason.empty()) {
        continue;
      }
    }
    placement.nodes = std::move(nodes);
    break;
  }
  if (placement.nodes.empty()) {
    placement.refusal = !tensor_reason.empty()
                            ? tensor_reason
                            : fmt::format("the nodes' free memory together is less than {}",
                                          format_gb(request.storage));
    return placement;
  }
  const auto count = static_cast<std::int64_t>(placement.nodes.size());
  placement.preview = Bytes(request.storage.count() / count);
  placement.accepted = true;
  if (request.tensor && count > 1) {
    return placement;
  }
  if (request.layers < count) {
    placement.accepted = false;
    placement.refusal = fmt::format("{} layers are fewer than {} nodes", request.layers, count);
    return placement;
  }
  std::vector<Bytes> available;
  for (const std::size_t node : placement.nodes) {
    available.push_back(request.available[node]);
  }
  placement.layers = exo_layers(request.layers, available);
  for (std::size_t i = 0; i < placement.layers.size(); ++i) {
    const Bytes share(checked_mul(request.storage.count(), placement.layers[i]) / request.layers);
    placement.compared.push_back(share);
    if (share > available[i] && placement.accepted) {
      placement.accepted = false;
      placement.refusal = fmt::format("node {} would get {} of weights and has {} free", i + 1,
                                      format_gb(share), format_gb(available[i]));
    }
  }
  return placement;
}

std::optional<ExoOverflow> exo_overflow(const std::vector<Bytes>& demand,
                                        const std::vector<Bytes>& limits) {
  std::optional<ExoOverflow> worst;
  for (std::size_t i = 0; i < std::min(demand.size(), limits.size()); ++i) {
    if (demand[i] > limits[i] && (!worst || demand[i] - limits[i] > worst->missing)) {
      worst = ExoOverflow{i, demand[i] - limits[i]};
    }
  }
  return worst;
}

}  // namespace macfit::runtime
