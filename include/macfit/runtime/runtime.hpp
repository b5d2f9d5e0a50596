#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/hardware/cluster.hpp"
#include "macfit/model/model.hpp"
#include "macfit/runtime/backend.hpp"
#include "macfit/runtime/profile.hpp"
#include "macfit/runtime/workload.hpp"

namespace macfit::runtime {

/// Whether a runtime can do something with a model, and if not, why.
struct Support {
  bool ok = true;
  std::string code;    ///< "no-pipeline", "not-divisible"; empty where ok
  std::string reason;  ///< one sentence
  /// It is not that the runtime can't: whether it can is not known here.
  [[nodiscard]] bool unknown() const { return !ok && code == "support-unknown"; }
  static Support yes() { return {}; }
  static Support no(std::string code, std::string reason) {
    return {false, std::move(code), std::move(reason)};
  }
};

/// Something that a runtime would do by itself, or do worse, with a placement.
struct Problem {
  std::string code;  ///< "accepted-but-overflows"; `explain` knows it
  std::string text;  ///< one sentence
};

/// A budgeted placement as a runtime is asked about it.
struct Proposal {
  struct Node {
    std::string name;  ///< safe to print
    std::size_t replica = 0;
    Bytes ram;
    Bytes gpu_limit;
    Bytes effective;
    Bytes demand;
    Bytes base;  ///< of `demand`: the process itself
  };
  const Profile* profile = nullptr;
  bool split = false;  ///< over several nodes a replica
  bool tensor = false;
  bool fits = true;
  std::vector<Node> nodes;
};

struct Facts;  // facts.hpp

/// One runtime at one release: the same questions asked of every one. Immutable and held by a
/// Catalog (catalog.hpp); two of them are the same one where their addresses are.
class Runtime {
 public:
  virtual ~Runtime() = default;
  explicit Runtime(std::shared_ptr<const Facts> facts);
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// What its file in runtimes/ states of this release.
  [[nodiscard]] const Facts& facts() const { return *facts_; }
  /// "mlx-lm", as --runtime takes it.
  [[nodiscard]] const std::string& name() const;
  /// "EXO", in sentences.
  [[nodiscard]] const std::string& title() const;
  /// "0.32.2"; a commit where the project has no releases.
  [[nodiscard]] const std::string& release() const;
  /// What to type for it: "mlx-lm" for the newest release, else "mlx-lm@0.31.3".
  [[nodiscard]] std::string spelled() const;
  /// Whose kernels it runs, as speed::engine_from_name() takes it.
  [[nodiscard]] const std::string& engine() const;
  /// How its nodes can talk to each other, TCP first.
  [[nodiscard]] const std::vector<Backend>& backends() const;

  /// Can it load the model's weights in this format, or in what it reads the name as?
  [[nodiscard]] virtual Support format(const model::Model& model,
                                       const model::Recipe& asked) const = 0;
  /// Can it load the architecture at all?
  [[nodiscard]] virtual Support runs(const model::Model& model) const = 0;
  /// Can it split by layers over `nodes` nodes?
  [[nodiscard]] virtual Support pipeline(const model::Model& model, std::size_t nodes) const = 0;
  /// Can it cut every layer over `nodes` nodes in this format?
  [[nodiscard]] virtual Support tensor(const model::Model& model, const model::Recipe& recipe,
                                       std::size_t nodes) const = 0;
  /// Can it store the cache this way?
  [[nodiscard]] virtual Support kv(const model::Model& model, KvFormat format) const = 0;
  /// Can it store keys and values in these formats, where they differ?
  [[nodiscard]] virtual Support kv_pair(KvFormat keys, KvFormat values) const;

  /// The format a plan takes where none is asked for, or what "q4" means here.
  [[nodiscard]] virtual model::Recipe recipe(const model::Model& model,
                                             const model::Recipe& asked) const = 0;

  /// Flattens a model that it runs, in a format that `recipe` returned.
  /// Tensor splits are computed up to `most_ranks` nodes.
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
  /// Bytes on the CPU's side of the last of a replica's nodes, where it tells them from the GPU's.
  [[nodiscard]] virtual Bytes host_bytes(const Profile& profile, const Workload& workload,
                                         std::size_t nodes) const;
  /// What it would do with a placement if left to itself, that a plan should warn of.
  [[nodiscard]] virtual std::vector<Problem> accepts(const Proposal& proposal) const;

 private:
  [[nodiscard]] virtual std::vector<std::int64_t> divide(std::int64_t layers,
                                                         const std::vector<Bytes>& free_memory,
                                                         std::int64_t unloaded) const = 0;

  std::shared_ptr<const Facts> facts_;
};

}  // namespace macfit::runtime
