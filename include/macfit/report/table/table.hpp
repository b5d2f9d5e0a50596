#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "macfit/report/table/style.hpp"

namespace macfit::report {

/// A plain table. Where it is wider than the style's width, columns marked `droppable` go, last
/// first; if that is not enough, headers and text cells are wrapped; and if that isn't either, each
/// row is written as "header: value" lines.
class Table {
 public:
  struct Column {
    std::string header;
    bool right = false;  ///< numbers
    bool droppable = false;
  };

  static constexpr bool number = true;  ///< for `right`

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// Lines that end in '\n', each indented.
  [[nodiscard]] std::string text(const Style& style, std::size_t indent = 2) const;
  /// A table of Markdown with every column, cells escaped.
  [[nodiscard]] std::string markdown() const;
  /// RFC 4180 with a header row and every column. Cells are texts; where figures are wanted as
  /// they are, they are added so.
  [[nodiscard]] std::string csv() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace macfit::report
