#include "constants.hpp"

#include <algorithm>
#include <string>

#include "macfit/core/error.hpp"

namespace macfit::speed {
namespace {

// Start values are those of the first fit; bounds keep a fit inside what the terms can mean. A
// share of bandwidth below 1 and costs of at least 1 keep every prediction under the roofline.
constexpr std::array<ConstantInfo, constant_count> infos{{
    {"bandwidth-share", "1", "of the vendor's memory bandwidth that weights stream at", 0.885, 0.5,
     0.98, 1},
    {"layer-time", "us", "fixed time of a dense layer on an M4", 53, 1, 500, 0},
    {"generation-ratio", "1", "how much longer fixed times are a chip generation earlier", 1.2, 1.0,
     2.0, 1},
    {"ultra-layers", "1", "fixed times on a chip of two dies", 1.27, 0.5, 3.0, 1},
    {"old-llama-layers", "1", "fixed times in llama.cpp of 2023 and 2024", 1.75, 0.5, 5.0, 1},
    {"moe-layer", "1", "more fixed time of a layer with experts", 1.3, 0.0, 10.0, 0},
    {"linear-layer", "1", "more fixed time of a recurrent layer", 0.5, 0.0, 10.0, 0},
    {"latent-layer", "1", "more fixed time of a layer with latent attention", 1.2, 0.0, 10.0, 0},
    {"norms-layer", "1", "more fixed time of a layer with four norms (Gemma)", 0.4, 0.0, 10.0, 0},
    {"compressed-layer", "1", "more fixed time of a DeepSeek V4 layer", 3.7, 0.0, 20.0, 0},
    {"sparse-layer", "1", "more fixed time of a layer that attends to slots a scorer chose", 2.0,
     0.0, 20.0, 0},
    {"unfused-linear", "1", "more fixed time of a recurrent layer in llama.cpp before May 2026",
     4.2, 0.0, 20.0, 0},
    {"cache-cost", "1", "time of a cache byte against that of a byte at full bandwidth", 2.7, 1.0,
     20.0, 1},
    {"cache-cost-old-llama", "1", "the same in llama.cpp of 2023 and 2024", 6.8, 1.0, 40.0, 1},
    {"cache-cost-compressed", "1", "the same for DeepSeek V4", 4.5, 1.0, 40.0, 1},
    {"unpack-operations", "1", "operations to decode a weight of a K or IQ format", 3.9, 0.0, 40.0,
     0},
    {"batch-layers", "1", "more fixed time for each further sequence of a batch", 0.1, 0.0, 1.0, 0},
    {"row-share", "1",
     "of the chip's FLOP rate that further rows of a batch reach; tiles of 32 reach twice that",
     0.3, 0.02, 3.0, 1e6, 0.19, 0.46},
    {"other-share", "1", "bandwidth-share of chips that are not Apple's, against it", 0.92, 0.5,
     1.0, 1},
    {"other-layers", "1", "fixed times on chips that are not Apple's", 0.3, 0.0, 3.0, 1},
    {"compute-share", "1", "of the chip's FLOP rate that matrices reach", 0.88, 0.1, 3.0, 1},
    {"hidden-half", "1", "hidden size at which matrices reach half of that", 1260, 0.0, 10000, 0},
    {"expert-tokens", "1", "tokens an expert gets at which it reaches half", 10, 0.0, 200, 0},
    {"attention-share", "1", "of the chip's FLOP rate that attention reaches", 0.335, 0.01, 3.0, 1},
    {"matrix-mlx", "1", "gain of the M5's matrix units in MLX", 2.9, 1.0, 6.0, 1},
    {"matrix-llama", "1", "gain of the M5's matrix units in llama.cpp of 2026", 2.4, 1.0, 6.0, 1},
    {"mlx-prefill", "1", "time of a prompt in MLX against llama.cpp", 0.835, 0.3, 2.0, 1},
    {"old-bf16", "1", "M1 and M2 have no bf16: slower experts and recurrent models in MLX", 2.3,
     1.0, 6.0, 1},
    {"compressed-prefill", "1", "DeepSeek V4's prompt against its FLOPs", 1.75, 0.5, 6.0, 1},
    {"recurrent-prefill", "1", "time of a recurrent scan in MLX against its FLOPs", 20, 0.0, 500,
     0},
    {"prompt-reads", "1", "reads of all weights that the start of a prompt takes in MLX", 4.5, 0.0,
     30.0, 0},
    {"ds4-m1", "1", "ds4's prompt on an M1", 1.7, 0.5, 6.0, 1},
    {"collective-rdma", "us", "one collective over RDMA", 31, 1, 500, 0},
    {"collective-tcp", "us", "one collective over TCP", 400, 10, 5000, 0, 200, 1000},
    {"exo-tensor", "us", "more time of a collective in EXO since May 2026", 147, 0, 2000, 0, 0,
     147},
    {"hop-rdma", "ms", "one more node of a pipeline over RDMA", 1.7, 0.01, 100, 0},
    {"hop-tcp", "ms", "one more node of a pipeline over TCP", 8, 0.05, 200, 0},
    {"hop-rpc", "ms", "one more node of llama.cpp RPC", 4.9, 0.05, 200, 0},
    {"hop-wifi", "ms", "one more node of a pipeline over Wi-Fi", 65, 1, 2000, 0},
}};

}  // namespace

double unit_of(const ConstantInfo& info) {
  return info.unit == "us" ? 1e-6 : info.unit == "ms" ? 1e-3 : 1.0;
}

std::vector<std::string> constant_names() {
  std::vector<std::string> names;
  names.reserve(constant_count);
  for (const ConstantInfo& info : infos) {
    names.emplace_back(info.name);
  }
  return names;
}

Constant constant_from_name(std::string_view name) {
  const std::vector<std::string> names = constant_names();
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) {
    throw unknown_name("constant", name, names);
  }
  return static_cast<Constant>(at - names.begin());
}

const ConstantInfo& constant_info(Constant constant) noexcept {
  return infos[static_cast<std::size_t>(constant)];
}

Constants at_stated_end(Constants constants, bool slow) {
  for (std::size_t i = 0; i < constant_count; ++i) {
    if (!infos[i].fitted()) {
      // Times, but for shares of a rate: the more, the faster.
      const bool high = slow != (infos[i].unit == "1");
      constants[i] = (high ? infos[i].stated_high : infos[i].stated_low) * unit_of(infos[i]);
    }
  }
  return constants;
}

}  // namespace macfit::speed
