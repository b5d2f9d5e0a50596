// Tables: fitted to a terminal, or whole as Markdown and CSV.

#include "macfit/report/table/table.hpp"

#include <algorithm>

#include "macfit/core/text.hpp"
#include "macfit/report/table/csv.hpp"

namespace macfit::report {
namespace {

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::size_t used = columns(text);
  const std::string fill(width > used ? width - used : 0, ' ');
  return right ? fill + text : text + fill;
}

std::string without_trailing_blanks(std::string line) {
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line;
}

/// The pieces that a cell may be cut into: words, and words after a hyphen, a slash or the like.
/// Cutting changes nothing: the pieces joined are the text.
std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> result(1);
  for (const char c : text) {
    result.back() += c;
    const bool joint = std::string_view("-/_+,").find(c) != std::string_view::npos;
    if (c == ' ' || (joint && result.back().size() > 1)) {
      result.emplace_back();
    }
  }
  return result;
}

std::size_t longest_piece(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string& piece : pieces(text)) {
    longest = std::max(longest, columns(without_trailing_blanks(piece)));
  }
  return longest;
}

/// A cell as lines of at most `width` columns.
std::vector<std::string> lines_of(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const std::string& piece : pieces(text)) {
    if (columns(without_trailing_blanks(lines.back() + piece)) > width && !lines.back().empty()) {
      lines.back() = without_trailing_blanks(std::move(lines.back()));
      lines.emplace_back();
    }
    lines.back() += piece;
  }
  lines.back() = without_trailing_blanks(std::move(lines.back()));
  return lines;
}

constexpr std::size_t gap = 2;

/// How wide each column is shown; those that don't fit are not.
struct Layout {
  std::vector<std::size_t> widths;
  std::vector<std::size_t> least;
  std::vector<std::size_t> shown;  ///< columns, left to right

  [[nodiscard]] std::size_t total(const std::vector<std::size_t>& sizes, std::size_t indent) const {
    std::size_t sum = indent;
    for (const std::size_t c : shown) {
      sum += sizes[c] + gap;
    }
    return sum - gap;
  }
};

using Rows = std::vector<std::vector<std::string>>;

Layout measure(const std::vector<Table::Column>& columns_of, const Rows& rows) {
  Layout layout;
  for (std::size_t c = 0; c < columns_of.size(); ++c) {
    const Table::Column& column = columns_of[c];
    std::size_t width = columns(column.header);
    std::size_t narrow = longest_piece(column.header);
    for (const auto& row : rows) {
      width = std::max(width, columns(row[c]));
      narrow = std::max(narrow, column.right ? columns(row[c]) : longest_piece(row[c]));
    }
    layout.widths.push_back(width);
    layout.least.push_back(std::min(narrow, width));
    layout.shown.push_back(c);
  }
  return layout;
}

/// Drops what may be dropped, last first, until the rest fits or nothing more may go.
void drop(Layout& layout, const std::vector<Table::Column>& columns_of, std::size_t indent,
          std::size_t width) {
  while (layout.total(layout.widths, indent) > width) {
    const auto last = std::find_if(layout.shown.rbegin(), layout.shown.rend(),
                                   [&](std::size_t c) { return columns_of[c].droppable; });
    if (last == layout.shown.rend()) {
      return;
    }
    layout.shown.erase(std::next(last).base());
  }
}

/// The column with the most to give narrows first.
void narrow(Layout& layout, std::size_t indent, std::size_t width) {
  while (layout.total(layout.widths, indent) > width) {
    const auto most = std::max_element(
        layout.shown.begin(), layout.shown.end(), [&](std::size_t a, std::size_t b) {
          return layout.widths[a] - layout.least[a] < layout.widths[b] - layout.least[b];
        });
    --layout.widths[*most];
  }
}

/// Each row as "header: value" lines, for a terminal that no table fits into.
std::string stacked(const std::vector<Table::Column>& columns_of, const Rows& rows,
                    const Style& style, const std::string& margin) {
  std::string result;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < columns_of.size(); ++c) {
      if (row[c].empty()) {
        continue;
      }
      const std::string& header = columns_of[c].header;
      result +=
          margin + (header.empty() ? "" : paint(style, Paint::dim, header + ": ")) + row[c] + '\n';
    }
    result += '\n';
  }
  return result;
}

/// One row, of as many lines as its highest cell.
std::vector<std::string> row_lines(const std::vector<Table::Column>& columns_of,
                                   const Layout& layout, const std::vector<std::string>& row,
                                   const std::string& margin) {
  Rows cells;
  std::size_t height = 1;
  for (const std::size_t c : layout.shown) {
    cells.push_back(lines_of(row[c], layout.widths[c]));
    height = std::max(height, cells.back().size());
  }
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < height; ++i) {
    std::string text = margin;
    for (std::size_t k = 0; k < layout.shown.size(); ++k) {
      const std::size_t c = layout.shown[k];
      text += padded(i < cells[k].size() ? cells[k][i] : std::string(), layout.widths[c],
                     columns_of[c].right) +
              std::string(gap, ' ');
    }
    lines.push_back(without_trailing_blanks(std::move(text)));
  }
  return lines;
}

}  // namespace

std::string Table::text(const Style& style, std::size_t indent) const {
  // What is measured is what is shown: ASCII may need more columns.
  std::vector<Column> columns_shown = columns_;
  for (Column& column : columns_shown) {
    column.header = in_charset(style, column.header);
  }
  Rows rows = rows_;
  for (std::vector<std::string>& row : rows) {
    std::transform(row.begin(), row.end(), row.begin(),
                   [&](const std::string& cell) { return in_charset(style, cell); });
  }
  const std::string margin(indent, ' ');
  Layout layout = measure(columns_shown, rows);
  drop(layout, columns_shown, indent, style.width);
  if (layout.total(layout.least, indent) > style.width) {
    return encode(style, stacked(columns_shown, rows, style, margin));
  }
  narrow(layout, indent, style.width);
  std::string result;
  std::vector<std::string> headers;
  headers.reserve(columns_shown.size());
  for (const Column& column : columns_shown) {
    headers.push_back(column.header);
  }
  for (const std::string& line : row_lines(columns_shown, layout, headers, margin)) {
    result += paint(style, Paint::dim, line) + '\n';
  }
  for (const auto& row : rows) {
    for (const std::string& line : row_lines(columns_shown, layout, row, margin)) {
      result += line + '\n';
    }
  }
  return encode(style, result);
}

std::string Table::markdown() const {
  std::string heads = "|";
  std::string rule = "|";
  for (const Column& column : columns_) {
    heads += ' ';
    markdown_text(heads, column.header);
    heads += " |";
    rule += column.right ? " ---: |" : " --- |";
  }
  std::string result = heads + '\n' + rule + '\n';
  for (const auto& row : rows_) {
    result += '|';
    for (const std::string& cell : row) {
      result += ' ';
      markdown_text(result, cell);
      result += " |";
    }
    result += '\n';
  }
  return result;
}

std::string Table::csv() const {
  std::string result;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    result += c == 0 ? "" : ",";
    csv_text(result, columns_[c].header);
  }
  result += csv_end;
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      result += c == 0 ? "" : ",";
      if (columns_[c].right) {
        result += row[c];  // a number, which "-" must not make a text
      } else {
        csv_text(result, row[c]);
      }
    }
    result += csv_end;
  }
  return result;
}

}  // namespace macfit::report
