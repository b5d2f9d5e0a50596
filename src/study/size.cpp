#include "macfit/study/size.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/nominal.hpp"

namespace macfit::study {
namespace {

/// What a plan would answer fits at the context in at least the tier.
bool reaches(const plan::Request& request, fit::Tier tier, SweepRow& row) {
  const Setting setting = make_setting(request, std::nullopt, false);
  answer(setting, request.workload, plan::terms_of(request), {}, row);
  return row.placed && row.fits && row.tier >= tier;
}

/// So many of one kind of candidate and so many of another.
struct Mix {
  std::vector<std::pair<std::size_t, std::size_t>> parts;  ///< candidate, count
  std::size_t nodes = 0;
  std::optional<double> price;
  Bytes ram;

  [[nodiscard]] std::size_t count(std::size_t candidate) const {
    for (const auto& [which, many] : parts) {
      if (which == candidate) {
        return many;
      }
    }
    return 0;
  }
  [[nodiscard]] bool contains(const Mix& other) const {
    return std::all_of(other.parts.begin(), other.parts.end(),
                       [&](const auto& part) { return count(part.first) >= part.second; });
  }
};

std::vector<Mix> mixes_of(const std::vector<Candidate>& candidates, std::size_t most_nodes) {
  std::vector<Mix> mixes;
  const auto add = [&](std::vector<std::pair<std::size_t, std::size_t>> parts) {
    Mix mix;
    mix.price = 0.0;
    for (const auto& [which, many] : parts) {
      const Candidate& candidate = candidates[which];
      mix.nodes += many;
      mix.ram += candidate.ram * static_cast<std::int64_t>(many);
      if (mix.price && candidate.price) {
        *mix.price += *candidate.price * static_cast<double>(many);
      } else {
        mix.price.reset();
      }
    }
    mix.parts = std::move(parts);
    mixes.push_back(std::move(mix));
  };
  for (std::size_t a = 0; a < candidates.size(); ++a) {
    for (std::size_t many = 1; many <= most_nodes; ++many) {
      add({{a, many}});
      for (std::size_t b = a + 1; b < candidates.size(); ++b) {
        for (std::size_t more = 1; many + more <= most_nodes; ++more) {
          add({{a, many}, {b, more}});
        }
      }
    }
  }
  std::stable_sort(mixes.begin(), mixes.end(), [](const Mix& a, const Mix& b) {
    const auto key = [](const Mix& mix) {
      return std::tuple(!mix.price, mix.price.value_or(0.0), mix.ram, mix.nodes);
    };
    return key(a) < key(b);
  });
  return mixes;
}

}  // namespace

namespace {

/// The longest context of one runtime by one split, over every group of nodes and every layout.
std::optional<LongestContext> longest_of(const std::vector<plan::Scenario>& alone,
                                         const plan::Request& request, plan::SplitKind split) {
  const plan::Scenario& scenario = alone.front();
  // A tensor split over TCP is offered only where it is asked for.
  if (!scenario.plannable() || (request.only && *request.only != split) ||
      (split == plan::SplitKind::tensor && scenario.all_tcp && !request.only)) {
    return std::nullopt;
  }
  const plan::Terms terms{split, plan::Goal::jobs, request.replicas};
  for (const bool raised : {false, true}) {
    runtime::Workload workload = request.workload;
    const std::int64_t longest = plan::longest_cap(alone, workload, terms, raised);
    if (longest == 0) {
      continue;
    }
    workload.context = Tokens(longest);
    // At the default limit the decision might give way to fewer nodes with the limit raised, whose
    // longest context is another.
    std::vector<plan::Scenario> limited = alone;
    if (!raised) {
      limited.front().raised = limited.front().standard;
    }
    const plan::Decision decision = plan::decide(limited, workload, terms);
    if (!decision.found()) {
      continue;
    }
    plan::Placement placement;
    plan::place(scenario, workload, split, decision.replicas, decision.raised, {}, placement);
    LongestContext result;
    result.runtime = placement.runtime;
    result.split = split;
    result.layout = placement.layout;
    result.format = placement.format;
    result.replicas = placement.replicas;
    result.limit = placement.standing.limit;
    result.max_context = longest;
    result.comfortable_context = plan::longest_cap(alone, workload, terms, false, true);
    return result;
  }
  return std::nullopt;
}

}  // namespace

std::vector<LongestContext> longest_contexts(const plan::Request& request,
                                             const std::vector<runtime::KvFormat>& kv) {
  std::vector<LongestContext> result;
  for (const runtime::KvFormat format : kv) {
    plan::Request asked = request;
    asked.workload.kv = format;
    asked.alternatives.clear();
    std::vector<LongestContext> mine;
    for (plan::Scenario& scenario : plan::make_scenarios(asked)) {
      const std::vector<plan::Scenario> alone{std::move(scenario)};
      for (const plan::SplitKind split :
           {plan::SplitKind::independent, plan::SplitKind::pipeline, plan::SplitKind::tensor}) {
        if (auto longest = longest_of(alone, asked, split)) {
          longest->kv = format;
          mine.push_back(std::move(*longest));
        }
      }
    }
    std::stable_sort(mine.begin(), mine.end(), [](const auto& a, const auto& b) {
      const auto key = [](const LongestContext& one) {
        return std::pair(one.limit == plan::Limit::raised, -one.max_context);
      };
      return key(a) < key(b);
    });
    result.insert(result.end(), mine.begin(), mine.end());
  }
  return result;
}

namespace {

/// With one split alone, so that what reaches the tier falls with the size: a size too large for a
/// comfortable worker may be a borderline one's, and a larger one a comfortable shard's.
std::int64_t largest_nominal_of(const plan::Request& request, plan::SplitKind split, fit::Tier tier,
                                const model::Catalog& catalog) {
  // Three digits: 1.00M, 1.01M … 9.99M, 10.0M … up to 100T.
  constexpr std::int64_t steps_a_decade = 900;
  constexpr std::int64_t decades = 7;
  const auto size_of = [](std::int64_t step) {
    std::int64_t scale = 10'000;
    for (std::int64_t i = 0; i < step / steps_a_decade; ++i) {
      scale *= 10;
    }
    return (100 + step % steps_a_decade) * scale;
  };
  const auto works = [&](std::int64_t step) {
    model::NominalName name;
    name.parameters = size_of(step);
    name.text = fmt::format("{}m", name.parameters / 1'000'000);
    name.recipe = request.recipe;
    plan::Request asked = request;
    asked.only = split;
    try {
      asked.model = model::nominal_model(name, catalog);
      SweepRow row;
      return reaches(asked, tier, row);
    } catch (const Error&) {
      return false;
    }
  };
  std::int64_t low = 0;
  std::int64_t high = steps_a_decade * decades - 1;
  if (!works(low)) {
    return 0;
  }
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (works(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return size_of(low);
}

}  // namespace

std::int64_t largest_nominal(const plan::Request& request, fit::Tier tier,
                             const model::Catalog& catalog) {
  if (request.only) {
    return largest_nominal_of(request, *request.only, tier, catalog);
  }
  return std::max(largest_nominal_of(request, plan::SplitKind::independent, tier, catalog),
                  largest_nominal_of(request, plan::SplitKind::pipeline, tier, catalog));
}

std::vector<Candidate> candidates_of(const hardware::Catalog& catalog) {
  std::map<std::int64_t, Candidate> by_ram;
  for (const hardware::Machine& machine : catalog.machines()) {
    if (!machine.mac || machine.status == hardware::MachineStatus::previous) {
      continue;
    }
    const Candidate mine{machine.id, machine.ram,
                         machine.price ? std::optional(machine.price->usd) : std::nullopt};
    const auto [known, fresh] = by_ram.try_emplace(machine.ram.count(), mine);
    if (!fresh && mine.price && (!known->second.price || *mine.price < *known->second.price)) {
      known->second = mine;
    }
  }
  std::vector<Candidate> candidates;
  candidates.reserve(by_ram.size());
  for (auto& [ram, candidate] : by_ram) {
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

std::vector<ClusterFound> clusters_for(
    const plan::Request& request, fit::Tier tier, const std::vector<Candidate>& candidates,
    std::size_t most_nodes,
    const std::function<hardware::Cluster(const std::string& spec)>& make_cluster) {
  std::vector<ClusterFound> found;
  std::vector<Mix> kept;
  for (Mix& mix : mixes_of(candidates, most_nodes)) {
    if (std::any_of(kept.begin(), kept.end(),
                    [&](const Mix& smaller) { return mix.contains(smaller); })) {
      continue;
    }
    ClusterFound one;
    for (const auto& [which, many] : mix.parts) {
      one.spec += fmt::format("{}{}{}", one.spec.empty() ? "" : "+",
                              many == 1 ? std::string() : fmt::format("{}x", many),
                              candidates[which].machine);
    }
    plan::Request asked = request;
    try {
      asked.cluster = make_cluster(one.spec);
      plan::settle(asked);
    } catch (const Error&) {
      continue;  // a flag, such as a link, that these machines can't have
    }
    if (reaches(asked, tier, one.row)) {
      one.nodes = mix.nodes;
      one.price = mix.price;
      found.push_back(std::move(one));
      kept.push_back(std::move(mix));
    }
  }
  return found;
}

}  // namespace macfit::study
