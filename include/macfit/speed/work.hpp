#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"
#include "macfit/model/model.hpp"
#include "macfit/runtime/runtime.hpp"
#include "macfit/runtime/workload.hpp"

namespace macfit::speed {

/// Whose kernels run. Those that no plan offers are here because published figures come from them.
enum class Engine : std::uint8_t {
  mlx,         ///< mlx-lm and what is built on MLX
  exo,         ///< MLX under EXO
  llama_cpp,   ///< builds since 2025
  llama_2024,  ///< builds of 2023 and 2024
  ollama,
  ds4,
};
inline constexpr std::size_t engine_count = 6;
/// "mlx", "llama.cpp-2024".
[[nodiscard]] std::string_view engine_name(Engine engine) noexcept;
[[nodiscard]] std::optional<Engine> engine_from_name(std::string_view name) noexcept;
/// Whose kernels a runtime runs.
[[nodiscard]] Engine engine_of(const runtime::Runtime& runtime) noexcept;

/// What makes a layer cost more than its bytes.
enum class Trait : std::uint8_t {
  moe,         ///< router, gather, scatter
  linear,      ///< recurrent mixers
  latent,      ///< MLA
  norms,       ///< four norms a layer (Gemma)
  compressed,  ///< DeepSeek V4: compressed attention, hyper-connections
  sparse,      ///< attention to slots that a scorer chose, here or in a layer before (GLM-5)
};
inline constexpr std::size_t trait_count = 6;

/// What one kind of layer reads and computes for each token of context.
struct ContextCost {
  enum class Reach : std::uint8_t { none, full, window };
  Reach reach = Reach::none;
  double window = 0.0;           ///< tokens, Reach::window
  double slot_bytes = 0.0;       ///< per token in reach
  double picked = 0.0;           ///< at most so many slots are read (0: all): sparse attention
  double attended = 0.0;         ///< a prompt's token attends to at most so many (0: all)
  double index_bytes = 0.0;      ///< per token of the whole context, beside the slots picked
  double state_bytes = 0.0;      ///< per sequence, whatever the context
  double flops = 0.0;            ///< attention of a prompt's token, per position in reach
  double index_flops = 0.0;      ///< the same of what chooses slots, per position
  double fixed_flops = 0.0;      ///< the same, whatever the position
  double recurrent_flops = 0.0;  ///< of a recurrent mixer's scan, per token
  double shares = 1.0;           ///< ranks of a tensor split that can divide it: KV heads
  bool operator==(const ContextCost&) const = default;
};

/// One model in one format under one engine, as the speed model sees it. Prefix sums over layers
/// make any stage of a pipeline a subtraction. Bytes and FLOPs of one token unless said.
struct Work {
  std::string model;   ///< id
  std::string format;  ///< "mlx-4bit-g64"
  Engine engine = Engine::mlx;
  Evidence evidence = Evidence::exact;
  bool known = true;     ///< false: `why`
  std::string_view why;  ///< what is missing, static text
  std::size_t layers = 0;
  /// Layers that a prompt runs through, from the first: MLX leaves out the last ones where they
  /// read another layer's cache (Gemma 4 E2B and E4B), as nothing asks for their result.
  std::size_t prompt_layers = 0;
  std::vector<double> body;         ///< layers + 1 prefix sums: bytes read whatever the token
  std::vector<double> experts;      ///< routed experts that one token uses
  std::vector<double> experts_all;  ///< every routed expert
  std::vector<double> body_parameters;
  std::vector<double> expert_parameters;  ///< of the experts that one token uses
  std::vector<std::array<std::uint16_t, trait_count>> traits;  ///< prefix counts
  std::vector<ContextCost> kinds;
  std::vector<std::uint32_t> kind_counts;  ///< (layers + 1) * kinds prefix counts
  double head = 0.0;                       ///< head bytes, or the tied embedding's
  double hidden = 0.0;
  double expert_count = 0.0;  ///< of a mixture's layer; 0: dense
  double expert_used = 0.0;
  double streams = 1.0;            ///< residual streams that cross a cut between layers
  double unpack_parameters = 0.0;  ///< active weights in formats that are dear to decode (K, IQ)
  double head_parameters = 0.0;
  double weights = 0.0;      ///< bytes of the whole model
  double collectives = 2.0;  ///< per layer of a tensor split; what a runtime states replaces it
  // What the engine's release decides: `set_release`.
  bool unfused = false;       ///< recurrent layers in many small steps (llama.cpp before May 2026)
  bool matrix_units = false;  ///< prompts run on the M5's matrix units (ds4 since July 2026)
  bool quick_hops = false;    ///< EXO since 1.0: fast synchronization between nodes
  bool slow_tensor = false;   ///< EXO since May 2026: tensor splits far slower than mlx-lm's

  [[nodiscard]] bool mixture() const noexcept { return expert_count > 0.0; }
  [[nodiscard]] bool has(Trait trait) const {
    return traits[layers][static_cast<std::size_t>(trait)] > 0;
  }
};

/// When an engine was built, as far as is known. Month 0: the newest.
struct Release {
  int year = 0;
  int month = 0;  ///< 1 to 12
  [[nodiscard]] bool before(int other_year, int other_month) const {
    return month > 0 && (year < other_year || (year == other_year && month < other_month));
  }
};
/// "2026-05-21", "2026-05"; a year alone is its January; the newest where the text names no year.
[[nodiscard]] Release release_from_date(std::string_view text);
/// Makes the work that of an older release; `prepare` gives that of the newest.
void set_release(Work& work, Release release);

/// Bits a weight where no recipe says them (published rows of odd formats).
struct Bits {
  double body = 0.0;
  double experts = 0.0;
  double head = 0.0;
  bool unpack = false;          ///< formats that are dear to decode
  bool unpack_experts = false;  ///< the experts' alone
};

/// Flattens a model in a format for an engine. Not cheap: once for many questions.
[[nodiscard]] Work prepare(const model::Model& model, const model::Recipe& recipe, Engine engine,
                           runtime::KvFormat kv = runtime::KvFormat::bf16);
[[nodiscard]] Work prepare(const model::Model& model, const Bits& bits, std::string format,
                           Engine engine, runtime::KvFormat kv = runtime::KvFormat::bf16);

}  // namespace macfit::speed
