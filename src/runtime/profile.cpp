#include "macfit/runtime/profile.hpp"

#include <algorithm>

namespace macfit::runtime {

void count_kinds(Profile& profile, const std::vector<std::uint16_t>& layers,
                 const std::vector<std::size_t>& kind_of_block) {
  const std::size_t width = profile.kinds.size();
  profile.kind_counts.assign((layers.size() + 1) * width, 0);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    for (std::size_t k = 0; k < width; ++k) {
      const bool here = kind_of_block[layers[layer]] == k;
      profile.kind_counts[(layer + 1) * width + k] =
          profile.kind_counts[layer * width + k] + (here ? 1U : 0U);
    }
  }
}

std::int64_t kv_slots(std::int64_t prompt, std::int64_t generated, std::int64_t step,
                      std::int64_t grow) {
  // generate_step reads prompt - 1 tokens in steps, then one token at a time.
  const std::int64_t read = std::max<std::int64_t>(prompt - 1, 0);
  const std::int64_t total = checked_add(prompt, generated);
  if (step % grow == 0) {
    // Every step starts on a multiple, so buffers only ever grow by whole steps.
    return round_up(std::max<std::int64_t>(total, 1), grow);
  }
  // A step that starts off a multiple cuts the buffer to the tokens held and appends whole steps.
  std::int64_t slots = 0;
  const std::int64_t full = read / step;
  const std::int64_t rest = read % step;
  const auto append = [&](std::int64_t held, std::int64_t tokens) {
    if (held + tokens > slots) {
      slots = checked_add(held % grow == 0 ? slots : held, round_up(tokens, grow));
    }
  };
  // Earlier steps can't matter once a later one has cut the buffer; `grow` of them are enough.
  for (std::int64_t i = std::max<std::int64_t>(0, full - grow); i < full; ++i) {
    if (i > 0 && slots == 0) {
      slots = i * step;
    }
    append(i * step, step);
  }
  if (rest > 0) {
    append(full * step, rest);
  }
  if (read + 1 > slots) {
    append(read, 1);
  }
  while (slots < total) {
    append(slots, 1);
  }
  return slots;
}

std::int64_t rotating_peak_slots(std::int64_t prompt, std::int64_t generated, std::int64_t window,
                                 std::int64_t step) {
  const std::int64_t read = std::max<std::int64_t>(prompt - 1, 0);
  // Every step holds up to window - 1 older tokens beside its own; the last full step or the rest
  // is the largest.
  const std::int64_t full = read / step;
  std::int64_t peak = 0;
  if (full > 0) {
    peak = std::min((full - 1) * step, window - 1) + step;
  }
  if (read % step > 0) {
    peak = std::max(peak, std::min(full * step, window - 1) + read % step);
  }
  // Token by token it grows by 256 until the window is reached, then stays there.
  constexpr std::int64_t grow = 256;
  std::int64_t held = std::min(read, window);
  const std::int64_t singles = 1 + generated;
  if (read < window) {
    const std::int64_t growths = ceil_div(std::min(singles, window - read), grow);
    held = std::min(window, read + growths * grow);
  }
  return std::max(peak, held);
}

std::int64_t cache_bytes(const Profile& profile, const LayerKind& kind, const Workload& workload,
                         std::int64_t context, std::int64_t ranks) {
  std::int64_t slots = 0;
  std::int64_t streams = workload.sequences;  // that each hold the slots
  switch (kind.growth) {
    case LayerKind::Growth::none:
      break;
    case LayerKind::Growth::slots:
      // Off whole steps the slots depend on where the last cut fell, up and down by less than a
      // step: a plan counts the most, so that more context never asks for less.
      slots = workload.prefill_step % profile.slot_step == 0
                  ? kv_slots(context, 0, workload.prefill_step, profile.slot_step)
                  : checked_add(context, profile.slot_step - 1);
      break;
    case LayerKind::Growth::rotating:
      slots = rotating_peak_slots(context, 0, kind.window, workload.prefill_step);
      break;
    case LayerKind::Growth::chunked:
      slots = round_up(std::min(context, kind.window + workload.prefill_step), profile.slot_step);
      break;
    case LayerKind::Growth::cells:
      slots = llama_cells(llama_context(workload, context));
      streams = 1;
      break;
    case LayerKind::Growth::sliding_cells:
      slots = llama_sliding_cells(profile.graph.value(), llama_context(workload, context));
      streams = 1;
      break;
  }
  std::int64_t slot = kind.slot_bytes;
  std::int64_t constant = kind.constant_bytes;
  if (ranks > 1) {
    const std::int64_t cut = kind.slot_bytes - kind.slot_replicated;
    const std::int64_t heads = std::max<std::int64_t>(1, ceil_div(kind.kv_heads, ranks));
    slot = kind.slot_replicated + ceil_div(checked_mul(cut, heads), kind.kv_heads);
    constant = ceil_div(constant, ranks);
  }
  return checked_add(checked_mul(checked_mul(slots, slot), streams),
                     checked_mul(constant, workload.sequences));
}

LlamaContext llama_context(const Workload& workload, std::int64_t context) {
  LlamaContext result;
  result.context = checked_mul(context, workload.sequences);
  result.parallel = workload.sequences;
  result.ubatch = std::min<std::int64_t>(512, workload.prefill_step);
  result.outputs = workload.sequences;  // llama-server asks for one a sequence
  result.quantized_cache = workload.kv != KvFormat::bf16 && workload.kv != KvFormat::f32;
  return result;
}

std::int64_t step_bytes(const Profile& profile, const Workload& workload, std::int64_t context,
                        Place place) {
  if (profile.graph) {
    const LlamaContext made = llama_context(workload, context);
    // Servers stand first, the client's own GPU last.
    const DeviceKind kind =
        place == Place::only || place == Place::last ? DeviceKind::metal : DeviceKind::generic;
    return checked_add(llama_compute(*profile.graph, made, kind, place),
                       llama_compute_margin(made.ubatch));
  }
  const std::int64_t step = std::min(context, workload.prefill_step);
  const std::int64_t together = std::min(workload.sequences, profile.batched_prompts);
  return checked_add(checked_mul(checked_mul(profile.step_bytes, step), together),
                     checked_mul(profile.logits_bytes, workload.sequences));
}

std::int64_t attention_bytes(const Profile& profile, const LayerKind& kind,
                             const Workload& workload, std::int64_t context, std::int64_t ranks) {
  const std::int64_t together = std::min(workload.sequences, profile.batched_prompts);
  const std::int64_t seen =
      kind.window > 0 ? std::min(context, kind.window + workload.prefill_step) : context;
  const std::int64_t step = std::min(context, workload.prefill_step);
  std::int64_t bytes = checked_mul(checked_mul(kind.score_bytes, step), seen);
  bytes = checked_add(bytes, checked_mul(kind.expanded_bytes, seen));
  return checked_mul(ceil_div(bytes, ranks), together);
}

}  // namespace macfit::runtime
