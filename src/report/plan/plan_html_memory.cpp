// Budgets of a plan's nodes, for its page: bars, tables, layers.

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "plan_html.hpp"

namespace macfit::report {
namespace {

using html::Anchor;
using html::element;
using html::Markup;
using html::text;

Bytes overhead(const fit::Parts& parts) { return parts.communication + parts.runtime; }

Bytes limit_of(const hardware::Node& node, const plan::Placement& placement) {
  return placement.standing.raised() ? node.raised_limit : node.gpu_limit.bytes;
}

std::string room_words(const plan::NodeBudget& budget) {
  return budget.headroom >= Bytes(0) ? format_gb(budget.headroom) + " free"
                                     : format_gb(Bytes(0) - budget.headroom) + " too much";
}

/// "layers 0–53", where a node holds some of them.
std::string layer_words(const plan::Placement& placement, const plan::NodeBudget& budget) {
  switch (placement.split) {
    case plan::SplitKind::pipeline:
      return fmt::format("layers {}–{}", budget.first_layer,
                         budget.first_layer + budget.layer_count - 1);
    case plan::SplitKind::tensor:
      return "a share of every layer";
    case plan::SplitKind::independent:
      break;
  }
  return "all layers";
}

Anchor side_of(double x) { return x > 0.5 ? Anchor::end : Anchor::start; }
/// A label beside a line, on the side where there is room.
double beside(double x) { return x > 0.5 ? x - 0.008 : x + 0.008; }

Markup bar(const plan::Plan& plan, const plan::Placement& placement, const plan::NodeBudget& budget,
           double scale) {
  constexpr double top = 20.0;
  constexpr double height = 24.0;
  constexpr double bottom = top + height;
  const hardware::Node& node = plan.request.cluster.nodes[budget.node];
  const std::string name = printable(node.name, 64);
  const auto share = [&](Bytes bytes) { return std::clamp(bytes.as_double() / scale, 0.0, 1.0); };
  const fit::Parts& parts = budget.parts;
  const Bytes limit = limit_of(node, placement);
  html::Drawing drawing(
      fmt::format("Memory of {}: {} of {}, {}", name, format_gb(parts.demand()),
                  format_gb(budget.effective), format_percent(budget.utilization)),
      fmt::format("{} weights, {} cache, {} activations, {} overhead, {}. GPU limit {}, RAM {}.",
                  format_gb(parts.weights), format_gb(parts.kv_cache), format_gb(parts.activations),
                  format_gb(overhead(parts)), room_words(budget), format_gb(limit),
                  format_gib(node.ram)),
      62);
  drawing.rect(0.0, share(node.ram), top, height, "room");
  Bytes reached;
  for (const auto& [bytes, kind] :
       {std::pair{parts.weights, "weights"}, std::pair{parts.kv_cache, "cache"},
        std::pair{parts.activations, "activations"}, std::pair{overhead(parts), "overhead"}}) {
    const double from = share(reached);
    reached += bytes;
    drawing.rect(from, share(reached) - from, top + 1, height - 2, kind);
  }
  const double comfortable = share(Bytes(fit::comfortable_bound(budget.effective.count())));
  const double effective = share(budget.effective);
  drawing.line(comfortable, top - 2, comfortable, bottom + 2, "comfort");
  drawing.line(effective, top - 6, effective, bottom + 4, "limit");
  drawing.label(beside(effective), top - 8, side_of(effective),
                fmt::format("may use {}", format_gb(budget.effective)));
  if (limit != budget.effective) {
    drawing.line(share(limit), top - 4, share(limit), bottom + 6, "bound");
    drawing.label(beside(share(limit)), bottom + 15, side_of(share(limit)),
                  fmt::format("{}GPU limit {}", placement.standing.raised() ? "raised " : "",
                              format_gb(limit)),
                  "quiet");
  }
  if (parts.demand().as_double() > scale) {
    drawing.label(0.99, top + 16, Anchor::end, fmt::format("on to {} »", format_gb(parts.demand())),
                  "inside");
  }
  return drawing.done();
}

Markup node_table(const plan::Plan& plan, const plan::Placement& placement) {
  std::vector<std::vector<Markup>> rows;
  for (const plan::NodeBudget& budget : placement.nodes) {
    const hardware::Node& node = plan.request.cluster.nodes[budget.node];
    const fit::Parts& parts = budget.parts;
    std::vector<Markup> row = {element("span", printable(node.name, 64))};
    for (const Bytes bytes : {parts.weights, parts.kv_cache, parts.activations, parts.communication,
                              parts.runtime, parts.demand(), budget.effective}) {
      row.push_back(text(format_gb(bytes)));
    }
    row.push_back(text(room_words(budget)));
    row.push_back(text(format_percent(budget.utilization)));
    row.push_back(text(format_whole(budget.max_context)));
    row.push_back(text(format_gb(budget.download)));
    rows.push_back(std::move(row));
  }
  return html::table("Demand and effective memory per node (1 GB = 10⁹ bytes)",
                     {{"Node", false},
                      {"Weights", true},
                      {"KV cache", true},
                      {"Activations", true},
                      {"Communication", true},
                      {"Runtime", true},
                      {"Demand", true},
                      {"Effective", true},
                      {"Headroom", true},
                      {"Used", true},
                      {"Longest context", true},
                      {"To download", true}},
                     rows);
}

/// The arithmetic of the node that binds, to the byte.
Markup formulas(const plan::Plan& plan, const plan::Placement& placement) {
  const plan::NodeBudget& budget = fullest_node(placement);
  const hardware::Node& node = plan.request.cluster.nodes[budget.node];
  const bool shard = placement.split != plan::SplitKind::independent;
  const fit::Parts& parts = budget.parts;
  return html::list(
      {text(fmt::format(
           "Effective memory of {} = min(GPU limit {}, RAM {} − reserve {}){}{} = {} bytes.",
           printable(node.name, 64), format_whole(limit_of(node, placement).count()),
           format_whole(node.ram.count()), format_whole(node.reserve.count()),
           shard ? fmt::format(" × (1 − {})", format_percent(plan.request.cluster.cluster_reserve))
                 : "",
           plan::occupied_words(node), format_whole(budget.effective.count()))),
       text(fmt::format("Demand = {} weights + {} cache + {} activations + {} communication + {} "
                        "runtime = {} bytes.",
                        format_whole(parts.weights.count()), format_whole(parts.kv_cache.count()),
                        format_whole(parts.activations.count()),
                        format_whole(parts.communication.count()),
                        format_whole(parts.runtime.count()), format_whole(parts.demand().count()))),
       text(fmt::format("Utilization = demand / effective memory = {:.4f}; comfortable up to "
                        "0.{}.",
                        budget.utilization, fit::comfortable_percent))});
}

}  // namespace

Markup memory_section(const plan::Plan& plan, const plan::Placement& shown) {
  double scale = 0.0;
  double largest = 0.0;
  for (const plan::NodeBudget& budget : shown.nodes) {
    scale = std::max(scale, plan.request.cluster.nodes[budget.node].ram.as_double());
    largest = std::max(largest, budget.parts.demand().as_double());
  }
  constexpr double most = 2.5;  // what a node lacks may be many times what it has
  scale = std::max(scale, std::min(largest, scale * most));
  const plan::NodeBudget& fullest = fullest_node(shown);
  Markup inside = html::paragraph(fmt::format(
      "{} binds: it needs {} and may use {} ({}, {}).{} Every bar is drawn to the same scale; the "
      "frame is the machine's RAM.",
      printable(plan.request.cluster.nodes[fullest.node].name, 64),
      format_gb(fullest.parts.demand()), format_gb(fullest.effective),
      format_percent(fullest.utilization), room_words(fullest),
      plan.verdict.placement ? "" : " This is the nearest miss, not a plan."));
  for (const plan::NodeBudget& budget : shown.nodes) {
    const hardware::Node& node = plan.request.cluster.nodes[budget.node];
    std::string heading =
        fmt::format("{}: {}", printable(node.name, 64), layer_words(shown, budget));
    if (shown.replicas > 1 && shown.split != plan::SplitKind::independent) {
      heading += fmt::format(" of replica {}", budget.replica + 1);
    }
    inside += element("h3", heading) +
              element("p", {{"class", "soft"}},
                      text(fmt::format("{}. {} used, {}.", printable(node.machine_label),
                                       format_percent(budget.utilization), room_words(budget)))) +
              bar(plan, shown, budget, scale);
  }
  for (const std::size_t idle : shown.idle) {
    const hardware::Node& node = plan.request.cluster.nodes[idle];
    inside += element("h3", printable(node.name, 64) + ": idle") +
              element("p", {{"class", "soft"}}, text(printable(node.machine_label)));
  }
  inside += html::legend({{"weights", "weights"},
                          {"cache", "KV cache"},
                          {"activations", "activations"},
                          {"overhead", "communication and runtime"},
                          {"room", "RAM"}});
  inside += element("p", {{"class", "soft"}},
                    text("Lines: solid, effective memory; dashed, the GPU limit where it is "
                         "another; dotted, 85 % of effective memory, where comfortable ends."));
  inside += node_table(plan, shown) + formulas(plan, shown);
  return html::section("memory", "Memory per node", inside);
}

namespace {

/// The nodes of one replica, and the layers that they hold together.
struct Members {
  std::vector<const plan::NodeBudget*> budgets;
  std::vector<std::string> names;
  std::int64_t layers = 0;
};

Members members_of(const plan::Plan& plan, const plan::Placement& shown, std::size_t replica) {
  Members members;
  for (const plan::NodeBudget& budget : shown.nodes) {
    if (budget.replica == replica) {
      members.budgets.push_back(&budget);
      members.names.push_back(printable(plan.request.cluster.nodes[budget.node].name, 64));
      members.layers = std::max(members.layers, budget.first_layer + budget.layer_count);
    }
  }
  return members;
}

const char* stripe(std::size_t index) { return index % 2 == 0 ? "even" : "odd"; }

/// Every layer is cut: a bar of full width for each node.
Markup tensor_drawing(const Members& members, const std::string& title) {
  constexpr double step = 20.0;
  const std::size_t ways = members.budgets.size();
  html::Drawing drawing(title,
                        fmt::format("All {} layers are cut {} ways: {}", members.layers, ways,
                                    join_words(members.names)),
                        static_cast<int>(ways) * 20 + 4);
  double y = 2.0;
  for (std::size_t i = 0; i < ways; ++i) {
    drawing.rect(0.0, 1.0, y, 18.0, stripe(i));
    drawing.label(0.5, y + 13.5, Anchor::middle, printable(members.names[i], 40), "inside");
    y += step;
  }
  return drawing.done() + element("p", {{"class", "soft"}},
                                  text(fmt::format("Every one of the {} layers is cut {} ways.",
                                                   members.layers, ways)));
}

/// Layers lie one after the other: one bar, as wide a piece for each node as it has layers.
Markup pipeline_drawing(const Members& members, const std::string& title) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < members.budgets.size(); ++i) {
    words.push_back(fmt::format("{}: {}", members.names[i], members.budgets[i]->layer_count));
  }
  html::Drawing drawing(
      title, fmt::format("{} layers, first to last: {}", members.layers, join_words(words)), 30);
  double from = 0.0;
  for (std::size_t i = 0; i < members.budgets.size(); ++i) {
    const std::int64_t count = members.budgets[i]->layer_count;
    const double width = static_cast<double>(count) / static_cast<double>(members.layers);
    drawing.rect(from, width, 2.0, 26.0, stripe(i));
    if (width > 0.06) {
      drawing.label(from + width / 2, 19.5, Anchor::middle,
                    width > 0.3 ? fmt::format("{} layers", count) : std::to_string(count),
                    "inside");
    }
    from += width;
  }
  return drawing.done() + element("p", {{"class", "soft"}},
                                  text(fmt::format("First layer at the left, {} in all. {}.",
                                                   members.layers, join_words(words))));
}

}  // namespace

Markup layers_section(const plan::Plan& plan, const plan::Placement& shown) {
  if (shown.split == plan::SplitKind::independent) {
    return {};
  }
  Markup inside;
  for (std::size_t replica = 0; replica < shown.replicas; ++replica) {
    const Members members = members_of(plan, shown, replica);
    if (members.budgets.empty() || members.layers == 0) {
      continue;
    }
    const std::string title =
        shown.replicas > 1 ? fmt::format("Layers of replica {}", replica + 1) : "Layers per node";
    inside += shown.split == plan::SplitKind::tensor ? tensor_drawing(members, title)
                                                     : pipeline_drawing(members, title);
  }
  return html::section("layers", "Layers per node", inside);
}

}  // namespace macfit::report
