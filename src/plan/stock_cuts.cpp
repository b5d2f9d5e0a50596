#include "stock_cuts.hpp"

#include <algorithm>

namespace macfit::plan {
namespace {

/// Fills in what one order tells: the cut of each of its nodes behind those before it.
void fill_along(const Scenario& scenario, const std::vector<std::size_t>& order,
                StockCuts::Table& table) {
  std::vector<std::size_t> classes;
  classes.reserve(order.size());
  for (const std::size_t k : order) {
    classes.push_back(table.classes[k]);
  }
  const fit::Split split = runtime_split(scenario, members_of(scenario, classes));
  std::size_t state = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto count = static_cast<std::size_t>(split[i]);
    table.cuts[state * table.classes.size() + order[i]] = {static_cast<std::uint16_t>(first),
                                                           static_cast<std::uint16_t>(count)};
    first += count;
    state += table.strides[order[i]];
  }
}

}  // namespace

Group members_of(const Scenario& scenario, const std::vector<std::size_t>& order) {
  Counts taken{};
  Group nodes;
  nodes.reserve(order.size());
  for (const std::size_t c : order) {
    nodes.push_back(scenario.classes[c][taken[c]++]);
  }
  return nodes;
}

const StockCuts::Table& StockCuts::of(const Scenario& scenario, const Counts& group) {
  const auto [place, fresh] = known_.try_emplace(group);
  Table& table = place->second;
  if (!fresh) {
    return table;
  }
  for (std::size_t c = 0; c < scenario.classes.size(); ++c) {
    if (group[c] > 0) {
      table.classes.push_back(c);
      table.counts.push_back(group[c]);
      table.strides.push_back(table.states);
      table.states *= group[c] + std::size_t{1};
    }
  }
  const std::size_t held = table.classes.size();
  constexpr std::uint16_t unknown = 0xFFFF;
  table.cuts.assign(table.states * held, {unknown, 0});
  std::vector<std::size_t> order;
  const auto add = [&](std::size_t k, std::size_t times) { order.insert(order.end(), times, k); };
  for (std::size_t state = 0; state + 1 < table.states; ++state) {
    for (std::size_t next = 0; next < held; ++next) {
      if (table.count(state, next) >= table.counts[next] ||
          table.cuts[state * held + next].first != unknown) {
        continue;
      }
      order.clear();
      for (std::size_t k = 0; k < held; ++k) {
        add(k, table.count(state, k));
      }
      add(next, 1);
      for (std::size_t k = held; k-- > 0;) {
        add(k, table.counts[k] - table.count(state, k) - (k == next ? 1 : 0));
      }
      fill_along(scenario, order, table);
    }
  }
  return table;
}

Memo::Memo() : parts_(std::make_unique<Parts>()) {}
Memo::Memo(Memo&&) noexcept = default;
Memo& Memo::operator=(Memo&&) noexcept = default;
Memo::~Memo() = default;

}  // namespace macfit::plan
