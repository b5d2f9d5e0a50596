#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/report/page/html.hpp"

namespace macfit::report::html {

/// Where a label stands against its position.
enum class Anchor : unsigned char { start, middle, end };

/// An SVG as wide as its place: x runs from 0 to 1 over the width, y is in pixels from the top, so
/// that text keeps its size on a phone. Colors and patterns come by class from the page's style.
/// Title and description say in words what is drawn; the numbers belong in a table beside it.
class Drawing {
 public:
  Drawing(std::string_view title, std::string_view description, int height);

  Drawing& rect(double x, double width, double y, double height, std::string_view kind);
  Drawing& line(double x1, double y1, double x2, double y2, std::string_view kind);
  Drawing& dot(double x, double y, double radius, std::string_view kind);
  Drawing& label(double x, double y, Anchor anchor, std::string_view words,
                 std::string_view kind = {});
  /// A line through points (x, y).
  Drawing& curve(const std::vector<std::pair<double, double>>& points, std::string_view kind);

  [[nodiscard]] Markup done() const;

 private:
  std::string title_;
  std::string description_;
  int height_;
  Markup inside_;
};

/// The hatchings that `kind`s refer to; once a page, before the first drawing.
[[nodiscard]] Markup patterns();

/// A sign for a kind of area with its name, as drawn.
[[nodiscard]] Markup legend(
    const std::vector<std::pair<std::string_view, std::string_view>>& kinds);

/// A small bar beside a number that it repeats: a share of effective memory, with a line at 1.
[[nodiscard]] Markup meter(double share);

/// A round step that gives at most `most` ticks from 0 to `top`: 1, 2 or 5 times a power of ten.
[[nodiscard]] double tick_step(double top, int most);

}  // namespace macfit::report::html
