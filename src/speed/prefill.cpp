#include "stage.hpp"

namespace macfit::speed {
namespace {

double chunk_of(const Work& work, const Question& q) {
  double chunk = q.prefill_step;
  if (chunk <= 0.0) {
    const bool llama = work.engine == Engine::llama_cpp || work.engine == Engine::llama_2024 ||
                       work.engine == Engine::ollama;
    chunk = llama ? 512.0 : 2048.0;
  }
  return std::min(chunk, q.prompt);
}

/// Seconds that one stage takes for the whole prompt; `ranks` > 1: one rank of a tensor split.
double stage_seconds(const Work& work, const Question& q, Stage whole, const Chip& chip,
                     double ranks, const Constants& c) {
  const Stage stage{std::min(whole.first, work.prompt_layers),
                    std::min(whole.last, work.prompt_layers)};
  const double tokens = q.prompt;
  const double chunk = chunk_of(work, q);
  const double fill = 1.0 + at(c, Constant::hidden_half) / work.hidden;
  const double rate = chip.flops * matrix_gain(work, chip, c);

  double body = 2.0 * of(work.body_parameters, stage) * tokens * fill;
  double experts = 2.0 * of(work.expert_parameters, stage) * tokens * fill;
  if (work.mixture()) {
    const double each = chunk * work.expert_used / work.expert_count;
    experts *= 1.0 + at(c, Constant::expert_tokens) / each;
  }
  if (work.has(Trait::compressed)) {
    body *= at(c, Constant::compressed_prefill);
  }
  const bool old = chip.generation == 1 || chip.generation == 2;
  if (old && mlx_based(work.engine)) {
    experts *= at(c, Constant::old_bf16);
    body *= work.has(Trait::linear) ? at(c, Constant::old_bf16) : 1.0;
  }

  double attention = 0.0;
  double scan = 0.0;
  const double from = q.cached;
  const double to = q.cached + tokens;
  for (std::size_t k = 0; k < work.kinds.size(); ++k) {
    const ContextCost& cost = work.kinds[k];
    const double per_token = mean_positions(cost, from, to, cost.attended) * cost.flops +
                             (from + to) / 2.0 * cost.index_flops + cost.fixed_flops;
    attention += kind_count(work, stage, k) * per_token * tokens;
    scan += kind_count(work, stage, k) * cost.recurrent_flops * tokens;
  }

  double seconds = (body + experts) / (at(c, Constant::compute_share) * rate) +
                   attention / (at(c, Constant::attention_share) * rate);
  if (mlx_based(work.engine)) {
    // MLX scans a recurrent layer token by token, without matrix units.
    seconds = seconds * at(c, Constant::mlx_prefill) +
              scan * at(c, Constant::recurrent_prefill) / chip.flops;
  }
  if (work.engine == Engine::ds4 && chip.generation == 1) {
    seconds *= at(c, Constant::ds4_m1);
  }
  const double weights = of(work.body, stage) + of(work.experts_all, stage);
  seconds +=
      std::ceil(tokens / chunk) * weights / (at(c, Constant::bandwidth_share) * chip.bandwidth);
  if (mlx_based(work.engine)) {
    // MLX starts a prompt as slowly as if it read the whole model several times: every expert, the
    // tables that are only looked up, and the layers that prompts leave out.
    const double layers = work.body.back() + work.experts_all.back();
    const double part = (of(work.body, whole) + of(work.experts_all, whole)) / layers;
    seconds += at(c, Constant::prompt_reads) * work.weights * part / chip.bandwidth;
  }
  return seconds / ranks;
}

}  // namespace

double prefill_seconds(const Work& work, const Question& q, const Constants& c) {
  if (q.split == Split::tensor) {
    const auto ranks = static_cast<double>(q.chips.size());
    double slowest = 0.0;
    for (const Chip& chip : q.chips) {
      slowest = std::max(slowest, stage_seconds(work, q, {0, work.layers}, chip, ranks, c));
    }
    const double chunk = chunk_of(work, q);
    const double one = collective_seconds(q.link, ranks, chunk * work.hidden * activation_bytes, c);
    return slowest +
           std::ceil(q.prompt / chunk) * work.collectives * static_cast<double>(work.layers) * one;
  }
  const double chunks = std::ceil(q.prompt / chunk_of(work, q));
  // llama.cpp's RPC waits for every stage before it sends the next chunk.
  const bool overlaps = mlx_based(work.engine) || work.engine == Engine::ds4;
  double sum = 0.0;
  double slowest = 0.0;
  for_each_stage(work, q, [&](Stage stage, const Chip& chip, bool last) {
    const double seconds = stage_seconds(work, q, stage, chip, 1.0, c) / chunks;
    sum += seconds;
    slowest = std::max(slowest, seconds);
    if (!last) {
      const double bytes = q.prompt / chunks * work.hidden * work.streams * activation_bytes;
      const double hop = message_seconds(work, q.link, bytes, c);
      sum += hop;
      slowest = std::max(slowest, hop);
    }
  });
  return overlaps ? sum + (chunks - 1.0) * slowest : sum * chunks;
}

}  // namespace macfit::speed
