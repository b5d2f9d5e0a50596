#include "macfit/study/sweep.hpp"

#include <algorithm>
#include <list>
#include <memory>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/speeds.hpp"

namespace macfit::study {
namespace {

constexpr std::size_t text_index(Axis axis) { return static_cast<std::size_t>(axis); }

/// Why nothing loads: a defect of every runtime asked for, or memory.
const runtime::Support* refusal(const Setting& setting, std::optional<plan::SplitKind> only) {
  const runtime::Support* first = nullptr;
  const auto note = [&](const runtime::Support& support) {
    if (!support.ok && first == nullptr) {
      first = &support;
    }
    return support.ok;
  };
  for (const plan::Scenario& scenario : setting.scenarios) {
    if (!note(scenario.runs) || !note(scenario.kv) || !scenario.profile.cache_known) {
      continue;
    }
    if (scenario.nodes() < 2) {
      return nullptr;  // it was memory alone
    }
    if (only == plan::SplitKind::tensor) {
      if (note(scenario.tensor[scenario.nodes()])) {
        return nullptr;
      }
    } else if (only == plan::SplitKind::independent || note(scenario.pipeline)) {
      return nullptr;
    }
  }
  return first;
}

void explain(const Setting& setting, const runtime::Workload& workload,
             std::optional<plan::SplitKind> only, std::int64_t longest, SweepRow& row) {
  if (!setting.reason.empty()) {
    return;
  }
  if (longest > 0 && workload.context.count() > longest) {
    row.reason = "context-above-longest";
  } else if (!row.placed) {
    if (const runtime::Support* support = refusal(setting, only)) {
      row.reason = support->code;
      row.problem = support->reason;
    } else {
      row.reason = row.kind == plan::Verdict::Kind::unknown ? "cache-unknown" : "short-of-memory";
    }
  } else if (row.raised) {
    row.reason = "raised-limit";
  } else if (!row.fits) {
    row.reason = "cap-context";
  } else if (row.tier == fit::Tier::borderline) {
    row.reason = "little-room";
  }
}

}  // namespace

Setting make_setting(plan::Request request, std::optional<double> price, bool speeds,
                     std::shared_ptr<const hardware::Cluster> cluster) {
  Setting setting;
  setting.scenarios = plan::make_scenarios(request, std::move(cluster));
  for (plan::Scenario& scenario : setting.scenarios) {
    if (speeds) {
      plan::add_work(scenario, request);
    }
  }
  setting.nodes = request.cluster.nodes.size();
  setting.ram_bytes = request.cluster.ram().count();
  setting.price = price;
  if (!request.cluster.problems.empty()) {
    setting.reason = request.cluster.problems.front().code;
    setting.problem = request.cluster.problems.front().text;
  }
  setting.request = std::move(request);
  return setting;
}

namespace {

/// The figures of a decision's placement, of its fullest node where they are a node's.
void fill(const Setting& setting, const plan::Scenario& scenario, const runtime::Workload& workload,
          const plan::Decision& decision, Needs needs, SweepRow& row) {
  plan::Placement& placement = setting.scratch;
  plan::place(scenario, workload, decision.split, decision.replicas, decision.raised, needs,
              placement);
  const plan::NodeBudget& fullest = placement.nodes[placement.fullest];
  row.kind = plan::kind_of(decision.split);
  row.workers = decision.replicas.size();
  row.tier = decision.tier;
  row.placed = true;
  row.raised = decision.raised;
  row.fits = decision.fits;
  row.runtime = scenario.runtime;
  row.split = decision.split;
  row.format = scenario.profile.format;
  row.weight_bytes = scenario.profile.total_weights();
  row.nodes_used = placement.nodes.size();
  row.fullest = fullest.node;
  row.demand = fullest.parts.demand().count();
  row.effective = fullest.effective.count();
  row.utilization = placement.utilization;
  row.max_context = placement.max_context;
  row.comfortable_context = placement.comfortable_context;
  if (needs.speed) {
    row.speed = std::move(placement.speed);
  }
}

}  // namespace

void answer(const Setting& setting, const runtime::Workload& workload, const plan::Terms& terms,
            Needs needs, SweepRow& row) {
  row.prefill_step = workload.prefill_step;
  row.sequences = workload.sequences;
  row.context = workload.context.count();
  row.kind = plan::Verdict::Kind::wont_fit;
  row.workers = 0;
  row.tier = fit::Tier::not_practical;
  row.placed = row.raised = row.fits = false;
  row.format.clear();
  row.nodes_used = 0;
  row.reason = setting.reason;
  row.problem = setting.problem;
  row.nodes = setting.nodes;
  row.ram_bytes = setting.ram_bytes;
  row.price = setting.price;
  row.known = !setting.scenarios.empty();
  if (!row.known) {
    return;
  }
  try {
    const plan::Decision decision = plan::decide(setting.scenarios, workload, terms, &setting.memo);
    const plan::Scenario& scenario = setting.scenarios[decision.scenario];
    if (decision.found() && needs.speed && !scenario.work) {
      plan::Scenario winner = scenario;
      plan::add_work(winner, setting.request);
      fill(setting, winner, workload, decision, needs, row);
    } else if (decision.found()) {
      fill(setting, scenario, workload, decision, needs, row);
    } else {
      if (!setting.free) {
        setting.free = plan::unrestricted_of(setting.request, setting.scenarios);
      }
      row.kind = plan::kind_of_failure(setting.scenarios, *setting.free, workload, terms);
    }
    explain(setting, workload, terms.only, scenario.profile.longest_context, row);
  } catch (const Error& error) {
    row.known = row.placed = false;
    row.kind = plan::Verdict::Kind::wont_fit;
    row.tier = fit::Tier::not_practical;
    row.reason = "invalid-combination";
    row.problem = error.what();
  }
}

/// What consecutive points share: the model in its format, the clusters, the setting made of both.
struct Evaluator::Memory {
  using Key = std::array<std::uint32_t, 4>;
  static constexpr std::size_t most_clusters = 64;

  std::optional<std::array<std::uint32_t, 2>> model_at;
  std::optional<Resolver::Model> model;
  std::string model_problem;

  struct Known {
    Key key;
    std::optional<Resolver::Cluster> cluster;
    std::string problem;
  };
  std::list<Known> clusters;  ///< the latest first

  std::optional<std::array<std::uint32_t, 8>> setting_at;
  Setting setting;
  runtime::KvFormat kv = runtime::KvFormat::bf16;
};

Evaluator::Evaluator(const Grid& grid, const Resolver& resolver, Needs needs)
    : grid_(grid), resolver_(resolver), needs_(needs), memory_(std::make_unique<Memory>()) {}
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator::~Evaluator() = default;

namespace {

template <class Make>
auto or_problem(std::string& problem, const Make& make) -> std::optional<decltype(make())> {
  problem.clear();
  try {
    return make();
  } catch (const Error& error) {
    problem = error.what();
    return std::nullopt;
  }
}

}  // namespace

void Evaluator::evaluate(const Point& point, SweepRow& row) {
  Memory& memory = *memory_;
  for (std::size_t i = 0; i < text_axes; ++i) {
    row.asked[i] = grid_.text(static_cast<Axis>(i), point[i]);
  }
  const auto text = [&](Axis axis) { return std::string(row.asked[text_index(axis)]); };

  std::array<std::uint32_t, 8> outer{};
  std::copy_n(point.begin(), outer.size(), outer.begin());
  if (memory.setting_at != outer) {
    if (!memory.model_at || (*memory.model_at)[0] != point[0] ||
        (*memory.model_at)[1] != point[1]) {
      memory.model = or_problem(memory.model_problem, [&] {
        return resolver_.model(text(Axis::model), text(Axis::quant));
      });
      memory.model_at = {point[0], point[1]};
    }
    const Memory::Key key = {point[2], point[3], point[4], point[5]};
    auto known = std::find_if(memory.clusters.begin(), memory.clusters.end(),
                              [&](const Memory::Known& one) { return one.key == key; });
    if (known == memory.clusters.end()) {
      Memory::Known fresh{key, std::nullopt, {}};
      fresh.cluster = or_problem(fresh.problem, [&] {
        return resolver_.cluster(text(Axis::nodes), text(Axis::macos), text(Axis::wired_limit),
                                 text(Axis::link));
      });
      memory.clusters.push_front(std::move(fresh));
      if (memory.clusters.size() > Memory::most_clusters) {
        memory.clusters.pop_back();
      }
    } else {
      memory.clusters.splice(memory.clusters.begin(), memory.clusters, known);
    }
    const Memory::Known& cluster = memory.clusters.front();
    memory.setting = {};
    memory.kv = runtime::parse_kv_format(text(Axis::kv));
    if (!memory.model || !cluster.cluster) {
      memory.setting.reason = "invalid-combination";
      memory.setting.problem = memory.model ? cluster.problem : memory.model_problem;
    } else {
      plan::Request request;
      request.model = memory.model->model;
      request.recipe = memory.model->recipe;
      request.calibration = resolver_.calibration;
      request.cluster = cluster.cluster->cluster;
      request.workload.kv = memory.kv;
      request.runtimes = resolver_.runtimes.parse(text(Axis::runtime));
      std::string problem;
      if (auto made = or_problem(problem, [&] {
            return make_setting(std::move(request), cluster.cluster->price, needs_.speed);
          })) {
        memory.setting = std::move(*made);
      } else {
        memory.setting.reason = "invalid-combination";
        memory.setting.problem = problem;
      }
    }
    memory.setting_at = outer;
  }

  runtime::Workload workload;
  workload.context = Tokens(grid_.number(Axis::context, point[11]));
  workload.sequences = grid_.number(Axis::sequences, point[10]);
  workload.prefill_step = grid_.number(Axis::prefill_step, point[9]);
  workload.kv = memory.kv;
  std::optional<plan::SplitKind> only;
  for (const plan::SplitKind split :
       {plan::SplitKind::independent, plan::SplitKind::pipeline, plan::SplitKind::tensor}) {
    if (same_name(row.asked[text_index(Axis::split)], plan::split_name(split))) {
      only = split;
    }
  }
  answer(memory.setting, workload, {only, plan::Goal::jobs, 0}, needs_, row);
}

}  // namespace macfit::study
