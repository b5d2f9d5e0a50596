#include "stage.hpp"

namespace macfit::speed {
namespace {

bool llama_based(Engine engine) {
  return engine == Engine::llama_cpp || engine == Engine::llama_2024 || engine == Engine::ollama;
}

/// How many times one token's experts a batch reads: each expert that some sequence chose, once.
double touched(const Work& work, double sequences) {
  if (!work.mixture() || sequences <= 1.0) {
    return 1.0;
  }
  const double share = work.expert_used / work.expert_count;
  return (1.0 - std::pow(1.0 - share, sequences)) / share;
}

struct Read {
  double weights = 0.0;
  double cache = 0.0;   ///< grows with the context
  double states = 0.0;  ///< does not
};

/// Bytes that a stage reads in one step; `ranks` > 1: one rank of a tensor split.
Read bytes_of(const Work& work, const Question& q, Stage stage, bool head, double ranks) {
  Read bytes;
  bytes.weights =
      (of(work.body, stage) + of(work.experts, stage) * touched(work, q.sequences)) / ranks +
      (head ? work.head : 0.0);
  const double from = q.cached + q.prompt;
  const double to = from + q.generated;
  for (std::size_t k = 0; k < work.kinds.size(); ++k) {
    const double layers = kind_count(work, stage, k);
    if (layers == 0.0) {
      continue;
    }
    const ContextCost& cost = work.kinds[k];
    const double share = layers * q.sequences / std::min(ranks, cost.shares);
    bytes.cache += share * mean_positions(cost, from, to, cost.picked) * cost.slot_bytes;
    bytes.cache += share * (from + to) / 2.0 * cost.index_bytes;
    bytes.states += share * cost.state_bytes;
  }
  return bytes;
}

double fixed_seconds(const Work& work, Stage stage, const Chip& chip, double sequences,
                     const Constants& c) {
  const auto trait = [&](Trait t, Constant k) { return count(work, stage, t) * at(c, k); };
  double layers =
      static_cast<double>(stage.last - stage.first) + trait(Trait::moe, Constant::moe_layer) +
      trait(Trait::linear, Constant::linear_layer) + trait(Trait::latent, Constant::latent_layer) +
      trait(Trait::norms, Constant::norms_layer) +
      trait(Trait::compressed, Constant::compressed_layer) +
      trait(Trait::sparse, Constant::sparse_layer);
  if (work.unfused) {
    layers += trait(Trait::linear, Constant::unfused_linear);
  }
  double pace = at(c, Constant::other_layers);
  if (chip.generation > 0) {
    pace = std::pow(at(c, Constant::generation_ratio),
                    4 - std::min(chip.generation, newest_generation));
  }
  if (chip.ultra) {
    pace *= at(c, Constant::ultra_layers);
  }
  if (work.engine == Engine::llama_2024) {
    pace *= at(c, Constant::old_llama_layers);
  }
  return layers * at(c, Constant::layer_time) * pace *
         (1.0 + at(c, Constant::batch_layers) * (sequences - 1.0));
}

double cache_cost(const Work& work, const Constants& c) {
  if (work.engine == Engine::llama_2024) {
    return at(c, Constant::cache_cost_old_llama);
  }
  return at(c,
            work.has(Trait::compressed) ? Constant::cache_cost_compressed : Constant::cache_cost);
}

/// Bytes of weights a second.
double streaming_rate(const Chip& chip, const Constants& c) {
  const double share = at(c, Constant::bandwidth_share) *
                       (chip.generation == 0 ? at(c, Constant::other_share) : 1.0);
  return share * chip.bandwidth;
}

/// Seconds that a batch takes for matrices that all its sequences go through, from those of reading
/// them once and the operations of a row. Kernels for few rows unpack and multiply row by row;
/// those for many compute a tile of 32 rows, however few are asked for, at twice the rate.
/// docs/speed.md has what is published of either.
double rows_seconds(double sequences, double read, double row, double row_rate, double tile_rate) {
  constexpr double tile = 32.0;
  // A row more never costs more than reading all once more.
  const double rows = read + (sequences - 1.0) * std::min(row / row_rate, read);
  return std::min(rows, std::max(read, row * std::max(sequences, tile) / tile_rate));
}

/// Seconds for the weights of a stage, which sequences read together. Whatever belongs to a layer
/// adds up over layers: a pipeline's split counts on it.
double weight_seconds(const Work& work, const Question& q, Stage stage, const Chip& chip, bool head,
                      double ranks, const Constants& c) {
  const double rate = streaming_rate(chip, c);
  const double body = of(work.body, stage) / ranks / rate;
  const double experts = of(work.experts, stage) * touched(work, q.sequences) / ranks / rate;
  const double last = head ? work.head / rate : 0.0;
  if (q.sequences <= 1.0 || chip.flops <= 0.0) {
    return body + experts + last;
  }
  constexpr double tile_gain = 2.0;
  const double gain = matrix_gain(work, chip, c);
  const double most = at(c, Constant::compute_share) * chip.flops * gain;
  const double row_rate = at(c, Constant::row_share) * chip.flops;
  const double tile_rate = std::min(tile_gain * row_rate * gain, most);
  const auto of_rows = [&](double read, double parameters) {
    return rows_seconds(q.sequences, read, 2.0 * parameters, row_rate, tile_rate);
  };
  return of_rows(body, of(work.body_parameters, stage) / ranks) +
         std::max(experts, 2.0 * of(work.expert_parameters, stage) / ranks * q.sequences / most) +
         of_rows(last, head ? work.head_parameters : 0.0);
}

DecodeParts stage_step(const Work& work, const Question& q, Stage stage, const Chip& chip,
                       bool head, double ranks, const Constants& c) {
  const Read bytes = bytes_of(work, q, stage, head, ranks);
  const double rate = streaming_rate(chip, c);
  DecodeParts parts;
  parts.weights = weight_seconds(work, q, stage, chip, head, ranks, c) + bytes.states / rate;
  parts.cache = bytes.cache * cache_cost(work, c) / chip.bandwidth;
  parts.layers = fixed_seconds(work, stage, chip, q.sequences, c);
  if (chip.flops > 0.0) {
    const double all = static_cast<double>(work.layers);
    const double part = static_cast<double>(stage.last - stage.first) / all / ranks;
    parts.unpack = at(c, Constant::unpack_operations) * work.unpack_parameters * part / chip.flops;
  }
  return parts;
}

void add(DecodeParts& sum, const DecodeParts& parts) {
  sum.weights += parts.weights;
  sum.cache += parts.cache;
  sum.layers += parts.layers;
  sum.unpack += parts.unpack;
  sum.link += parts.link;
}

}  // namespace

double transfer_seconds(const Link& link, double bytes) {
  constexpr double slow = 12.5e6;
  return bytes / (link.bandwidth > 0.0 ? link.bandwidth : slow);
}

double message_seconds(const Work& work, const Link& link, double bytes,
                       const Constants& constants) {
  Constant hop = Constant::hop_tcp;
  if (link.kind == hardware::LinkKind::wifi) {
    hop = Constant::hop_wifi;
  } else if (link.transport == hardware::Transport::rdma) {
    hop = Constant::hop_rdma;
  } else if (work.quick_hops) {
    // The same software as over RDMA, and the cable's own latency.
    return at(constants, Constant::hop_rdma) + link.latency + transfer_seconds(link, bytes);
  } else if (llama_based(work.engine)) {
    hop = Constant::hop_rpc;
  }
  return at(constants, hop) + transfer_seconds(link, bytes);
}

double hop_seconds(const Work& work, const Link& link, double sequences,
                   const Constants& constants) {
  return message_seconds(work, link, sequences * work.hidden * activation_bytes * work.streams,
                         constants);
}

double collective_seconds(const Link& link, double ranks, double bytes,
                          const Constants& constants) {
  constexpr double one_phase = 32768.0;  // JACCL sends more in two phases where there are over two
  if (link.transport == hardware::Transport::rdma) {
    const double start = at(constants, Constant::collective_rdma);
    if (ranks > 2.0 && bytes > one_phase) {
      return 2.0 * start + 2.0 * transfer_seconds(link, bytes) / ranks;
    }
    return start + transfer_seconds(link, bytes);
  }
  // A ring: 2 (n - 1) steps of one n-th. The constant is that of two nodes.
  double start = at(constants, Constant::collective_tcp);
  if (link.kind == hardware::LinkKind::wifi) {
    start = std::max(start, link.latency);
  }
  return 2.0 * (ranks - 1.0) * (start / 2.0 + transfer_seconds(link, bytes) / ranks);
}

DecodeParts decode_step(const Work& work, const Question& q, const Constants& c) {
  const double payload = q.sequences * work.hidden * activation_bytes;
  if (q.split == Split::tensor) {
    const auto ranks = static_cast<double>(q.chips.size());
    const Stage all{0, work.layers};
    DecodeParts slowest;
    for (const Chip& chip : q.chips) {
      const DecodeParts parts = stage_step(work, q, all, chip, true, ranks, c);
      if (parts.total() > slowest.total()) {
        slowest = parts;
      }
    }
    double one = collective_seconds(q.link, ranks, payload, c);
    if (work.slow_tensor) {
      one += at(c, Constant::exo_tensor);
    }
    slowest.link = work.collectives * static_cast<double>(work.layers) * one;
    return slowest;
  }
  DecodeParts sum;
  for_each_stage(work, q, [&](Stage stage, const Chip& chip, bool last) {
    add(sum, stage_step(work, q, stage, chip, last, 1.0, c));
    if (!last) {
      sum.link += hop_seconds(work, q.link, q.sequences, c);
    }
  });
  return sum;
}

std::vector<double> layer_seconds(const Work& work, const Question& q, const Chip& chip,
                                  const Constants& c) {
  std::vector<double> seconds(work.layers);
  for (std::size_t layer = 0; layer < work.layers; ++layer) {
    const bool last = layer + 1 == work.layers;
    seconds[layer] = stage_step(work, q, {layer, layer + 1}, chip, last, 1.0, c).total();
  }
  return seconds;
}

std::optional<double> decode_roofline(const Work& work, const Question& q) {
  const bool tensor = q.split == Split::tensor;
  const double ranks = tensor ? static_cast<double>(q.chips.size()) : 1.0;
  double seconds = 0.0;
  bool known = work.known && !q.chips.empty();
  Question one = q;
  one.sequences = 1.0;
  one.generated = 0.0;
  const auto read = [&](Stage stage, const Chip& chip, bool last) {
    known = known && chip.bandwidth > 0.0;
    const Read bytes = bytes_of(work, one, stage, last, ranks);
    return (bytes.weights + (bytes.cache + bytes.states) * q.sequences) / chip.bandwidth;
  };
  if (!known) {
    return std::nullopt;
  }
  if (tensor) {
    for (const Chip& chip : q.chips) {
      seconds = std::max(seconds, read({0, work.layers}, chip, true));
    }
  } else {
    for_each_stage(work, q, [&](Stage stage, const Chip& chip, bool last) {
      seconds += read(stage, chip, last);
    });
  }
  if (!known || seconds <= 0.0) {
    return std::nullopt;
  }
  return 1.0 / seconds;
}

}  // namespace macfit::speed
