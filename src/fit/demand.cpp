#include "macfit/fit/demand.hpp"

#include <algorithm>

#include "macfit/core/error.hpp"

namespace macfit::fit {

Demand::Demand(const runtime::Profile& profile, const runtime::Workload& workload,
               std::int64_t context, Bytes communication, std::int64_t ranks)
    : layers_(profile.layers),
      kinds_(profile.kinds.size()),
      weights_(profile.weights.data()),
      counts_(profile.kind_counts.data()),
      everywhere_(profile.everywhere),
      last_weights_(profile.last_weights),
      communication_(communication.count()),
      base_(profile.base_bytes) {
  if (!profile.cache_known) {
    throw Error("the cache of this architecture is not known, so no demand can be computed");
  }
  if (kinds_ > max_kinds) {
    throw Error("the model has more kinds of layer than macfit can plan for");
  }
  if (ranks > 1) {
    const auto index = static_cast<std::size_t>(ranks);
    rank_weights_ = index < profile.rank_weights.size() ? profile.rank_weights[index] : -1;
    if (rank_weights_ < 0) {
      throw Error("the model's layers can't be cut for " + std::to_string(ranks) + " nodes");
    }
  }
  constexpr std::array<runtime::Place, 4> places = {runtime::Place::only, runtime::Place::first,
                                                    runtime::Place::middle, runtime::Place::last};
  for (std::size_t i = 0; i < places.size(); ++i) {
    step_[i] = runtime::step_bytes(profile, workload, context, places[i]);
    fixed_[i] = checked_add(checked_add(step_[i], communication_), base_);
  }

  // Everything that stage() adds up is bounded here once, so that it needs no checks itself.
  std::int64_t whole =
      checked_add(*std::max_element(fixed_.begin(), fixed_.end()),
                  checked_add(profile.weights.back(), checked_add(everywhere_, last_weights_)));
  divided_ = weights_[layers_] + last_weights_;
  const std::uint32_t* total = counts_ + layers_ * kinds_;
  for (std::size_t k = 0; k < kinds_; ++k) {
    cache_[k] = runtime::cache_bytes(profile, profile.kinds[k], workload, context, ranks);
    attention_[k] = runtime::attention_bytes(profile, profile.kinds[k], workload, context, ranks);
    const std::int64_t caches = checked_mul(cache_[k], static_cast<std::int64_t>(total[k]));
    whole = checked_add(whole, checked_add(caches, attention_[k]));
    divided_ += caches;
  }
}

Parts Demand::parts(std::size_t first, std::size_t count) const {
  Parts parts;
  std::int64_t cache = 0;
  std::int64_t attention = 0;
  for (std::size_t k = 0; k < kinds_; ++k) {
    const auto layers = static_cast<std::int64_t>(counts_[(first + count) * kinds_ + k] -
                                                  counts_[first * kinds_ + k]);
    cache += layers * cache_[k];
    attention = layers > 0 ? std::max(attention, attention_[k]) : attention;
  }
  parts.weights = Bytes(weights(first, count));
  parts.kv_cache = Bytes(cache);
  parts.activations = Bytes(step_[place(first, count)] + attention);
  parts.communication = Bytes(communication_);
  parts.runtime = Bytes(base_);
  return parts;
}

}  // namespace macfit::fit
