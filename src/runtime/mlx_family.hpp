#pragma once

#include "macfit/runtime/facts.hpp"
#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

/// What mlx-lm and EXO share: MLX's memory, mlx-lm's model classes and caches.
class MlxFamily : public Runtime {
 public:
  using Runtime::Runtime;

  [[nodiscard]] Support format(const model::Model& model,
                               const model::Recipe& asked) const override;
  [[nodiscard]] Support runs(const model::Model& model) const override;
  [[nodiscard]] model::Recipe recipe(const model::Model& model,
                                     const model::Recipe& asked) const override;
  [[nodiscard]] Profile profile(const model::Model& model, const model::Recipe& recipe, KvFormat kv,
                                std::size_t most_ranks) const override;
  [[nodiscard]] Support kv(const model::Model& model, KvFormat format) const override;
  [[nodiscard]] Support tensor(const model::Model& model, const model::Recipe& recipe,
                               std::size_t nodes) const override;
  [[nodiscard]] Bytes communication(std::size_t nodes,
                                    hardware::Transport transport) const override;

 protected:
  /// What this release states of the class that loads the model; null where it has none that
  /// builds such layers.
  [[nodiscard]] const ClassFacts* class_of(const model::Model& model) const;
  /// Of weights without a config.json: no class can be looked up.
  [[nodiscard]] Support type_unstated() const;
};

}  // namespace macfit::runtime
