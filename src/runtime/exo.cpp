#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/runtime/exo_rules.hpp"
#include "mlx_family.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {
namespace {

class Exo final : public MlxFamily {
 public:
  using MlxFamily::MlxFamily;

  [[nodiscard]] Support pipeline(const model::Model& model, std::size_t nodes) const override {
    const ClassFacts* known = class_of(model);
    if (nodes > 1 && !model.nominal && known != nullptr && !known->pipeline) {
      return Support::no("no-pipeline",
                         fmt::format("EXO runs \"{}\" models on one node only in pipeline mode",
                                     model.architecture.type));
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
  [[nodiscard]] std::vector<Problem> accepts(const Proposal& proposal) const override {
    if (!proposal.split || proposal.fits) {
      return {};
    }
    ExoRequest asked;
    asked.storage = Bytes(proposal.profile->total_weights());
    asked.layers = static_cast<std::int64_t>(proposal.profile->layers);
    asked.hidden = proposal.profile->hidden;
    asked.tensor = proposal.tensor;
    std::vector<Bytes> demand;
    std::vector<Bytes> effective;
    for (const Proposal::Node& node : proposal.nodes) {
      if (node.replica == 0) {
        asked.available.push_back(node.ram);
        demand.push_back(node.demand);
        effective.push_back(node.effective);
      }
    }
    asked.min_nodes = asked.available.size();
    const auto overflow = exo_overflow(demand, effective);
    if (!overflow || !exo_place(asked).accepted) {
      return {};
    }
    return {{"accepted-but-overflows",
             fmt::format("EXO compares free memory with the checkpoint's size and forgets caches "
                         "and activations, so it would accept this, and {} would run out by {}",
                         proposal.nodes[overflow->node].name, format_gb(overflow->missing))}};
  }

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
};

}  // namespace

std::unique_ptr<const Runtime> make_exo(std::shared_ptr<const Facts> facts) {
  return std::make_unique<Exo>(std::move(facts));
}

}  // namespace macfit::runtime
