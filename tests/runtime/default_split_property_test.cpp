// What the search counts on: a node's layers follow from which nodes stand before it and which
// behind, whatever their order.

#include <algorithm>
#include <numeric>

#include <rapidcheck.h>

#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

TEST_CASE("a runtime's own cut of a node follows from the nodes before it", "[runtime]") {
  CHECK(rc::check("whatever their order", [] {
    // Limits as Macs have them: in MiB, so that sums of floats are exact.
    const std::vector<std::int64_t> sizes = {12'124, 18'432, 24'576, 28'753,  38'338,
                                             49'152, 65'536, 98'304, 110'100, 196'608};
    std::vector<Bytes> nodes;
    const int count = *rc::gen::inRange(2, 8);
    for (int i = 0; i < count; ++i) {
      nodes.emplace_back(*rc::gen::elementOf(sizes) * 1024 * 1024);
    }
    const std::int64_t layers = *rc::gen::inRange<std::int64_t>(12, 130);
    const auto at = *rc::gen::inRange<std::ptrdiff_t>(0, count);
    std::vector<Bytes> other = nodes;
    std::sort(other.begin(), other.begin() + at);
    std::sort(other.begin() + at + 1, other.end(), std::greater<>());
    for (const runtime::Runtime* rules : runtime::Catalog::embedded().all()) {
      const auto one = rules->default_split(layers, nodes);
      const auto same = rules->default_split(layers, other);
      RC_ASSERT(one[static_cast<std::size_t>(at)] == same[static_cast<std::size_t>(at)]);
      RC_ASSERT(std::accumulate(one.begin(), one.begin() + at, std::int64_t{0}) ==
                std::accumulate(same.begin(), same.begin() + at, std::int64_t{0}));
    }
  }));
}
