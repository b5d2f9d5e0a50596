#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/evidence.hpp"

namespace macfit::speed {

/// The constants of the speed model; docs/speed.md says what each stands for.
enum class Constant : std::uint8_t {
  // decode, one node
  bandwidth_share,
  layer_time,
  generation_ratio,
  ultra_layers,
  old_llama_layers,
  moe_layer,
  linear_layer,
  latent_layer,
  norms_layer,
  compressed_layer,
  sparse_layer,
  unfused_linear,
  cache_cost,
  cache_cost_old_llama,
  cache_cost_compressed,
  unpack_operations,
  batch_layers,
  row_share,
  other_share,
  other_layers,
  // prefill, one node
  compute_share,
  hidden_half,
  expert_tokens,
  attention_share,
  matrix_mlx,
  matrix_llama,
  mlx_prefill,
  old_bf16,
  compressed_prefill,
  recurrent_prefill,
  prompt_reads,
  ds4_m1,
  // several nodes
  collective_rdma,
  collective_tcp,
  exo_tensor,
  hop_rdma,
  hop_tcp,
  hop_rpc,
  hop_wifi,
};
inline constexpr std::size_t constant_count = static_cast<std::size_t>(Constant::hop_wifi) + 1;

using Constants = std::array<double, constant_count>;

/// One constant as it is stored: value, unit, and what it rests on.
struct ConstantInfo {
  std::string_view name;     ///< "bandwidth-share"
  std::string_view unit;     ///< "1", "us", "ms"
  std::string_view meaning;  ///< one line
  double start = 0.0;        ///< where a fit starts, in the unit
  double low = 0.0;          ///< bounds, in the unit
  double high = 0.0;
  double without = 0.0;  ///< where it changes nothing, as if the model had no such term
  /// What reports leave open where too few speak of it for a fit; both 0: it is fitted. Such a
  /// constant stays at `start`, and intervals hold both ends.
  double stated_low = 0.0;
  double stated_high = 0.0;
  [[nodiscard]] bool fitted() const { return stated_high <= 0.0; }
};
[[nodiscard]] const ConstantInfo& constant_info(Constant constant) noexcept;
/// By name. Throws Error with the nearest known ones.
[[nodiscard]] Constant constant_from_name(std::string_view name);
/// Constants with those that no fit speaks of at one end of what reports say: the slow one, or the
/// fast one.
[[nodiscard]] Constants at_stated_end(Constants constants, bool slow);

/// How far measurements fall from predictions; natural logs of published over predicted.
struct Residuals {
  std::size_t rows = 0;
  std::size_t configurations = 0;
  std::size_t sources = 0;
  double low = 0.0;   ///< 10th percentile
  double high = 0.0;  ///< 90th percentile
};

/// The kinds of figure that have an interval of their own.
enum class Figure : std::uint8_t { decode, prefill, decode_nodes, prefill_nodes };
inline constexpr std::size_t figure_count = 4;
/// "decode-nodes".
[[nodiscard]] std::string_view figure_name(Figure figure) noexcept;

/// Somebody's own result: corrects every figure of its configuration.
struct Anchor {
  std::string chip;  ///< id
  int cores = 0;
  std::string engine;  ///< name
  std::string model;   ///< id
  std::string format;
  int nodes = 1;
  bool prefill = false;
  double log_ratio = 0.0;  ///< median of log(measured / predicted)
  std::size_t rows = 0;
};

/// A published row that the constants rest on.
struct FittedRow {
  std::string id;
  std::string source;
  Figure figure = Figure::decode;
  double log_ratio = 0.0;  ///< ln(published / predicted), by a fit that has not seen the source
};

struct Calibration {
  Constants values{};  ///< SI: seconds, shares, ratios
  std::array<Residuals, figure_count> residuals{};
  /// The same of llama.cpp of 2023 and 2024 on one node, decode and prefill: near copies of one
  /// table, and no measure for anything else.
  std::array<Residuals, 2> residuals_2024{};
  std::array<std::size_t, constant_count> rows{};     ///< that carry each constant
  std::array<std::size_t, constant_count> sources{};  ///< that those rows come from
  std::array<double, constant_count> low{};           ///< over fits that leave one source out
  std::array<double, constant_count> high{};
  std::vector<Anchor> anchors;
  std::vector<FittedRow> fitted;

  [[nodiscard]] double operator[](Constant constant) const noexcept {
    return values[static_cast<std::size_t>(constant)];
  }
  /// hardware/calibration.json as compiled in. Parsed once; safe from any thread.
  [[nodiscard]] static const Calibration& embedded();
  /// Where a fit starts: the constants as first derived, without rows behind them.
  [[nodiscard]] static Calibration start();
};

/// Reads macfit.calibration/1. Throws Error (JSON pointer) on anything malformed or out of bounds.
[[nodiscard]] Calibration read_calibration(std::string_view text, std::string_view file = {});
/// The same calibration always gives the same text.
[[nodiscard]] std::string write_calibration(const Calibration& calibration);

}  // namespace macfit::speed
