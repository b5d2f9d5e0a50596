#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "macfit/fit/arrange.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/plan/speeds.hpp"
#include "stock_cuts.hpp"

namespace macfit::plan {

/// Up to so many nodes of at most three kinds every grouping is tried.
inline constexpr std::size_t nodes_of_few_kinds = 8;

/// What every node of a placement must hold.
struct Target {
  std::int64_t context = 0;  ///< tokens a sequence; loading is always asked for besides
  bool comfortable = false;  ///< within 85 % of effective memory
  bool raised = false;       ///< at the raised GPU limit
};

/// What follows from one scenario and one workload, each worked out once: a decision asks for the
/// same demands and layer costs under several targets. References stay good.
class Basis {
 public:
  Basis(const Scenario& scenario, const runtime::Workload& workload, StockCuts& cuts)
      : scenario_(scenario), workload_(workload), cuts_(cuts) {}

  [[nodiscard]] const Scenario& scenario() const { return scenario_; }
  [[nodiscard]] const runtime::Workload& workload() const { return workload_; }
  [[nodiscard]] const StockCuts::Table& cuts(const Counts& group) const {
    return cuts_.of(scenario_, group);
  }
  /// layer_costs() of the scenario's classes.
  [[nodiscard]] const fit::LayerCosts& costs();

  /// The same object for every number of nodes that makes no difference.
  [[nodiscard]] const fit::Demand& demand(std::int64_t context, SplitKind split, std::size_t nodes,
                                          hardware::Transport transport);

 private:
  struct Known {
    std::int64_t context;
    SplitKind split;
    std::int64_t prefill_step;
    Bytes communication;
    std::size_t ranks;
    fit::Demand demand;
  };
  const Scenario& scenario_;
  const runtime::Workload& workload_;
  StockCuts& cuts_;
  std::list<Known> known_;
  std::optional<fit::LayerCosts> costs_;
};

/// A group laid out.
struct Laid {
  std::vector<std::size_t> order;  ///< classes of its nodes; of a pipeline first layers first
  fit::Split layers;               ///< of a pipeline
  bool stock = true;               ///< as the runtime does when told nothing
  double utilization = 0.0;
  std::optional<double> rate;  ///< tokens a second, all sequences; see Shards::rate
};

/// One set of groups that reaches a target, by one runtime and split.
struct Offer {
  std::vector<Counts> groups;
  std::size_t nodes = 0;
  double roof = 0.0;  ///< no layout of it decodes more tokens a second
};

/// How one runtime can shard its model by one split over groups of nodes so that each reaches a
/// target. What was found out of a group is remembered.
class Shards {
 public:
  /// `over_tcp`: a tensor split may talk by TCP.
  Shards(Basis& basis, SplitKind split, Target target, bool over_tcp);

  /// Most replicas side by side; 0 where no group reaches the target.
  [[nodiscard]] std::size_t most_replicas();
  /// As many as `replicas` side by side.
  [[nodiscard]] bool holds(std::size_t replicas);
  /// Fewest nodes that are enough for one replica; 0 where no group reaches the target.
  [[nodiscard]] std::size_t fewest();
  /// Every way to so many replicas, within the design's bound on exactness.
  [[nodiscard]] std::vector<Offer> offers(std::size_t replicas);
  /// False where there are too many unlike nodes for every grouping to be tried.
  [[nodiscard]] bool exact() const { return exact_; }

  /// A group as the runtime cuts it by itself; nothing where that does not reach the target.
  [[nodiscard]] const std::optional<Laid>& stock(const Counts& group);
  /// The best split: fastest, then least full.
  [[nodiscard]] const std::optional<Laid>& best(const Counts& group);
  /// Tokens a second of a layout, worked out when first asked; nothing where not known.
  [[nodiscard]] std::optional<double> rate(const Counts& group, const Laid& laid);

  [[nodiscard]] const Scenario& scenario() const { return scenario_; }
  [[nodiscard]] SplitKind split() const { return split_; }
  /// All chips are as fast, so layouts of a group differ in room alone.
  [[nodiscard]] bool equal_speed() { return basis_.costs().empty(); }

 private:
  struct Known {
    std::int8_t reaches = -1;  ///< not asked yet
    bool stock_known = false;
    bool best_known = false;
    std::optional<Laid> stock;
    std::optional<Laid> best;
  };
  struct Tests {
    const fit::Demand* demand = nullptr;
    const fit::Demand* load = nullptr;  ///< where a short context must load besides
  };

  [[nodiscard]] std::size_t classes() const { return scenario_.classes.size(); }
  [[nodiscard]] std::size_t size_of(const Counts& group) const;
  [[nodiscard]] std::size_t index_of(const Counts& group) const;
  [[nodiscard]] Counts counts_of(std::size_t state) const;
  [[nodiscard]] static bool contains(const Counts& whole, const Counts& part, std::size_t classes);
  [[nodiscard]] Group members(const Counts& group) const;
  /// Every node.
  [[nodiscard]] Counts all() const;
  [[nodiscard]] std::vector<std::size_t> plain_order(const Counts& group) const;
  [[nodiscard]] std::size_t sets_of(const Counts& group) const;
  [[nodiscard]] fit::Arranger::Members by_class(const Counts& group) const {
    return {group.data(), classes()};
  }
  [[nodiscard]] Known& known(const Counts& group);

  [[nodiscard]] bool allowed(std::size_t size) const;
  [[nodiscard]] bool holds_weights(const Counts& group, std::size_t size) const;
  [[nodiscard]] hardware::Transport transport(const Counts& group) const;
  [[nodiscard]] Tests tests(const Counts& group, std::size_t size);
  [[nodiscard]] bool reaches(const Counts& group);
  [[nodiscard]] bool find_reach(const Counts& group);
  [[nodiscard]] bool stock_reaches(const Counts& group);
  [[nodiscard]] bool cut_reaches(const Counts& group, std::size_t size);
  [[nodiscard]] fit::Arranger& arranger(const Tests& tests);
  [[nodiscard]] bool same_in_every_size();
  [[nodiscard]] std::optional<Laid> find_stock(const Counts& group);
  [[nodiscard]] std::optional<Laid> find_best(const Counts& group);
  [[nodiscard]] std::optional<double> used_share(std::size_t c, std::size_t first,
                                                 std::size_t count, const Tests& tests) const;
  [[nodiscard]] std::int64_t cost_of(std::size_t c, std::size_t first, std::size_t count);
  [[nodiscard]] std::optional<Laid> lay(const std::vector<std::size_t>& order, fit::Split layers,
                                        const Tests& tests) const;
  [[nodiscard]] std::optional<Laid> lay_stock(const std::vector<std::size_t>& order,
                                              const Tests& tests) const;
  [[nodiscard]] Laid lay_tensor(const Counts& group, const Tests& tests) const;
  /// How best to go on behind some nodes of a group, cut as the runtime does.
  struct Rest {
    bool reached = false;
    std::int64_t cost = 0;
    double worst = 0.0;
  };
  [[nodiscard]] Rest going_on(const StockCuts::Table& table, const std::vector<Rest>& rests,
                              std::size_t state, std::size_t k, const Tests& tests);
  [[nodiscard]] std::vector<std::size_t> stock_order(const StockCuts::Table& table,
                                                     const Tests& tests);
  [[nodiscard]] std::optional<Laid> stock_by_orders(const Counts& group, const Tests& tests);
  /// Calls f(order) for every order of a group that the links allow, up to a bound; of a group
  /// with too many parts for two.
  template <class F>
  void for_each_order(const Counts& group, const F& f) const;
  template <class F>
  void extend_order(Counts& left, std::vector<std::size_t>& order, std::size_t size,
                    std::size_t& tried, const F& f) const;

  void find_minimal();
  void fill_from_largest();
  [[nodiscard]] std::size_t pack();
  [[nodiscard]] std::size_t count_equal();
  [[nodiscard]] std::size_t count_replicas();
  void partitions(const std::vector<Counts>& kinds, std::size_t first, std::size_t left,
                  Counts& rest, Offer& offer, std::vector<Offer>& found) const;
  [[nodiscard]] std::vector<Offer> equal_offers(std::size_t replicas);
  [[nodiscard]] std::vector<Offer> every_offer(std::size_t replicas);
  [[nodiscard]] std::vector<Offer> minimal_offers(std::size_t replicas);
  [[nodiscard]] Offer most_and_fastest(std::size_t replicas);
  [[nodiscard]] double roof(const Counts& group);
  [[nodiscard]] double memory_roof(const Counts& group, std::size_t size);

  Basis& basis_;
  const Scenario& scenario_;
  SplitKind split_;
  Target target_;
  bool over_tcp_;
  bool exact_ = true;
  bool lattice_ = true;  ///< few enough groups to number them
  std::vector<std::size_t> strides_;
  std::size_t states_ = 1;
  std::vector<Known> known_;
  std::list<std::pair<Counts, Known>> known_beyond_;  ///< where groups have no number
  std::list<std::pair<Tests, fit::Arranger>> arrangers_;
  std::vector<Counts> minimal_;     ///< that reach it and can't spare a node
  std::vector<Counts> one_by_one_;  ///< groups filled from the largest node down
  std::size_t fewest_ = 0;
  std::optional<std::size_t> most_;
  std::vector<double> pace_;  ///< by class: least femtoseconds a byte held
  double bytes_ = 0.0;        ///< of all layers, caches included
};

}  // namespace macfit::plan
