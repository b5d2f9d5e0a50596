// What a decision needs of one model, one cluster and one runtime, worked out once: the profile,
// what each node may hold, which nodes are alike, and what the runtime can do.

#include "macfit/plan/scenario.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "macfit/core/error.hpp"
#include "macfit/plan/speeds.hpp"

namespace macfit::plan {
namespace {

/// Most nodes that a layer is cut over on paper.
constexpr std::size_t most_ranks = 16;

bool same_chip(const speed::Chip& a, const speed::Chip& b) {
  return a.id == b.id && a.cores == b.cores && a.bandwidth == b.bandwidth && a.flops == b.flops;
}

bool same_link(const hardware::Link* a, const hardware::Link* b) {
  if (a == nullptr || b == nullptr) {
    return a == b;
  }
  const auto key = [](const hardware::LinkType& type) {
    return std::tuple(type.kind, type.transport,
                      type.bandwidth ? type.bandwidth->value.value() : 0.0);
  };
  return key(a->type) == key(b->type) && key(a->tcp) == key(b->tcp) &&
         a->rdma.has_value() == b->rdma.has_value();
}

/// Whether two nodes can change places without anybody noticing.
bool alike(const Scenario& s, bool uniform_links, std::size_t a, std::size_t b) {
  const auto same = [&](const auto& values) { return values[a] == values[b]; };
  const hardware::Node& x = s.cluster->nodes[a];
  const hardware::Node& y = s.cluster->nodes[b];
  const auto ports = [](const hardware::Node& node) {
    return std::tuple(node.mac, node.thunderbolt, node.thunderbolt_ports, node.rdma_ports,
                      node.rdma, node.gpu_limit.stated);
  };
  const auto version = [](const hardware::Node& node) {
    return node.macos ? std::tuple(node.macos->major, node.macos->minor) : std::tuple(0, 0);
  };
  if (!(same(s.standard.whole) && same(s.standard.part) && same(s.raised.whole) &&
        same(s.raised.part) && same(s.ram) && same(s.free_memory) &&
        same_chip(s.chips[a], s.chips[b]) && ports(x) == ports(y) && version(x) == version(y))) {
    return false;
  }
  for (std::size_t other = 0; !uniform_links && other < s.nodes(); ++other) {
    if (other != a && other != b &&
        !same_link(s.cluster->link_between(a, other), s.cluster->link_between(b, other))) {
      return false;
    }
  }
  return true;
}

void find_classes(Scenario& scenario) {
  std::vector<Group>& classes = scenario.classes;
  const std::vector<hardware::Link>& links = scenario.cluster->links;
  const bool uniform = std::all_of(links.begin(), links.end(), [&](const hardware::Link& link) {
    return same_link(&link, &links.front());
  });
  for (std::size_t node = 0; node < scenario.nodes(); ++node) {
    const auto known = std::find_if(classes.begin(), classes.end(), [&](const Group& members) {
      return scenario.mesh && alike(scenario, uniform, members.front(), node);
    });
    if (known == classes.end()) {
      classes.push_back({node});
    } else {
      known->push_back(node);
    }
  }
  // An order of their own, so that it does not matter in which the cluster names its nodes.
  std::stable_sort(classes.begin(), classes.end(), [&](const Group& a, const Group& b) {
    const auto key = [&](const Group& members) {
      const std::size_t i = members.front();
      return std::tuple(
          -scenario.standard.part[i], -scenario.raised.part[i], -scenario.standard.whole[i],
          -scenario.raised.whole[i], -scenario.chips[i].bandwidth, scenario.chips[i].id,
          -scenario.chips[i].cores, -scenario.ram[i].count(), scenario.cluster->nodes[i].machine);
    };
    return key(a) < key(b);
  });
  scenario.class_of.resize(scenario.nodes());
  for (std::size_t c = 0; c < classes.size(); ++c) {
    for (const std::size_t node : classes[c]) {
      scenario.class_of[node] = c;
    }
  }
}

void add_capacities(Scenario& scenario, const runtime::Runtime& rules) {
  for (const hardware::Node& node : scenario.cluster->nodes) {
    scenario.chips.push_back(speed::chip_of(node));
    scenario.ram.push_back(node.ram);
    const Bytes shared_out = rules.divides_by_gpu_limit() ? node.gpu_limit.bytes : node.ram;
    scenario.free_memory.push_back(std::max(Bytes(0), shared_out - node.occupied));
    const bool able = node.mac || !rules.needs_macs();
    for (const bool raised : {false, true}) {
      Scenario::Capacity& capacity = raised ? scenario.raised : scenario.standard;
      capacity.whole.push_back(able ? node.effective_whole(raised).count() : 0);
      capacity.part.push_back(
          able ? node.effective_part(scenario.cluster->cluster_reserve, raised).count() : 0);
    }
  }
}

void add_profile(Scenario& scenario, const Request& request, const runtime::Runtime& rules) {
  const std::size_t ranks = std::min(request.cluster.nodes.size(), most_ranks);
  const auto make = [&] {
    return rules.profile(request.model, rules.recipe(request.model, request.recipe),
                         request.workload.kv, ranks);
  };
  if (scenario.runs.ok) {
    scenario.profile = make();
    return;
  }
  scenario.profile.format = request.recipe.name;
  scenario.profile.cache_known = false;
  if (rules.format(request.model, request.recipe).ok) {
    // Its budgets say what memory alone would allow; where not even they can be made, none do.
    try {
      scenario.profile = make();
    } catch (const Error&) {
      scenario.profile.layers = 0;
      scenario.profile.cache_known = false;
    }
  }
}

void add_tensor(Scenario& scenario, const Request& request, const runtime::Runtime& rules) {
  const std::size_t nodes = scenario.nodes();
  scenario.tensor.resize(nodes + 1);
  for (std::size_t size = 2; size <= nodes; ++size) {
    runtime::Support& cut = scenario.tensor[size];
    if (size >= scenario.profile.rank_weights.size()) {
      cut = runtime::Support::no("too-many-ranks", "no runtime cuts a layer over so many nodes");
      continue;
    }
    cut = rules.tensor(request.model, scenario.profile.recipe, size);
    if (cut.ok && scenario.profile.rank_weights[size] < 0) {
      cut = runtime::Support::no(
          "shapes-unknown", "the tensors' shapes are not known, so they can't be cut on paper");
    }
  }
}

/// More than one runtime, node or split may compete, and then speeds decide between equals.
bool may_need_speeds(const Scenario& scenario, const Request& request) {
  const std::size_t nodes = scenario.nodes();
  return request.runtimes.size() > 1 || scenario.classes.size() > 1 || nodes > 2 ||
         (nodes > 1 && !scenario.all_tcp) || request.goal == Goal::answer;
}

}  // namespace

std::int64_t load_context(const runtime::Profile& profile) {
  return profile.longest_context > 0 ? std::min(fit::load_context, profile.longest_context)
                                     : fit::load_context;
}

std::int64_t judged_context(const runtime::Profile& profile, const runtime::Workload& workload) {
  const std::int64_t asked = workload.context.count();
  return profile.longest_context > 0 ? std::min(asked, profile.longest_context) : asked;
}

std::int64_t longest_context(const runtime::Profile& profile) {
  constexpr std::int64_t beyond_any_model = std::int64_t{1} << 24;
  return profile.longest_context > 0 ? profile.longest_context : beyond_any_model;
}

Scenario make_scenario(const Request& request, const runtime::Runtime& rules,
                       std::shared_ptr<const hardware::Cluster> cluster) {
  Scenario scenario;
  scenario.runtime = &rules;
  scenario.cluster =
      cluster ? std::move(cluster) : std::make_shared<const hardware::Cluster>(request.cluster);
  scenario.calibration = request.calibration;
  scenario.given = request.layers;
  scenario.runs = rules.runs(request.model);
  if (scenario.runs.ok) {
    scenario.runs = rules.format(request.model, request.recipe);
  }
  scenario.kv =
      rules.kv_pair(request.workload.kv, request.workload.kv_values.value_or(request.workload.kv));
  if (scenario.kv.ok) {
    scenario.kv = rules.kv(request.model, request.workload.kv);
  }
  const std::size_t nodes = request.cluster.nodes.size();
  add_profile(scenario, request, rules);
  add_capacities(scenario, rules);
  scenario.pipeline = rules.pipeline(request.model, nodes);
  add_tensor(scenario, request, rules);
  scenario.takes_split = !rules.manual_split({1, 1}, 0).empty();
  scenario.mesh = scenario.cluster->links.size() == nodes * (nodes - 1) / 2;
  scenario.all_tcp = std::all_of(
      scenario.cluster->links.begin(), scenario.cluster->links.end(),
      [](const hardware::Link& link) { return link.type.transport == hardware::Transport::tcp; });
  find_classes(scenario);
  if (may_need_speeds(scenario, request)) {
    add_work(scenario, request);
  }
  return scenario;
}

std::vector<Scenario> make_scenarios(const Request& request,
                                     std::shared_ptr<const hardware::Cluster> cluster) {
  if (!cluster) {
    cluster = std::make_shared<const hardware::Cluster>(request.cluster);
  }
  std::vector<Scenario> scenarios;
  scenarios.reserve(request.runtimes.size());
  for (const runtime::Runtime* rules : request.runtimes) {
    scenarios.push_back(make_scenario(request, *rules, cluster));
  }
  return scenarios;
}

Scenario unrestricted(Scenario scenario) {
  if (!scenario.budgetable()) {
    return scenario;
  }
  scenario.runs = scenario.kv = scenario.pipeline = runtime::Support::yes();
  scenario.takes_split = true;
  for (std::size_t size = 2; size < scenario.tensor.size(); ++size) {
    if (size < scenario.profile.rank_weights.size() && scenario.profile.rank_weights[size] >= 0) {
      scenario.tensor[size] = runtime::Support::yes();
    }
  }
  return scenario;
}

fit::Demand demand_of(const Scenario& scenario, const runtime::Workload& workload,
                      std::int64_t context, SplitKind split, std::size_t nodes,
                      hardware::Transport transport) {
  const Bytes communication = scenario.runtime->communication(nodes, transport);
  if (split == SplitKind::pipeline) {
    runtime::Workload chunked = workload;
    chunked.prefill_step = scenario.runtime->prefill_step(workload.prefill_step, nodes);
    return {scenario.profile, chunked, context, communication, 1};
  }
  const std::int64_t ranks = split == SplitKind::tensor ? static_cast<std::int64_t>(nodes) : 1;
  return {scenario.profile, workload, context, communication, ranks};
}

fit::Split runtime_split(const Scenario& scenario, const Group& group) {
  std::vector<Bytes> free_memory;
  free_memory.reserve(group.size());
  for (const std::size_t node : group) {
    free_memory.push_back(scenario.free_memory[node]);
  }
  return scenario.runtime->default_split(static_cast<std::int64_t>(scenario.profile.layers),
                                         free_memory, scenario.profile.unloaded_layers);
}

}  // namespace macfit::plan
