// How a plan's memory grows with the context, for its page.

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/study/context_curve.hpp"
#include "plan_html.hpp"

namespace macfit::report {
namespace {

using html::Anchor;
using html::element;
using html::Markup;
using html::text;

constexpr int height = 280;
constexpr double floor_y = 244.0;
constexpr double ceiling_y = 12.0;

class ContextDrawing {
 public:
  ContextDrawing(const plan::Plan& plan, const study::ContextCurve& curve, std::string_view node)
      : plan_(plan),
        curve_(curve),
        end_(curve.points.back().context.as_double()),
        top_(1.12 * std::max(curve.points.back().demand.as_double(), curve.effective.as_double())),
        drawing_(fmt::format("Demand of {} against context", node),
                 fmt::format(
                     "From {} at no context to {} at {} tokens; it may use {}.",
                     format_gb(curve.points.front().demand), format_gb(curve.points.back().demand),
                     format_whole(curve.points.back().context.count()), format_gb(curve.effective)),
                 height) {}

  Markup draw() {
    axes();
    levels();
    std::vector<std::pair<double, double>> points;
    for (const study::ContextPoint& point : curve_.points) {
      points.emplace_back(x_of(point.context.count()), y_of(point.demand));
    }
    drawing_.curve(points, "demand");
    mark(plan_.request.workload.context.count(), "asked", 0, true);
    if (curve_.comfortable_context > 0 &&
        curve_.comfortable_context < curve_.points.back().context.count()) {
      mark(curve_.comfortable_context, "comfortable", 1, false);
    }
    if (curve_.max_context > 0) {
      mark(curve_.max_context, "longest", 2, false);
    }
    return drawing_.done();
  }

 private:
  [[nodiscard]] double x_of(std::int64_t context) const {
    return std::clamp(static_cast<double>(context) / end_, 0.0, 1.0);
  }
  [[nodiscard]] double y_of(Bytes bytes) const {
    return floor_y - bytes.as_double() / top_ * (floor_y - ceiling_y);
  }

  void axes() {
    const double step = html::tick_step(top_ / 1e9, 5);
    for (double tick = 0.0; tick * 1e9 < top_; tick += step) {
      const double y = y_of(Bytes(static_cast<std::int64_t>(tick * 1e9)));
      drawing_.line(0.0, y, 1.0, y, tick > 0.0 ? "grid" : "axis");
      if (tick > 0.0) {
        drawing_.label(0.0, y - 3, Anchor::start, fmt::format("{:g} GB", tick), "quiet");
      }
    }
    std::int64_t ticks = 1024;
    while (static_cast<double>(ticks) * 4.0 < end_) {
      ticks *= 2;
    }
    for (std::int64_t tick = 0; static_cast<double>(tick) <= end_; tick += ticks) {
      const double x = x_of(tick);
      drawing_.line(x, floor_y, x, floor_y + 4, "axis");
      drawing_.label(x, floor_y + 18,
                     x < 0.03   ? Anchor::start
                     : x > 0.94 ? Anchor::end
                                : Anchor::middle,
                     tick == 0 ? "0" : format_tokens(Tokens(tick)), "quiet");
    }
    drawing_.label(1.0, floor_y + 34, Anchor::end, "context, tokens a sequence", "quiet");
  }

  /// The curve comes from below at the left and leaves above at the right: labels keep out of its
  /// way.
  void levels() {
    constexpr double apart = 16.0;
    const double may_use = y_of(curve_.effective);
    const double comfortable = y_of(curve_.comfortable);
    if (comfortable - may_use >= apart) {
      drawing_.line(0.0, comfortable, 1.0, comfortable, "comfort");
      drawing_.label(1.0, comfortable + 14.0, Anchor::end,
                     "comfortable up to " + format_gb(curve_.comfortable));
    }
    drawing_.line(0.0, may_use, 1.0, may_use, "limit");
    drawing_.label(0.12, may_use - 5.0, Anchor::start, "may use " + format_gb(curve_.effective));
  }

  /// A context with its demand; `row` keeps labels apart.
  void mark(std::int64_t context, std::string_view words, int row, bool full) {
    const double x = x_of(context);
    const auto point =
        std::find_if(curve_.points.begin(), curve_.points.end(),
                     [&](const auto& candidate) { return candidate.context.count() == context; });
    if (point == curve_.points.end()) {
      return;
    }
    const double y = y_of(point->demand);
    drawing_.line(x, y, x, floor_y, "grid");
    drawing_.dot(x, y, 4.5, full ? "" : "hollow");
    const bool left = x > 0.5;
    const double label_y = curve_.max_context > 0 ? floor_y - 10.0 - 17.0 * row : y + 20.0;
    drawing_.label(left ? x - 0.008 : x + 0.008, label_y, left ? Anchor::end : Anchor::start,
                   fmt::format("{} {}", words, format_whole(context)));
  }

  const plan::Plan& plan_;
  const study::ContextCurve& curve_;
  double end_;
  double top_;
  html::Drawing drawing_;
};

}  // namespace

Markup context_section(const plan::Plan& plan, const plan::Placement& shown) {
  const auto curve = study::context_curve(plan, shown);
  if (!curve || curve->points.size() < 2) {
    return {};
  }
  const plan::NodeBudget& budget = shown.nodes[curve->node];
  const std::string node = printable(plan.request.cluster.nodes[budget.node].name, 64);
  Markup inside = html::paragraph(
      curve->max_context > 0
          ? fmt::format("{} is the node whose context ends first, at {} tokens a sequence; it is "
                        "comfortable {}.",
                        node, format_whole(curve->max_context),
                        curve->comfortable_context > 0
                            ? "up to " + format_whole(curve->comfortable_context)
                            : std::string("at none"))
          : fmt::format("{} is short whatever the context.", node));
  inside += ContextDrawing(plan, *curve, node).draw();
  std::vector<std::vector<Markup>> rows;
  for (const study::ContextPoint& point : curve->points) {
    if (!point.marked) {
      continue;
    }
    std::string words = format_whole(point.context.count());
    const bool asked = point.context == plan.request.workload.context;
    rows.push_back(
        {text(words + (asked ? " (asked)" : "")), text(format_gb(point.demand)),
         text(format_percent(point.utilization)),
         point.fits ? html::badge(point.tier) : html::badge(point.tier, "does not fit")});
  }
  inside += html::table("Context against the memory of " + node,
                        {{"Context, tokens a sequence", false},
                         {"Demand", true},
                         {"Of effective memory", true},
                         {"There", false}},
                        rows);
  return html::section("context", "Context against memory", inside);
}

}  // namespace macfit::report
