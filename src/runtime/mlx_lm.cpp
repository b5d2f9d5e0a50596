// mlx-lm: how its pipeline cuts layers, release by release.

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "mlx_family.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {
namespace {

class MlxLm final : public MlxFamily {
 public:
  using MlxFamily::MlxFamily;

  [[nodiscard]] Support pipeline(const model::Model& model, std::size_t /*nodes*/) const override {
    const ClassFacts* known = class_of(model);
    if (model.nominal || (known != nullptr && known->pipeline)) {
      return Support::yes();
    }
    if (model.architecture.type.empty()) {
      return type_unstated();
    }
    return Support::no("no-pipeline", fmt::format("{} has no pipeline split for \"{}\" models",
                                                  spelled(), model.architecture.type));
  }

  /// mlx_lm.server is what serves: a release may know the option elsewhere only.
  [[nodiscard]] Support kv(const model::Model& model, KvFormat format) const override {
    const std::vector<std::string>& flags = facts().launch.server_flags;
    if (format != KvFormat::bf16 && !flags.empty() &&
        std::find(flags.begin(), flags.end(), "--kv-bits") == flags.end()) {
      return Support::no(
          "kv-flag-missing",
          fmt::format("mlx_lm.server of {} {} has no --kv-bits: take a bf16 cache or "
                      "a newer release",
                      title(), release()));
    }
    return MlxFamily::kv(model, format);
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
    if (!facts().drops_uneven_layers || layers % count == 0) {
      return {};
    }
    return fmt::format(
        "{} {} drops layers where {} layers do not divide by {} nodes and answers wrongly without "
        "an error: use a release with the fix (mlx-lm#1816)",
        title(), release(), layers, nodes);
  }

  [[nodiscard]] std::string manual_split(const std::vector<std::int64_t>& split,
                                         std::int64_t /*unloaded*/) const override {
    if (!facts().takes_split) {
      return {};
    }
    // The list is by rank, and rank 0 holds the last layers.
    std::string text;
    for (std::size_t i = split.size(); i-- > 0;) {
      text += (text.empty() ? "" : ", ") + std::to_string(split[i]);
    }
    return fmt::format(
        "pass split=[{}] to pipeline() (mlx-lm with #1816; rank 0 has the last layers)", text);
  }
};

}  // namespace

std::unique_ptr<const Runtime> make_mlx_lm(std::shared_ptr<const Facts> facts) {
  return std::make_unique<MlxLm>(std::move(facts));
}

}  // namespace macfit::runtime
