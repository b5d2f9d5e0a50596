#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/hardware/cluster.hpp"
#include "macfit/model/model.hpp"
#include "macfit/runtime/profile.hpp"
#include "macfit/runtime/workload.hpp"

namespace macfit::runtime {

/// Whether a runtime can do something with a model, and if not, why.
struct Support {
  bool ok = true;
  std::string code;    ///< "no-pipeline", "heads-not-divisible"; empty where ok
  std::string reason;  ///< one sentence
  static Support yes() { return {}; }
  static Support no(std::string code, std::string reason) {
    return {false, std::move(code), std::move(reason)};
  }
};

/// The same questions asked of every runtime. Stateless; one instance each.
class Runtime {
 public:
  virtual ~Runtime() = default;
  Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  [[nodiscard]] virtual Id id() const = 0;
  /// "mlx-lm".
  [[nodiscard]] virtual std::string_view name() const = 0;

  /// Can it load weights in this format, or in what it reads the name as?
  [[nodiscard]] virtual Support format(const model::Recipe& asked) const = 0;
  /// Can it load the architecture at all?
  [[nodiscard]] virtual Support runs(const model::Model& model) const = 0;
  /// Can it split by layers over `nodes` nodes?
  [[nodiscard]] virtual Support pipeline(const model::Model& model, std::size_t nodes) const = 0;
  /// Can it cut every layer over `nodes` nodes in this format?
  [[nodiscard]] virtual Support tensor(const model::Model& model, const model::Recipe& recipe,
                                       std::size_t nodes) const = 0;
  /// Can it store the cache this way?
  [[nodiscard]] virtual Support kv(const model::Model& model, KvFormat format) const = 0;

  /// The format a plan takes where none is asked for, or what "q4" means here.
  [[nodiscard]] virtual model::Recipe recipe(const model::Model& model,
                                             const model::Recipe& asked) const = 0;

  /// Flattens a model that it runs, in a format that `recipe` returned.
  /// Tensor splits are reckoned up to `most_ranks` nodes.
  [[nodiscard]] virtual Profile profile(const model::Model& model, const model::Recipe& recipe,
                                        KvFormat kv, std::size_t most_ranks) const = 0;

  /// Layers per node, first layers first, as the runtime cuts when told nothing. `unloaded` layers
  /// behind the last are counted by the runtime but not loaded.
  [[nodiscard]] std::vector<std::int64_t> default_split(std::int64_t layers,
                                                        const std::vector<Bytes>& free_memory,
                                                        std::int64_t unloaded = 0) const {
    return divide(layers, free_memory, unloaded);
  }
  /// True where only Macs can be its nodes.
  [[nodiscard]] virtual bool needs_macs() const { return true; }
  /// What `free_memory` stands for: the GPU limit, or all of RAM.
  [[nodiscard]] virtual bool divides_by_gpu_limit() const { return false; }
  /// A prompt chunk of a pipeline of this many nodes, given what one node would take.
  [[nodiscard]] virtual std::int64_t prefill_step(std::int64_t asked, std::size_t nodes) const = 0;
  /// Buffers that the transport of a split over `nodes` nodes pins on each.
  [[nodiscard]] virtual Bytes communication(std::size_t nodes,
                                            hardware::Transport transport) const = 0;
  /// True words on known defects of a default pipeline split of this model, or empty.
  [[nodiscard]] virtual std::string split_warning(std::int64_t layers, std::size_t nodes) const = 0;
  /// How to make the runtime take a given split, or empty where it can't be told.
  [[nodiscard]] virtual std::string manual_split(const std::vector<std::int64_t>& split,
                                                 std::int64_t unloaded) const = 0;

 private:
  [[nodiscard]] virtual std::vector<std::int64_t> divide(std::int64_t layers,
                                                         const std::vector<Bytes>& free_memory,
                                                         std::int64_t unloaded) const = 0;
};

/// Can it store keys and values in these formats, where they differ?
[[nodiscard]] Support kv_pair(Id id, KvFormat keys, KvFormat values);

[[nodiscard]] const Runtime& get(Id id);
/// Those that plan today, in order of preference.
[[nodiscard]] const std::vector<Id>& all();
[[nodiscard]] std::string_view id_name(Id id) noexcept;
/// Throws Error naming the known ones.
[[nodiscard]] Id parse_id(std::string_view name);

}  // namespace macfit::runtime
