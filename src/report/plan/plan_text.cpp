// A plan in a terminal: verdict first, then budgets, alternatives, what to do.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/plan/measure.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

struct Segment {
  std::string_view name;
  std::string_view glyph;
  Paint paint;
  Bytes bytes;
};

std::array<Segment, 4> segments(const fit::Parts& parts) {
  return {{{"weights", "█", Paint::weights, parts.weights},
           {"cache", "▓", Paint::cache, parts.kv_cache},
           {"activations", "▒", Paint::activations, parts.activations},
           {"overhead", "░", Paint::overhead, parts.communication + parts.runtime}}};
}

Paint tier_paint(fit::Tier tier) {
  switch (tier) {
    case fit::Tier::comfortable:
      return Paint::good;
    case fit::Tier::borderline:
      return Paint::warn;
    case fit::Tier::not_practical:
      break;
  }
  return Paint::bad;
}

class PlanText {
 public:
  PlanText(const plan::Plan& plan, const Style& style)
      : plan_(plan), style_(style), width_(std::clamp<std::size_t>(style.width, 40, 120)) {}

  std::string write() {
    head();
    nodes();
    reasons();
    alternatives();
    actions();
    notes();
    if (style_.explain) {
      explain();
    }
    return encode(style_, text_);
  }

 private:
  void title(std::string_view text) { text_ += '\n' + paint(style_, Paint::bold, text) + '\n'; }
  void bullet(std::string_view text) { text_ += "  • " + wrap(text, width_, 4) + '\n'; }

  [[nodiscard]] const plan::Placement* shown() const {
    if (plan_.verdict.placement) {
      return &plan_.placements[*plan_.verdict.placement];
    }
    return plan_.verdict.nearest ? &plan_.placements[*plan_.verdict.nearest] : nullptr;
  }

  void head() {
    const plan::Verdict& verdict = plan_.verdict;
    text_ += paint(style_, Paint::bold,
                   fmt::format("{} on {}", printable(plan_.request.model.id),
                               printable(plan_.request.cluster.spec)));
    const std::string tier = plan::tier_words(verdict, plan::cap_of(plan_));
    text_ += ": " + paint(style_, tier_paint(verdict.tier),
                          plan::verdict_name(verdict.kind, verdict.workers) +
                              (tier.empty() ? "" : ", ") + tier);
    text_ += "\n\n" + wrap(verdict.headline, width_, 0) + '\n';
    if (const std::string next = plan_.next_command(); !next.empty()) {
      text_ += verdict.placement ? "Run it: " : "What would help: ";
      text_ += paint(style_, Paint::bold, printable(next, 2000)) + '\n';
    }
  }

  void reasons() {
    if (plan_.verdict.reasons.empty()) {
      return;
    }
    title("Why");
    for (const plan::Reason& reason : plan_.verdict.reasons) {
      bullet(reason.text);
    }
  }

  [[nodiscard]] std::string workload_words() const {
    const runtime::Workload& workload = plan_.request.workload;
    return fmt::format("{} tokens, {} sequence{}, {} cache", format_tokens(workload.context),
                       workload.sequences, workload.sequences == 1 ? "" : "s",
                       runtime::kv_format_name(workload.kv));
  }

  void nodes() {
    const plan::Placement* placement = shown();
    if (placement == nullptr || placement->nodes.empty()) {
      return;
    }
    std::string heading =
        fmt::format("Per node ({}; {}, {})", workload_words(), placement->runtime->name(),
                    plan::split_name(placement->split));
    if (!plan_.verdict.placement) {
      heading += plan_.verdict.kind == plan::Verdict::Kind::wont_fit ? ", the nearest miss"
                                                                     : ", as memory would allow";
    }
    title(wrap(heading, width_, 0));
    for (std::size_t first = 0; first < placement->nodes.size();) {
      std::size_t end = first + 1;
      while (!style_.details && end < placement->nodes.size() &&
             alike(placement->nodes[first], placement->nodes[end], *placement)) {
        ++end;
      }
      node(*placement, first, end);
      first = end;
    }
    for (const std::size_t idle : placement->idle) {
      text_ += fmt::format(
          "  {}  {}  idle\n",
          paint(style_, Paint::bold, printable(plan_.request.cluster.nodes[idle].name, 64)),
          printable(plan_.request.cluster.nodes[idle].machine_label));
    }
    legend();
  }

  /// Nothing but the name tells the two apart.
  [[nodiscard]] bool alike(const plan::NodeBudget& a, const plan::NodeBudget& b,
                           const plan::Placement& placement) const {
    const auto& nodes = plan_.request.cluster.nodes;
    return placement.split != plan::SplitKind::pipeline &&
           nodes[a.node].machine_label == nodes[b.node].machine_label &&
           a.parts.demand() == b.parts.demand() && a.parts.weights == b.parts.weights &&
           a.effective == b.effective;
  }

  /// "node-1", "node-1 to node-4 (4 ×)".
  [[nodiscard]] std::string names(const plan::Placement& placement, std::size_t first,
                                  std::size_t end) const {
    const auto name = [&](std::size_t i) {
      return paint(style_, Paint::bold,
                   printable(plan_.request.cluster.nodes[placement.nodes[i].node].name, 64));
    };
    return end == first + 1
               ? name(first)
               : fmt::format("{} to {} ({} ×)", name(first), name(end - 1), end - first);
  }

  /// Nodes that nothing tells apart, as one.
  void node(const plan::Placement& placement, std::size_t first, std::size_t end) {
    const plan::NodeBudget& budget = placement.nodes[first];
    const hardware::Node& node = plan_.request.cluster.nodes[budget.node];
    std::string line =
        fmt::format("  {}  {}", names(placement, first, end), printable(node.machine_label));
    if (placement.split == plan::SplitKind::pipeline) {
      line += fmt::format("  layers {}–{}", budget.first_layer,
                          budget.first_layer + budget.layer_count - 1);
    }
    if (placement.replicas > 1 && placement.split != plan::SplitKind::independent) {
      line += fmt::format("  replica {}", budget.replica + 1);
    }
    text_ += line + '\n';
    bar(budget);
    text_ += "  " +
             wrap(fmt::format("{} weights + {} cache + {} activations + {} overhead; {} {}",
                              format_gb(budget.parts.weights), format_gb(budget.parts.kv_cache),
                              format_gb(budget.parts.activations),
                              format_gb(budget.parts.communication + budget.parts.runtime),
                              budget.headroom >= Bytes(0) ? format_gb(budget.headroom)
                                                          : format_gb(Bytes(0) - budget.headroom),
                              budget.headroom >= Bytes(0) ? "free" : "too much"),
                  width_, 2) +
             '\n';
  }

  /// One cell is effective / cells bytes; what overflows is marked, not drawn.
  void bar(const plan::NodeBudget& budget) {
    const std::string numbers =
        fmt::format(" {} of {}, {}", format_gb(budget.parts.demand()), format_gb(budget.effective),
                    format_percent(budget.utilization));
    const std::size_t room = width_ > columns(numbers) + 6 ? width_ - columns(numbers) - 6 : 10;
    const std::size_t cells = std::clamp<std::size_t>(room, 10, 60);
    const double whole = std::max(budget.effective.as_double(), 1.0);
    std::string drawn;
    std::size_t used = 0;
    double reached = 0.0;
    for (const Segment& segment : segments(budget.parts)) {
      reached += segment.bytes.as_double();
      const auto until = std::min(
          cells,
          static_cast<std::size_t>(std::llround(reached / whole * static_cast<double>(cells))));
      std::string run;
      for (; used < until; ++used) {
        run += segment.glyph;
      }
      drawn += paint(style_, segment.paint, run);
    }
    std::string free_cells;
    for (; used < cells; ++used) {
      free_cells += "·";
    }
    drawn += paint(style_, Paint::dim, free_cells);
    const bool over = budget.headroom < Bytes(0);
    text_ +=
        "  [" + drawn + (over ? paint(style_, Paint::bad, ">") : std::string("]")) + numbers + '\n';
  }

  void legend() {
    std::string line = "  ";
    for (const Segment& segment : segments({})) {
      line += paint(style_, segment.paint, segment.glyph) + " " + std::string(segment.name) + "  ";
    }
    text_ += line + paint(style_, Paint::dim, "·") + " free\n";
  }

  void alternatives() {
    if (plan_.placements.size() < 2) {
      return;
    }
    title("Side by side");
    Table table({{"", false, false},
                 {"runtime", false, false},
                 {"split", false, false},
                 {"tier", false, false},
                 {"used", true, true},
                 {"tokens/s", true, false},
                 {"all", true, true},
                 {"prompt", true, true},
                 {"longest context", true, true},
                 {"short", true, true},
                 {"layers", false, true},
                 {"limit", false, true},
                 {"fullest node", true, true},
                 {"", false, true}});
    for (std::size_t i = 0; i < plan_.placements.size(); ++i) {
      const plan::Placement& placement = plan_.placements[i];
      const bool won = plan_.verdict.placement && *plan_.verdict.placement == i;
      if (!placement.standing.supported && plan_.verdict.placement && !style_.details) {
        ++left_out_;
        continue;
      }
      table.add(side_by_side(placement, won));
    }
    Style style = style_;
    style.width = width_;
    const std::string drawn = table.text(style);
    text_ += drawn;
    text_ += "  " + paint(style_, Paint::dim, wrap(side_by_side_words(drawn), width_, 2)) + '\n';
  }

  /// The cells of one placement's row.
  [[nodiscard]] static std::vector<std::string> side_by_side(const plan::Placement& placement,
                                                             bool won) {
    const bool budgeted = !placement.nodes.empty();
    return {won ? "→" : "",
            placement.runtime->name(),
            split_words(placement),
            tier_words(placement),
            budgeted ? format_percent(placement.utilization) : "–",
            rate(placement.speed.decode),
            rate(placement.speed.aggregate),
            rate(placement.speed.prefill),
            budgeted ? format_whole(placement.max_context) : "–",
            rate(placement.speed.short_decode),
            layer_words(placement),
            budgeted ? std::string(plan::limit_name(placement.standing.limit)) : "–",
            budgeted ? fullest_words(placement) : "–",
            remark(placement)};
  }

  /// What the columns mean that there was room for; a list has them all.
  [[nodiscard]] std::string side_by_side_words(const std::string& drawn) const {
    const std::string_view head = std::string_view(drawn).substr(0, drawn.find('\n'));
    const auto shown = [&](std::string_view column) {
      return head.find(column) != std::string_view::npos ||
             head.find(':') != std::string_view::npos;
    };
    std::string words = "tokens/s: one answer's, at the end of the context";
    words += shown(" all") ? "; all: every answer's at once" : "";
    words += shown(" prompt") ? "; prompt: tokens of one prompt read a second" : "";
    words +=
        shown(" short") ? "; short: tokens/s on a prompt and answer of 512 tokens together" : "";
    words += ". Estimates: --format json has their intervals.";
    if (left_out_ > 0) {
      words += fmt::format(" {} row{} of what can't run left out: --details.", left_out_,
                           left_out_ == 1 ? "" : "s");
    }
    return words;
  }

  [[nodiscard]] static std::string split_words(const plan::Placement& placement) {
    std::string words(plan::split_name(placement.split));
    if (placement.split == plan::SplitKind::pipeline) {
      words += fmt::format(" ({})", plan::layout_name(placement.layout));
    }
    if (placement.replicas > 1 && placement.standing.loads()) {
      words = fmt::format("{}× {}", placement.replicas, words);
    }
    return words;
  }

  /// Two digits that mean something, or a dash.
  [[nodiscard]] static std::string rate(const std::optional<speed::Estimate>& figure) {
    return figure ? format_rate(figure->value) : "–";
  }

  [[nodiscard]] static std::string tier_words(const plan::Placement& placement) {
    if (!placement.standing.supported) {
      return "not supported";
    }
    return std::string(fit::tier_name(placement.standing.tier));
  }

  [[nodiscard]] static std::string remark(const plan::Placement& placement) {
    if (!placement.problems.empty()) {
      return placement.problems.front().code;
    }
    const bool shown_only =
        placement.split == plan::SplitKind::tensor && !placement.standing.may_win;
    return shown_only ? "not advised over TCP" : "";
  }

  /// "70.9 of 103.9 GB".
  [[nodiscard]] static std::string fullest_words(const plan::Placement& placement) {
    const plan::NodeBudget& fullest =
        *std::max_element(placement.nodes.begin(), placement.nodes.end(),
                          [](const plan::NodeBudget& a, const plan::NodeBudget& b) {
                            return a.utilization < b.utilization;
                          });
    return fmt::format("{:.1f} of {}", fullest.parts.demand().as_double() / 1e9,
                       format_gb(fullest.effective));
  }

  [[nodiscard]] static std::string layer_words(const plan::Placement& placement) {
    if (placement.split != plan::SplitKind::pipeline || placement.nodes.empty()) {
      return "all";
    }
    std::string words;
    for (const plan::NodeBudget& budget : placement.nodes) {
      if (budget.replica == 0) {
        words += (words.empty() ? "" : "/") + std::to_string(budget.layer_count);
      }
    }
    return words;
  }

  void actions() {
    const std::string next = plan_.next_command();
    std::vector<plan::Action> actions;
    for (const plan::Action& action : plan_.actions) {
      if (action.kind != "launch" || action.command != next) {  // else it stands above already
        actions.push_back(action);
      }
    }
    if (actions.empty()) {
      return;
    }
    title("What to do");
    for (const plan::Action& action : actions) {
      const std::string where =
          action.node.empty() ? "" : "on " + printable(action.node, 64) + ": ";
      bullet(where + action.effect);
      text_ += "      " + paint(style_, Paint::bold, printable(action.command, 2000)) + '\n';
    }
  }

  void notes() {
    if (plan_.notes.empty()) {
      return;
    }
    title("Notes");
    for (const std::string& note : plan_.notes) {
      bullet(note);
    }
  }

  void explain() {
    const plan::Placement* placement = shown();
    if (placement == nullptr || placement->nodes.empty()) {
      return;
    }
    title("How the numbers come about");
    const plan::NodeBudget& budget = placement->nodes.front();
    const hardware::Node& node = plan_.request.cluster.nodes[budget.node];
    const bool shard = placement->split != plan::SplitKind::independent;
    bullet(fmt::format("GPU limit of {}: {} bytes ({}, {}).", printable(node.name, 64),
                       format_whole(node.gpu_limit.bytes.count()),
                       evidence_name(node.gpu_limit.evidence),
                       limit_name(placement->standing.limit)));
    bullet(fmt::format(
        "Effective memory = min(GPU limit, RAM − reserve){}{} = {} bytes.",
        shard ? fmt::format(" × (1 − {})", format_percent(plan_.request.cluster.cluster_reserve))
              : "",
        plan::occupied_words(node), format_whole(budget.effective.count())));
    bullet(fmt::format(
        "Demand = {} weights + {} cache + {} activations + {} communication + {} "
        "runtime = {} bytes.",
        format_whole(budget.parts.weights.count()), format_whole(budget.parts.kv_cache.count()),
        format_whole(budget.parts.activations.count()),
        format_whole(budget.parts.communication.count()),
        format_whole(budget.parts.runtime.count()), format_whole(budget.parts.demand().count())));
    bullet(
        fmt::format("Headroom = effective − demand = {} bytes; utilization = demand / effective "
                    "= {:.4f}; comfortable up to 0.85.",
                    format_whole(budget.headroom.count()), budget.utilization));
    bullet(
        fmt::format("Weights are {}; activations and the runtime base are estimated; cache slots "
                    "follow the runtime's allocation rule (exact).",
                    evidence_name(placement->weight_evidence)));
    const plan::Measurement measurement = plan::measurement_of(plan_.request, *placement);
    if (!placement->speed.decode) {
      return;
    }
    if (measurement.full.empty()) {
      bullet("Speeds can be checked with spike.sh, which macfit launch writes.");
      return;
    }
    bullet("Speeds can be checked with these, on a full context and on a short prompt:");
    for (const std::string& command : {measurement.full, measurement.brief}) {
      text_ += command.empty() ? "" : "      " + printable(command, 2000) + '\n';
    }
  }

  const plan::Plan& plan_;
  const Style& style_;
  std::size_t width_;
  std::string text_;
  std::size_t left_out_ = 0;  ///< rows of what can't run
};

}  // namespace

std::string plan_text(const plan::Plan& plan, const Style& style) {
  return PlanText(plan, style).write();
}

}  // namespace macfit::report
