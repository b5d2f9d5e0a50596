#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/runtime/workload.hpp"
#include "macfit/speed/calibration.hpp"
#include "macfit/speed/chip.hpp"
#include "macfit/speed/work.hpp"

namespace macfit::speed {

// How fast: bytes over memory bandwidth, a fixed time a layer, arithmetic, and the link. The
// formulas and their limits: docs/speed.md. Pure and cheap: one estimate costs a few hundred
// additions.

/// low <= value <= high: the interval that four of five measurements fall in.
struct Estimate {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
  Evidence evidence = Evidence::estimated;
  bool operator==(const Estimate&) const = default;
};

enum class Split : std::uint8_t { whole, pipeline, tensor };

struct Question {
  Split split = Split::whole;
  std::span<const Chip> chips;           ///< one a node, first layers first; one for `whole`
  std::span<const std::int64_t> layers;  ///< pipeline: layers a node, summing to the model's
  Link link;                             ///< the slowest between the nodes; ignored for `whole`
  double cached = 0.0;                   ///< tokens a sequence that the cache holds already
  double prompt = 0.0;        ///< tokens a sequence that are read before the first output
  double generated = 1.0;     ///< tokens a sequence after that
  double sequences = 1.0;     ///< decoded side by side
  double prefill_step = 0.0;  ///< tokens of prompt a pass; 0: the engine's own
};

/// Seconds of one decode step, taken apart. Stages of a pipeline are summed.
struct DecodeParts {
  double weights = 0.0;
  double cache = 0.0;
  double layers = 0.0;  ///< fixed time
  double unpack = 0.0;  ///< decoding K and IQ formats
  double link = 0.0;
  [[nodiscard]] double total() const { return weights + cache + layers + unpack + link; }
};

/// A figure is empty where something that it needs is not known; `why_unknown` then says what.
struct Answer {
  std::optional<Estimate> decode;            ///< tokens a second of one sequence
  std::optional<Estimate> aggregate_decode;  ///< of all sequences of the replica
  /// `decode` and `aggregate_decode` where prompt and output are short (`short_exchange`): what
  /// most published figures are.
  std::optional<Estimate> short_decode;
  std::optional<Estimate> short_aggregate;
  std::optional<Estimate> prefill;              ///< tokens a second of one prompt
  std::optional<Estimate> time_to_first_token;  ///< seconds, prompts of all sequences one by one
  DecodeParts parts;                            ///< of a mean step of the generation
  std::string_view why_unknown;
};

/// Seconds of a mean decode step of all sequences, over the generation. Bandwidths must be known.
[[nodiscard]] DecodeParts decode_step(const Work& work, const Question& question,
                                      const Constants& constants);
/// Seconds that each layer adds to a mean decode step on a chip, the last one with the output head:
/// what a pipeline's split moves from node to node. The question's split, chips, layers and link
/// are not looked at.
[[nodiscard]] std::vector<double> layer_seconds(const Work& work, const Question& question,
                                                const Chip& chip, const Constants& constants);
/// Seconds that a decode step of so many sequences waits for one hop of a pipeline.
[[nodiscard]] double hop_seconds(const Work& work, const Link& link, double sequences,
                                 const Constants& constants);
/// Seconds to read one prompt, which must not be empty. Bandwidths and FLOP rates must be known.
[[nodiscard]] double prefill_seconds(const Work& work, const Question& question,
                                     const Constants& constants);

/// Prompt and output of a short exchange, tokens together.
inline constexpr double short_context = 512.0;
/// The question about a short exchange instead: `short_context` tokens, the last 128 of them
/// generated, nothing cached. The question itself where it is no longer.
[[nodiscard]] Question short_exchange(const Question& question);

[[nodiscard]] Answer estimate(const Work& work, const Question& question,
                              const Calibration& calibration);
/// `aggregate_decode->value` of such an answer, without the rest: for searches that ask often.
[[nodiscard]] std::optional<double> decode_rate(const Work& work, const Question& question,
                                                const Calibration& calibration);

/// Most tokens a second that memory lets each sequence have, at the start of the generation:
/// 1 / sum over stages of bytes read / the vendor's bandwidth. Side by side, sequences share one
/// read of the weights, and of the experts at best. Empty where a bandwidth is not known.
[[nodiscard]] std::optional<double> decode_roofline(const Work& work, const Question& question);

/// What a plan's context stands for: its last tokens are generated, the rest is prompt.
struct Exchange {
  double prompt = 0.0;
  double generated = 0.0;
};
/// An eighth of the context is generated, at most 512 tokens.
[[nodiscard]] Exchange exchange_of(const runtime::Workload& workload);

}  // namespace macfit::speed
