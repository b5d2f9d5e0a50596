#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "macfit/fit/tier.hpp"
#include "macfit/plan/scenario.hpp"

namespace macfit::plan {

enum class Layout : std::uint8_t {
  runtime_default,  ///< the split that the runtime makes when told nothing
  best,             ///< one passed by hand: best tier, then fastest, then least full
  given,            ///< by the user
};

/// One replica laid out.
struct Replica {
  Group nodes;        ///< of a pipeline: first layers first
  fit::Split layers;  ///< a pipeline's, one a node; empty otherwise
  Layout layout = Layout::runtime_default;
};

/// What the answer is for besides model, nodes and workload.
struct Terms {
  std::optional<SplitKind> only;  ///< restricts the placements; tensor over TCP may then win
  Goal goal = Goal::jobs;
  std::size_t replicas = 0;  ///< so many and no others; 0: as many as the rules find
};

/// The decision alone, in figures: no words, no placements that lost.
struct Decision {
  SplitKind split = SplitKind::independent;
  std::size_t scenario = 0;  ///< index of the winning runtime
  fit::Tier tier = fit::Tier::not_practical;
  bool raised = false;            ///< needs the raised GPU limit
  bool fits = false;              ///< at the asked context
  std::vector<Replica> replicas;  ///< empty: nothing loads
  std::size_t fewest = 0;         ///< nodes that are enough for one replica at this tier
  bool exact = true;              ///< false: too many unlike nodes to try every grouping
  bool last_resort = false;       ///< tensor over TCP, because nothing else loads

  [[nodiscard]] bool found() const { return !replicas.empty(); }
};

/// What decisions on the same scenarios share whatever the workload: hand it to one after the other
/// where there are many. For one thread; the scenarios must stay the same.
class Memo {
 public:
  Memo();
  Memo(Memo&&) noexcept;
  Memo& operator=(Memo&&) noexcept;
  ~Memo();

  struct Parts;
  [[nodiscard]] Parts& parts() const { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

/// The design's section 2: the first step that something reaches, and in it the best by the rules.
/// Every subset of nodes, every grouping and every order is searched, exactly up to 6 nodes, up to
/// 8 of at most three kinds, and for equal nodes; beyond, only groups that can't spare a node.
/// Pure: the answer is the same with and without a memo.
[[nodiscard]] Decision decide(const std::vector<Scenario>& scenarios,
                              const runtime::Workload& workload, const Terms& terms,
                              Memo* memo = nullptr);

/// The longest context that some single replica can hold, by the splits that may win; 0: none.
/// The workload's own context does not count.
[[nodiscard]] std::int64_t longest_cap(const std::vector<Scenario>& scenarios,
                                       const runtime::Workload& workload, const Terms& terms,
                                       bool raised, bool comfortable = false);

/// How many nodes hold the whole model at the workload, comfortably or at all.
[[nodiscard]] std::size_t holders(const Scenario& scenario, const runtime::Workload& workload,
                                  bool comfortable);

}  // namespace macfit::plan
