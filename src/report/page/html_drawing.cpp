// Drawings inside pages as SVG, in shares of the width.

#include "macfit/report/page/html_drawing.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace macfit::report::html {
namespace {

std::string share(double x) { return fmt::format("{:.2f}%", x * 100.0); }
std::string pixels(double y) { return fmt::format("{:.1f}", y); }

Attributes with_kind(Attributes attributes, std::string_view kind) {
  if (!kind.empty()) {
    attributes.push_back({"class", std::string(kind)});
  }
  return attributes;
}

/// One hatching: strokes over a pale ground, so that gray prints tell them apart.
Markup pattern(std::string_view kind, std::string_view size, const Attributes& turn,
               std::string_view path) {
  Attributes attributes = {{"id", fmt::format("fill-{}", kind)},
                           {"width", std::string(size)},
                           {"height", std::string(size)},
                           {"patternUnits", "userSpaceOnUse"}};
  attributes.insert(attributes.end(), turn.begin(), turn.end());
  return element(
      "pattern", attributes,
      element("rect",
              {{"width", std::string(size)},
               {"height", std::string(size)},
               {"class", fmt::format("ground {}", kind)}},
              {}) +
          element("path", {{"d", std::string(path)}, {"class", fmt::format("stroke {}", kind)}},
                  {}));
}

}  // namespace

Drawing::Drawing(std::string_view title, std::string_view description, int height)
    : title_(title), description_(description), height_(height) {}

Drawing& Drawing::rect(double x, double width, double y, double height, std::string_view kind) {
  inside_ += element(
      "rect",
      with_kind(
          {{"x", share(x)}, {"y", pixels(y)}, {"width", share(width)}, {"height", pixels(height)}},
          kind),
      {});
  return *this;
}

Drawing& Drawing::line(double x1, double y1, double x2, double y2, std::string_view kind) {
  inside_ += element(
      "line",
      with_kind({{"x1", share(x1)}, {"y1", pixels(y1)}, {"x2", share(x2)}, {"y2", pixels(y2)}},
                kind),
      {});
  return *this;
}

Drawing& Drawing::dot(double x, double y, double radius, std::string_view kind) {
  inside_ += element(
      "circle", with_kind({{"cx", share(x)}, {"cy", pixels(y)}, {"r", pixels(radius)}}, kind), {});
  return *this;
}

Drawing& Drawing::label(double x, double y, Anchor anchor, std::string_view words,
                        std::string_view kind) {
  const char* side = anchor == Anchor::start    ? "start"
                     : anchor == Anchor::middle ? "middle"
                                                : "end";
  inside_ +=
      element("text", with_kind({{"x", share(x)}, {"y", pixels(y)}, {"text-anchor", side}}, kind),
              text(words));
  return *this;
}

Drawing& Drawing::curve(const std::vector<std::pair<double, double>>& points,
                        std::string_view kind) {
  std::string path;
  for (const auto& [x, y] : points) {
    path += fmt::format("{}{:.2f},{:.2f}", path.empty() ? "M" : "L", x * 1000.0, y);
  }
  inside_ += element("svg",
                     {{"x", "0"},
                      {"y", "0"},
                      {"width", "100%"},
                      {"height", std::to_string(height_)},
                      {"viewBox", fmt::format("0 0 1000 {}", height_)},
                      {"preserveAspectRatio", "none"}},
                     element("path", with_kind({{"d", path}}, kind), {}));
  return *this;
}

Markup Drawing::done() const {
  return element("svg",
                 {{"class", "drawing"},
                  {"role", "img"},
                  {"width", "100%"},
                  {"height", std::to_string(height_)}},
                 element("title", title_) + element("desc", description_) + inside_);
}

Markup patterns() {
  return element(
      "svg",
      {{"class", "patterns"},
       {"width", "0"},
       {"height", "0"},
       {"aria-hidden", "true"},
       {"focusable", "false"}},
      element("defs",
              pattern("cache", "6", {{"patternTransform", "rotate(45)"}}, "M0,3H6") +
                  pattern("activations", "5", {}, "M2,1V3") +
                  pattern("overhead", "5", {}, "M0,2.5H5M2.5,0V5") +
                  pattern("over", "6", {{"patternTransform", "rotate(-45)"}}, "M0,1.5H6M0,4.5H6")));
}

Markup legend(const std::vector<std::pair<std::string_view, std::string_view>>& kinds) {
  Markup items;
  for (const auto& [kind, name] : kinds) {
    items += element(
        "li",
        element("svg", {{"width", "18"}, {"height", "12"}, {"aria-hidden", "true"}},
                element("rect", {{"width", "18"}, {"height", "12"}, {"class", std::string(kind)}},
                        {})) +
            text(name));
  }
  return element("ul", {{"class", "legend"}}, items);
}

Markup meter(double share) {
  constexpr double most = 1.25;
  const auto part = [&](double value) { return fmt::format("{:.1f}", 64.0 * value / most); };
  return element(
      "svg", {{"class", "meter"}, {"width", "64"}, {"height", "10"}, {"aria-hidden", "true"}},
      element("rect",
              {{"y", "1"},
               {"width", part(std::clamp(share, 0.0, most))},
               {"height", "8"},
               {"class", share > 1.0 ? "over" : "weights"}},
              {}) +
          element(
              "line",
              {{"x1", part(1.0)}, {"x2", part(1.0)}, {"y1", "0"}, {"y2", "10"}, {"class", "limit"}},
              {}));
}

double tick_step(double top, int most) {
  if (!(top > 0.0)) {
    return 1.0;
  }
  double step = std::pow(10.0, std::floor(std::log10(top / most)));
  for (const double times : {1.0, 2.0, 5.0, 10.0}) {
    if (top / (step * times) <= most) {
      return step * times;
    }
  }
  return step * 10.0;
}

}  // namespace macfit::report::html
