#pragma once

#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

/// What mlx-lm and EXO share: MLX's memory, mlx-lm's model classes and caches.
class MlxFamily : public Runtime {
 public:
  [[nodiscard]] Support format(const model::Recipe& asked) const override;
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
  /// Collectives that one layer of the architecture costs per token in a tensor split.
  [[nodiscard]] virtual std::int64_t collectives_per_layer(const model::Model& model) const = 0;
  /// Does the runtime have code to cut this architecture?
  [[nodiscard]] virtual Support tensor_code(const model::Model& model) const = 0;
};

/// Does mlx-lm have a class for the model type that builds these layers? Source: mlx-lm@d78bf58e,
/// mlx_lm/models/.
[[nodiscard]] bool mlx_lm_has_class(const model::Architecture& architecture);

}  // namespace macfit::runtime
