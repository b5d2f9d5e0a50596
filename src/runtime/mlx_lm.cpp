#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "mlx_family.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {
namespace {

// Source for both lists: mlx-lm@d78bf58e, classes with PipelineMixin and with shard()
// (docs/runtimes.md).
constexpr std::array<std::string_view, 13> pipelined = {
    "deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe", "glm4_moe_lite",
    "glm_moe_dsa", "joyai_llm",   "kimi_k2",      "kimi_k25", "ministral3",
    "qwen3_5",     "qwen3_5_moe", "qwen3_5_text"};
constexpr std::array<std::string_view, 24> sharded = {
    "deepseek_v2", "deepseek_v3", "deepseek_v32",    "exaone_moe",  "glm4_moe",     "glm4_moe_lite",
    "glm_moe_dsa", "gpt_oss",     "iquestcoder",     "kimi_k2",     "kimi_k25",     "llama",
    "minimax",     "minimax_m2",  "iquestloopcoder", "ministral3",  "mistral",      "qwen2",
    "qwen3",       "qwen3_5",     "longcat_flash",   "qwen3_5_moe", "qwen3_5_text", "step3p5"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class MlxLm final : public MlxFamily {
 public:
  [[nodiscard]] Id id() const override { return Id::mlx_lm; }
  [[nodiscard]] std::string_view name() const override { return "mlx-lm"; }

  [[nodiscard]] Support runs(const model::Model& model) const override {
    if (model.nominal || mlx_lm_has_class(model.architecture)) {
      return Support::yes();
    }
    return Support::no(
        "architecture-unknown",
        fmt::format("mlx-lm has no class for the architecture \"{}\"", model.architecture.type));
  }

  [[nodiscard]] Support pipeline(const model::Model& model, std::size_t /*nodes*/) const override {
    if (model.nominal || among(pipelined, model.architecture.type)) {
      return Support::yes();
    }
    return Support::no("no-pipeline", fmt::format("mlx-lm has no pipeline split for \"{}\" models",
                                                  model.architecture.type));
  }

  /// Equal counts; the remainder goes to the ranks with the last layers (mlx-lm#1816).
  [[nodiscard]] std::vector<std::int64_t> divide(std::int64_t layers,
                                                 const std::vector<Bytes>& free_memory,
                                                 std::int64_t /*unloaded*/) const override {
    const auto nodes = static_cast<std::int64_t>(free_memory.size());
    std::vector<std::int64_t> split;
    for (std::int64_t i = 0; i < nodes; ++i) {
      const std::int64_t rank = nodes - 1 - i;
      split.push_back(layers / nodes + (rank < layers % nodes ? 1 : 0));
    }
    return split;
  }

  [[nodiscard]] std::int64_t prefill_step(std::int64_t asked,
                                          std::size_t /*nodes*/) const override {
    return asked;
  }

  [[nodiscard]] std::string split_warning(std::int64_t layers, std::size_t nodes) const override {
    const auto count = static_cast<std::int64_t>(nodes);
    if (layers % count == 0) {
      return {};
    }
    return fmt::format(
        "mlx-lm up to 0.32.0 drops layers where {} layers do not divide by {} nodes and answers "
        "wrongly without an error: use a release with the fix (mlx-lm#1816)",
        layers, nodes);
  }

  [[nodiscard]] std::string manual_split(const std::vector<std::int64_t>& split,
                                         std::int64_t /*unloaded*/) const override {
    // The list is by rank, and rank 0 holds the last layers.
    std::string text;
    for (std::size_t i = split.size(); i-- > 0;) {
      text += (text.empty() ? "" : ", ") + std::to_string(split[i]);
    }
    return fmt::format(
        "pass split=[{}] to pipeline() (mlx-lm with #1816; rank 0 has the last layers)", text);
  }

 protected:
  [[nodiscard]] Support tensor_code(const model::Model& model) const override {
    if (among(sharded, model.architecture.type)) {
      return Support::yes();
    }
    return Support::no("no-tensor", fmt::format("mlx-lm has no shard() for \"{}\" models",
                                                model.architecture.type));
  }

  [[nodiscard]] std::int64_t collectives_per_layer(const model::Model& model) const override {
    const std::string& type = model.architecture.type;
    // Two sums of squares for the full-width norms beside the usual two (minimax.py).
    if (type == "minimax" || type == "minimax_m2") {
      return 4;
    }
    return type == "longcat_flash" ? 5 : 2;
  }
};

}  // namespace

const Runtime& mlx_lm() {
  static const MlxLm runtime;
  return runtime;
}

}  // namespace macfit::runtime
