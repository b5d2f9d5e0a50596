#include "macfit/study/breakeven.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/speeds.hpp"
#include "macfit/runtime/topology.hpp"
#include "macfit/study/night_jobs.hpp"
#include "night_rates.hpp"

namespace macfit::study {
namespace {

using Scenarios = std::vector<plan::Scenario>;

/// Models of every size, made ready for the decision once each.
class Sizes {
 public:
  Sizes(const BreakevenQuestion& question, const model::Catalog& catalog)
      : question_(question), catalog_(catalog) {}

  [[nodiscard]] plan::Request request(std::int64_t parameters, const model::Recipe& recipe) const {
    plan::Request request;
    request.recipe = recipe;
    request.cluster = question_.cluster;
    request.workload = question_.workload;
    request.runtimes = question_.runtimes;
    request.calibration = question_.calibration;
    if (question_.model) {
      request.model = *question_.model;
      return request;
    }
    model::NominalName name;
    name.text = name_of(parameters);
    name.parameters = parameters;
    name.active_parameters = active(parameters);
    name.recipe = recipe;
    request.model = model::nominal_model(name, catalog_);
    return request;
  }

  [[nodiscard]] Scenarios& scenarios(std::int64_t parameters, const model::Recipe& recipe) {
    const auto key = std::pair(parameters, recipe.name);
    const auto known = cache_.find(key);
    if (known != cache_.end()) {
      return known->second;
    }
    const plan::Request asked = request(parameters, recipe);
    Scenarios made;
    made.reserve(question_.runtimes.size());
    for (const runtime::Runtime* rules : question_.runtimes) {
      made.push_back(plan::make_scenario(asked, *rules));
    }
    return cache_.emplace(key, std::move(made)).first->second;
  }

  /// "187b", "1200b-a60b".
  [[nodiscard]] std::string name_of(std::int64_t parameters) const {
    if (question_.model) {
      return question_.model->id;
    }
    const auto billions = [](std::int64_t count) {
      return fmt::format("{:g}b", static_cast<double>(count) / 1e9);
    };
    const std::int64_t used = active(parameters);
    return used > 0 ? billions(parameters) + "-a" + billions(used) : billions(parameters);
  }

 private:
  [[nodiscard]] std::int64_t active(std::int64_t parameters) const {
    if (question_.active_share <= 0.0) {
      return 0;
    }
    const double share = static_cast<double>(parameters) * question_.active_share;
    return std::max<std::int64_t>(std::llround(share / 1e8), 1) * size_step;
  }

  const BreakevenQuestion& question_;
  const model::Catalog& catalog_;
  std::map<std::pair<std::int64_t, std::string>, Scenarios> cache_;
};

/// Largest size, in steps from one to the most, for which `holds`, which must fall with the size.
template <class Holds>
std::optional<std::int64_t> largest_size(const Holds& holds) {
  if (!holds(size_step)) {
    return std::nullopt;
  }
  std::int64_t low = 1;
  std::int64_t high = most_size / size_step;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (holds(middle * size_step)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low * size_step;
}

class Study {
 public:
  Study(const BreakevenQuestion& question, const model::Catalog& catalog)
      : question_(question), sizes_(question, catalog) {}

  [[nodiscard]] Turn turn(const AskedFormat& format, Tokens context) {
    const model::Recipe& recipe = format.recipe;
    const std::size_t nodes = question_.cluster.nodes.size();
    const auto decided = [&](std::int64_t size, std::optional<plan::SplitKind> only) {
      return decide(size, recipe, context, only);
    };
    const auto as_asked = [](const plan::Decision& d) { return d.found() && d.fits && !d.raised; };
    const auto workers = [&](std::size_t at_least, bool comfortable) {
      return largest_size([&](std::int64_t size) {
        if (comfortable) {
          return comfortable_workers(size, recipe, context) >= at_least;
        }
        const plan::Decision d = decided(size, plan::SplitKind::independent);
        return as_asked(d) && d.replicas.size() >= at_least;
      });
    };
    Turn turn;
    turn.format = format.name;
    turn.context = context;
    turn.workers = workers(nodes, false);
    turn.comfortable_workers = workers(nodes, true);
    turn.one_worker = workers(1, false);
    turn.fits =
        largest_size([&](std::int64_t size) { return as_asked(decided(size, std::nullopt)); });
    turn.comfortable = std::max(workers(1, true), largest_size([&](std::int64_t size) {
                                  return comfortable_shard(size, recipe, context);
                                }));
    turn.loads =
        largest_size([&](std::int64_t size) { return decided(size, std::nullopt).found(); });
    return turn;
  }

  /// What the decision makes of a size, and how much that does.
  [[nodiscard]] Run run(std::string why, std::int64_t parameters, const AskedFormat& format,
                        Tokens context) {
    const model::Recipe& recipe = format.recipe;
    Run run;
    run.asked = format.name;
    run.why = std::move(why);
    run.model = sizes_.name_of(parameters);
    if (!question_.model) {
      run.parameters = parameters;
    }
    run.format = recipe.name;
    run.context = context;
    run.decision = decide(parameters, recipe, context, std::nullopt);
    if (!run.decision.found()) {
      return run;
    }
    plan::Scenario& scenario = sizes_.scenarios(parameters, recipe)[run.decision.scenario];
    run.runtime = scenario.runtime;
    run.format = scenario.profile.format;
    plan::add_work(scenario, sizes_.request(parameters, recipe));
    speed::Estimate rate{0.0, 0.0, 0.0, Evidence::exact};
    double night = 0.0;
    JobList jobs;
    jobs.classes = {{{}, question_.job.prompt, question_.job.generated, 1}};
    for (const plan::Replica& replica : run.decision.replicas) {
      const Rates rates = rates_of(scenario, replica.nodes, run.decision.split, replica.layers,
                                   jobs, question_.workload.sequences);
      if (!rates.why_unknown.empty()) {
        run.why_unknown = rates.why_unknown;
        return run;
      }
      constexpr double hour = 3600.0;
      rate.value += hour / rates.seconds.front();
      rate.low += hour / rates.slow.front();
      rate.high += hour / rates.fast.front();
      rate.evidence = weaker(rate.evidence, rates.evidence);
      night += std::floor(question_.night_seconds / rates.seconds.front());
      if (!run.decode || (rates.decode && rates.decode->value < run.decode->value)) {
        run.decode = rates.decode;
      }
    }
    run.per_hour = rate;
    run.per_night = static_cast<std::int64_t>(night);
    return run;
  }

  /// Runs that say what a bigger or finer model costs, for one context.
  void runs(const std::vector<Turn>& turns, Tokens context, std::vector<Run>& all) {
    for (std::size_t f = 0; f < question_.formats.size(); ++f) {
      const Turn& turn = *std::find_if(turns.begin(), turns.end(), [&](const Turn& t) {
        return t.context == context && t.format == question_.formats[f].name;
      });
      if (turn.workers) {
        all.push_back(run("most for every node", *turn.workers, question_.formats[f], context));
        for (std::size_t g = f + 1; g < question_.formats.size(); ++g) {
          all.push_back(run("the same, finer", *turn.workers, question_.formats[g], context));
        }
        if (turn.fits && *turn.fits > *turn.workers) {
          all.push_back(
              run("a little bigger", *turn.workers + size_step, question_.formats[f], context));
        }
      }
      if (turn.fits && turn.fits != turn.workers) {
        all.push_back(run("most that fits", *turn.fits, question_.formats[f], context));
      }
    }
  }

  [[nodiscard]] std::optional<Crossing> crossing(const Turn& turn, const model::Recipe& recipe,
                                                 std::string& why_not) {
    plan::Group all(question_.cluster.nodes.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    if (all.size() < 2) {
      why_not = "one node has nobody to share with";
      return std::nullopt;
    }
    for (const hardware::Link& link : question_.cluster.links) {
      if (!link.rdma) {
        why_not = "the nodes can't do RDMA";
        return std::nullopt;
      }
    }
    if (!turn.fits) {
      why_not = "nothing fits";
      return std::nullopt;
    }
    const auto runtime = std::find_if(
        question_.runtimes.begin(), question_.runtimes.end(), [](const runtime::Runtime* rules) {
          return runtime::has_backend(*rules, runtime::Backend::jaccl_mesh);
        });
    if (runtime == question_.runtimes.end()) {
      why_not = "none of the runtimes asked for talks by MLX's RDMA";
      return std::nullopt;
    }
    const auto index = static_cast<std::size_t>(runtime - question_.runtimes.begin());
    Crossing crossing;
    crossing.format = turn.format;
    crossing.context = turn.context;
    crossing.runtime = *runtime;
    constexpr int samples = 12;
    const double smallest = std::min(1e9, static_cast<double>(*turn.fits));
    const double ratio = std::log(static_cast<double>(*turn.fits) / smallest) / (samples - 1);
    for (int i = 0; i < samples; ++i) {
      const double size = smallest * std::exp(ratio * i);
      const std::int64_t steps =
          std::max<std::int64_t>(std::llround(size / static_cast<double>(size_step)), 1);
      const auto sample = compare(steps * size_step, recipe, turn.context, all, index);
      if (!sample) {
        why_not = "a speed is not known";
        return std::nullopt;
      }
      crossing.samples.push_back(*sample);
    }
    const auto from = [&](double Crossing::Sample::*other) {
      return first_from(crossing.samples, other, [&](std::int64_t size) {
        return compare(size, recipe, turn.context, all, index);
      });
    };
    crossing.beats_pipeline = from(&Crossing::Sample::pipeline);
    crossing.beats_one_node = from(&Crossing::Sample::one_node);
    return crossing;
  }

 private:
  [[nodiscard]] runtime::Workload workload_at(Tokens context) const {
    runtime::Workload workload = question_.workload;
    workload.context = context;
    return workload;
  }

  [[nodiscard]] plan::Decision decide(std::int64_t parameters, const model::Recipe& recipe,
                                      Tokens context, std::optional<plan::SplitKind> only) {
    return plan::decide(sizes_.scenarios(parameters, recipe), workload_at(context),
                        {only, plan::Goal::jobs, 0});
  }

  /// Nodes that hold it whole and comfortably, by the runtime that does best.
  [[nodiscard]] std::size_t comfortable_workers(std::int64_t parameters,
                                                const model::Recipe& recipe, Tokens context) {
    std::size_t most = 0;
    for (const plan::Scenario& scenario : sizes_.scenarios(parameters, recipe)) {
      most = std::max(most, plan::holders(scenario, workload_at(context), true));
    }
    return most;
  }

  /// Whether some split over several nodes holds it comfortably.
  [[nodiscard]] bool comfortable_shard(std::int64_t parameters, const model::Recipe& recipe,
                                       Tokens context) {
    const auto comfortable = [](const plan::Decision& d) {
      return d.found() && d.fits && !d.raised && d.tier == fit::Tier::comfortable;
    };
    if (comfortable(decide(parameters, recipe, context, plan::SplitKind::pipeline))) {
      return true;
    }
    // Tensor where it may win: unasked, and no worker holds it.
    const plan::Decision any = decide(parameters, recipe, context, std::nullopt);
    return comfortable(any) && any.split == plan::SplitKind::tensor;
  }

  /// One stream's decode three ways, at the end of the context: the job's output after what fills
  /// the rest.
  [[nodiscard]] std::optional<Crossing::Sample> compare(std::int64_t parameters,
                                                        const model::Recipe& recipe, Tokens context,
                                                        const plan::Group& all, std::size_t index) {
    plan::Scenario& scenario = sizes_.scenarios(parameters, recipe)[index];
    if (!scenario.tensor[all.size()].ok) {
      return std::nullopt;
    }
    plan::add_work(scenario, sizes_.request(parameters, recipe));
    const speed::Link link = plan::link_within(scenario, all, hardware::Transport::rdma);
    const double cached = std::max(0.0, context.as_double() - question_.job.generated);
    const auto decode = [&](const plan::Group& group, plan::SplitKind split,
                            const fit::Split& layers) {
      return plan::replica_speed_over(scenario, link, group, split, layers,
                                      {0.0, question_.job.generated}, 1.0, cached)
          .decode;
    };
    std::optional<speed::Estimate> one;
    for (const std::size_t node : all) {
      const auto mine = decode({node}, plan::SplitKind::independent, {});
      if (mine && (!one || mine->value > one->value)) {
        one = mine;
      }
    }
    const auto layers = static_cast<std::int64_t>(scenario.profile.layers);
    const auto nodes = static_cast<std::int64_t>(all.size());
    if (layers < nodes) {
      return std::nullopt;
    }
    // As evenly as layers go: where a split fits is not asked here.
    fit::Split even;
    even.reserve(all.size());
    for (std::int64_t i = 0; i < nodes; ++i) {
      even.push_back(layers / nodes + (i < layers % nodes ? 1 : 0));
    }
    const auto pipeline = decode(all, plan::SplitKind::pipeline, even);
    const auto tensor = decode(all, plan::SplitKind::tensor, {});
    if (!one || !pipeline || !tensor) {
      return std::nullopt;
    }
    return Crossing::Sample{parameters, one->value, pipeline->value, tensor->value,
                            weaker(pipeline->evidence, tensor->evidence)};
  }

  /// The size from which tensor is faster up to the last sample.
  template <class Compare>
  static std::optional<std::int64_t> first_from(const std::vector<Crossing::Sample>& samples,
                                                double Crossing::Sample::*other,
                                                const Compare& compare) {
    std::size_t first = samples.size();
    while (first > 0 && samples[first - 1].tensor > samples[first - 1].*other) {
      --first;
    }
    if (first == samples.size()) {
      return std::nullopt;
    }
    if (first == 0) {
      return samples.front().parameters;
    }
    std::int64_t low = samples[first - 1].parameters / size_step;
    std::int64_t high = samples[first].parameters / size_step;
    while (low + 1 < high) {
      const std::int64_t middle = low + (high - low) / 2;
      const auto sample = compare(middle * size_step);
      if (sample && sample->tensor > (*sample).*other) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high * size_step;
  }

  const BreakevenQuestion& question_;
  Sizes sizes_;
};

}  // namespace

BreakevenResult breakeven(BreakevenQuestion question, const model::Catalog& catalog) {
  if (question.formats.empty() || question.contexts.empty() || question.runtimes.empty()) {
    throw Error("a break-even needs a format, a context and a runtime at least");
  }
  BreakevenResult result;
  result.question = std::move(question);
  const BreakevenQuestion& asked = result.question;
  Study study(asked, catalog);
  if (asked.model) {
    for (const Tokens context : asked.contexts) {
      for (const AskedFormat& format : asked.formats) {
        result.runs.push_back(study.run("as asked", 0, format, context));
      }
    }
    result.no_crossings = "sizes were not asked for";
    return result;
  }
  for (const AskedFormat& format : asked.formats) {
    for (const Tokens context : asked.contexts) {
      result.turns.push_back(study.turn(format, context));
      if (auto crossing = study.crossing(result.turns.back(), format.recipe, result.no_crossings)) {
        result.crossings.push_back(std::move(*crossing));
      }
    }
  }
  for (const Tokens context : asked.contexts) {
    study.runs(result.turns, context, result.runs);
  }
  return result;
}

}  // namespace macfit::study
