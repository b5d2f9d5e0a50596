#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "macfit/fit/split.hpp"

namespace macfit::fit {

/// Nodes that nothing tells apart, as stages of a pipeline see them. Bytes.
struct NodeKind {
  std::int64_t bound = 0;      ///< the demand must stay within this
  std::int64_t effective = 0;  ///< what utilization is measured against
  /// Prefix sums of what layers cost here (see LayerCosts); null: layers cost the same everywhere.
  const std::vector<std::int64_t>* costs = nullptr;
  std::size_t count = 0;  ///< nodes of this kind
};

/// An order of nodes and how many layers each holds.
struct Arrangement {
  std::vector<std::size_t> kinds;  ///< of the nodes, first layers first; indices of kinds
  Split layers;
  std::int64_t cost = 0;     ///< summed over layers; 0 without costs
  double utilization = 0.0;  ///< of the fullest node
};

/// States (sub-multisets of a group's nodes) up to which every order of a group is covered.
inline constexpr std::size_t most_arranged_states = 256;

/// Says of any group of some nodes whether and how it holds one model as a pipeline: in some order,
/// with at least one layer a node, every node's demand within its bound and, where a load demand is
/// given, that within its effective memory. What the groups share is worked out once, and only when
/// something asks for it.
class Arranger {
 public:
  /// Nodes of a group by kind, at most what the kind counts.
  using Members = std::span<const std::uint8_t>;

  /// `kinds` are all nodes that there are. `demand` and `load` (may be null) must outlive it.
  Arranger(const Demand& demand, const Demand* load, std::vector<NodeKind> kinds);

  /// Whether all of the group's nodes together hold the model. Exact up to most_arranged_states;
  /// beyond, where a part of the group does too, two orders are tried.
  [[nodiscard]] bool arrangeable(Members group);
  /// Of all such orders and splits the cheapest; of equally cheap ones that whose fullest node is
  /// least full; of those always the same. Empty where there is none.
  [[nodiscard]] std::optional<Arrangement> arrange(Members group);
  /// The same with the nodes in one order, given as indices of kinds.
  [[nodiscard]] std::optional<Arrangement> arrange_in_order(std::vector<std::size_t> order);
  /// Most groups of two or more nodes, no node in two of them, that are arrangeable side by side;
  /// nothing where it takes looking at the groups themselves.
  [[nodiscard]] std::optional<std::size_t> most_groups();
  /// Most layers that a node of this kind may hold, wherever they begin.
  [[nodiscard]] std::size_t longest_run(std::size_t kind);

 private:
  enum class Answer : std::uint8_t { no, yes, unknown };

  [[nodiscard]] bool holds(std::size_t kind, std::size_t first, std::size_t count) const;
  [[nodiscard]] std::size_t most(std::size_t kind, std::size_t first);
  [[nodiscard]] bool sum_suffices(Members group) const;
  [[nodiscard]] bool fills(const std::vector<std::size_t>& order);
  [[nodiscard]] bool some_order(Members group);
  [[nodiscard]] std::optional<Arrangement> by_plain_orders(Members group);
  [[nodiscard]] std::size_t count(std::size_t state, std::size_t kind) const {
    return state / strides_[kind] % (kinds_[kind].count + 1);
  }
  void find_furthest();
  void extend_furthest(std::size_t state, std::size_t kind);
  [[nodiscard]] Answer told_by_furthest(Members group);

  class Fronts;

  const Demand& demand_;
  const Demand* load_;
  std::vector<NodeKind> kinds_;
  std::vector<std::size_t> strides_;
  std::size_t states_ = 1;                       ///< of all nodes; 0: too many to number
  std::vector<std::vector<std::int32_t>> most_;  ///< by kind and first layer; -1: not asked yet
  std::vector<std::int32_t> furthest_;  ///< by state: the end of its longest front; -1: none
  std::vector<Answer> answers_;         ///< by state
  bool sure_ = true;                    ///< no longer front was in a shorter one's way
};

}  // namespace macfit::fit
