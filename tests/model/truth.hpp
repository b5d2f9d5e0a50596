#pragma once

// Published truth as plain values, read from the data beside the checkout.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace macfit::test {

/// One model of mlx_lm_bytes.json: what mlx-lm's own classes say.
struct MlxRow {
  std::string config;
  bool usable = false;  ///< has figures, and is not marked do_not_use
  std::int64_t parameters = 0;
  std::map<std::string, std::int64_t> bytes;  ///< by recipe
  std::int64_t kv_bytes_per_token = 0;
  std::int64_t kv_constant_bytes = 0;
  std::int64_t kv_window_bytes = 0;
  std::int64_t global_bytes_4bit = 0;
  std::map<std::int64_t, std::int64_t> layer_bytes_4bit;  ///< bytes -> how many layers
  struct Split {
    std::string recipe;
    std::int64_t ranks = 0;
    std::optional<std::int64_t> bytes;  ///< none: refused
  };
  std::vector<Split> splits;
};
/// Empty where the data is absent.
[[nodiscard]] std::vector<MlxRow> mlx_rows();

/// One model of models.json.
struct ModelRow {
  std::string name;
  std::int64_t text = 0;
  std::int64_t mtp = 0;
  std::int64_t vision = 0;
  std::optional<std::int64_t> active;
  std::optional<std::int64_t> published;
};
[[nodiscard]] std::vector<ModelRow> model_rows();

/// One repository of weight_sizes.json.
struct SizeRow {
  std::string repository;
  std::string quant;
  std::int64_t bytes = 0;
  std::string exactness;
  std::string model;
};
[[nodiscard]] std::vector<SizeRow> size_rows();

/// The parts of mlx_vectors.json that say something of weights and caches.
struct MlxVectors {
  std::map<std::string, double> bits_per_weight;  ///< "affine-4-g64"
  struct Matrix {
    std::int64_t out = 0, in = 0, stack = 1, bytes = 0;
    int bits = 0, group = 0, scale_bytes = 2;
    std::string mode;
  };
  std::vector<Matrix> matrices;
  std::map<std::string, std::int64_t> kv_bytes_per_token;
  std::map<std::string, std::int64_t> kv_constant_bytes;
  std::map<int, std::vector<std::int64_t>> high_layers;  ///< layers -> which; or
  std::map<int, std::int64_t> high_layer_counts;         ///< layers -> how many
  struct Legality {
    std::string model;
    std::int64_t ranks = 0;
    std::vector<std::string> errors;
  };
  std::vector<Legality> splits;
  std::map<std::int64_t, std::int64_t> minimax_per_rank;
};
[[nodiscard]] std::optional<MlxVectors> mlx_vectors();

/// The stored config.json of a model; none where absent.
[[nodiscard]] std::optional<std::string> stored_config(const std::string& name);

/// Every stored config: name and text.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> stored_configs();

}  // namespace macfit::test
