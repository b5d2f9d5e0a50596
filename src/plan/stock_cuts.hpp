#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "macfit/plan/decide.hpp"

namespace macfit::plan {

/// Nodes of a group by class: which of equal nodes they are does not matter.
using Counts = std::array<std::uint8_t, hardware::max_nodes>;

/// The nodes of a group, given as classes in order.
[[nodiscard]] Group members_of(const Scenario& scenario, const std::vector<std::size_t>& order);

/// How a runtime cuts groups of one scenario's nodes by itself. A node's layers follow from which
/// nodes stand before it and which behind, whatever their order (tests/runtime holds runtimes to
/// it), so 2^n cuts stand for n! orders. They depend on neither workload nor context.
class StockCuts {
 public:
  struct Cut {
    std::uint16_t first = 0;
    std::uint16_t count = 0;
  };
  /// Sets of a group's nodes are numbered in mixed radix over the classes it holds.
  struct Table {
    std::vector<std::size_t> classes;  ///< that the group holds
    std::vector<std::size_t> counts;   ///< of nodes, by class held
    std::vector<std::size_t> strides;
    std::size_t states = 1;
    std::vector<Cut> cuts;  ///< of [nodes before] * classes held + [class of the node]

    [[nodiscard]] std::size_t count(std::size_t state, std::size_t k) const {
      return state / strides[k] % (counts[k] + 1);
    }
  };
  /// Of a group with at most fit::most_arranged_states sets of nodes.
  [[nodiscard]] const Table& of(const Scenario& scenario, const Counts& group);

 private:
  std::map<Counts, Table> known_;
};

struct Memo::Parts {
  std::vector<StockCuts> cuts;  ///< one a scenario
};

}  // namespace macfit::plan
