#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "macfit/runtime/exo_rules.hpp"
#include "mlx_family.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {
namespace {

// EXO@b5375f8c, auto_parallel.py: strategies for tensor parallelism.
constexpr std::array<std::string_view, 27> sharded = {
    "llama",       "mistral",         "ministral3",   "deepseek_v3", "deepseek_v32",
    "deepseek_v4", "kimi_k2",         "kimi_k25",     "minimax",     "minimax_m2",
    "glm4_moe",    "glm4_moe_lite",   "qwen3",        "qwen3_moe",   "qwen3_next",
    "qwen3_5",     "qwen3_5_moe",     "qwen3_5_text", "qwen3_vl",    "qwen3_vl_moe",
    "gpt_oss",     "step3p5",         "nemotron_h",   "gemma4",      "gemma4_text",
    "glm_moe_dsa", "qwen3_5_moe_text"};

class Exo final : public MlxFamily {
 public:
  [[nodiscard]] Id id() const override { return Id::exo; }
  [[nodiscard]] std::string_view name() const override { return "EXO"; }

  [[nodiscard]] Support runs(const model::Model& model) const override {
    // EXO pins a branch of mlx-lm that has DeepSeek V4 besides.
    if (model.nominal || mlx_lm_has_class(model.architecture) ||
        model.architecture.type == "deepseek_v4") {
      return Support::yes();
    }
    return Support::no(
        "architecture-unknown",
        fmt::format("EXO has no class for the architecture \"{}\"", model.architecture.type));
  }

  [[nodiscard]] Support pipeline(const model::Model& model, std::size_t nodes) const override {
    const std::string& type = model.architecture.type;
    if (nodes > 1 && (type == "gemma4" || type == "gemma4_text")) {
      return Support::no("no-pipeline", "EXO runs Gemma 4 on one node only in pipeline mode");
    }
    return Support::yes();
  }

  /// Floor of each node's share of free memory, the rest to the largest remainders, at least one.
  /// Source: EXO@b5375f8c, placement_utils.py.
  [[nodiscard]] std::vector<std::int64_t> divide(std::int64_t layers,
                                                 const std::vector<Bytes>& free_memory,
                                                 std::int64_t /*unloaded*/) const override {
    const auto nodes = static_cast<std::int64_t>(free_memory.size());
    if (layers < nodes) {
      // EXO refuses; whoever asks sees nodes without a layer.
      std::vector<std::int64_t> split(free_memory.size(), 0);
      std::fill_n(split.begin(), layers, 1);
      return split;
    }
    const bool any = std::any_of(free_memory.begin(), free_memory.end(),
                                 [](Bytes bytes) { return bytes > Bytes(0); });
    return exo_layers(layers, any ? free_memory : std::vector<Bytes>(free_memory.size(), Bytes(1)));
  }

  [[nodiscard]] std::int64_t prefill_step(std::int64_t asked, std::size_t nodes) const override {
    const auto parts = static_cast<std::int64_t>(std::clamp<std::size_t>(nodes, 1, 4));
    return std::max<std::int64_t>(1, asked / parts);
  }

  /// placement.py sums free memory over the cycle: no cache, no activations, no node by itself.

  [[nodiscard]] std::string split_warning(std::int64_t /*layers*/,
                                          std::size_t /*nodes*/) const override {
    return {};
  }

  [[nodiscard]] std::string manual_split(const std::vector<std::int64_t>& /*split*/,
                                         std::int64_t /*unloaded*/) const override {
    return {};
  }

  [[nodiscard]] Support kv(const model::Model& model, KvFormat format) const override {
    (void)model;
    if (format == KvFormat::bf16) {
      return Support::yes();
    }
    return Support::no("kv-format-unknown", "EXO keeps its cache in bf16 and has no switch for it");
  }

 protected:
  [[nodiscard]] Support tensor_code(const model::Model& model) const override {
    if (std::find(sharded.begin(), sharded.end(), model.architecture.type) != sharded.end()) {
      return Support::yes();
    }
    return Support::no("no-tensor", fmt::format("EXO has no tensor strategy for \"{}\" models",
                                                model.architecture.type));
  }

  [[nodiscard]] std::int64_t collectives_per_layer(const model::Model& model) const override {
    const std::string& type = model.architecture.type;
    return type == "minimax" || type == "minimax_m2" ? 3 : 2;
  }
};

}  // namespace

const Runtime& exo() {
  static const Exo runtime;
  return runtime;
}

}  // namespace macfit::runtime
