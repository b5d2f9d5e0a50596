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

std::string_view sign_of(const study::SweepRow& row) {
  if (!row.known) {
    return "–";
  }
  return row.tier == fit::Tier::comfortable ? "✓" : row.tier == fit::Tier::borderline ? "!" : "✗";
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
      if (const auto value = number_of(study::cell(row, figure))) {
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
      for (std::uint32_t c = 0; c < grid_.length(across_); ++c) {
        const auto found = cells.find({r, c});
        line += found == cells.end() ? element("td", {{"class", "number"}}, text("·"))
                                     : cell(*found->second);
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

  [[nodiscard]] Markup cell(const study::SweepRow& row) const {
    const study::Cell value = study::cell(row, figure_);
    std::string kind = "number";
    if (const auto number = number_of(value); number && high_ > low_) {
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
  std::array<std::int64_t, 3> tiers{};
  std::int64_t unknown = 0;
  for (const study::SweepRow& row : rows) {
    if (row.known) {
      ++tiers.at(static_cast<std::size_t>(row.tier));
    } else {
      ++unknown;
    }
  }
  const auto of = [&](fit::Tier tier) {
    return format_whole(tiers.at(static_cast<std::size_t>(tier)));
  };
  const std::int64_t shown = static_cast<std::int64_t>(rows.size());
  const std::int64_t all = grid.size().value_or(shown);
  const std::string title = fmt::format("A sweep of {} points", format_whole(all));
  const Maps maps(grid, rows, figure);
  Markup lead = text(fmt::format(
      "{} points comfortable, {} borderline, {} not practical{}.", of(fit::Tier::comfortable),
      of(fit::Tier::borderline), of(fit::Tier::not_practical),
      unknown > 0 ? fmt::format(", {} that could not be planned", format_whole(unknown)) : ""));
  if (shown < all) {
    lead +=
        text(fmt::format(" {} points are left out, shown as a dot.", format_whole(all - shown)));
  }
  const Markup main =
      element("h1", title) + element("p", {{"class", "lead"}}, lead) +
      html::section("map", "Point by point",
                    html::paragraph(maps.words()) +
                        element("p", {{"class", "soft"}},
                                text("✓ comfortable, ! borderline, ✗ not practical, – could not be "
                                     "planned.")) +
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
