#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lru_cache.hpp"
#include "macfit/core/error.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/study/sweep.hpp"
#include "options.hpp"

namespace macfit::cli {

// What commands that plan many times share beside a single plan's flags.

/// What requests one after the other are likely to have in common. Not for several threads.
struct RequestCache {
  struct Place {
    hardware::Cluster cluster;
    std::vector<plan::Alternative> alternatives;
  };
  LruCache<model::NamedModel> models{16};
  LruCache<Place> clusters{64};
};

/// What of a request changes from question to question about one model on one cluster.
struct Question {
  runtime::Workload workload;
  plan::Terms terms;
};
[[nodiscard]] Question question_of(const RequestFlags& flags);
[[nodiscard]] std::vector<const runtime::Runtime*> runtimes_of(const RequestFlags& flags,
                                                               const Catalogs& catalogs);

/// What --beside names, not yet placed.
[[nodiscard]] std::vector<plan::Neighbor> neighbors_of(const RequestFlags& flags,
                                                       const Catalogs& catalogs);
/// The cluster less what lives there already.
[[nodiscard]] hardware::Cluster settled_cluster(const RequestFlags& flags,
                                                const Catalogs& catalogs);

/// What a sweep's values stand for; the flags beside the axes hold for all of them. The catalogs
/// must outlive it.
[[nodiscard]] study::Resolver make_resolver(const Catalogs& catalogs, const std::string& reserve,
                                            const std::string& cluster_reserve);

/// Of all machines together, US list; nothing where one's price is not known.
[[nodiscard]] std::optional<double> price_of(const hardware::Cluster& cluster,
                                             const Catalogs& catalogs);

/// A flag's name goes before what is wrong with its value.
template <class Make>
auto in_flag(const std::string& flag, const Make& make) {
  try {
    return make();
  } catch (const Error& error) {
    throw Error(flag + ": " + error.message(), error.place(), error.hint());
  }
}

}  // namespace macfit::cli
