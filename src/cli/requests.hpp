#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lru_cache.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/study/sweep.hpp"
#include "options.hpp"

namespace macfit::cli {

// What commands that plan many times share beside a single plan's flags.

/// What requests one after the other are likely to have in common. Not for several threads.
struct RequestCache {
  LruCache<model::NamedModel> models{16};
  LruCache<plan::Place> clusters{64};
};

using plan::in_flag;
using plan::Question;
using plan::question_of;
using plan::runtimes_of;

/// What a sweep's values stand for; the flags beside the axes hold for all of them. The catalogs
/// must outlive it.
[[nodiscard]] study::Resolver make_resolver(const Catalogs& catalogs, const std::string& reserve,
                                            const std::string& cluster_reserve);

/// Of all machines together, US list; nothing where one's price is not known.
[[nodiscard]] std::optional<double> price_of(const hardware::Cluster& cluster,
                                             const Catalogs& catalogs);

}  // namespace macfit::cli
