#include "macfit/runtime/llama_fit.hpp"

#include <algorithm>

namespace macfit::runtime {
namespace {

/// Bytes that each device would use at a context, at the default split.
std::vector<std::int64_t> used(const Profile& profile, const std::vector<std::int64_t>& split,
                               std::int64_t context) {
  LlamaContext made;
  made.context = context;
  Workload workload;
  std::vector<std::int64_t> bytes;
  std::size_t first = 0;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const std::size_t end = first + static_cast<std::size_t>(split[i]);
    const bool last = i + 1 == split.size();
    std::int64_t sum = profile.weights[end] - profile.weights[first] + profile.everywhere +
                       (last ? profile.last_weights : 0);
    for (std::size_t k = 0; k < profile.kinds.size(); ++k) {
      const std::size_t width = profile.kinds.size();
      const auto layers = static_cast<std::int64_t>(profile.kind_counts[end * width + k] -
                                                    profile.kind_counts[first * width + k]);
      sum += layers * cache_bytes(profile, profile.kinds[k], workload, context, 1);
    }
    const Place place = split.size() == 1 ? Place::only
                        : i == 0          ? Place::first
                        : last            ? Place::last
                                          : Place::middle;
    sum += llama_compute(*profile.graph, made, DeviceKind::generic, place);
    bytes.push_back(sum);
    first = end;
  }
  return bytes;
}

std::int64_t total(const std::vector<std::int64_t>& bytes) {
  std::int64_t sum = 0;
  for (const std::int64_t one : bytes) {
    sum += one;
  }
  return sum;
}

}  // namespace

std::vector<std::int64_t> llama_layers(std::int64_t layers, const std::vector<Bytes>& free_memory,
                                       std::int64_t unloaded) {
  std::vector<float> shares;
  float sum = 0.0F;
  for (const Bytes bytes : free_memory) {
    sum += static_cast<float>(bytes.count());
    shares.push_back(sum);
  }
  std::vector<std::int64_t> split(free_memory.size(), 0);
  const auto all = static_cast<float>(layers + unloaded + 1);
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const float at = static_cast<float>(layer) / all;
    std::size_t device = 0;
    while (device + 1 < shares.size() && !(shares[device] / sum > at)) {
      ++device;
    }
    ++split[device];
  }
  return split;
}

std::int64_t llama_fit_context(const Profile& profile, const std::vector<Bytes>& free_memory) {
  constexpr std::int64_t least = 4096;
  const std::int64_t longest = profile.longest_context;
  const auto layers = static_cast<std::int64_t>(profile.layers);
  const std::vector<std::int64_t> split =
      llama_layers(layers, free_memory, profile.unloaded_layers);
  const std::vector<std::int64_t> at_longest = used(profile, split, longest);
  std::int64_t budget = 0;
  bool fits = true;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const std::int64_t target = free_memory[i].count() - llama_fit_margin;
    fits = fits && at_longest[i] <= target;
    budget += target;
  }
  if (fits || longest <= least) {
    return longest;
  }
  const auto devices = static_cast<std::int64_t>(split.size());
  if (devices > 1) {
    const bool experts = profile.graph->experts_used > 0;
    const std::int64_t on_devices =
        profile.weights.back() + profile.last_weights + devices * profile.everywhere;
    const std::int64_t per_layer = on_devices / (layers + profile.unloaded_layers + 1);
    budget -= (devices + 1) * per_layer / (experts ? 6 : 2);
  }
  const std::int64_t most = total(at_longest);
  const std::int64_t fewest = total(used(profile, split, least));
  if (most <= budget) {
    return longest;
  }
  if (budget <= fewest) {
    return least;
  }
  const auto share = static_cast<std::int64_t>(static_cast<long double>(longest - least) *
                                               static_cast<long double>(budget - fewest) /
                                               static_cast<long double>(most - fewest));
  return (least + share) / 256 * 256;
}

}  // namespace macfit::runtime
