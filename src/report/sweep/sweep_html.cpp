// A sweep as a page: heat maps over its two longest axes.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/report/page/html_report.hpp"

namespace macfit::report {
namespace {

using html::element;
using html::Markup;
using html::text;
using study::Axis;

/// What a point is worth as it was asked: a tier that only fewer tokens would reach is no fit.
enum class Worth : std::uint8_t { comfortable, borderline, too_much, none };

Worth worth_of(const study::SweepRow& row) {
  if (!row.has_tier()) {
    return Worth::none;
  }
  if (!row.fits || row.tier == fit::Tier::not_practical) {
    return Worth::too_much;
  }
  return row.tier == fit::Tier::comfortable ? Worth::comfortable : Worth::borderline;
}

std::string_view sign_of(const study::SweepRow& row) {
  constexpr std::array<std::string_view, 4> signs = {"✓", "!", "✗", "–"};
  return signs.at(static_cast<std::size_t>(worth_of(row)));
}

/// How full the fullest node is against the bounds that tiers have: 0 up to 85 %, 1 up to 100 %, 2.
int fullness(const study::SweepRow& row) {
  return row.demand > row.effective                           ? 2
         : row.demand > fit::comfortable_bound(row.effective) ? 1
                                                              : 0;
}

/// "glm-4.5 and qwen3-32b"; more than three are counted.
std::string axis_words(const study::Grid& grid, Axis axis, std::string_view kind) {
  constexpr std::size_t most = 3;
  const std::size_t count = grid.length(axis);
  if (count > most) {
    return fmt::format("{} {}", count, kind);
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(printable(grid.value(axis, i), 100));
  }
  return join_words(names);
}

std::string figure_words(const study::Cell& cell, std::string_view column) {
  const bool bytes = column.size() > 6 && column.substr(column.size() - 6) == "_bytes";
  if (const auto* words = std::get_if<std::string_view>(&cell)) {
    return std::string(*words);
  }
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
    return bytes ? format_gb(Bytes(*whole)) : format_whole(*whole);
  }
  if (const auto* real = std::get_if<double>(&cell)) {
    return column == "utilization" ? format_percent(*real)
           : column.find("seconds") < column.size() &&
                   column.find("per_second") == std::string_view::npos
               ? format_duration(*real)
               : format_rate(*real);
  }
  if (const auto* flag = std::get_if<bool>(&cell)) {
    return *flag ? "yes" : "no";
  }
  return "–";
}

std::optional<double> number_of(const study::Cell& cell) {
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
    return static_cast<double>(*whole);
  }
  if (const auto* real = std::get_if<double>(&cell)) {
    return *real;
  }
  return std::nullopt;
}

/// One map for each point of the axes that are neither its rows nor its columns.
class Maps {
 public:
  Maps(const study::Grid& grid, const std::vector<study::SweepRow>& rows, std::size_t figure)
      : grid_(grid), rows_(rows), figure_(figure), column_(study::sweep_columns().at(figure)) {
    std::vector<Axis> varying;
    for (std::size_t i = 0; i < study::axis_count; ++i) {
      if (grid.length(static_cast<Axis>(i)) > 1) {
        varying.push_back(static_cast<Axis>(i));
      }
    }
    std::stable_sort(varying.begin(), varying.end(), [&](Axis a, Axis b) {
      return grid.length(a) != grid.length(b) ? grid.length(a) > grid.length(b) : a > b;
    });
    if (!varying.empty()) {
      across_ = varying[0];
    }
    down_ = varying.size() > 1 ? varying[1] : across_ == Axis::model ? Axis::nodes : Axis::model;
    if (down_ > across_) {
      std::swap(down_, across_);
    }
    for (std::size_t i = 2; i < varying.size(); ++i) {
      others_.push_back(varying[i]);
    }
    for (const study::SweepRow& row : rows) {
      if (const auto value = number_of(study::cell(row, figure)); value && row.fits) {
        low_ = any_ ? std::min(low_, *value) : *value;
        high_ = any_ ? std::max(high_, *value) : *value;
        any_ = true;
      }
    }
  }

  Markup draw() const {
    std::map<std::vector<std::uint32_t>,
             std::map<std::pair<std::uint32_t, std::uint32_t>, const study::SweepRow*>>
        maps;
    for (const study::SweepRow& row : rows_) {
      const study::Point point = grid_.point(row.index);
      std::vector<std::uint32_t> rest;
      for (const Axis axis : others_) {
        rest.push_back(point.at(static_cast<std::size_t>(axis)));
      }
      maps[rest][{point.at(static_cast<std::size_t>(down_)),
                  point.at(static_cast<std::size_t>(across_))}] = &row;
    }
    Markup result;
    for (const auto& [rest, cells] : maps) {
      std::vector<std::string> words;
      for (std::size_t i = 0; i < others_.size(); ++i) {
        words.push_back(value_words(others_[i], rest[i]));
      }
      const std::string name = words.empty() ? std::string("All points") : join_words(words);
      result += element("h3", name) + map(name, cells);
    }
    return result;
  }

  [[nodiscard]] std::string words() const {
    return fmt::format("Rows: {}; columns: {}; in each cell: {} ({}).{}", study::axis_name(down_),
                       study::axis_name(across_), column_.name, column_.meaning,
                       any_ && high_ > low_ ? " Deeper color is more of it." : "");
  }

 private:
  [[nodiscard]] std::string value_words(Axis axis, std::uint32_t value) const {
    std::string words = grid_.value(axis, value);
    if (axis == Axis::context) {
      words = format_tokens(Tokens(grid_.number(axis, value)));
    }
    const bool named = axis == Axis::model || axis == Axis::nodes;
    return named ? printable(words, 100)
                 : fmt::format("{} {}", study::axis_name(axis),
                               words.empty() ? std::string("default") : printable(words, 100));
  }

  [[nodiscard]] Markup map(const std::string& name,
                           const std::map<std::pair<std::uint32_t, std::uint32_t>,
                                          const study::SweepRow*>& cells) const {
    Markup head = element("th", {{"scope", "col"}}, text(study::axis_name(down_)));
    for (std::uint32_t c = 0; c < grid_.length(across_); ++c) {
      head += element("th", {{"scope", "col"}, {"class", "number"}}, text(value_words(across_, c)));
    }
    Markup body;
    for (std::uint32_t r = 0; r < grid_.length(down_); ++r) {
      Markup line = element("th", {{"scope", "row"}}, text(value_words(down_, r)));
      const study::SweepRow* before = nullptr;
      for (std::uint32_t c = 0; c < grid_.length(across_); ++c) {
        const auto found = cells.find({r, c});
        line += found == cells.end() ? element("td", {{"class", "number"}}, text("·"))
                                     : cell(*found->second, before);
        before = found == cells.end() ? nullptr : found->second;
      }
      body += element("tr", line);
    }
    const std::string caption = fmt::format("{}: {}", name, column_.name);
    return element("div",
                   {{"class", "scroll"},
                    {"role", "group"},
                    {"tabindex", "0"},
                    {"aria-label", "Table: " + caption}},
                   element("table", {{"class", "heat"}},
                           element("caption", caption) + element("thead", element("tr", head)) +
                               element("tbody", body)));
  }

  /// What does not fit has no color of what does; a line stands where a bound is crossed.
  [[nodiscard]] Markup cell(const study::SweepRow& row, const study::SweepRow* before) const {
    const study::Cell value = study::cell(row, figure_);
    std::string kind = "number";
    if (before != nullptr && before->placed && row.placed && fullness(*before) != fullness(row)) {
      kind += std::max(fullness(*before), fullness(row)) == 2 ? " full" : " tight";
    }
    if (!row.fits) {
      kind += " unfit";
    } else if (const auto number = number_of(value); number && high_ > low_) {
      const auto level = static_cast<int>(
          std::lround(4.0 * std::clamp((*number - low_) / (high_ - low_), 0.0, 1.0)));
      kind += fmt::format(" heat{}", level);
    }
    return element("td", {{"class", kind}},
                   text(fmt::format("{} {}", sign_of(row), figure_words(value, column_.name))));
  }

  const study::Grid& grid_;
  const std::vector<study::SweepRow>& rows_;
  std::size_t figure_;
  const study::Column& column_;
  Axis across_ = Axis::context;
  Axis down_ = Axis::model;
  std::vector<Axis> others_;
  bool any_ = false;
  double low_ = 0.0;
  double high_ = 0.0;
};

Markup reasons(const std::vector<study::SweepRow>& rows) {
  std::map<std::string, std::int64_t> counts;
  for (const study::SweepRow& row : rows) {
    if (!row.reason.empty()) {
      ++counts[row.reason];
    }
  }
  std::vector<std::vector<Markup>> table;
  table.reserve(counts.size());
  for (const auto& [code, count] : counts) {
    table.push_back({element("code", code), text(format_whole(count))});
  }
  return table.empty()
             ? Markup()
             : html::section("reasons", "Why not",
                             html::table("Reasons and at how many points; macfit explain NAME says "
                                         "what they mean",
                                         {{"Reason", false}, {"Points", true}}, table));
}

}  // namespace

std::string sweep_html(const study::Grid& grid, const std::vector<study::SweepRow>& rows,
                       std::size_t figure, std::string_view command) {
  std::array<std::int64_t, 4> counts{};
  for (const study::SweepRow& row : rows) {
    ++counts.at(static_cast<std::size_t>(worth_of(row)));
  }
  const auto of = [&](Worth worth) {
    return format_whole(counts.at(static_cast<std::size_t>(worth)));
  };
  const std::int64_t shown = static_cast<std::int64_t>(rows.size());
  const std::int64_t all = grid.size().value_or(shown);
  const std::string title =
      fmt::format("{} on {}: {} points", axis_words(grid, Axis::model, "models"),
                  axis_words(grid, Axis::nodes, "clusters"), format_whole(all));
  const Maps maps(grid, rows, figure);
  Markup lead = text(fmt::format(
      "{} points fit comfortably, {} fit and are borderline, {} do not fit as asked{}.",
      of(Worth::comfortable), of(Worth::borderline), of(Worth::too_much),
      counts.back() > 0 ? fmt::format(", {} could not be planned", of(Worth::none)) : ""));
  if (shown < all) {
    lead +=
        text(fmt::format(" {} points are left out, shown as a dot.", format_whole(all - shown)));
  }
  const Markup main =
      element("h1", title) + element("p", {{"class", "lead"}}, lead) +
      html::section("map", "Point by point",
                    html::paragraph(maps.words()) +
                        element("p", {{"class", "soft"}},
                                text("✓ fits comfortably, ! fits, borderline, ✗ does not fit as "
                                     "asked (no color), – could not be planned. A solid line "
                                     "stands where 100 % of the fullest node is crossed, a dashed "
                                     "one at 85 %: its demand over its effective memory, which is "
                                     "the GPU limit less the reserves.")) +
                        maps.draw()) +
      reasons(rows) +
      html::section(
          "assumptions", "Assumptions",
          html::paragraph("Default GPU limits unless the grid says otherwise; what the "
                          "figures of one point rest on, with evidence and source: macfit "
                          "plan --format html.")) +
      html::section("command", "How this page was made", html::command(command));
  return html::page(title, main);
}

}  // namespace macfit::report
